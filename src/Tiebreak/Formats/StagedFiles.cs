namespace Tiebreak.Formats;

/// <summary>
/// A model in the making: a file with the files beside it, or the folder of a checkpoint. All is written in a hidden folder beside its place, under its own names, and moved there by <see cref="Keep"/>: files
/// together, the model last; a checkpoint as the folder itself. Whatever happens before, there is no half-written model.
/// </summary>
public sealed class StagedFiles : IDisposable
{
    const int Block = 1 << 20;

    readonly string _staging;
    readonly bool _force;
    readonly List<string> _written = []; // names relative to the folder
    readonly List<string> _notes = [];

    StagedFiles(string output, bool isFolder, string staging, bool force, CancellationToken cancellation)
    {
        Output = output;
        IsFolder = isFolder;
        _staging = staging;
        _force = force;
        Cancellation = cancellation;
    }

    /// <summary>Where the model will be, as a full path.</summary>
    public string Output { get; }

    /// <summary>Whether the model is a folder.</summary>
    public bool IsFolder { get; }

    /// <summary>The folder that files are in: that of <see cref="Output"/>, or itself.</summary>
    public string Folder => IsFolder ? Output : Path.GetDirectoryName(Output)!;

    /// <summary>The model's own file or folder name.</summary>
    public string Name => Path.GetFileName(Output);

    /// <summary>Where the model lies until it is kept. What a file of it names relative to a folder is found from there, too: it is as deep as <see cref="Output"/>.</summary>
    public string StagedModel => IsFolder ? _staging : Path.Combine(_staging, Name);

    /// <summary>Sentences about what was left out.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Stops writing.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Refuses an output that must not or cannot be written.</summary>
    /// <param name="output">The path of the new model.</param>
    /// <param name="read">All that the model is read from, itself first: its file, or the folder of a checkpoint.</param>
    /// <param name="force">Whether it may be replaced.</param>
    /// <exception cref="TiebreakException">It is what is read, of another kind, in no folder, or there already.</exception>
    public static void Refuse(string output, IReadOnlyList<string> read, bool force) => OutputPlace.Refuse(output, read, force);

    /// <summary>One line about a place that refused a file: why, and what to do.</summary>
    /// <param name="path">The file, as the user named it.</param>
    /// <param name="cause">What the system said.</param>
    public static TiebreakException CannotWrite(string path, Exception cause) => FileErrors.Unwritable(path, cause);

    /// <summary>Begins; makes the hidden folder.</summary>
    /// <exception cref="TiebreakException">As <see cref="Refuse"/>; or the folder cannot be written to.</exception>
    public static StagedFiles For(string output, IReadOnlyList<string> read, bool force, CancellationToken cancellation = default)
    {
        Refuse(output, read, force);
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(output));
        var staging = Hidden(full);
        try
        {
            Directory.CreateDirectory(staging);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(output, error);
        }

        return new StagedFiles(full, Directory.Exists(read[0]), staging, force, cancellation);
    }

    /// <summary>Says that something was left out, and why.</summary>
    public void Note(string sentence) => _notes.Add(sentence);

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
            AsReplaced(name, stagedOnly: true); // before its content is there for others to read
            write(stream);
            stream.Flush(flushToDisk: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(Path.Combine(Folder, name), error);
        }
    }

    /// <summary>A name for a file of the model's own that nothing stands in the way of: <paramref name="wanted"/>, or one like it.</summary>
    /// <param name="wanted">A name that begins with the model's.</param>
    public string OwnName(string wanted)
    {
        var extension = Path.GetExtension(wanted);
        var name = wanted;
        for (var k = 2; _written.Contains(name) || (!_force && OutputPlace.Exists(Path.Combine(Folder, name))); k++) name = $"{wanted[..^extension.Length]}.{k}{extension}";
        return name;
    }

    /// <summary>Whether nothing is, or will be, at a place below the model's folder.</summary>
    public bool IsFree(string name) => !_written.Contains(name) && (IsFolder || !OutputPlace.Exists(Path.Combine(Folder, name)));

    /// <summary>Sees to it that a file the model needs is beside the new one, too.</summary>
    /// <param name="source">The file.</param>
    /// <param name="name">Its path below the model's folder.</param>
    /// <param name="otherwise">The name to take where another file stands there; null if it can have no other.</param>
    /// <returns>The name it has beside the new model.</returns>
    /// <exception cref="TiebreakException">It cannot be written, or another file stands there.</exception>
    public string Carry(string source, string name, string? otherwise = null)
    {
        var place = Path.Combine(Folder, name);
        if (_written.Contains(name) || (!IsFolder && File.Exists(place) && (OutputPlace.Real(place) == OutputPlace.Real(source) || OutputPlace.SameContent(place, source)))) return name;
        var free = IsFree(name) ? name : OwnName(otherwise ?? throw new TiebreakException($"cannot write `{Output}`: its {name} would be in the place of another file, `{place}`; name another folder"));
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

    /// <summary>Moves all files to their places, the model last; or the whole folder.</summary>
    /// <exception cref="TiebreakException">One came into being there meanwhile, or cannot be moved; then none of the new files stays.</exception>
    public void Keep()
    {
        if (IsFolder)
        {
            KeepFolder();
            return;
        }

        var moved = new List<string>();
        try
        {
            foreach (var name in _written.OrderBy(name => name == Name))
            {
                var place = Path.Combine(Folder, name);
                Directory.CreateDirectory(Path.GetDirectoryName(place)!);
                AsReplaced(name, stagedOnly: false);
                File.Move(Path.Combine(_staging, name), place, _force);
                moved.Add(place);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            foreach (var place in moved) File.Delete(place);
            throw CannotWrite(Output, error);
        }

        _written.Clear();
    }

    // Who may read a file that is replaced is not widened. While it is staged its owner must be able to read it back.
    void AsReplaced(string name, bool stagedOnly)
    {
        var place = Path.Combine(Folder, name);
        if (OperatingSystem.IsWindows() || !_force || !File.Exists(place)) return;
        File.SetUnixFileMode(Path.Combine(_staging, name), File.GetUnixFileMode(place) | (stagedOnly ? UnixFileMode.UserRead : UnixFileMode.None));
    }

    // A folder that is to be replaced steps aside until the new one is in its place.
    void KeepFolder()
    {
        string? old = null;
        try
        {
            if (_force && Directory.Exists(Output))
            {
                foreach (var name in _written) AsReplaced(name, stagedOnly: false);
                if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_staging, File.GetUnixFileMode(Output));
                Directory.Move(Output, old = Hidden(Output));
            }

            Directory.Move(_staging, Output);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (old is not null && Directory.Exists(old)) Directory.Move(old, Output);
            throw CannotWrite(Output, error);
        }

        if (old is not null) Directory.Delete(old, recursive: true);
        _written.Clear();
    }

    // Beside its place, so that moving is no copying; a killed run may have left one.
    static string Hidden(string full)
    {
        var stem = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetFileName(full)}.{Environment.ProcessId}");
        var hidden = $"{stem}.tmp";
        for (var k = 1; OutputPlace.Exists(hidden); k++) hidden = $"{stem}.{k}.tmp";
        return hidden;
    }

    /// <summary>Removes what was not kept.</summary>
    public void Dispose()
    {
        if (Directory.Exists(_staging)) Directory.Delete(_staging, recursive: true);
    }
}
