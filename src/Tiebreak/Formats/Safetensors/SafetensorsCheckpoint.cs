namespace Tiebreak.Formats.Safetensors;

/// <summary>The tensors of a checkpoint by name: of one safetensors file, or of several and an index that says which holds what.</summary>
public sealed class SafetensorsCheckpoint : IDisposable
{
    /// <summary>The file's name in a folder with a single one.</summary>
    public const string SingleName = "model.safetensors";

    /// <summary>The end of the name of an index.</summary>
    public const string IndexEnd = ".safetensors.index.json";

    readonly Dictionary<string, SafetensorsTensor> _byName = new(StringComparer.Ordinal);
    readonly List<SafetensorsFile> _shards = [];
    readonly SafetensorsIndex? _index;

    SafetensorsCheckpoint(string path, SafetensorsIndex? index)
    {
        Path = path;
        _index = index;
    }

    /// <summary>The file, or the index of several.</summary>
    public string Path { get; }

    /// <summary>The files with tensors, the only one or the shards in the index' order.</summary>
    public IReadOnlyList<SafetensorsFile> Shards => _shards;

    /// <summary>All files that are read, the index first if there is one.</summary>
    public IReadOnlyList<string> Files => [.. _index is null ? Array.Empty<string>() : [Path], .. _shards.Select(shard => shard.Path)];

    /// <summary>All tensors: shard after shard, each in its header's order.</summary>
    public IEnumerable<SafetensorsTensor> Tensors => _shards.SelectMany(shard => shard.Tensors);

    /// <summary>The tensor of a name; null where there is none.</summary>
    public SafetensorsTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Whether a folder looks like that of a checkpoint: it has a configuration or weights.</summary>
    public static bool IsIn(string folder) => Directory.EnumerateFiles(folder).Any(file =>
        System.IO.Path.GetFileName(file) is "config.json" or "adapter_config.json" || file.EndsWith(".safetensors", StringComparison.Ordinal) || file.EndsWith(IndexEnd, StringComparison.Ordinal));

    /// <summary>Opens a safetensors file, an index, or the folder that holds <paramref name="single"/> or its index.</summary>
    /// <exception cref="TiebreakException">A file is missing or breaks a rule, or index and shards contradict each other: the shard, the tensor and the remedy in one line.</exception>
    public static SafetensorsCheckpoint Open(string path, string single = SingleName)
    {
        var file = Directory.Exists(path) ? InFolder(path, single) : path;
        var index = file.EndsWith(IndexEnd, StringComparison.Ordinal) ? SafetensorsIndex.Read(file) : null;
        var checkpoint = new SafetensorsCheckpoint(file, index);
        try
        {
            if (index is null) checkpoint.Add(SafetensorsFile.Open(file));
            else checkpoint.AddShards(index);
            return checkpoint._byName.Count > 0 ? checkpoint : throw SafetensorsErrors.NoTensors(file);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes the same checkpoint with some tensors replaced: the same files in another folder, or this one. Every byte that is not of a replaced tensor is kept, headers and index included. Each file comes into being
    /// whole or not at all.
    /// </summary>
    /// <param name="folder">Where to; it must exist.</param>
    /// <param name="replaced">What stands in place of a tensor; null leaves it.</param>
    /// <exception cref="TiebreakException">A file cannot be written.</exception>
    /// <exception cref="ArgumentException">A replacement has another name, type or shape.</exception>
    public void WriteTo(string folder, Func<SafetensorsTensor, SafetensorsEntry?> replaced)
    {
        foreach (var shard in _shards) SafetensorsWriter.Replace(System.IO.Path.Combine(folder, System.IO.Path.GetFileName(shard.Path)), stream => shard.CopyTo(stream, replaced));

        if (_index is null) return;
        var index = System.IO.Path.Combine(folder, System.IO.Path.GetFileName(Path));
        if (System.IO.Path.GetFullPath(index) != System.IO.Path.GetFullPath(Path)) SafetensorsWriter.Replace(index, stream => stream.Write(File.ReadAllBytes(Path)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var shard in _shards) shard.Dispose();
    }

    static string InFolder(string folder, string single)
    {
        var file = System.IO.Path.Combine(folder, single);
        var index = System.IO.Path.ChangeExtension(file, null) + IndexEnd;
        return (File.Exists(file), File.Exists(index)) switch
        {
            (true, true) => throw SafetensorsErrors.TwoCheckpoints(folder),
            (true, false) => file,
            (false, true) => index,
            _ => throw SafetensorsErrors.NothingInFolder(folder, $"{single} and no index of shards"),
        };
    }

    void AddShards(SafetensorsIndex index)
    {
        var folder = System.IO.Path.GetDirectoryName(index.Path)!;
        var listed = index.Entries.ToDictionary(entry => entry.Tensor, entry => entry.Shard, StringComparer.Ordinal);
        foreach (var shard in index.Shards)
        {
            var file = System.IO.Path.Combine(folder, shard);
            if (!File.Exists(file))
            {
                var lost = index.Entries.Where(entry => entry.Shard == shard).Select(entry => entry.Tensor).ToArray();
                throw SafetensorsErrors.ShardMissing(index.Path, shard, lost[0], lost.Length - 1);
            }

            Add(SafetensorsFile.Open(file));
        }

        RefuseUnlistedShards(index, folder);
        foreach (var (tensor, shard) in index.Entries)
            if (Find(tensor) is not { } found || System.IO.Path.GetFileName(found.Path) != shard) throw SafetensorsErrors.ShardLacks(index.Path, shard, tensor);
        foreach (var tensor in Tensors)
            if (!listed.ContainsKey(tensor.Name)) throw SafetensorsErrors.TensorUnlisted(index.Path, System.IO.Path.GetFileName(tensor.Path), tensor.Name);
    }

    void Add(SafetensorsFile file)
    {
        _shards.Add(file);
        foreach (var tensor in file.Tensors)
            if (!_byName.TryAdd(tensor.Name, tensor)) throw SafetensorsErrors.TensorTwice(Path, tensor.Name, System.IO.Path.GetFileName(_byName[tensor.Name].Path), System.IO.Path.GetFileName(file.Path));
    }

    // A shard of the same numbering that the index leaves out is a mixture of two downloads; files of other names are none of its business.
    static void RefuseUnlistedShards(SafetensorsIndex index, string folder)
    {
        var series = index.Shards.Select(Series).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(folder.Length == 0 ? "." : folder).Select(file => System.IO.Path.GetFileName(file)).Order(StringComparer.Ordinal))
            if (Series(file) is { } own && series.Contains(own) && !index.Shards.Contains(file, StringComparer.Ordinal)) throw SafetensorsErrors.ShardUnlisted(index.Path, file);
    }

    /// <summary>What the shards of one checkpoint share, for instance <c>model-of-00003</c>; null for other names.</summary>
    static string? Series(string name)
    {
        // STEM-NNNNN-of-NNNNN.safetensors
        const string End = ".safetensors";
        const int Digits = 5;
        if (!name.EndsWith(End, StringComparison.Ordinal)) return null;
        var parts = name[..^End.Length].Split('-');
        return parts.Length >= 4 && parts[^2] == "of" && IsNumber(parts[^1]) && IsNumber(parts[^3]) ? $"{string.Join('-', parts[..^3])}-of-{parts[^1]}" : null;

        static bool IsNumber(string part) => part.Length == Digits && part.All(char.IsAsciiDigit);
    }
}
