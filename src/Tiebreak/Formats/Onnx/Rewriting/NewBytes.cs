using Tiebreak.Numbers;

namespace Tiebreak.Formats.Onnx.Rewriting;

/// <summary>Bytes that take the place of others; made while they are written, so that a large tensor takes no memory.</summary>
abstract class NewBytes
{
    /// <summary>How many.</summary>
    public abstract long Length { get; }

    /// <summary>Writes them.</summary>
    public abstract void WriteTo(Stream stream, CancellationToken cancellation);
}

/// <summary>Bytes in memory.</summary>
sealed class PlainBytes(ReadOnlyMemory<byte> bytes) : NewBytes
{
    /// <inheritdoc/>
    public override long Length => bytes.Length;

    /// <inheritdoc/>
    public override void WriteTo(Stream stream, CancellationToken cancellation) => stream.Write(bytes.Span);
}

/// <summary>Some numbers of a tensor, little-endian.</summary>
sealed class NumberBytes(ExactTensor values, FloatFormat format, long first, long count) : NewBytes
{
    const int Block = 1 << 16;

    /// <inheritdoc/>
    public override long Length => count * format.Size();

    /// <inheritdoc/>
    public override void WriteTo(Stream stream, CancellationToken cancellation)
    {
        var size = format.Size();
        var numbers = new double[Math.Min(Block, count)];
        var bytes = new byte[numbers.Length * size];
        for (long done = 0; done < count; done += Block)
        {
            cancellation.ThrowIfCancellationRequested();
            var part = numbers.AsSpan(0, (int)Math.Min(Block, count - done));
            values.ReadDoubles(first + done, part);
            for (var k = 0; k < part.Length; k++) format.Write(bytes.AsSpan(k * size, size), part[k]);
            stream.Write(bytes, 0, part.Length * size);
        }
    }
}

/// <summary>One after another.</summary>
sealed class JoinedBytes(params NewBytes[] parts) : NewBytes
{
    /// <inheritdoc/>
    public override long Length => parts.Sum(part => part.Length);

    /// <inheritdoc/>
    public override void WriteTo(Stream stream, CancellationToken cancellation)
    {
        foreach (var part in parts) part.WriteTo(stream, cancellation);
    }
}
