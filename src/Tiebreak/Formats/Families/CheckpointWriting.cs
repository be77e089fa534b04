using Tiebreak.Formats.Safetensors;
using Tiebreak.Numbers;

namespace Tiebreak.Formats.Families;

/// <summary>Writes a checkpoint with other numbers in some of its tensors, and what lies in its folder beside the weights, so that the new folder can be used like the old one.</summary>
static class CheckpointWriting
{
    const int MostNamed = 5;
    const long MostBesides = 1 << 28; // bytes of all files beside the weights: tokenizers have some ten million

    // Weights in other files are not repaired, so they would contradict those that are.
    static readonly string[] WeightKinds = [".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".ot", ".onnx", ".gguf", ".npz"];

    /// <summary>Writes the files.</summary>
    /// <param name="files">Where to: a folder, or of a checkpoint of one file that file.</param>
    /// <param name="checkpoint">The weights.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="numbers">New numbers of a tensor, by its name; null leaves it.</param>
    /// <exception cref="TiebreakException">A file cannot be read or written.</exception>
    public static void Write(StagedFiles files, SafetensorsCheckpoint checkpoint, FamilyConfig config, Func<string, ExactTensor?> numbers)
    {
        foreach (var shard in checkpoint.Shards)
            files.Write(files.IsFolder ? Path.GetFileName(shard.Path) : files.Name, stream => shard.CopyTo(stream, Replaced, files.Cancellation));
        files.Carry(config.Path, config.Name);
        if (!files.IsFolder) return;
        foreach (var file in checkpoint.Files) files.Carry(file, Path.GetFileName(file)); // the index; shards are there already
        CarryRest(files, Path.GetDirectoryName(Path.GetFullPath(config.Path))!);

        SafetensorsEntry? Replaced(SafetensorsTensor tensor) => numbers(tensor.Name) is { } values ? SafetensorsEntry.Of(tensor.Name, tensor.Type, tensor.Shape, values) : null;
    }

    // The small ones first, so that one large file does not keep the others out.
    static void CarryRest(StagedFiles files, string folder)
    {
        long total = 0;
        foreach (var (path, size) in Directory.EnumerateFiles(folder).Select(path => (path, Size: SizeOf(path, folder))).OrderBy(file => file.Size).ThenBy(file => file.path, StringComparer.Ordinal))
        {
            var name = Path.GetFileName(path);
            if (!files.IsFree(name)) continue;
            if (size is null) files.Note($"`{name}` is a link that leads out of the folder, and was left out");
            else if (WeightKinds.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase)) files.Note($"`{name}` may hold weights of its own, which were not repaired, and was left out");
            else if (total + size > MostBesides) files.Note($"`{name}` was left out: its {size:N0} bytes are more than belong beside weights; copy it if it is needed");
            else if (size == 0) files.Write(name, static _ => { }); // not opened, as it may be a pipe
            else files.Carry(path, name);
            if (!files.IsFree(name)) total += size ?? 0;
        }

        // Caches of downloads (.cache), repositories (.git), logs of runs: nothing that the weights need.
        var inner = Directory.EnumerateDirectories(folder).Select(path => $"`{Path.GetFileName(path)}`").Order(StringComparer.Ordinal).ToArray();
        if (inner.Length == 0) return;
        var named = inner.Length <= MostNamed ? string.Join(", ", inner) : $"{string.Join(", ", inner.Take(MostNamed))} and {inner.Length - MostNamed} more";
        files.Note(inner.Length == 1 ? $"the folder {named} was left out, since folders are not copied; copy it if it is needed" : $"the folders {named} were left out, since folders are not copied; copy what is needed");
    }

    /// <summary>The bytes of a file that lies in the folder, or where the caches of the hub keep its content (<c>../../blobs</c>); null for links elsewhere.</summary>
    static long? SizeOf(string path, string folder)
    {
        try
        {
            var file = new FileInfo(path);
            if (file.LinkTarget is not null)
            {
                if (file.ResolveLinkTarget(returnFinalTarget: true) is not FileInfo { Exists: true } target) return null;
                var home = Path.GetDirectoryName(target.FullName);
                if (home != folder && home != Path.GetFullPath(Path.Combine(folder, "..", "..", "blobs"))) return null;
                file = target;
            }

            return file.Length;
        }
        catch (IOException)
        {
            return null; // links in circles
        }
    }
}
