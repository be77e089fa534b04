using System.IO.Compression;
using System.Text;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Tables;

/// <summary>NumPy arrays whose first axis runs over the samples: one in an <c>.npy</c> file, several in an <c>.npz</c> archive (a ZIP of <c>.npy</c> files).</summary>
sealed class NpyTable : Table
{
    const int MostArrays = 10_000;
    const string Extension = ".npy";
    readonly IReadOnlyList<NpyArray> _arrays;

    NpyTable(string path, IReadOnlyList<NpyArray> arrays) : base(path)
    {
        _arrays = arrays;
        Fields = [.. arrays.Select(array => new TableField(array.Name, array.Sample, array.Header.Kind != 'f'))];
        if (arrays.FirstOrDefault(array => array.Rows != arrays[0].Rows) is { } other)
            throw Broken($"holds {arrays[0].Rows} samples of `{arrays[0].Name}` and {other.Rows} of `{other.Name}`; all arrays must have as many");
    }

    public override IReadOnlyList<TableField> Fields { get; }

    public override long? Rows => _arrays[0].Rows;

    /// <summary>Opens an <c>.npy</c> file; its one field has the name of the file.</summary>
    public static NpyTable OpenArray(string path) => Guarded(path, () =>
        new NpyTable(path, [NpyArray.Read(path, System.IO.Path.GetFileNameWithoutExtension(path), FileSize.Of(path), () => OpenFile(path))]));

    /// <summary>Opens an <c>.npz</c> archive; its fields have the names of the arrays.</summary>
    public static NpyTable OpenArchive(string path) => Guarded(path, () =>
    {
        using var archive = new ZipArchive(OpenFile(path), ZipArchiveMode.Read, leaveOpen: false, Encoding.UTF8);
        if (archive.Entries.Count == 0) throw new TiebreakException($"{path}: holds no arrays; save them with numpy.savez");
        if (archive.Entries.Count > MostArrays) throw new TiebreakException($"{path}: holds more than {MostArrays} arrays; stack them to fewer");
        var names = new HashSet<string>(StringComparer.Ordinal);
        var arrays = new List<NpyArray>();
        for (var k = 0; k < archive.Entries.Count; k++)
        {
            var entry = archive.Entries[k];
            var shown = CsvLayout.Excerpt(entry.FullName);
            if (!entry.FullName.EndsWith(Extension, StringComparison.Ordinal) || entry.FullName.Length == Extension.Length)
                throw new TiebreakException($"{path}: holds `{shown}`, which is no .npy array; save the arrays alone, with numpy.savez");
            if (!names.Add(entry.FullName)) throw new TiebreakException($"{path}: holds `{shown}` twice; save it again");
            var index = k;
            arrays.Add(NpyArray.Read($"{path}, {shown}", entry.FullName[..^Extension.Length], entry.Length, () => new ArchivedStream(OpenFile(path), index)));
        }

        return new NpyTable(path, arrays);
    });

    protected override IEnumerable<TableBlock> ReadBlocks(IReadOnlyList<int> fields, int rowsPerBlock, CancellationToken cancellation)
    {
        var columns = new List<INpyColumn>();
        try
        {
            foreach (var field in fields) columns.Add(Guarded(Path, () => OpenColumn(_arrays[field])));
            for (long first = 0; first < Rows; first += rowsPerBlock)
            {
                var (start, rows) = (first, (int)Math.Min(rowsPerBlock, _arrays[0].Rows - first));
                var values = columns.ConvertAll(column =>
                {
                    cancellation.ThrowIfCancellationRequested();
                    return Guarded(Path, () => column.Read(start, rows));
                });
                yield return new TableBlock(first, rows, values);
            }
        }
        finally
        {
            foreach (var column in columns) column.Dispose();
        }
    }

    INpyColumn OpenColumn(NpyArray array) => array.Header.Kind == 'f' ? new NpyColumn<double>(this, array) : new NpyColumn<long>(this, array);

    static FileStream OpenFile(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);

    static T Guarded<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException error)
        {
            throw new TiebreakException($"{path}: is a damaged archive ({error.Message.TrimEnd('.')}); save it again with numpy.savez", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new TiebreakException($"{path}: cannot be read: {error.Message}", error);
        }
    }
}
