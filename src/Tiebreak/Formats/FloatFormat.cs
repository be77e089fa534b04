namespace Tiebreak.Formats;

/// <summary>How a floating-point number is stored.</summary>
enum FloatFormat
{
    Float16,
    BFloat16,
    Float32,
    Float64,

    /// <summary>4 bits of exponent (bias 7) and 3 of mantissa; no infinities, NaN is all ones ("E4M3FN" of the OCP 8-bit formats).</summary>
    Float8E4M3,

    /// <summary>The upper byte of a float16: 5 bits of exponent and 2 of mantissa, with infinities.</summary>
    Float8E5M2,
}
