using System.Globalization;
using global::Onnx;

namespace Tiebreak.Formats.Onnx;

/// <summary>Tensor bytes kept in files beside the model. Only files inside the model's own folder are opened, each once; <paramref name="besides"/> is one more folder, for a model that is not in its place yet.</summary>
sealed class ExternalData(string modelPath, string? besides = null) : IDisposable
{
    readonly Dictionary<string, MappedFile> _files = new(StringComparer.Ordinal);
    readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(modelPath)) ?? ".";

    /// <summary>Where the bytes of a tensor lie.</summary>
    /// <param name="tensor">A tensor whose data_location is EXTERNAL.</param>
    /// <param name="length">How many bytes its type and shape ask for.</param>
    /// <exception cref="TiebreakException">The location leaves the folder, the file is missing or too short, or a number is none.</exception>
    public ByteRange Find(TensorProto tensor, long length)
    {
        string? location = null;
        long offset = 0;
        long? stated = null;
        foreach (var entry in tensor.ExternalData)
        {
            switch (entry.Key)
            {
                case "location":
                    location = entry.Value;
                    break;
                case "offset":
                    offset = Number(tensor, entry);
                    break;
                case "length":
                    stated = Number(tensor, entry);
                    break;
            }
        }

        if (string.IsNullOrEmpty(location)) throw Fail(tensor, "is external data without a location; export the model again");
        if (stated is not null && stated != length) throw Fail(tensor, $"says {stated} bytes of external data, but its type and shape ask for {length}; export the model again");
        if (length == 0) throw Fail(tensor, "is external data without any bytes; export the model again");
        var file = Open(tensor, location);
        if (offset > file.Length - length) throw Fail(tensor, $"lies at bytes {offset} to {offset + length} of `{location}`, which has {file.Length}; the file is truncated or of another model");
        return new ByteRange(file, offset, length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files.Values) file.Dispose();
        _files.Clear();
    }

    /// <summary>The files that were opened.</summary>
    public IEnumerable<string> Files => _files.Keys.Order(StringComparer.Ordinal).Select(location => Path.Combine(_folder, Path.Combine(location.Split('/', '\\'))));

    /// <summary>The file of a location.</summary>
    /// <exception cref="TiebreakException">It leaves the folder, or is missing.</exception>
    public MappedFile FileAt(string location) => Open(new TensorProto(), location);

    MappedFile Open(TensorProto tensor, string location)
    {
        if (_files.TryGetValue(location, out var known)) return known;

        // A model file comes from anywhere: it must not make us read outside its own folder, whichever system's separators it uses.
        var parts = location.Split('/', '\\');
        if (Path.IsPathRooted(location) || parts[0].Contains(':') || parts[0].Length == 0 || parts.Contains("..", StringComparer.Ordinal) || location.Contains('\0'))
            throw Fail(tensor, $"points to external data outside the model's folder (`{OnnxErrors.OneLine(location)}`), which is refused; keep the data file beside the model");
        var path = Path.Combine(_folder, Path.Combine(parts));
        if (besides is not null && !File.Exists(path)) path = Path.Combine(besides, Path.Combine(parts));
        else if (ResolvesOutside(path)) throw Fail(tensor, $"points to external data through a link that leaves the model's folder (`{location}`), which is refused; keep the data file beside the model");
        if (!File.Exists(path)) throw Fail(tensor, $"needs the external data file `{location}` beside the model, which is missing; put it there");
        return _files[location] = new MappedFile(path);
    }

    bool ResolvesOutside(string path)
    {
        for (var part = path; part is not null && part.Length > _folder.Length; part = Path.GetDirectoryName(part))
        {
            FileSystemInfo info = Directory.Exists(part) ? new DirectoryInfo(part) : new FileInfo(part);
            if (info.LinkTarget is null) continue;
            var target = info.ResolveLinkTarget(returnFinalTarget: true)?.FullName;
            if (target is null || !target.StartsWith(_folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)) return true;
        }

        return false;
    }

    long Number(TensorProto tensor, StringStringEntryProto entry) =>
        long.TryParse(entry.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Fail(tensor, $"has external data whose {entry.Key} `{OnnxErrors.OneLine(entry.Value)}` is not a number; export the model again");

    TiebreakException Fail(TensorProto tensor, string problem) => OnnxErrors.Tensor(modelPath, tensor.Name, problem);
}
