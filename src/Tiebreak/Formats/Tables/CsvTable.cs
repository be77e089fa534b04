using System.Text;
using Sylvan.Data.Csv;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Tables;

/// <summary>
/// Comma-separated text (RFC 4180) with a header: quotes, a byte order mark, any line ends, and semicolons or tabs in place of commas. Decimals are read
/// exactly, whatever their length. A column that nobody asks for may hold anything, but every row must have all columns.
/// </summary>
sealed class CsvTable : Table
{
    const int Buffer = 1 << 17;
    const int LongestRow = 1 << 24;
    const int MostBreaks = 100_000;
    static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    readonly char _delimiter;
    readonly List<(long Row, long Lines)> _breaks = []; // rows that span lines, and how many lines all up to here have too many
    readonly int _headerLines;

    CsvTable(string path, bool tabs) : base(path)
    {
        var start = new char[Buffer];
        using (var text = OpenText()) _delimiter = tabs ? '\t' : CsvLayout.Delimiter(start.AsSpan(0, Guarded(() => text.ReadBlock(start))));
        using var reader = OpenReader(out var hasHeader);
        if (!hasHeader) throw Broken("is empty; write a line with the column names and the rows below it");
        var names = new string[reader.RowFieldCount];
        for (var column = 0; column < names.Length; column++) names[column] = reader.GetFieldSpan(column).Trim().ToString();
        CsvLayout.Check(this, names);
        _headerLines = 1 + reader.GetRawRecordSpan().TrimEnd("\r\n").Count('\n');
        Fields = [.. names.Select(name => new TableField(name, Shape.Scalar, IsInteger: false))];
        if (!Next(reader, 0)) throw Broken("has a header but no rows; write at least one row below it");
    }

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tabs">Whether tabs separate the fields whatever the first line looks like.</param>
    public static CsvTable Open(string path, bool tabs) => new(path, tabs);

    public override IReadOnlyList<TableField> Fields { get; } = [];

    public override long? Rows => null;

    public override string PlaceOf(long row)
    {
        var at = _breaks.BinarySearch((row, 0));
        if (at < 0) at = ~at;
        if (at == MostBreaks) return base.PlaceOf(row);
        return $"{base.PlaceOf(row)} (line {row + 1 + _headerLines + (at == 0 ? 0 : _breaks[at - 1].Lines)})";
    }

    protected override IEnumerable<TableBlock> ReadBlocks(IReadOnlyList<int> fields, int rowsPerBlock, CancellationToken cancellation)
    {
        using var reader = OpenReader(out _);
        var columns = fields.Select(field => new DecimalColumn(field, rowsPerBlock)).ToArray();
        for (var first = 0L; ;)
        {
            var rows = 0;
            for (; rows < rowsPerBlock && Next(reader, first + rows); rows++)
            {
                if ((rows & 1023) == 0) cancellation.ThrowIfCancellationRequested();
                foreach (var column in columns)
                {
                    var text = reader.GetFieldSpan(column.Field);
                    var kind = column.Read(text, rows);
                    if (kind > DecimalKind.Long) throw Broken(first + rows, $"column `{CsvLayout.Excerpt(Fields[column.Field].Name)}`", CsvLayout.Complaint(text, kind, _delimiter));
                }
            }

            if (rows == 0) yield break;
            yield return new TableBlock(first, rows, [.. columns.Select(column => column.Take(rows))]);
            first += rows;
        }
    }

    /// <summary>Goes to the next row and looks whether it has all columns. False at the end.</summary>
    bool Next(CsvDataReader reader, long row)
    {
        if (!Read(reader, row)) return false;
        var record = reader.GetRawRecordSpan().TrimEnd("\r\n");
        if (record.Contains('\n')) NoteBreaks(row, record.Count('\n'));
        if (reader.RowFieldCount == Fields.Count && !record.IsEmpty) return true;

        if (record.IsEmpty)
        {
            // Empty lines at the end are what editors leave behind; before another row they are a missing one.
            while (Read(reader, row))
                if (!reader.GetRawRecordSpan().TrimEnd("\r\n").IsEmpty) throw Broken($"{PlaceOf(row)}: is an empty line; drop it");
            return false;
        }

        throw Broken($"{PlaceOf(row)}: has {reader.RowFieldCount} values and the header {Fields.Count} columns; quote values that hold the separator, or fill the row in");
    }

    bool Read(CsvDataReader reader, long row)
    {
        try
        {
            return reader.Read();
        }
        catch (Exception error) when (error is CsvFormatException or DecoderFallbackException or IOException or UnauthorizedAccessException)
        {
            throw Explained(error, row);
        }
    }

    T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is CsvFormatException or DecoderFallbackException or IOException or UnauthorizedAccessException)
        {
            throw Explained(error, 0);
        }
    }

    TiebreakException Explained(Exception error, long row) => error switch
    {
        CsvRecordTooLargeException => Broken($"{PlaceOf(row)}: is longer than {LongestRow} characters; is a quote left open, or are the line ends missing?", error),
        CsvFormatException => Broken($"{PlaceOf(row)}: has a quote that is not closed, or text after a closed one; double the quotes inside of quoted values", error),
        DecoderFallbackException => Broken("is not UTF-8; save the file as UTF-8", error), // text is decoded far ahead of the row
        _ => Broken($"cannot be read: {error.Message}", error),
    };

    void NoteBreaks(long row, int breaks)
    {
        // A second reading comes by the same rows again.
        if (_breaks.Count == MostBreaks || (_breaks.Count > 0 && _breaks[^1].Row >= row)) return;
        _breaks.Add((row, breaks + (_breaks.Count > 0 ? _breaks[^1].Lines : 0)));
    }

    StreamReader OpenText() => Guarded(() => new StreamReader(new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan), Utf8, true, Buffer));

    CsvDataReader OpenReader(out bool hasHeader)
    {
        var text = OpenText();
        try
        {
            var options = new CsvDataReaderOptions { HasHeaders = false, Delimiter = _delimiter, Comment = '\0', BufferSize = Buffer, MaxBufferSize = LongestRow };
            var reader = Guarded(() => CsvDataReader.Create(text, options));
            hasHeader = Read(reader, 0);
            return reader;
        }
        catch
        {
            text.Dispose();
            throw;
        }
    }
}
