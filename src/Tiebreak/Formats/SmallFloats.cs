using System.Buffers.Binary;

namespace Tiebreak.Formats;

/// <summary>Formats of floating-point numbers that the language has no type for: what their bits mean, and the nearest bits of a number.</summary>
static class SmallFloats
{
    static readonly double[] E4M3 = Table(FromE4M3);
    static readonly double[] E5M2 = Table(bits => (double)BitConverter.UInt16BitsToHalf((ushort)(bits << 8)));

    /// <summary>The number that eight bits stand for.</summary>
    public static double Decode(FloatFormat format, byte bits) => (format == FloatFormat.Float8E4M3 ? E4M3 : E5M2)[bits];

    /// <summary>
    /// Writes a number as the nearest one of the format, ties to even; beyond the greatest it is an infinity, or NaN where the format has none. Exact
    /// for every number the format has.
    /// </summary>
    public static void Encode(FloatFormat format, double value, Span<byte> bytes)
    {
        switch (format)
        {
            case FloatFormat.Float64:
                BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
                break;
            case FloatFormat.Float32:
                BinaryPrimitives.WriteSingleLittleEndian(bytes, (float)value);
                break;
            case FloatFormat.Float16:
                BinaryPrimitives.WriteHalfLittleEndian(bytes, (Half)value);
                break;
            case FloatFormat.BFloat16:
                // Rounding to float32 first could round twice, so the number is rounded once, to 8 bits, in float64; then the upper half holds it.
                BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(BitConverter.SingleToUInt32Bits((float)Rounded(value, digits: 8, smallest: -133)) >> 16));
                break;
            case FloatFormat.Float8E5M2:
                bytes[0] = (byte)(BitConverter.HalfToUInt16Bits((Half)Rounded(value, digits: 3, smallest: -16)) >> 8);
                break;
            default:
                bytes[0] = ToE4M3(Rounded(value, digits: 4, smallest: -9));
                break;
        }
    }

    /// <summary>The nearest number of so many binary digits that is a multiple of 2 to the smallest exponent.</summary>
    static double Rounded(double value, int digits, int smallest)
    {
        if (value == 0 || !double.IsFinite(value)) return value;
        var unit = Math.Max(Math.ILogB(value) - digits + 1, smallest);
        return Math.ScaleB(Math.Round(Math.ScaleB(value, -unit), MidpointRounding.ToEven), unit); // scaled by powers of two: exact
    }

    static byte ToE4M3(double value)
    {
        const byte NaN = 0x7F;
        var sign = (byte)(double.IsNegative(value) ? 0x80 : 0);
        if (!(Math.Abs(value) <= 448)) return (byte)(sign | NaN);
        // Bits without sign are in the order of the numbers they stand for.
        var place = Array.BinarySearch(E4M3, 0, NaN, Math.Abs(value));
        return (byte)(sign | place);
    }

    static double FromE4M3(int bits)
    {
        var (exponent, mantissa) = (bits >> 3 & 15, bits & 7);
        if (exponent == 15 && mantissa == 7) return double.NaN;
        var magnitude = exponent == 0 ? Math.ScaleB(mantissa, -9) : Math.ScaleB(8 + mantissa, exponent - 10);
        return bits < 128 ? magnitude : -magnitude;
    }

    static double[] Table(Func<int, double> decode) => [.. Enumerable.Range(0, 256).Select(decode)];
}
