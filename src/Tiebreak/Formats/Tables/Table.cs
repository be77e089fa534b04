using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Tables;

/// <summary>One named part of each row: a column of a CSV or Parquet file (a scalar), or an array of an <c>.npy</c> or <c>.npz</c> file without its first axis.</summary>
/// <param name="Name">The column's name in the header, the array's name, or the stem of the file's name.</param>
/// <param name="Shape">The shape of what one row holds.</param>
/// <param name="IsInteger">Whether the file's types say that all values are whole numbers; a CSV file has no types.</param>
public sealed record TableField(string Name, Shape Shape, bool IsInteger);

/// <summary>Some rows of a table, one after the other. The values are valid until the next block is asked for, as their memory is used again.</summary>
/// <param name="FirstRow">The place of the first row in the table, from 0 on.</param>
/// <param name="Rows">The number of rows, at least 1.</param>
/// <param name="Values">One tensor a requested field, row-major: rows × numbers of the field.</param>
public sealed record TableBlock(long FirstRow, int Rows, IReadOnlyList<ExactTensor> Values);

/// <summary>A file of samples: rows of numbers under named fields, read exactly, in order, a block at a time.</summary>
public abstract class Table(string path) : IDisposable
{
    /// <summary>The file.</summary>
    public string Path { get; } = path;

    /// <summary>What each row holds.</summary>
    public abstract IReadOnlyList<TableField> Fields { get; }

    /// <summary>The number of rows, or null if only reading tells.</summary>
    public abstract long? Rows { get; }

    /// <summary>
    /// Reads the given fields and no others, from the first row on, in blocks of as many rows as asked for; only the last may be shorter. May be called as
    /// often as wanted.
    /// </summary>
    /// <param name="fields">Places in <see cref="Fields"/>.</param>
    /// <param name="rowsPerBlock">The rows of a block.</param>
    /// <param name="cancellation">Ends the reading early.</param>
    /// <exception cref="TiebreakException">While enumerating: a row cannot be read; one line names the file, the row, the field and the remedy.</exception>
    public IEnumerable<TableBlock> Read(IReadOnlyList<int> fields, int rowsPerBlock, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rowsPerBlock, 1);
        foreach (var field in fields)
        {
            if (field < 0 || field >= Fields.Count) throw new ArgumentOutOfRangeException(nameof(fields), field, $"there are {Fields.Count} fields");
            if (Fields[field].Shape.Count * Math.Min(rowsPerBlock, Rows ?? rowsPerBlock) > Array.MaxLength)
                throw new ArgumentOutOfRangeException(nameof(rowsPerBlock), rowsPerBlock, $"a block of {Fields[field].Name} would be larger than an array can be");
        }

        return ReadBlocks(fields, rowsPerBlock, cancellation);
    }

    /// <summary>Where a row stands, for messages, for instance <c>row 118</c> or <c>row 118 (line 120)</c>: counted from 1, without the header.</summary>
    /// <param name="row">The row, from 0 on.</param>
    public virtual string PlaceOf(long row) => $"row {row + 1}";

    /// <summary>What <see cref="Read"/> does once its arguments are known to be good.</summary>
    protected abstract IEnumerable<TableBlock> ReadBlocks(IReadOnlyList<int> fields, int rowsPerBlock, CancellationToken cancellation);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of what the table holds open.</summary>
    /// <param name="disposing">Whether <see cref="Dispose()"/> asks for it.</param>
    protected virtual void Dispose(bool disposing) { }

    /// <summary>An error in one line that begins with the file.</summary>
    internal TiebreakException Broken(string what, Exception? inner = null) => inner is null ? new($"{Path}: {what}") : new($"{Path}: {what}", inner);

    /// <summary>An error in one value.</summary>
    internal TiebreakException Broken(long row, string field, string what) => Broken($"{PlaceOf(row)}, {field}: {what}");
}
