using Tiebreak.Formats.Safetensors;

namespace Tiebreak.Formats;

/// <summary>Where a new model may be put: never over what it is made from, and over nothing else unless that is asked for.</summary>
static class OutputPlace
{
    const int Block = 1 << 20;

    static readonly string[] FileKinds = [".tb", ".onnx", ".safetensors", ".json"];

    /// <summary>Refuses a place that must not or cannot be written.</summary>
    /// <param name="output">The path of the new model.</param>
    /// <param name="read">All that the model is read from, itself first: its file, or the folder of a checkpoint.</param>
    /// <param name="force">Whether it may be replaced.</param>
    /// <exception cref="TiebreakException">It is what is read, of another kind, in no folder, or there already.</exception>
    public static void Refuse(string output, IReadOnlyList<string> read, bool force)
    {
        var isFolder = Directory.Exists(read[0]);
        var (name, another) = isFolder ? ("folder", "another folder") : ("file", "another file");
        if (output.Length == 0) throw new TiebreakException($"the new model needs the name of a {name}");
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(output));
        if (read.Any(file => Real(file) == Real(full) || (isFolder && Real(Path.GetDirectoryName(Path.GetFullPath(file))!) == Real(full)))) throw new TiebreakException($"`{output}` is what is read; name {another}, so that the original stays");
        if (isFolder && IsInside(full, read[0])) throw new TiebreakException($"`{output}` is inside `{read[0]}`, which is read; name a folder outside of it, so that the original stays as it is");
        var kind = Path.GetExtension(full);
        if (isFolder)
        {
            if (File.Exists(full)) throw new TiebreakException($"cannot write `{output}`: it is a file, and a checkpoint is a folder; name {another}");
            if (FileKinds.Contains(kind, StringComparer.OrdinalIgnoreCase)) throw new TiebreakException($"`{output}` would be a folder, as `{Path.GetFileName(Path.GetFullPath(read[0]))}` is; leave {kind} out");
        }
        else
        {
            if (Directory.Exists(full)) throw new TiebreakException($"cannot write `{output}`: it is a folder; name a file in it");
            var own = Path.GetExtension(read[0]);
            if (!string.Equals(kind, own, StringComparison.OrdinalIgnoreCase)) throw new TiebreakException($"`{output}` must be of the kind of `{Path.GetFileName(read[0])}`; {(own.Length > 0 ? $"name it {own}" : $"`{read[0]}` is of no kind that is known (.tb, .onnx, .safetensors, or a folder)")}");
        }

        if (Path.GetDirectoryName(full) is { } folder && !Directory.Exists(folder)) throw new TiebreakException($"cannot write `{output}`: there is no folder `{folder}`; make it first");
        if (!force && Exists(full)) throw new TiebreakException($"`{output}` exists already; name {another}, or replace it with --force");
        if (isFolder && Exists(full)) RefuseToRemove(output, full, read[0]);
    }

    /// <summary>Whether anything is at a place, be it a link that leads nowhere.</summary>
    public static bool Exists(string path) => File.Exists(path) || Directory.Exists(path) || new FileInfo(path).LinkTarget is not null;

    /// <summary>The place that a path means once no part of it is a link.</summary>
    public static string Real(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        FileSystemInfo? target = File.Exists(full) ? File.ResolveLinkTarget(full, returnFinalTarget: true) : Directory.Exists(full) ? Directory.ResolveLinkTarget(full, returnFinalTarget: true) : null;
        if (target is not null) return Real(target.FullName);
        return Path.GetDirectoryName(full) is { } folder ? Path.Combine(Real(folder), Path.GetFileName(full)) : full;
    }

    static bool IsInside(string path, string folder)
    {
        var (inner, outer) = (Real(path), Real(folder));
        return inner.StartsWith(Path.EndsInDirectorySeparator(outer) ? outer : outer + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    // What checkpoints are saved with.
    static readonly string[] CheckpointKinds = [".safetensors", ".json", ".jsonl", ".txt", ".model", ".jinja", ".md", ".py", ".bin", ".gitattributes", ".gitignore", ".tiktoken", ""];

    // A slip of the pen must not cost anybody a folder of other things.
    static void RefuseToRemove(string output, string full, string source)
    {
        if (new DirectoryInfo(full).LinkTarget is not null) throw new TiebreakException($"`{output}` is a link; name the folder itself");
        if (Directory.EnumerateDirectories(full).FirstOrDefault() is { } inner) throw new TiebreakException($"`{output}` holds the folder `{Path.GetFileName(inner)}`, which --force does not remove; remove it, or name another folder");
        if (Directory.EnumerateFiles(full).Any() && !SafetensorsCheckpoint.IsIn(full)) throw new TiebreakException($"`{output}` holds no checkpoint, so --force does not replace it; remove it, or name another folder");
        if (Directory.EnumerateFiles(full).FirstOrDefault(file => !CheckpointKinds.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase) && !IsCopyOf(Path.Combine(source, Path.GetFileName(file)), file)) is { } foreign)
            throw new TiebreakException($"`{output}` holds `{Path.GetFileName(foreign)}`, which is no part of a checkpoint and would be lost; move it away, or name another folder");
    }

    // What the last run brought along from the model's own folder is brought along again.
    static bool IsCopyOf(string original, string file) => File.Exists(original) && SameContent(original, file);

    /// <summary>Whether two files hold the same bytes.</summary>
    public static bool SameContent(string one, string other)
    {
        using var left = File.OpenRead(one);
        using var right = File.OpenRead(other);
        if (left.Length != right.Length) return false;
        byte[] a = new byte[Block], b = new byte[Block];
        for (int read; (read = left.ReadAtLeast(a, Block, throwOnEndOfStream: false)) > 0;)
            if (right.ReadAtLeast(b, Block, throwOnEndOfStream: false) != read || !a.AsSpan(0, read).SequenceEqual(b.AsSpan(0, read))) return false;
        return true;
    }
}
