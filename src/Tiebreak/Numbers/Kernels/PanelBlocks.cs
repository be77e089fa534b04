using System.Buffers;

namespace Tiebreak.Numbers.Kernels;

/// <summary>
/// Computes blocks with a panel kernel: packs the operands of a block into panels of limbs, a stretch of the depth at a time, runs the kernel over the
/// tiles and reduces what it leaves. One instance belongs to one thread.
/// </summary>
sealed unsafe class PanelBlocks<TField> : IDisposable where TField : struct, IField
{
    /// <summary>The most rows of a block: with the greatest depth their panels take 3 MB.</summary>
    public const int GreatestRows = 256;

    // How much of its rows an inner product keeps packed: up to 756 KB, so that the other operand is read in runs of 252 KB.
    const int DotStretch = 32 * Limbs.GreatestDepth;

    const int Alignment = 64;

    readonly TField _field;
    readonly Sums<TField> _sums;
    readonly IPanelContraction _kernel;
    readonly int _width, _strips, _stretch;
    readonly ulong[] _array;
    readonly MemoryHandle _pin;
    readonly int* _left;        // panels of four rows, then of one row; or packed rows
    readonly ulong* _right;     // panels, or one packed column
    readonly long* _words;      // three words a sum
    readonly ulong* _reduced;

    public PanelBlocks(TField field, IPanelContraction kernel, int rows, int depth)
    {
        _field = field;
        _kernel = kernel;
        _width = kernel.Columns;
        _sums = new Sums<TField>(field);
        // Few rows: the right operand is what costs time to read, so read it in runs of 32 panels, 256 KB in all. Many rows: one panel of up to 128 KB at
        // a time, or as many as fit the first-level cache, so that short sums are written in long runs.
        _stretch = rows <= 4 ? Limbs.GreatestDepth / 16 : Limbs.GreatestDepth;
        _strips = Math.Clamp((1 << 12) / (_width * Math.Max(1, Math.Min(depth, _stretch))), rows <= 4 ? 32 : 1, 64);
        var longest = Math.Min(depth, Limbs.GreatestDepth);
        var left = RoundUp(Math.Max((rows * longest * 3 + 1) / 2, Math.Min(rows, DotRows) * (Math.Min(depth, DotStretch) + _width)));
        var right = RoundUp(Math.Max(_strips * _width * Math.Min(depth, _stretch), longest + _width));
        var words = 3 * 4 * _width;
        _array = ArrayPool<ulong>.Shared.Rent(left + right + words + 4 * _width + Alignment);
        _pin = _array.AsMemory().Pin();
        var start = (ulong*)(((nuint)_pin.Pointer + Alignment - 1) & ~(nuint)(Alignment - 1));
        _left = (int*)start;
        _right = start + left;
        _words = (long*)(_right + right);
        _reduced = (ulong*)(_words + words);
    }

    /// <summary>How many rows <see cref="MultiplyDots"/> takes at most.</summary>
    public const int DotRows = 3;

    /// <summary>Packs and multiplies a block of at most <see cref="GreatestRows"/> rows.</summary>
    public void Multiply(in Offsets offsets, in Block block)
    {
        var rows = block.RowEnd - block.RowStart;
        var inOrder = Offsets.AreContiguous(offsets.OutColumns + block.ColumnStart, block.ColumnEnd - block.ColumnStart);
        if (offsets.Depth == 0) Clear(offsets, block);
        for (var start = 0; start < offsets.Depth; start += _stretch)
        {
            var depth = Math.Min(offsets.Depth - start, _stretch);
            for (var row = 0; row < rows;)
            {
                var height = rows - row >= 4 ? 4 : 1;
                PackLeft(offsets, block, row, height, start, depth);
                row += height;
            }
            for (var group = block.ColumnStart; group < block.ColumnEnd; group += _strips * _width)
            {
                var end = Math.Min(block.ColumnEnd, group + _strips * _width);
                PackRight(offsets, block, group, end, start, depth);
                for (var row = 0; row < rows;)
                {
                    var height = rows - row >= 4 ? 4 : 1;
                    for (var column = group; column < end; column += _width)
                    {
                        var right = _right + (column - group) * depth;
                        if (height == 4) _kernel.Tile(depth, _left + 3 * depth * row, right, _words);
                        else _kernel.Row(depth, _left + 3 * depth * row, right, _words);
                        _sums.Reduce(_words, height * _width, _reduced);
                        var columns = Math.Min(_width, end - column);
                        for (var k = 0; k < height; k++)
                        {
                            var target = block.Output + offsets.OutRows[block.RowStart + row + k];
                            if (inOrder && start == 0) new ReadOnlySpan<ulong>(_reduced + k * _width, columns).CopyTo(new Span<ulong>(target + offsets.OutColumns[column], columns));
                            else Write(target, offsets.OutColumns + column, columns, _reduced + k * _width, start == 0);
                        }
                    }
                    row += height;
                }
            }
        }
    }

    /// <summary>
    /// Multiplies a block of at most <see cref="DotRows"/> rows whose right operand is contiguous along the depth (rightDepth counts up by one): each of
    /// its columns is read once, in order, and is never transposed into a panel.
    /// </summary>
    public void MultiplyDots(in Offsets offsets, in Block block)
    {
        var modulus = _field.Modulus;
        var packedLeft = (ulong*)_left;
        for (var start = 0; start < offsets.Depth; start += DotStretch)
        {
            var depth = Math.Min(offsets.Depth - start, DotStretch);
            var padded = (depth + _width - 1) / _width * _width;
            for (var row = block.RowStart; row < block.RowEnd; row++)
            {
                var packed = packedLeft + (row - block.RowStart) * padded;
                var source = block.Left + offsets.LeftRows[row];
                for (var k = 0; k < depth; k++) packed[k] = Limbs.Pack(_sums.Scale(source[offsets.LeftDepth[start + k]]), modulus);
                new Span<ulong>(packed + depth, padded - depth).Clear();
            }
            for (var column = block.ColumnStart; column < block.ColumnEnd; column++)
            {
                var source = block.Right + offsets.RightColumns[column] + offsets.RightDepth[start];
                new Span<ulong>(_reduced, DotRows).Clear();
                for (var k = 0; k < depth; k += Limbs.GreatestDepth)
                {
                    var part = Math.Min(depth - k, Limbs.GreatestDepth);
                    var paddedPart = Math.Min(padded - k, Limbs.GreatestDepth);
                    Limbs.Pack(source + k, _right, part, modulus);
                    new Span<ulong>(_right + part, paddedPart - part).Clear();
                    for (var row = 0; row < block.RowEnd - block.RowStart; row++)
                    {
                        _kernel.Dot(paddedPart, packedLeft + row * padded + k, _right, _words);
                        _sums.Reduce(_words, _width, _reduced + 4);
                        for (var j = 0; j < _width; j++) _reduced[row] = _field.Add(_reduced[row], _reduced[4 + j]);
                    }
                }
                for (var row = block.RowStart; row < block.RowEnd; row++)
                {
                    Write(block.Output + offsets.OutRows[row], offsets.OutColumns + column, 1, _reduced + row - block.RowStart, start == 0);
                }
            }
        }
    }

    void PackLeft(in Offsets offsets, in Block block, int firstRow, int height, int start, int depth)
    {
        var modulus = _field.Modulus;
        var panel = _left + 3 * depth * firstRow;
        for (var row = 0; row < height; row++)
        {
            var source = block.Left + offsets.LeftRows[block.RowStart + firstRow + row];
            var target = panel + 3 * row;
            for (var k = 0; k < depth; k++, target += 3 * height)
            {
                var packed = Limbs.Pack(_sums.Scale(source[offsets.LeftDepth[start + k]]), modulus);
                var low = (int)packed;
                var high = (int)(packed >> 32);
                target[0] = low;
                target[1] = high;
                target[2] = low + high;
            }
        }
    }

    // Strip after strip of the kernel's width, each one a panel. All strips of a group are read together, so that a row of a large operand is read in long runs.
    void PackRight(in Offsets offsets, in Block block, int columnStart, int columnEnd, int start, int depth)
    {
        var modulus = _field.Modulus;
        var across = offsets.RightDepth + start;
        var total = columnEnd - columnStart;
        if (total % _width == 0 && Offsets.AreContiguous(offsets.RightColumns + columnStart, total))
        {
            Limbs.PackPanels(block.Right + offsets.RightColumns[columnStart], across, depth, total, _width, _right, modulus);
            return;
        }
        var panel = _right;
        for (var first = columnStart; first < columnEnd; first += _width, panel += depth * _width)
        {
            var columns = Math.Min(_width, columnEnd - first);
            var column = offsets.RightColumns + first;
            if (columns == _width && Offsets.AreContiguous(column, columns))
            {
                Limbs.PackPanels(block.Right + column[0], across, depth, columns, _width, panel, modulus);
                continue;
            }
            if (columns < _width) new Span<ulong>(panel, depth * _width).Clear();
            for (var k = 0; k < depth; k++)
            {
                var source = block.Right + across[k];
                var target = panel + k * _width;
                for (var j = 0; j < columns; j++) target[j] = source[column[j]];
            }
            Limbs.Pack(panel, panel, depth * _width, modulus);
        }
    }

    static void Clear(in Offsets offsets, in Block block)
    {
        for (var m = block.RowStart; m < block.RowEnd; m++)
        {
            for (var n = block.ColumnStart; n < block.ColumnEnd; n++) block.Output[offsets.OutRows[m] + (long)offsets.OutColumns[n]] = 0;
        }
    }

    void Write(ulong* row, int* columns, int count, ulong* values, bool first)
    {
        if (first)
        {
            for (var k = 0; k < count; k++) row[columns[k]] = values[k];
        }
        else
        {
            for (var k = 0; k < count; k++) row[columns[k]] = _field.Add(row[columns[k]], values[k]);
        }
    }

    static int RoundUp(int words) => (words + 7) & ~7;

    public void Dispose()
    {
        _pin.Dispose();
        ArrayPool<ulong>.Shared.Return(_array);
    }
}
