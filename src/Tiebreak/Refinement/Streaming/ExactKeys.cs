using System.Numerics;
using System.Runtime.Intrinsics.X86;
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
    const int Batch = 128;
    const int MostPlaces = 64;
    const int MostCells = 1 << 24; // of a sample

    readonly HashSet<ulong> _beside = []; // sizes of gradients
    readonly ulong[] _mayBeBeside = new ulong[1 << 14]; // a bit for each, which most others do not meet
    readonly List<Seen> _seen = [];
    readonly int _most = MostPlacesOf(matrices.Count, looksAtAll);
    readonly FirstCells _first = new(matrices.Sum(matrix => (long)Math.Min(matrix.Rows, MostPlacesOf(matrices.Count, looksAtAll)) * Math.Min(matrix.Columns, MostPlacesOf(matrices.Count, looksAtAll))));
    readonly ulong[][] _rowVectors = new ulong[matrices.Count][];
    readonly ulong[][] _columnVectors = new ulong[matrices.Count][];
    readonly ulong[] _names = new ulong[Batch];
    readonly int[] _columns = new int[Batch];

    /// <summary>Whether the keys have agreed with the gradients so far.</summary>
    public bool Agree { get; private set; } = true;

    /// <summary>Takes gradients of a tensor that has codes, before matrices are looked at.</summary>
    public void Beside(ReadOnlySpan<ulong> gradients)
    {
        if (!looksAtAll) return;
        foreach (var gradient in gradients)
        {
            if (gradient == 0 || !_beside.Add(Size(gradient))) continue;
            _mayBeBeside[BucketOf(Size(gradient)) / 64] |= 1UL << (int)(BucketOf(Size(gradient)) % 64);
        }
    }

    /// <summary>Takes the vectors of a matrix' rows or columns, or of some of them.</summary>
    public void Take(int matrix, bool isRows, AxisVectors vectors) => (isRows ? _rowVectors : _columnVectors)[matrix] = vectors.Sample(Places(vectors.Places));

    /// <summary>Looks at all matrices, when their vectors were taken.</summary>
    /// <param name="classes">Their keys.</param>
    public void Look(IReadOnlyList<MatrixClasses> classes)
    {
        for (var k = 0; k < matrices.Count; k++) Look(matrices[k], classes[k], _rowVectors[k], _columnVectors[k]);
    }

    void Look(StreamedMatrix matrix, MatrixClasses classes, ulong[] rows, ulong[] columns)
    {
        var first = _seen.Count == 0 ? 0 : _seen[^1].First + _seen[^1].Cells;
        var seen = new Seen(matrix, classes, rows, columns, Places(matrix.Rows), Places(matrix.Columns), first);
        _seen.Add(seen);
        for (var row = 0; row < seen.RowPlaces.Length; row++)
            for (var from = 0; Agree && from < seen.ColumnPlaces.Length; from += Batch) Look(seen, row, from, Math.Min(from + Batch, seen.ColumnPlaces.Length));
    }

    // A table of all gradients fits into no cache: its lines are called for some time before they are needed.
    void Look(Seen seen, int row, int from, int to)
    {
        var count = 0;
        for (var column = from; column < to; column++)
        {
            if (!seen.Classes.AllMove && !seen.Classes.Moves(seen.RowPlaces[row], seen.ColumnPlaces[column])) continue;
            var gradient = GradientAt(seen, row, column);
            Agree &= gradient != 0 && !IsBeside(Size(gradient)); // it moves
            (_names[count], _columns[count]) = (NameOf(seen, row, column, gradient), column);
            _first.Fetch(_names[count++]);
        }

        for (var n = 0; n < count; n++)
        {
            var own = seen.First + (long)row * seen.ColumnPlaces.Length + _columns[n];
            for (var place = _first.PlaceOf(_names[n]); _first.TryFind(_names[n], own, ref place, out var found);)
            {
                var (other, otherRow, otherColumn) = CellOf(found);
                if (KeyOf(other, otherRow, otherColumn) == KeyOf(seen, row, _columns[n])) break;

                // Another key: a tie that keys do not see, unless only what the table keeps of the names is alike.
                Agree &= NameOf(other, otherRow, otherColumn, GradientAt(other, otherRow, otherColumn)) != _names[n];
                if (!Agree) return;
            }
        }
    }

    ulong GradientAt(Seen seen, int row, int column)
    {
        const int Unreduced = 32; // products of 61 bits whose sum fits
        var (sum, height, width) = (UInt128.Zero, seen.RowPlaces.Length, seen.ColumnPlaces.Length);
        for (var t = 0; t < seen.Positions; t++)
        {
            sum += Math.BigMul(seen.Rows[(long)t * height + row], seen.Columns[(long)t * width + column]);
            if (t % Unreduced == Unreduced - 1) sum = field.Reduce(sum);
        }

        return field.Reduce(sum);
    }

    // By the weight's size and the gradient, under the sign of the weight, or for a zero under its own.
    ulong NameOf(Seen seen, int row, int column, ulong gradient)
    {
        var bits = seen.Matrix.Bits(seen.RowPlaces[row], seen.ColumnPlaces[column]);
        var size = bits & int.MaxValue;
        var isOpposed = size != 0 ? (int)bits < 0 : gradient > field.Modulus / 2;
        return Mixing.Mixed(size ^ Mixing.Mixed(isOpposed ? field.Negate(gradient) : gradient));
    }

    static CellKey KeyOf(Seen seen, int row, int column)
    {
        var (rowPlace, columnPlace) = (seen.RowPlaces[row], seen.ColumnPlaces[column]);
        return StreamedCells.KeyOf(seen.Matrix.Bits(rowPlace, columnPlace), seen.Classes.Rows.Keys[rowPlace], seen.Classes.Columns.Keys[columnPlace]);
    }

    (Seen Seen, int Row, int Column) CellOf(long cell)
    {
        var seen = _seen.Last(seen => seen.First <= cell);
        return (seen, (int)((cell - seen.First) / seen.ColumnPlaces.Length), (int)((cell - seen.First) % seen.ColumnPlaces.Length));
    }

    bool IsBeside(ulong size) => (_mayBeBeside[BucketOf(size) / 64] >> (int)(BucketOf(size) % 64) & 1) != 0 && _beside.Contains(size);

    static ulong BucketOf(ulong size) => size * 0x9E3779B97F4A7C15 >> 44; // of 2²⁰

    ulong Size(ulong gradient) => Math.Min(gradient, field.Modulus - gradient);

    // Rows and columns of one matrix: fewer where there are very many matrices.
    static int MostPlacesOf(int matrices, bool all) => all ? int.MaxValue : (int)Math.Clamp(Math.Sqrt((double)MostCells / Math.Max(1, matrices)), 1, MostPlaces);

    // All, or some that are spread evenly.
    int[] Places(int count) => count <= _most ? [.. Enumerable.Range(0, count)] : [.. Enumerable.Range(0, _most).Select(k => (int)((long)k * count / _most))];

    /// <summary>A matrix that was looked at; its cells are numbered on from the one before.</summary>
    sealed record Seen(StreamedMatrix Matrix, MatrixClasses Classes, ulong[] Rows, ulong[] Columns, int[] RowPlaces, int[] ColumnPlaces, long First)
    {
        public long Cells => (long)RowPlaces.Length * ColumnPlaces.Length;

        public int Positions { get; } = Rows.Length / Math.Max(1, RowPlaces.Length);
    }

    /// <summary>For names of gradients the first cell that had each. Names are cut to 32 bits besides their place, so that a line of the cache holds eight.</summary>
    sealed unsafe class FirstCells
    {
        readonly ulong[] _entries; // the name's upper half, and a cell's number from 1 on

        /// <summary>An empty table.</summary>
        /// <param name="most">How many there may be.</param>
        public FirstCells(long most)
        {
            _entries = HugePages.NewArray<ulong>((int)BitOperations.RoundUpToPowerOf2((ulong)most * 4 / 3 + 1));
        }

        /// <summary>Says that a name will be asked for.</summary>
        public void Fetch(ulong name)
        {
            fixed (ulong* start = _entries)
                if (Sse.IsSupported) Sse.Prefetch0(start + PlaceOf(name));
        }

        /// <summary>Where a name may stand first.</summary>
        public int PlaceOf(ulong name) => (int)name & _entries.Length - 1;

        /// <summary>The next cell whose name looks the same, from a place on, which moves behind it; if there is none, this cell is kept.</summary>
        public bool TryFind(ulong name, long cell, ref int place, out long found)
        {
            const ulong Upper = 0xFFFFFFFF00000000;
            for (; _entries[place] != 0; place = place + 1 & _entries.Length - 1)
            {
                if (((_entries[place] ^ name) & Upper) != 0) continue;
                found = (uint)_entries[place] - 1L;
                place = place + 1 & _entries.Length - 1;
                return true;
            }

            (_entries[place], found) = (name & Upper | (uint)(cell + 1), cell);
            return false;
        }
    }
}
