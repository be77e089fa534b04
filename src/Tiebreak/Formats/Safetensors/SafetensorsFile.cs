namespace Tiebreak.Formats.Safetensors;

/// <summary>
/// One safetensors file, mapped into memory: opening it reads its header alone, and the numbers of a tensor are read where they lie. What its tensors give is valid
/// until it is closed. Reading is safe from several threads.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    const int CopyBytes = 1 << 20;

    readonly MappedFile _file;

    SafetensorsFile(MappedFile file)
    {
        _file = file;
        var (tensors, metadata) = SafetensorsHeader.Read(file);
        Tensors = tensors;
        Metadata = metadata;
    }

    /// <summary>As the user gave it.</summary>
    public string Path => _file.Path;

    /// <summary>In bytes.</summary>
    public long Length => _file.Length;

    /// <summary>Its tensors, in the header's order.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    /// <summary>Texts about the file (<c>__metadata__</c>), in their order; null where it has none.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; }

    /// <summary>Opens a file and checks all rules of the format.</summary>
    /// <exception cref="TiebreakException">It cannot be read or breaks a rule: the file, the tensor and the remedy in one line.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = new MappedFile(path);
        try
        {
            return new SafetensorsFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Copies the file byte for byte, but for the bytes of some tensors.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="replaced">What stands in place of a tensor; null leaves it.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ArgumentException">A replacement has another name, type or shape.</exception>
    internal void CopyTo(Stream stream, Func<SafetensorsTensor, SafetensorsEntry?> replaced, CancellationToken cancellation = default)
    {
        long done = 0;
        foreach (var tensor in Tensors.OrderBy(tensor => tensor.Offset))
        {
            if (replaced(tensor) is not { } entry) continue;
            if (entry.Name != tensor.Name || entry.Type != tensor.Type || entry.Shape != tensor.Shape) throw new ArgumentException($"`{tensor.Name}` would be replaced by another kind of tensor");
            CopyUpTo(tensor.Offset);
            entry.WriteTo(stream);
            done += tensor.Length;
        }

        CopyUpTo(Length);

        void CopyUpTo(long end)
        {
            for (int count; done < end; done += count)
            {
                cancellation.ThrowIfCancellationRequested();
                count = (int)Math.Min(CopyBytes, end - done);
                stream.Write(_file.Slice(done, count));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
