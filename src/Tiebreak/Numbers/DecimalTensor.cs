using System.Globalization;
using System.Numerics;

namespace Tiebreak.Numbers;

/// <summary>
/// Decimals as tables hold them, exactly: mantissa · 10^exponent. A decimal with more digits than a <see cref="long"/> holds stands in a side list: its exponent is
/// <see cref="Listed"/>, and its mantissa its place there. The arrays belong to whoever made the tensor and must not change while it is used.
/// </summary>
/// <param name="mantissas">One a value.</param>
/// <param name="exponents">One a value, or null if all are 0 and nothing is listed.</param>
/// <param name="listed">The values beyond a <see cref="long"/>, or null if there are none.</param>
public sealed class DecimalTensor(long[] mantissas, short[]? exponents = null, IReadOnlyList<Rational>? listed = null) : ExactTensor
{
    /// <summary>The exponent that says: the mantissa is a place in the side list.</summary>
    public const short Listed = short.MinValue;

    const long GreatestWholeDouble = 1L << 53; // and all whole numbers below it are doubles
    const int GreatestPower = 22; // 10²² = 2²² · 5²², and 5²² < 2⁵³: the greatest power of ten that is a double
    static readonly double[] Powers = [.. Enumerable.Range(0, GreatestPower + 1).Select(exponent => double.Parse($"1e{exponent}", CultureInfo.InvariantCulture))];
    static readonly ulong[] PowersOfFive = [.. Enumerable.Range(0, GreatestPower + 1).Select(exponent => (ulong)BigInteger.Pow(5, exponent))];

    bool? _hasDoubles;
    int _mostBits;

    /// <inheritdoc/>
    public override long Count => mantissas.Length;

    /// <inheritdoc/>
    public override Rational this[long index]
    {
        get
        {
            var (mantissa, exponent) = (mantissas[index], exponents is null ? 0 : exponents[index]);
            if (exponent == 0) return mantissa;
            if (exponent == Listed) return listed![(int)mantissa];
            var power = BigInteger.Pow(10, Math.Abs(exponent));
            return exponent > 0 ? new Rational(mantissa * power, BigInteger.One) : new Rational(mantissa, power);
        }
    }

    /// <inheritdoc/>
    public override bool HasDoubles => _hasDoubles ??= Enumerable.Range(0, mantissas.Length).All(IsDouble);

    /// <inheritdoc/>
    public override void ReadDoubles(long start, Span<double> values)
    {
        if (!HasDoubles) throw new InvalidOperationException("not all values are doubles");
        ReadNearest(start, values);
    }

    /// <inheritdoc/>
    public override void ReadNearest(long start, Span<double> values)
    {
        var numbers = mantissas.AsSpan((int)start, values.Length);
        if (exponents is null)
        {
            for (var k = 0; k < numbers.Length; k++) values[k] = numbers[k]; // the conversion rounds to nearest
            return;
        }

        var places = exponents.AsSpan((int)start, values.Length);
        for (var k = 0; k < numbers.Length; k++)
        {
            var (mantissa, exponent) = (numbers[k], places[k]);
            // Two doubles that are exact, and one operation, which rounds once.
            if (mantissa is > -GreatestWholeDouble and < GreatestWholeDouble && exponent is >= -GreatestPower and <= GreatestPower)
                values[k] = exponent < 0 ? mantissa / Powers[-exponent] : mantissa * Powers[exponent];
            else
                values[k] = exponent == Listed ? listed![(int)mantissa].ToDouble() : Parsed(mantissa, exponent);
        }
    }

    /// <inheritdoc/>
    public override int MostBits
    {
        get
        {
            if (_mostBits > 0) return _mostBits;
            var farthest = 0;
            foreach (var exponent in exponents ?? [])
                if (exponent != Listed) farthest = Math.Max(farthest, Math.Abs(exponent));
            // A mantissa has at most 64 bits, log₂ 10 is below 3.33, and what is not listed has one bit below the line.
            return _mostBits = Math.Max(66 + (int)(farthest * 3.33), (listed ?? []).Select(UniformTensor.Bits).Append(1).Max());
        }
    }

    /// <summary>The images of a range of values: one multiplication for each whose exponent is not 0.</summary>
    internal void Images<TField>(TField field, long start, Span<ulong> images) where TField : struct, IField
    {
        var numbers = mantissas.AsSpan((int)start, images.Length);
        if (exponents is null)
        {
            for (var k = 0; k < numbers.Length; k++) images[k] = Whole(field, numbers[k]);
            return;
        }

        const int Farthest = 64; // exponents of real tables are small; those beyond get their power when they come
        var places = exponents.AsSpan((int)start, images.Length);
        var (least, greatest) = (0, 0);
        foreach (var exponent in places)
        {
            if (exponent < least && exponent >= -Farthest) least = exponent;
            if (exponent > greatest && exponent <= Farthest) greatest = exponent;
        }

        Span<ulong> powers = stackalloc ulong[2 * Farthest + 1]; // the power of ten of each exponent from least on
        powers[-least] = 1;
        for (var k = -least; k < greatest - least; k++) powers[k + 1] = field.Multiply(powers[k], 10);
        var tenth = least < 0 ? field.Inverse(10) : 0;
        for (var k = -least; k > 0; k--) powers[k - 1] = field.Multiply(powers[k], tenth);

        for (var k = 0; k < numbers.Length; k++)
        {
            var exponent = places[k];
            if (exponent == 0) images[k] = Whole(field, numbers[k]);
            else if (exponent == Listed) images[k] = field.Image(listed![(int)numbers[k]]);
            else images[k] = field.Multiply(Whole(field, numbers[k]), exponent >= least && exponent <= greatest ? powers[exponent - least] : Power(field, exponent));
        }
    }

    /// <summary>Which values of a range are not zero, as <see cref="ZeroPattern"/> has it.</summary>
    internal void Zeros(long start, Span<ulong> images)
    {
        for (var k = 0; k < images.Length; k++)
            images[k] = exponents is not null && exponents[start + k] == Listed ? listed![(int)mantissas[start + k]].IsZero ? 0UL : 1 : mantissas[start + k] == 0 ? 0UL : 1;
    }

    bool IsDouble(int index)
    {
        var (mantissa, exponent) = (mantissas[index], exponents is null ? 0 : exponents[index]);
        if (mantissa is <= -GreatestWholeDouble or >= GreatestWholeDouble || exponent is < -GreatestPower or > 0) return this[index].TryGetDouble(out _);
        return (ulong)Math.Abs(mantissa) % PowersOfFive[-exponent] == 0; // m / (2ᵏ 5ᵏ) has a power of two below the line only if 5ᵏ goes away
    }

    static ulong Whole<TField>(TField field, long mantissa) where TField : struct, IField
    {
        var sign = mantissa >> 63; // no branch: signs of data are random
        var magnitude = (ulong)((mantissa ^ sign) - sign); // 2⁶³ for the least long, too
        if (magnitude >= field.Modulus) magnitude = field.Reduce(magnitude);
        var negative = magnitude & (ulong)sign;
        return field.Subtract(magnitude - negative, negative);
    }

    static ulong Power<TField>(TField field, int exponent) where TField : struct, IField =>
        exponent < 0 ? field.Inverse(field.Power(10, (UInt128)(-exponent))) : field.Power(10, (UInt128)exponent);

    static double Parsed(long mantissa, int exponent)
    {
        Span<char> text = stackalloc char[32];
        mantissa.TryFormat(text, out var length, provider: CultureInfo.InvariantCulture);
        text[length++] = 'e';
        exponent.TryFormat(text[length..], out var rest, provider: CultureInfo.InvariantCulture);
        return double.Parse(text[..(length + rest)], NumberStyles.Float, CultureInfo.InvariantCulture);
    }
}
