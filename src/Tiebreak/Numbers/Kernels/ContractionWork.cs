namespace Tiebreak.Numbers.Kernels;

/// <summary>One contraction on its way: cut into blocks that threads take from a counter until none is left.</summary>
sealed unsafe class ContractionWork<TField> where TField : struct, IField
{
    // What one block should cost at least, in products: some microseconds, so that taking it from the counter does not show.
    const long LeastWork = 1 << 14;

    readonly TField _field;
    readonly IPanelContraction? _kernel;
    readonly Offsets _offsets;
    readonly ulong* _left, _right, _output;
    readonly int* _leftBatch, _rightBatch, _outBatch;
    readonly bool _dots;
    readonly int _blockRows, _blockColumns, _rowBlocks, _columnBlocks;
    readonly long _blocks, _step;
    long _next;

    public ContractionWork(
        TField field, IContraction contraction, Offsets offsets, int batch,
        ulong* left, int* leftBatch, ulong* right, int* rightBatch, ulong* output, int* outBatch, int threads)
    {
        _field = field;
        _kernel = contraction as IPanelContraction;
        var transpose = _kernel is not null && Waste(offsets.Columns, offsets.Rows, _kernel.Columns) < Waste(offsets.Rows, offsets.Columns, _kernel.Columns);
        _offsets = transpose ? offsets.Transposed : offsets;
        _left = transpose ? right : left;
        _leftBatch = transpose ? rightBatch : leftBatch;
        _right = transpose ? left : right;
        _rightBatch = transpose ? leftBatch : rightBatch;
        _output = output;
        _outBatch = outBatch;
        _dots = _kernel is not null && _offsets.Rows <= PanelBlocks<TField>.DotRows && _offsets.Depth >= 4 * _kernel.Columns
            && (_offsets.Columns == 1 || !Offsets.AreContiguous(_offsets.RightColumns, 2)) && Offsets.AreContiguous(_offsets.RightDepth, _offsets.Depth);

        // Few large blocks pack least; halve them until every thread has some, but not below what is worth a block.
        var width = _kernel?.Columns ?? 1;
        _blockRows = Math.Min(_offsets.Rows, PanelBlocks<TField>.GreatestRows);
        _blockColumns = Math.Min(_offsets.Columns, 1024);
        while (threads > 1 && Blocks(batch) < 4 * threads && (long)_blockRows * _blockColumns * _offsets.Depth > 2 * LeastWork)
        {
            if (_blockColumns > Math.Max(width, _blockRows)) _blockColumns = RoundUp(_blockColumns / 2, width);
            else if (_blockRows > 4) _blockRows = RoundUp(_blockRows / 2, 4);
            else if (_blockColumns > width) _blockColumns = RoundUp(_blockColumns / 2, width);
            else break;
        }
        _rowBlocks = (_offsets.Rows + _blockRows - 1) / _blockRows;
        _columnBlocks = (_offsets.Columns + _blockColumns - 1) / _blockColumns;
        _blocks = Blocks(batch);
        var work = (long)_blockRows * _blockColumns * _offsets.Depth;
        _step = Math.Max(1, Math.Min(LeastWork / Math.Max(1, work), _blocks / (4L * threads)));
    }

    /// <summary>Computes all blocks; returns when they are done.</summary>
    public void Run(int threads)
    {
        var workers = (int)Math.Min(threads, (_blocks + _step - 1) / _step);
        if (workers <= 1) Take();
        else Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, _ => Take());
    }

    void Take()
    {
        using var panels = _kernel is null ? null : new PanelBlocks<TField>(_field, _kernel, _blockRows, _offsets.Depth);
        while (true)
        {
            var end = Interlocked.Add(ref _next, _step);
            var index = end - _step;
            if (index >= _blocks) return;
            for (end = Math.Min(end, _blocks); index < end; index++) Compute(panels, index);
        }
    }

    void Compute(PanelBlocks<TField>? panels, long index)
    {
        // Blocks of the same columns follow each other: the right operand, usually the larger, is read once from memory.
        var row = (int)(index % _rowBlocks) * _blockRows;
        index /= _rowBlocks;
        var column = (int)(index % _columnBlocks) * _blockColumns;
        var entry = (int)(index / _columnBlocks);
        var block = new Block
        {
            Left = _left + _leftBatch[entry], Right = _right + _rightBatch[entry], Output = _output + _outBatch[entry],
            RowStart = row, RowEnd = Math.Min(_offsets.Rows, row + _blockRows),
            ColumnStart = column, ColumnEnd = Math.Min(_offsets.Columns, column + _blockColumns),
        };
        if (panels is null) ScalarContraction.Multiply(_field, _offsets, block);
        else if (_dots) panels.MultiplyDots(_offsets, block);
        else panels.Multiply(_offsets, block);
    }

    long Blocks(int batch) => (long)batch * ((_offsets.Rows + _blockRows - 1) / _blockRows) * ((_offsets.Columns + _blockColumns - 1) / _blockColumns);

    // The cells of all tiles, with those beyond the edge. Rows do not need to fill a tile of four, but are then a third slower.
    static long Waste(int rows, int columns, int width) => ((rows & ~3) * 3L + (rows & 3) * 4L) * RoundUp(columns, width);

    static int RoundUp(int count, int unit) => (count + unit - 1) / unit * unit;
}
