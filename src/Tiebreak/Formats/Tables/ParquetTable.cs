using Parquet;
using Parquet.Schema;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Tables;

/// <summary>
/// Parquet files: columns of floats, whole numbers, booleans and decimals, one row group after the other in memory. Columns of texts, dates or lists are
/// refused only if asked for.
/// </summary>
sealed class ParquetTable : Table
{
    /// <summary>The most rows of a row group; what the Arrow library writes at most by itself.</summary>
    const long LargestGroup = 1 << 26;

    static readonly ParquetOptions Options = new() { UseBigDecimal = true };
    readonly Field[] _columns;

    ParquetTable(string path) : base(path)
    {
        var (columns, groups) = Guarded(() =>
        {
            using var opened = new OpenFile(path);
            return (opened.Reader.Schema.Fields.ToArray(), (opened.Reader.Metadata?.RowGroups ?? []).Select(group => group.NumRows).ToArray());
        });
        _columns = columns;
        foreach (var rows in groups)
        {
            if (rows < 0) throw Damaged("a row group of negative size");
            if (rows > LargestGroup) throw Broken($"has a row group of {rows} rows; write it again in groups of at most {LargestGroup}");
        }

        if (groups.Sum() == 0) throw Broken("has no rows; write at least one");
        if (columns.Length == 0) throw Broken("has no columns; write at least one");
        if (columns.GroupBy(column => column.Name, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw Broken($"has two columns named `{CsvLayout.Excerpt(twice.Key)}`; rename one of them");
        Rows = groups.Sum();
        Fields = [.. columns.Select(column => new TableField(column.Name, Shape.Scalar, ParquetColumn.IsInteger(column)))];
    }

    static readonly TimeSpan MostTime = TimeSpan.FromMinutes(5); // for one group of rows

    /// <summary>Opens a file and reads what its end says about it.</summary>
    public static ParquetTable Open(string path) => new(path);

    public override IReadOnlyList<TableField> Fields { get; } = [];

    public override long? Rows { get; }

    protected override IEnumerable<TableBlock> ReadBlocks(IReadOnlyList<int> fields, int rowsPerBlock, CancellationToken cancellation)
    {
        foreach (var field in fields.Select(field => _columns[field]))
            if (!ParquetColumn.IsNumber(field)) throw Broken($"column `{CsvLayout.Excerpt(field.Name)}` holds {Content(field)}, not plain numbers; encode it as numbers, or leave it out");

        var columns = fields.Select(field => ParquetColumn.Of(this, (DataField)_columns[field])).ToArray();
        using var opened = Guarded(() => new OpenFile(Path));
        var (group, inGroup, left) = (-1, 0, 0);
        for (long first = 0; first < Rows; first += rowsPerBlock)
        {
            var rows = (int)Math.Min(rowsPerBlock, Rows.Value - first);
            foreach (var column in columns) column.Begin(rows);
            for (var filled = 0; filled < rows;)
            {
                cancellation.ThrowIfCancellationRequested();
                if (left == 0)
                {
                    var firstOfGroup = first + filled;
                    group++;
                    (inGroup, left) = (0, Guarded(() => Load(opened.Reader, group, columns, firstOfGroup, cancellation)));
                    continue;
                }

                var some = Math.Min(left, rows - filled);
                foreach (var column in columns) column.Copy(inGroup, filled, some);
                (inGroup, left, filled) = (inGroup + some, left - some, filled + some);
            }

            var start = first;
            yield return new TableBlock(first, rows, Array.ConvertAll(columns, column => column.Take(start)));
        }
    }

    static string Content(Field field) => field switch
    {
        DataField { IsArray: true } or ListField => "lists",
        DataField data when data.ClrType == typeof(ReadOnlyMemory<char>) || data.ClrType == typeof(string) => "text",
        DataField data when data.ClrType == typeof(ReadOnlyMemory<byte>) || data.ClrType == typeof(byte[]) => "bytes",
        DataField data => $"{data.ClrType.Name} values",
        _ => "nested values",
    };

    static int Load(ParquetReader reader, int group, ParquetColumn[] columns, long firstRow, CancellationToken cancellation)
    {
        using var opened = reader.OpenRowGroupReader(group);
        foreach (var column in columns) column.Load(opened, firstRow, cancellation);
        return (int)opened.RowCount;
    }

    // Whatever a damaged file makes the library throw, the file is to blame: its bytes are all it was given.
    // The library has no end to some damaged pages, and no way to be stopped: a thread of its own is given up after a while.
    T Guarded<T>(Func<T> read)
    {
        try
        {
            var task = Task.Factory.StartNew(read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            if (!((IAsyncResult)task).AsyncWaitHandle.WaitOne(MostTime)) throw Damaged("reading it does not come to an end");
            return task.GetAwaiter().GetResult();
        }
        catch (UnauthorizedAccessException error)
        {
            throw Broken($"cannot be read: {error.Message}", error);
        }
        catch (Exception error) when (error is not TiebreakException and not OperationCanceledException)
        {
            throw Damaged(error.Message, error);
        }
    }

    TiebreakException Damaged(string what, Exception? error = null) =>
        Broken($"is damaged, or written in a way that is not known ({CsvLayout.Excerpt(what)}); write it again, for instance with pandas", error);

    /// <summary>The library's reader, which knows only how to be disposed asynchronously.</summary>
    sealed class OpenFile : IDisposable
    {
        readonly FileStream _stream;

        public OpenFile(string path)
        {
            _stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            try
            {
                if (ParquetFooter.Complaint(_stream) is { } complaint) throw new InvalidDataException(complaint);
                Reader = ParquetReader.CreateAsync(_stream, Options, leaveStreamOpen: true).GetAwaiter().GetResult();
            }
            catch
            {
                _stream.Dispose();
                throw;
            }
        }

        public ParquetReader Reader { get; }

        public void Dispose()
        {
            Reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
            _stream.Dispose();
        }
    }
}
