using System.Globalization;
using System.Numerics;
using System.Text;

namespace Tiebreak.Numbers;

/// <summary>An exact number as text that reads back as the same number: a decimal where a short one says it, else a fraction.</summary>
public static class ExactText
{
    /// <summary>The most digits of a decimal; what needs more is shorter as a fraction of a power of two.</summary>
    const int MostDigits = 30;

    /// <summary>For instance <c>0.1</c>, <c>-2.5e-12</c> or <c>1/3</c>.</summary>
    public static string Of(Rational value)
    {
        if (value.IsZero) return "0";
        var (rest, twos, fives) = (value.Denominator, 0, 0);
        for (; rest.IsEven; twos++) rest >>= 1;
        for (; !rest.IsOne; fives++)
        {
            rest = BigInteger.DivRem(rest, 5, out var over);
            if (!over.IsZero) return value.ToString();
        }

        // The numerator is in lowest terms, so this many places behind the point are needed, and no more.
        var places = Math.Max(twos, fives);
        var digits = (BigInteger.Abs(value.Numerator) * BigInteger.Pow(2, places - twos) * BigInteger.Pow(5, places - fives)).ToString(CultureInfo.InvariantCulture);
        if (digits.Length > MostDigits) return value.ToString();
        return (value.Sign < 0 ? "-" : "") + Placed(digits, places);
    }

    static string Placed(string digits, int places)
    {
        const int MostLeadingZeros = 5;
        if (places == 0) return digits;
        if (digits.Length > places) return $"{digits[..^places]}.{digits[^places..]}";
        var zeros = places - digits.Length;
        if (zeros <= MostLeadingZeros) return new StringBuilder("0.").Append('0', zeros).Append(digits).ToString();
        return $"{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e-{zeros + 1}";
    }
}
