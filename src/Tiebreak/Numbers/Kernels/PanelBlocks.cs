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

    const int Alignment = 64;

    readonly TField _field;
    readonly Sums<TField> _sums;
    readonly IPanelContraction _kernel;
    readonly int _width;
    readonly ulong[] _array;
    readonly MemoryHandle _pin;
    readonly int* _left;        // panels of four rows, then of one row; or packed rows
    readonly ulong* _right;     // one panel, or one packed column
    readonly long* _words;      // three words a sum
    readonly ulong* _reduced;

    public PanelBlocks(TField field, IPanelContraction kernel, int rows, int depth)
    {
        _field = field;
        _kernel = kernel;
        _width = kernel.Columns;
        _sums = new Sums<TField>(field);
        var stretch = Math.Min(depth, Limbs.GreatestDepth);
        var left = RoundUp((Math.Min(rows, GreatestRows) * stretch * 3 + 1) / 2 + 2 * _width * DotRows);
        var right = RoundUp((stretch + 1) * _width);
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
        for (var start = 0; start < offsets.Depth; start += Limbs.GreatestDepth)
        {
            var depth = Math.Min(offsets.Depth - start, Limbs.GreatestDepth);
            for (var row = 0; row < rows;)
            {
                var height = rows - row >= 4 ? 4 : 1;
                PackLeft(offsets, block, row, height, start, depth);
                row += height;
            }
            for (var column = block.ColumnStart; column < block.ColumnEnd; column += _width)
            {
                var columns = Math.Min(_width, block.ColumnEnd - column);
                PackRight(offsets, block, column, columns, start, depth);
                for (var row = 0; row < rows;)
                {
                    var panel = _left + 3 * depth * row;
                    var height = rows - row >= 4 ? 4 : 1;
                    if (height == 4) _kernel.Tile(depth, panel, _right, _words);
                    else _kernel.Row(depth, panel, _right, _words);
                    _sums.Reduce(_words, height * _width, height * _width, _reduced);
                    for (var k = 0; k < height; k++)
                    {
                        Write(block.Output + offsets.OutRows[block.RowStart + row + k], offsets.OutColumns + column, columns, _reduced + k * _width, start == 0);
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
        for (var start = 0; start < offsets.Depth; start += Limbs.GreatestDepth)
        {
            var depth = Math.Min(offsets.Depth - start, Limbs.GreatestDepth);
            var padded = (depth + _width - 1) / _width * _width;
            for (var row = block.RowStart; row < block.RowEnd; row++)
            {
                var packed = packedLeft + (row - block.RowStart) * padded;
                var source = block.Left + offsets.LeftRows[row];
                for (var k = 0; k < depth; k++) packed[k] = Limbs.Pack(source[offsets.LeftDepth[start + k]], modulus);
                new Span<ulong>(packed + depth, padded - depth).Clear();
            }
            new Span<ulong>(_right + depth, padded - depth).Clear();
            for (var column = block.ColumnStart; column < block.ColumnEnd; column++)
            {
                Limbs.Pack(block.Right + offsets.RightColumns[column] + offsets.RightDepth[start], _right, depth, modulus);
                for (var row = block.RowStart; row < block.RowEnd; row++)
                {
                    _kernel.Dot(padded, packedLeft + (row - block.RowStart) * padded, _right, _words);
                    _sums.Reduce(_words, _width, _width, _reduced);
                    var sum = _reduced[0];
                    for (var k = 1; k < _width; k++) sum = _field.Add(sum, _reduced[k]);
                    Write(block.Output + offsets.OutRows[row], offsets.OutColumns + column, 1, &sum, start == 0);
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
                var packed = Limbs.Pack(source[offsets.LeftDepth[start + k]], modulus);
                var low = (int)packed;
                var high = (int)(packed >> 32);
                target[0] = low;
                target[1] = high;
                target[2] = low + high;
            }
        }
    }

    void PackRight(in Offsets offsets, in Block block, int firstColumn, int columns, int start, int depth)
    {
        var modulus = _field.Modulus;
        var column = offsets.RightColumns + firstColumn;
        var across = offsets.RightDepth + start;
        if (columns == _width && Offsets.AreContiguous(column, columns))
        {
            var source = block.Right + column[0];
            for (var k = 0; k < depth; k++) Limbs.Pack(source + across[k], _right + k * _width, _width, modulus);
            return;
        }
        if (columns < _width) new Span<ulong>(_right, depth * _width).Clear();
        for (var k = 0; k < depth; k++)
        {
            var source = block.Right + across[k];
            var target = _right + k * _width;
            for (var j = 0; j < columns; j++) target[j] = source[column[j]];
        }
        Limbs.Pack(_right, _right, depth * _width, modulus);
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
