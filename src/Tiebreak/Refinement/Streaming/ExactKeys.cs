using System.Numerics;
using Tiebreak.Numbers;

namespace Tiebreak.Refinement.Streaming;

/// <summary>
/// Whether keys of rows and columns say all there is (theory §6). They may miss ties that are not of rows and columns (xᵀWx keeps a symmetric W symmetric), and what cancels from position to position. So the gradients themselves are
/// looked up: as long as weights with different keys have different ones, nothing was missed. Where all are looked at, a gradient that some tensor with codes has, too, counts as missed; else only some rows of wide matrices and the
/// columns of the same numbers are looked at.
/// </summary>
/// <param name="field">The field that is looked at.</param>
/// <param name="matrices">All matrices.</param>
/// <param name="looksAtAll">Whether every weight is looked at.</param>
sealed class ExactKeys<TField>(TField field, IReadOnlyList<StreamedMatrix> matrices, bool looksAtAll) where TField : struct, IField
{
    const int MostPlaces = 64;

    readonly HashSet<ulong> _beside = []; // sizes of gradients
    readonly List<(StreamedMatrix Matrix, MatrixClasses Classes, int[] Rows, int[] Columns, long First)> _seen = [];
    readonly FirstCells _first = new(matrices.Sum(matrix => (long)Count(matrix.Rows, looksAtAll) * Count(matrix.Columns, looksAtAll)));

    /// <summary>Whether the keys have agreed with the gradients so far.</summary>
    public bool Agree { get; private set; } = true;

    /// <summary>Takes gradients of a tensor that has codes; before any matrix is looked at.</summary>
    public void Beside(ReadOnlySpan<ulong> gradients)
    {
        if (!looksAtAll) return;
        foreach (var gradient in gradients)
            if (gradient != 0) _beside.Add(Size(gradient));
    }

    /// <summary>Looks at one matrix.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="classes">Its keys.</param>
    /// <param name="rows">The vectors of all rows, position by position.</param>
    /// <param name="columns">The same of all columns.</param>
    public void Look(StreamedMatrix matrix, MatrixClasses classes, ulong[] rows, ulong[] columns)
    {
        const int Unreduced = 32; // products of 61 bits whose sum fits
        var positions = rows.Length / matrix.Rows;
        int[] rowPlaces = Places(matrix.Rows), columnPlaces = Places(matrix.Columns);
        var cell = _seen.Count == 0 ? 0 : _seen[^1].First + (long)_seen[^1].Rows.Length * _seen[^1].Columns.Length;
        _seen.Add((matrix, classes, rowPlaces, columnPlaces, cell));
        var left = new ulong[positions];
        foreach (var row in rowPlaces)
        {
            if (!Agree) return;
            for (var t = 0; t < positions; t++) left[t] = rows[(long)t * matrix.Rows + row];
            foreach (var column in columnPlaces)
            {
                var own = cell++;
                if (!classes.AllMove && !classes.Moves(row, column)) continue;
                var sum = UInt128.Zero;
                for (var t = 0; t < left.Length; t++)
                {
                    sum += Math.BigMul(left[t], columns[(long)t * matrix.Columns + column]);
                    if (t % Unreduced == Unreduced - 1) sum = field.Reduce(sum);
                }

                var bits = matrix.Bits(row, column);
                var (gradient, size) = (field.Reduce(sum), bits & int.MaxValue);
                Agree &= gradient != 0 && (_beside.Count == 0 || !_beside.Contains(Size(gradient))); // it moves
                var isOpposed = size != 0 ? (int)bits < 0 : gradient > field.Modulus / 2;
                if (isOpposed) gradient = field.Negate(gradient);
                var first = _first.Of(Mixing.Mixed(size ^ Mixing.Mixed(gradient)), own);
                if (first != own) Agree &= KeyOf(first) == StreamedCells.KeyOf(bits, classes.Rows.Keys[row], classes.Columns.Keys[column]);
            }
        }
    }

    CellKey KeyOf(long cell)
    {
        var (matrix, classes, rows, columns, first) = _seen.Last(seen => seen.First <= cell);
        var (row, column) = (rows[(cell - first) / columns.Length], columns[(cell - first) % columns.Length]);
        return StreamedCells.KeyOf(matrix.Bits(row, column), classes.Rows.Keys[row], classes.Columns.Keys[column]);
    }

    ulong Size(ulong gradient) => Math.Min(gradient, field.Modulus - gradient);

    static int Count(int places, bool all) => all ? places : Math.Min(places, MostPlaces);

    // All, or some that are spread evenly.
    int[] Places(int count) => Count(count, looksAtAll) == count ? [.. Enumerable.Range(0, count)] : [.. Enumerable.Range(0, MostPlaces).Select(k => (int)((long)k * count / MostPlaces))];

    /// <summary>For names of gradients the first cell that had each. The names have 63 bits: where two gradients get one by chance, the held analysis is asked for nothing.</summary>
    sealed class FirstCells
    {
        readonly ulong[] _names;
        readonly uint[] _cells;

        /// <param name="most">How many there may be.</param>
        public FirstCells(long most)
        {
            var size = (int)BitOperations.RoundUpToPowerOf2((ulong)most * 4 / 3 + 1);
            (_names, _cells) = (new ulong[size], new uint[size]);
        }

        /// <summary>The first cell with a name, which is this one if there was none.</summary>
        public long Of(ulong name, long cell)
        {
            name |= 1; // 0 is an empty place
            var place = (int)(name >> 32) & _names.Length - 1;
            while (_names[place] != 0 && _names[place] != name) place = place + 1 & _names.Length - 1;
            if (_names[place] == name) return _cells[place];
            (_names[place], _cells[place]) = (name, (uint)cell);
            return cell;
        }
    }
}
