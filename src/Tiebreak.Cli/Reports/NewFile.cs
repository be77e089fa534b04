using Tiebreak.Formats;

namespace Tiebreak.Cli.Reports;

/// <summary>Refuses, before a long run, files that could not be written after it.</summary>
static class NewFile
{
    /// <exception cref="TiebreakException">The file cannot be written, or is the model itself.</exception>
    public static void Refuse(string option, string path, string model)
    {
        if (path.Length == 0) throw new TiebreakException($"`{option}` needs the name of a file");
        var full = Path.GetFullPath(path);
        if (full == Path.GetFullPath(model)) throw new TiebreakException($"`{option} {path}` would overwrite what is read; name another file");
        if (Directory.Exists(full)) throw new TiebreakException($"cannot write `{path}`: it is a folder; name a file in it");
        if (Path.GetDirectoryName(full) is { } folder && !Directory.Exists(folder)) throw new TiebreakException($"cannot write `{path}`: there is no folder `{folder}`; make it first");
    }
}

/// <summary>Files that come into being together or not at all: each is written beside its place and moved there by <see cref="Keep"/>.</summary>
sealed class NewFiles : IDisposable
{
    readonly List<(string Temporary, string Path)> _written = [];

    /// <summary>Writes a file of bytes.</summary>
    /// <exception cref="TiebreakException">It cannot be written.</exception>
    public void Write(string path, Action<Stream> write)
    {
        // Devices, /dev/stdout among them, cannot be replaced by a file, and must not be.
        if (path.StartsWith("/dev/", StringComparison.Ordinal) || path.StartsWith("/proc/", StringComparison.Ordinal))
        {
            using var device = Open(path, path, FileMode.Open);
            write(device);
            return;
        }

        var target = Target(path);
        var temporary = Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.{Environment.ProcessId}.{_written.Count}.tmp");
        using var stream = Open(path, temporary, FileMode.Create);
        _written.Add((temporary, target));
        try
        {
            write(stream);
        }
        catch (IOException exception)
        {
            throw StagedFiles.CannotWrite(path, exception);
        }
    }

    /// <summary>Writes a file of text.</summary>
    /// <exception cref="TiebreakException">It cannot be written.</exception>
    public void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Moves all files to their places.</summary>
    public void Keep()
    {
        foreach (var (temporary, path) in _written)
        {
            if (!OperatingSystem.IsWindows() && File.Exists(path)) File.SetUnixFileMode(temporary, File.GetUnixFileMode(path)); // who may read it stays as it was
            File.Move(temporary, path, overwrite: true);
        }

        _written.Clear();
    }

    /// <summary>Removes what was not kept.</summary>
    public void Dispose()
    {
        foreach (var (temporary, _) in _written) File.Delete(temporary);
    }

    /// <summary>Where a path really leads: a link is written through, not replaced.</summary>
    static string Target(string path) =>
        (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? Path.GetFullPath(path);

    static FileStream Open(string path, string file, FileMode mode)
    {
        try
        {
            return new FileStream(file, mode, FileAccess.Write);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw StagedFiles.CannotWrite(path, exception);
        }
    }
}
