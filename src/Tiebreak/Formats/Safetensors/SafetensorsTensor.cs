using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Safetensors;

/// <summary>One tensor of a safetensors file. Its bytes stay in the mapped file: valid until the file is closed.</summary>
public sealed class SafetensorsTensor
{
    const int CopyBytes = 1 << 20;

    readonly MappedFile _file;

    internal SafetensorsTensor(MappedFile file, string name, SafetensorsType type, Shape shape, long offset, long length)
    {
        (_file, Name, Type, Shape, Offset, Length) = (file, name, type, shape, offset, length);
    }

    /// <summary>As the file has it.</summary>
    public string Name { get; }

    /// <summary>How its numbers are stored.</summary>
    public SafetensorsType Type { get; }

    /// <summary>Its sizes.</summary>
    public Shape Shape { get; }

    /// <summary>The file it is in: of a sharded checkpoint the shard.</summary>
    public string Path => _file.Path;

    /// <summary>Where its bytes begin, from the beginning of the file.</summary>
    public long Offset { get; }

    /// <summary>How many bytes it has.</summary>
    public long Length { get; }

    /// <summary>Its exact numbers, read from the file when asked for; they take no memory.</summary>
    /// <exception cref="TiebreakException">It holds no real numbers.</exception>
    public ExactTensor Values => Type.FormatOf() is { } format
        ? new MappedTensor(new ByteRange(_file, Offset, Length), format)
        : throw SafetensorsErrors.NotFloat(Path, Name, Type);

    /// <summary>Some of its bytes, little-endian and row-major, where they lie in the mapped file.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They are not inside the tensor.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public ReadOnlySpan<byte> Bytes(long start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        return length == 0 ? [] : _file.Slice(Offset + start, length);
    }

    /// <summary>Copies its bytes as they are.</summary>
    public void CopyTo(Stream stream)
    {
        for (long done = 0; done < Length; done += CopyBytes) stream.Write(Bytes(done, (int)Math.Min(CopyBytes, Length - done)));
    }
}
