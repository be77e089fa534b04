using System.Numerics;

namespace Tiebreak.Numbers;

/// <summary>
/// The exact image of a number in a field: a finite float is m·2ᵉ and a fraction n/d, and both make sense modulo p. Every float16, bfloat16 and float32 is
/// a double, so doubles are all that is needed. Images are exact but not injective (theory §4).
/// </summary>
public static class FloatImages
{
    /// <summary>The image of a finite double; −0 has the image 0.</summary>
    /// <exception cref="ArgumentException">The value is NaN or infinite.</exception>
    public static ulong Image<TField>(this TField field, double value) where TField : struct, IField
    {
        var bits = BitConverter.DoubleToUInt64Bits(value);
        var exponent = (int)(bits >> 52 & 0x7FF);
        var mantissa = bits & 0xFFFFFFFFFFFFF;
        if (exponent == 0x7FF) throw new ArgumentException("NaN and infinities have no image in a field");
        if (exponent == 0) exponent = 1; // subnormal: no hidden bit
        else mantissa |= 1UL << 52;
        var magnitude = field.Scale(mantissa, exponent - 1075);
        var negative = magnitude & (ulong)((long)bits >> 63); // no branch: signs of weights are random
        return field.Subtract(magnitude - negative, negative);
    }

    /// <summary>The images of many doubles.</summary>
    /// <exception cref="ArgumentException">A value is NaN or infinite, or there are fewer images than values.</exception>
    public static void Images<TField>(this TField field, ReadOnlySpan<double> values, Span<ulong> images) where TField : struct, IField
    {
        if (images.Length < values.Length) throw new ArgumentException($"{images.Length} images for {values.Length} values");
        for (var k = 0; k < values.Length; k++) images[k] = field.Image(values[k]);
    }

    /// <summary>The image of a fraction.</summary>
    /// <exception cref="DivideByZeroException">The prime divides the denominator: the fraction has no image in this field.</exception>
    public static ulong Image<TField>(this TField field, Rational value) where TField : struct, IField
    {
        var numerator = field.Remainder(value.Numerator);
        if (value.IsInteger) return numerator;
        var denominator = field.Remainder(value.Denominator);
        if (denominator == 0) throw new DivideByZeroException($"the denominator of {value} is a multiple of the prime {field.Modulus}");
        return field.Multiply(numerator, field.Inverse(denominator));
    }

    static ulong Remainder<TField>(this TField field, BigInteger value) where TField : struct, IField
    {
        var remainder = (long)BigInteger.Remainder(value, field.Modulus); // has the sign of the value
        return remainder < 0 ? field.Modulus - (ulong)-remainder : (ulong)remainder;
    }
}
