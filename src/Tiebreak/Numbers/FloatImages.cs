using System.Numerics;

namespace Tiebreak.Numbers;

/// <summary>
/// The image of a finite float in a field: m·2ᵉ is m times the e-th power of two, negative powers included, so float16, bfloat16, float32 and float64 all have
/// exact images (each is exactly a double). Images are exact but not one to one: 2⁶¹ = 1 modulo 2⁶¹ − 1 (theory §4).
/// </summary>
public static class FloatImages
{
    /// <summary>The image of a finite double.</summary>
    /// <exception cref="ArgumentException">NaN or infinity.</exception>
    public static ulong Image<TField>(TField field, double value) where TField : struct, IField
    {
        if (value == 0) return 0;
        if (!double.IsFinite(value)) throw new ArgumentException("NaN and infinity have no image");
        var bits = BitConverter.DoubleToUInt64Bits(value);
        var exponent = (int)(bits >> 52 & 0x7FF);
        var mantissa = bits & 0xFFFFFFFFFFFFF;
        if (exponent == 0) exponent = 1;
        else mantissa |= 1UL << 52;
        exponent -= 1075;

        ulong image;
        if (typeof(TField) == typeof(Mersenne61))
        {
            var shift = (exponent % 61 + 61) % 61; // multiplying by 2 rotates the 61 bits
            image = (mantissa << shift & Mersenne61.Prime) | mantissa >> 61 - shift;
            if (shift == 0) image = mantissa;
        }
        else
        {
            var power = field.Power(2, (ulong)Math.Abs(exponent));
            image = field.Multiply(mantissa, exponent >= 0 ? power : field.Inverse(power));
        }

        return (long)bits < 0 ? field.Negate(image) : image;
    }

    /// <summary>The image of a fraction.</summary>
    /// <exception cref="DivideByZeroException">The modulus divides the denominator.</exception>
    public static ulong Image<TField>(TField field, Rational value) where TField : struct, IField
    {
        var numerator = Residue(field, value.Numerator);
        return value.IsInteger ? numerator : field.Multiply(numerator, field.Inverse(Residue(field, value.Denominator)));
    }

    static ulong Residue<TField>(TField field, BigInteger number) where TField : struct, IField
    {
        var residue = (ulong)(BigInteger.Abs(number) % field.Modulus);
        return number.Sign < 0 ? field.Negate(residue) : residue;
    }
}

/// <summary>Images of many doubles in one field, with all powers of two at hand.</summary>
public readonly struct FloatImageTable<TField> where TField : struct, IField
{
    const int LeastExponent = -1074;
    readonly TField _field;
    readonly ulong[] _powers; // of two, from the exponent of the smallest double on

    /// <summary>Prepares the powers of two from 2⁻¹⁰⁷⁴ to 2⁹⁷¹.</summary>
    public FloatImageTable(TField field)
    {
        _field = field;
        _powers = new ulong[2046];
        _powers[0] = field.Inverse(field.Power(2, -LeastExponent));
        for (var k = 1; k < _powers.Length; k++) _powers[k] = field.Add(_powers[k - 1], _powers[k - 1]);
    }

    /// <summary>False for a default value, which has no powers.</summary>
    public bool IsReady => _powers is not null;

    /// <summary>The image of a finite double.</summary>
    /// <exception cref="ArgumentException">NaN or infinity.</exception>
    public ulong Image(double value)
    {
        var bits = BitConverter.DoubleToUInt64Bits(value);
        var exponent = (int)(bits >> 52 & 0x7FF);
        if (exponent == 0x7FF) throw new ArgumentException("NaN and infinity have no image");
        var mantissa = bits & 0xFFFFFFFFFFFFF;
        if (exponent == 0) exponent = 1;
        else mantissa |= 1UL << 52;
        var image = _field.Multiply(mantissa, _powers[exponent - 1]);
        return (long)bits < 0 ? _field.Negate(image) : image;
    }
}
