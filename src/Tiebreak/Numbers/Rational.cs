using System.Globalization;
using System.Numerics;

namespace Tiebreak.Numbers;

/// <summary>An exact fraction of whole numbers, always in lowest terms with a positive denominator.</summary>
public readonly struct Rational : IEquatable<Rational>, IComparable<Rational>
{
    readonly BigInteger _denominator; // 0 stands for 1, so that default(Rational) is zero

    /// <summary>numerator / denominator.</summary>
    /// <exception cref="DivideByZeroException">The denominator is zero.</exception>
    public Rational(BigInteger numerator, BigInteger denominator)
    {
        if (denominator.IsZero) throw new DivideByZeroException();
        var divisor = BigInteger.GreatestCommonDivisor(numerator, denominator);
        if (denominator.Sign < 0) divisor = -divisor;
        Numerator = numerator / divisor;
        _denominator = denominator / divisor;
    }

    /// <summary>0.</summary>
    public static Rational Zero => default;

    /// <summary>1.</summary>
    public static Rational One => new(BigInteger.One, BigInteger.One);

    /// <summary>Above the line.</summary>
    public BigInteger Numerator { get; }

    /// <summary>Below the line, at least 1.</summary>
    public BigInteger Denominator => _denominator.IsZero ? BigInteger.One : _denominator;

    /// <summary>Whether it is exactly zero.</summary>
    public bool IsZero => Numerator.IsZero;

    /// <summary>Whether it is a whole number.</summary>
    public bool IsInteger => Denominator.IsOne;

    /// <summary>−1, 0 or 1.</summary>
    public int Sign => Numerator.Sign;

    /// <summary>The value without its sign.</summary>
    public Rational Magnitude => Sign < 0 ? -this : this;

    /// <summary>The exact value of a finite float.</summary>
    /// <exception cref="ArgumentException">The float is NaN or infinite.</exception>
    public static Rational FromDouble(double value)
    {
        if (!double.IsFinite(value)) throw new ArgumentException("not a finite number");
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)(bits >> 52 & 0x7FF);
        var mantissa = bits & 0xFFFFFFFFFFFFF;
        if (exponent == 0) exponent = 1;
        else mantissa |= 1L << 52;
        if (bits < 0) mantissa = -mantissa;
        exponent -= 1075;
        return exponent >= 0 ? new Rational((BigInteger)mantissa << exponent, BigInteger.One) : new Rational(mantissa, BigInteger.One << -exponent);
    }

    /// <summary>An exact decimal such as <c>0.1</c>, <c>-2.5e-3</c> or <c>7</c>.</summary>
    /// <exception cref="FormatException">The text is no decimal, or its exponent is beyond ±100,000.</exception>
    public static Rational Parse(ReadOnlySpan<char> text)
    {
        var mark = text.IndexOfAny('e', 'E');
        var exponent = mark < 0 ? 0 : int.Parse(text[(mark + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (mark >= 0) text = text[..mark];
        var point = text.IndexOf('.');
        if (point >= 0) exponent -= text.Length - point - 1;
        if (Math.Abs((long)exponent) > 100_000) throw new FormatException("exponent out of range");
        var digits = point < 0 ? text.ToString() : string.Concat(text[..point], text[(point + 1)..]);
        var mantissa = BigInteger.Parse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var power = BigInteger.Pow(10, Math.Abs(exponent));
        return exponent >= 0 ? new Rational(mantissa * power, BigInteger.One) : new Rational(mantissa, power);
    }

    /// <summary>Whether the value is exactly a double, and which.</summary>
    public bool TryGetDouble(out double value)
    {
        value = ToDouble();
        return double.IsFinite(value) && FromDouble(value) == this;
    }

    /// <summary>The nearest double, ties to even; an infinity beyond the greatest.</summary>
    public double ToDouble()
    {
        if (IsZero) return 0;
        // A quotient of 66 or 67 bits, whose last bit also says whether anything is left over: all that rounding needs to know.
        var shift = 66 - ((int)Numerator.GetBitLength() - (int)Denominator.GetBitLength());
        var magnitude = BigInteger.Abs(Numerator);
        var quotient = (UInt128)(shift >= 0 ? BigInteger.DivRem(magnitude << shift, Denominator, out var rest) : BigInteger.DivRem(magnitude, Denominator << -shift, out rest));
        if (!rest.IsZero) quotient |= 1;

        // The last place that a double has: 53 bits, fewer below the least normal number.
        var bits = 128 - (int)UInt128.LeadingZeroCount(quotient);
        var drop = Math.Max(bits - 53, shift - 1074);
        if (drop > bits) return Sign < 0 ? -0.0 : 0;
        var kept = (ulong)(quotient >> drop);
        var half = UInt128.One << (drop - 1);
        var dropped = quotient & (half + half - 1);
        if (dropped > half || (dropped == half && (kept & 1) == 1)) kept++;
        return Sign * Math.ScaleB(kept, drop - shift);
    }

    /// <summary>Sum.</summary>
    public static Rational operator +(Rational left, Rational right) => new(left.Numerator * right.Denominator + right.Numerator * left.Denominator, left.Denominator * right.Denominator);

    /// <summary>Difference.</summary>
    public static Rational operator -(Rational left, Rational right) => left + -right;

    /// <summary>The negative.</summary>
    public static Rational operator -(Rational value) => new(-value.Numerator, value.Denominator);

    /// <summary>Product.</summary>
    public static Rational operator *(Rational left, Rational right) => new(left.Numerator * right.Numerator, left.Denominator * right.Denominator);

    /// <summary>Quotient.</summary>
    public static Rational operator /(Rational left, Rational right) => new(left.Numerator * right.Denominator, left.Denominator * right.Numerator);

    /// <summary>A whole number.</summary>
    public static implicit operator Rational(long value) => new(value, BigInteger.One);

    /// <summary>Value equality.</summary>
    public static bool operator ==(Rational left, Rational right) => left.Equals(right);

    /// <summary>Value inequality.</summary>
    public static bool operator !=(Rational left, Rational right) => !left.Equals(right);

    /// <summary>Order of values.</summary>
    public static bool operator <(Rational left, Rational right) => left.CompareTo(right) < 0;

    /// <summary>Order of values.</summary>
    public static bool operator >(Rational left, Rational right) => left.CompareTo(right) > 0;

    /// <summary>Order of values.</summary>
    public static bool operator <=(Rational left, Rational right) => left.CompareTo(right) <= 0;

    /// <summary>Order of values.</summary>
    public static bool operator >=(Rational left, Rational right) => left.CompareTo(right) >= 0;

    /// <inheritdoc/>
    public int CompareTo(Rational other) => (Numerator * other.Denominator).CompareTo(other.Numerator * Denominator);

    /// <inheritdoc/>
    public bool Equals(Rational other) => Numerator == other.Numerator && Denominator == other.Denominator;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Rational other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Numerator, Denominator);

    /// <summary>As short as it can be said: decimals where a few of them are exact, or name a float or double; else the fraction.</summary>
    public string ToShortString()
    {
        const int MostDecimals = 12;
        if (TryGetDouble(out var exact)) return ((float)exact == exact ? ((float)exact).ToString(CultureInfo.InvariantCulture) : exact.ToString(CultureInfo.InvariantCulture));
        var scaled = this * new Rational(BigInteger.Pow(10, MostDecimals), BigInteger.One);
        return scaled.IsInteger && BigInteger.Abs(scaled.Numerator) < BigInteger.Pow(10, 2 * MostDecimals) ? ((decimal)scaled.Numerator / 1_000_000_000_000m).ToString("0.############", CultureInfo.InvariantCulture) : ToString();
    }

    /// <summary>For instance <c>1/10</c> or <c>-3</c>.</summary>
    public override string ToString() => IsInteger ? Numerator.ToString() : $"{Numerator}/{Denominator}";
}
