namespace Tiebreak.Numbers;

/// <summary>What a text is, as a number.</summary>
public enum DecimalKind
{
    /// <summary>A decimal whose digits fit a <see cref="long"/>.</summary>
    Short,

    /// <summary>A decimal with more digits; <see cref="Rational.Parse"/> of the trimmed text reads it.</summary>
    Long,

    /// <summary>Nothing but blanks.</summary>
    Missing,

    /// <summary>NaN or an infinity.</summary>
    NotFinite,

    /// <summary>A decimal with too many digits, or too far from 1, to be computed with.</summary>
    TooFar,

    /// <summary>Something else.</summary>
    Text,
}

/// <summary>Reads decimals such as <c>-12.50</c> or <c>1e-3</c> straight from their characters, without rounding.</summary>
public static class DecimalText
{
    /// <summary>The most characters of a number.</summary>
    public const int MostCharacters = 10_000;

    /// <summary>The greatest power of ten, up or down, that the last digit may count; beyond 10³⁰⁸ there are no doubles.</summary>
    public const int FarthestExponent = 10_000;

    /// <summary>Reads a decimal: a sign, digits with a point or not, an exponent or not, blanks around.</summary>
    /// <param name="text">The characters.</param>
    /// <param name="mantissa">The digits, with their sign, if the answer is <see cref="DecimalKind.Short"/>.</param>
    /// <param name="exponent">The power of ten that the last digit counts, likewise.</param>
    public static DecimalKind Parse(ReadOnlySpan<char> text, out long mantissa, out short exponent)
    {
        (mantissa, exponent) = (0, 0);
        var (at, end) = (0, text.Length);
        while (at < end && text[at] is ' ' or '\t') at++;
        while (end > at && text[end - 1] is ' ' or '\t') end--;
        if (at == end) return DecimalKind.Missing;
        var first = at;
        var negative = text[at] == '-';
        if (text[at] is '-' or '+') at++;

        // Up to 18 digits cannot overflow; with more of them the sum is worked out again, with care.
        var sum = 0UL;
        var begin = at;
        uint digit;
        while (at < end && (digit = (uint)(text[at] - '0')) <= 9)
        {
            sum = sum * 10 + digit;
            at++;
        }

        var (digits, fraction) = (at - begin, 0);
        if (at < end && text[at] == '.')
        {
            begin = ++at;
            while (at < end && (digit = (uint)(text[at] - '0')) <= 9)
            {
                sum = sum * 10 + digit;
                at++;
            }

            fraction = at - begin;
            digits += fraction;
        }

        if (digits == 0) return IsNotFinite(text[first..end]) ? DecimalKind.NotFinite : DecimalKind.Text;
        var power = 0;
        if (at < end)
        {
            if (!ReadExponent(text[at..end], out power)) return DecimalKind.Text;
        }

        power -= fraction;
        if (end - first > MostCharacters || power is < -FarthestExponent or > FarthestExponent) return DecimalKind.TooFar;
        if (digits > 18 && !Fits(text[first..end], out sum)) return DecimalKind.Long;
        mantissa = negative ? -(long)sum : (long)sum;
        exponent = (short)power;
        return DecimalKind.Short;
    }

    static bool ReadExponent(ReadOnlySpan<char> text, out int exponent)
    {
        exponent = 0;
        if (text[0] is not ('e' or 'E')) return false;
        text = text[1..];
        if (text.IsEmpty) return false;
        var negative = text[0] == '-';
        if (text[0] is '-' or '+') text = text[1..];
        if (text.IsEmpty) return false;
        foreach (var symbol in text)
        {
            var digit = symbol - '0';
            if (digit is < 0 or > 9) return false;
            exponent = Math.Min(exponent * 10 + digit, 10 * FarthestExponent); // far enough to be refused, whatever follows
        }

        if (negative) exponent = -exponent;
        return true;
    }

    /// <summary>Whether the digits of a decimal, leading zeros and all, fit a <see cref="long"/> after all.</summary>
    static bool Fits(ReadOnlySpan<char> text, out ulong sum)
    {
        sum = 0;
        foreach (var symbol in text)
        {
            if (symbol is 'e' or 'E') break;
            var digit = (uint)(symbol - '0');
            if (digit > 9) continue; // the sign and the point
            if (sum > ((ulong)long.MaxValue - digit) / 10) return false;
            sum = sum * 10 + digit;
        }

        return true;
    }

    static bool IsNotFinite(ReadOnlySpan<char> text)
    {
        text = text.TrimStart("+-");
        return text.Equals("nan", StringComparison.OrdinalIgnoreCase) || text.Equals("inf", StringComparison.OrdinalIgnoreCase)
            || text.Equals("infinity", StringComparison.OrdinalIgnoreCase) || text is "∞";
    }
}
