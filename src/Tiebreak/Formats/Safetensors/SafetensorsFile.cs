namespace Tiebreak.Formats.Safetensors;

/// <summary>
/// One safetensors file, mapped into memory: opening it reads its header alone, and the numbers of a tensor are read where they lie. What its tensors give is valid
/// until it is closed. Reading is safe from several threads.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
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

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
