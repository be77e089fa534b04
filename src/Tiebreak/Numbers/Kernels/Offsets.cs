namespace Tiebreak.Numbers.Kernels;

/// <summary>The sizes of a contraction and its pinned offsets.</summary>
readonly unsafe struct Offsets
{
    public required int Rows { get; init; }
    public required int Columns { get; init; }
    public required int Depth { get; init; }
    public required int* LeftRows { get; init; }
    public required int* LeftDepth { get; init; }
    public required int* RightColumns { get; init; }
    public required int* RightDepth { get; init; }
    public required int* OutRows { get; init; }
    public required int* OutColumns { get; init; }

    /// <summary>The same contraction with the operands exchanged: its output is the transpose.</summary>
    public Offsets Transposed => new()
    {
        Rows = Columns, Columns = Rows, Depth = Depth,
        LeftRows = RightColumns, LeftDepth = RightDepth,
        RightColumns = LeftRows, RightDepth = LeftDepth,
        OutRows = OutColumns, OutColumns = OutRows,
    };

    /// <summary>Whether each offset is the one before plus one.</summary>
    public static bool AreContiguous(int* offsets, int count)
    {
        for (var k = 1; k < count; k++)
        {
            if (offsets[k] != offsets[k - 1] + 1) return false;
        }
        return true;
    }
}

/// <summary>A rectangle of the output of one entry of a batch: what one thread computes at a time.</summary>
readonly unsafe struct Block
{
    public required ulong* Left { get; init; }
    public required ulong* Right { get; init; }
    public required ulong* Output { get; init; }
    public required int RowStart { get; init; }
    public required int RowEnd { get; init; }
    public required int ColumnStart { get; init; }
    public required int ColumnEnd { get; init; }
}
