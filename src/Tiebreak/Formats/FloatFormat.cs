using System.Buffers.Binary;

namespace Tiebreak.Formats;

/// <summary>How a floating-point number is stored.</summary>
public enum FloatFormat
{
    /// <summary>IEEE binary16: 11 bits of precision, 2⁻²⁴ to below 2¹⁶.</summary>
    Float16,

    /// <summary>The upper half of a binary32: 8 bits of precision.</summary>
    BFloat16,

    /// <summary>IEEE binary32.</summary>
    Float32,

    /// <summary>IEEE binary64.</summary>
    Float64,

    /// <summary>4 bits of exponent (bias 7) and 3 of mantissa; no infinities, NaN is all ones ("E4M3FN" of the OCP 8-bit formats).</summary>
    Float8E4M3,

    /// <summary>The upper byte of a float16: 5 bits of exponent and 2 of mantissa, with infinities.</summary>
    Float8E5M2,
}

/// <summary>Rounding to a format, and its bytes.</summary>
public static class FloatFormats
{
    /// <summary>Bytes a number.</summary>
    public static int Size(this FloatFormat format) => format switch { FloatFormat.Float64 => 8, FloatFormat.Float32 => 4, FloatFormat.Float16 or FloatFormat.BFloat16 => 2, _ => 1 };

    /// <summary>The nearest number of the format, ties to even; beyond its greatest an infinity.</summary>
    public static double Round(this FloatFormat format, double value) => format switch
    {
        FloatFormat.Float64 => value,
        FloatFormat.Float32 => (float)value,
        FloatFormat.Float16 => (double)(Half)value,
        _ => RoundShort(format, value),
    };

    /// <summary>Writes a number that the format holds exactly, little-endian.</summary>
    /// <exception cref="ArgumentException">The format does not hold it.</exception>
    public static void Write(this FloatFormat format, Span<byte> bytes, double value)
    {
        if (!double.IsNaN(value) && format.Round(value) != value) throw new ArgumentException($"{value:R} is no number of {format}");
        SmallFloats.Encode(format, value, bytes);
    }

    /// <summary>The sixteen bits of a number that one of the short formats holds exactly.</summary>
    public static ushort Bits16(this FloatFormat format, double value) =>
        format == FloatFormat.Float16 ? BitConverter.HalfToUInt16Bits((Half)value) : (ushort)(BitConverter.SingleToUInt32Bits((float)value) >> 16);

    static double RoundShort(FloatFormat format, double value)
    {
        Span<byte> bits = stackalloc byte[2];
        SmallFloats.Encode(format, value, bits);
        return format == FloatFormat.BFloat16 ? BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bits) << 16) : SmallFloats.Decode(format, bits[0]);
    }
}
