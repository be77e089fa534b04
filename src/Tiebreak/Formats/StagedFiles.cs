namespace Tiebreak.Formats;

/// <summary>
/// A model file in the making, with the files beside it. They are written in a hidden folder beside their place, under their own names, and moved there together by <see cref="Keep"/>, the
/// model last: whatever happens before, there is no half-written model.
/// </summary>
public sealed class StagedFiles : IDisposable
{
    const int Block = 1 << 20;

    readonly string _staging;
    readonly bool _force;
    readonly List<string> _written = []; // names relative to the folder

    StagedFiles(string output, string staging, bool force, CancellationToken cancellation)
    {
        Output = output;
        _staging = staging;
        _force = force;
        Cancellation = cancellation;
    }

    /// <summary>Where the model will be, as a full path.</summary>
    public string Output { get; }

    /// <summary>The folder of <see cref="Output"/>.</summary>
    public string Folder => Path.GetDirectoryName(Output)!;

    /// <summary>The model's own file name.</summary>
    public string Name => Path.GetFileName(Output);

    /// <summary>Where the model lies until it is kept.</summary>
    public string StagedModel => Path.Combine(_staging, Name);

    /// <summary>Stops writing.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Refuses an output that must not or cannot be written.</summary>
    /// <param name="output">The path of the new model.</param>
    /// <param name="read">All files that the model is read from, its own first.</param>
    /// <param name="force">Whether a file may be replaced.</param>
    /// <exception cref="TiebreakException">It is a file that is read, of another kind, in no folder, or there already.</exception>
    public static void Refuse(string output, IReadOnlyList<string> read, bool force)
    {
        if (output.Length == 0) throw new TiebreakException("the new model needs the name of a file");
        var full = Path.GetFullPath(output);
        if (read.Any(file => Real(file) == Real(full))) throw new TiebreakException($"`{output}` is what is read; name another file, so that the original stays");
        if (Directory.Exists(full)) throw new TiebreakException($"cannot write `{output}`: it is a folder; name a file in it");
        var kind = Path.GetExtension(read[0]);
        if (!string.Equals(Path.GetExtension(full), kind, StringComparison.OrdinalIgnoreCase)) throw new TiebreakException($"`{output}` would be of the kind of `{Path.GetFileName(read[0])}`; name it {kind}");
        if (Path.GetDirectoryName(full) is { } folder && !Directory.Exists(folder)) throw new TiebreakException($"cannot write `{output}`: there is no folder `{folder}`; make it first");
        if (!force && Exists(full)) throw new TiebreakException($"`{output}` exists already; name another file, or replace it with --force");
    }

    /// <summary>Begins; makes the hidden folder.</summary>
    /// <exception cref="TiebreakException">As <see cref="Refuse"/>; or the folder cannot be written to.</exception>
    public static StagedFiles For(string output, IReadOnlyList<string> read, bool force, CancellationToken cancellation = default)
    {
        Refuse(output, read, force);
        var full = Path.GetFullPath(output);
        var stem = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetFileName(full)}.{Environment.ProcessId}");
        var staging = $"{stem}.tmp";
        for (var k = 1; Exists(staging); k++) staging = $"{stem}.{k}.tmp"; // what a killed run left
        try
        {
            Directory.CreateDirectory(staging);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TiebreakException($"cannot write `{output}`: {error.Message}", error);
        }

        return new StagedFiles(full, staging, force, cancellation);
    }

    /// <summary>Writes a file down to the disk.</summary>
    /// <param name="name">Its path below the folder of the model; <see cref="Name"/> for the model itself.</param>
    /// <param name="write">Writes it.</param>
    /// <exception cref="TiebreakException">It cannot be written.</exception>
    public void Write(string name, Action<Stream> write)
    {
        var path = Path.Combine(_staging, name);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, Block);
            _written.Add(name);
            write(stream);
            stream.Flush(flushToDisk: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TiebreakException($"cannot write `{Path.Combine(Folder, name)}`: {error.Message}", error);
        }
    }

    /// <summary>A name for a file of the model's own that nothing stands in the way of: <paramref name="wanted"/>, or one like it.</summary>
    /// <param name="wanted">A name that begins with the model's.</param>
    public string OwnName(string wanted)
    {
        var extension = Path.GetExtension(wanted);
        var name = wanted;
        for (var k = 2; _written.Contains(name) || (!_force && Exists(Path.Combine(Folder, name))); k++) name = $"{wanted[..^extension.Length]}.{k}{extension}";
        return name;
    }

    /// <summary>Whether nothing is, or will be, at a place below the model's folder.</summary>
    public bool IsFree(string name) => !_written.Contains(name) && !Exists(Path.Combine(Folder, name));

    /// <summary>Sees to it that a file the model needs is beside the new one, too.</summary>
    /// <param name="source">The file.</param>
    /// <param name="name">Its path below the model's folder.</param>
    /// <param name="otherwise">The name to take where another file stands there.</param>
    /// <returns>The name it has beside the new model.</returns>
    public string Carry(string source, string name, string otherwise)
    {
        var place = Path.Combine(Folder, name);
        if (_written.Contains(name) || (File.Exists(place) && (Real(place) == Real(source) || SameContent(place, source)))) return name;
        var free = IsFree(name) ? name : OwnName(otherwise);
        Write(free, target =>
        {
            using var stream = File.OpenRead(source);
            var block = new byte[Block];
            for (int read; (read = stream.Read(block)) > 0;)
            {
                Cancellation.ThrowIfCancellationRequested();
                target.Write(block, 0, read);
            }
        });
        return free;
    }

    /// <summary>Moves all files to their places, the model last.</summary>
    /// <exception cref="TiebreakException">One came into being there meanwhile, or cannot be moved; then none of the new files stays.</exception>
    public void Keep()
    {
        var moved = new List<string>();
        try
        {
            foreach (var name in _written.OrderBy(name => name == Name))
            {
                var place = Path.Combine(Folder, name);
                Directory.CreateDirectory(Path.GetDirectoryName(place)!);
                File.Move(Path.Combine(_staging, name), place, _force);
                moved.Add(place);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            foreach (var place in moved) File.Delete(place);
            throw new TiebreakException($"cannot write `{Output}`: {error.Message}", error);
        }

        _written.Clear();
    }

    /// <summary>Removes what was not kept.</summary>
    public void Dispose()
    {
        if (Directory.Exists(_staging)) Directory.Delete(_staging, recursive: true);
    }

    static bool Exists(string path) => File.Exists(path) || Directory.Exists(path) || new FileInfo(path).LinkTarget is not null;

    static string Real(string path) => (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? Path.GetFullPath(path);

    static bool SameContent(string one, string other)
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
