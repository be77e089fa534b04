using System.Buffers.Binary;
using Tiebreak.Numbers;

namespace Tiebreak.Formats;

/// <summary>Floating-point numbers read straight from a mapped file, little-endian; takes no memory of its own. Valid until the file is closed.</summary>
sealed class MappedTensor : ExactTensor
{
    const int BlockBytes = 1 << 20;
    const int MostRead = 1 << 16; // numbers looked at to say how large they are

    readonly ByteRange _range;
    readonly FloatFormat _format;
    readonly int _size;

    /// <summary>Wraps the bytes; their number is a multiple of the format's size.</summary>
    public MappedTensor(ByteRange range, FloatFormat format)
    {
        _range = range;
        _format = format;
        _size = SizeOf(format);
    }

    /// <summary>How the numbers are stored.</summary>
    public FloatFormat Format => _format;

    /// <summary>Where they lie in memory, while the file is open.</summary>
    public nint Address => _range.File.AddressOf(_range.Offset, _range.Length);

    /// <summary>Bytes a number.</summary>
    public static int SizeOf(FloatFormat format) => format switch { FloatFormat.Float64 => 8, FloatFormat.Float32 => 4, FloatFormat.Float16 or FloatFormat.BFloat16 => 2, _ => 1 };

    /// <inheritdoc/>
    public override long Count => _range.Length / _size;

    /// <inheritdoc/>
    public override bool HasDoubles => true;

    /// <inheritdoc/>
    public override int MostBits => _format switch
    {
        FloatFormat.Float64 => base.MostBits,
        FloatFormat.Float32 or FloatFormat.BFloat16 when Count <= MostRead => BitsOfAll(),
        FloatFormat.Float16 => 24 + 16, // from 2⁻²⁴ to below 2¹⁶
        FloatFormat.Float8E5M2 => 16 + 16,
        FloatFormat.Float8E4M3 => 9 + 9, // from 2⁻⁹ to 448
        _ => 149 + 128, // bfloat16 has the range of float32
    };

    int BitsOfAll()
    {
        var values = new double[Count];
        ReadDoubles(0, values);
        return DoubleTensor.BitsOf(values);
    }

    /// <inheritdoc/>
    public override Rational this[long index]
    {
        get
        {
            Span<double> one = stackalloc double[1];
            ReadDoubles(index, one);
            return Rational.FromDouble(one[0]);
        }
    }

    /// <inheritdoc/>
    public override void ReadDoubles(long start, Span<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Count - values.Length);
        var perBlock = BlockBytes / _size;
        for (var done = 0; done < values.Length; done += perBlock)
        {
            var block = values.Slice(done, Math.Min(perBlock, values.Length - done));
            Convert(_range.File.Slice(_range.Offset + (start + done) * _size, block.Length * _size), block);
        }
    }

    void Convert(ReadOnlySpan<byte> bytes, Span<double> values)
    {
        switch (_format)
        {
            case FloatFormat.Float64:
                for (var k = 0; k < values.Length; k++) values[k] = BinaryPrimitives.ReadDoubleLittleEndian(bytes[(8 * k)..]);
                break;
            case FloatFormat.Float32:
                for (var k = 0; k < values.Length; k++) values[k] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * k)..]);
                break;
            case FloatFormat.Float16:
                for (var k = 0; k < values.Length; k++) values[k] = (double)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * k)..]);
                break;
            case FloatFormat.Float8E4M3 or FloatFormat.Float8E5M2:
                for (var k = 0; k < values.Length; k++) values[k] = SmallFloats.Decode(_format, bytes[k]);
                break;
            default:
                for (var k = 0; k < values.Length; k++) values[k] = BFloat16(BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * k)..]));
                break;
        }
    }

    /// <summary>A bfloat16 is the upper half of a float32.</summary>
    public static double BFloat16(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);
}
