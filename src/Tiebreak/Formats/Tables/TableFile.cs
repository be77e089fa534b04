namespace Tiebreak.Formats.Tables;

/// <summary>Opens a file of samples of any known kind. The list of kinds is here.</summary>
public static class TableFile
{
    /// <summary>How much of a file is looked at to tell what it is.</summary>
    const int Glance = 4096;

    static readonly (string Extension, string Kind, byte[] Start, Func<string, Table> Open)[] Kinds =
    [
        (".csv", "comma-separated text", [], path => CsvTable.Open(path, tabs: false)),
        (".tsv", "tab-separated text", [], path => CsvTable.Open(path, tabs: true)),
        (".parquet", "a Parquet file", [.. "PAR1"u8], ParquetTable.Open),
        (".npy", "a NumPy array", [.. NpyHeader.Magic], NpyTable.OpenArray),
        (".npz", "an archive of NumPy arrays", [.. "PK"u8], NpyTable.OpenArchive),
    ];

    /// <summary>Opens the file by its extension, after a look at whether its content can be what the extension says.</summary>
    /// <exception cref="TiebreakException">There is no such file, its kind is unknown, or its content is not of that kind; one line names the file and the remedy.</exception>
    public static Table Open(string path)
    {
        if (Directory.Exists(path)) throw new TiebreakException($"{path}: is a folder; name a table ({Known})");
        var extension = Path.GetExtension(path);
        var (_, kind, magic, open) = Kinds.FirstOrDefault(known => string.Equals(known.Extension, extension, StringComparison.OrdinalIgnoreCase));
        if (open is null) throw new TiebreakException($"{path}: {(extension.Length == 0 ? "a file without extension" : $"the extension {extension}")} is no known table; known are {Known}");
        var start = Start(path);
        if (!start.AsSpan().StartsWith(magic)) throw new TiebreakException($"{path}: is named like {kind}, but does not begin like one; was it renamed, or is it a download that failed?");
        if (magic.Length == 0 && start.AsSpan().ContainsAnyInRange<byte>(0, 8))
            throw new TiebreakException($"{path}: is named like {kind}, but its content is binary; was it renamed, or saved as UTF-16? Save it as UTF-8, or give it the extension of what it is ({Known})");
        return open(path);
    }

    static string Known => string.Join(", ", Kinds.Select(kind => $"{kind.Extension} ({kind.Kind})"));

    static byte[] Start(string path)
    {
        try
        {
            if (!File.Exists(path)) throw new TiebreakException($"{path}: does not exist; check the path");
            var size = FileSize.Of(path);
            if (size == 0) throw new TiebreakException($"{path}: is empty; write or download it again");
            using var stream = File.OpenRead(path);
            var start = new byte[Math.Min(Glance, size)];
            stream.ReadExactly(start);
            return start;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TiebreakException($"{path}: cannot be read: {error.Message}", error);
        }
    }
}
