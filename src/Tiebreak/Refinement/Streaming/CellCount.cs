using System.Runtime.InteropServices;

namespace Tiebreak.Refinement.Streaming;

/// <summary>Numbers for one streamed matrix.</summary>
sealed class MatrixCounts
{
    /// <summary>Classes with a member in it.</summary>
    public long Classes { get; set; }

    /// <summary>Weights that never move.</summary>
    public long Stuck { get; set; }

    /// <summary>Those of them whose gradient cancels.</summary>
    public long Cancelled { get; set; }

    /// <summary>Weights in a class of two or more.</summary>
    public long Lockstep { get; set; }

    /// <summary>Weights in a class that holds both signs.</summary>
    public long Mirrored { get; set; }

    /// <summary>First step → how many weights have it.</summary>
    public SortedDictionary<int, long> Starts { get; } = [];
}

/// <summary>A weight by its matrix and its place there.</summary>
readonly record struct Cell(int Matrix, int Row, int Column);

/// <summary>
/// The counting pass of theory §6. A weight can be in lockstep with another only where its row or column has its like in the same matrix, or both have it somewhere; these alone are looked up, in as many passes as keep the table
/// small. All others are classes of their own.
/// </summary>
sealed class CellCount
{
    const int MostEntries = 1 << 23; // about 40 bytes each
    const int MostPairs = 1 << 12;

    readonly IReadOnlyList<StreamedMatrix> _matrices;
    readonly StreamedResult _result;
    readonly Lines[] _lines;
    readonly Func<Cell, bool> _isExplained;

    CellCount(IReadOnlyList<StreamedMatrix> matrices, StreamedResult result, Func<Cell, bool> isExplained, int threads)
    {
        (_matrices, _result, _isExplained) = (matrices, result, isExplained);
        var repeated = result.State!.Repeated;
        _lines = new Lines[matrices.Count];
        Parallel.For(0, _lines.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, k => _lines[k] = result.State.Classes[k] is { } classes ? Lines.Of(classes, repeated) : new Lines([], [], [], [], []));
    }

    /// <summary>For each matrix its numbers.</summary>
    public required MatrixCounts[] Each { get; init; }

    /// <summary>All classes.</summary>
    public long Classes { get; private set; }

    /// <summary>Ties that nothing else explains, of many the first few thousand: the two weights, and whether they are negatives of each other.</summary>
    public List<(Cell First, Cell Second, bool Negative)> Pairs { get; } = [];

    /// <summary>Counts.</summary>
    /// <param name="matrices">The matrices.</param>
    /// <param name="result">The answer.</param>
    /// <param name="isExplained">Whether a weight lies in a slice or matrix that is said to repeat another.</param>
    /// <param name="threads">Cores to use.</param>
    /// <param name="cancellation">Stops it.</param>
    public static CellCount Of(IReadOnlyList<StreamedMatrix> matrices, StreamedResult result, Func<Cell, bool> isExplained, int threads, CancellationToken cancellation)
    {
        var count = new CellCount(matrices, result, isExplained, threads) { Each = [.. matrices.Select(_ => new MatrixCounts())] };
        for (var k = 0; k < matrices.Count; k++) count.CountMoving(k);
        for (var passes = 1; !count.TryLookUp(passes, cancellation);) passes *= 2;
        return count;
    }

    // How many weights had begun to move after each round, from how often each pattern of positions occurs.
    void CountMoving(int k)
    {
        long before = 0;
        foreach (var (round, all) in _result.Moved)
        {
            var classes = all[k]!;
            var moving = classes.AllMove ? _matrices[k].Tensor.Shape.Count : 0;
            if (!classes.AllMove)
            {
                var columns = classes.Columns.Moving.CountBy(pattern => pattern).ToArray();
                foreach (var (row, rows) in classes.Rows.Moving.CountBy(pattern => pattern))
                    foreach (var (column, count) in columns)
                        if ((row & column) != 0) moving += (long)rows * count;
            }

            if (moving > before) Each[k].Starts[round] = moving - before;
            before = Math.Max(before, moving);
        }

        Each[k].Stuck = _matrices[k].Tensor.Shape.Count - before;
        Each[k].Classes = before;
        Classes += before;
    }

    bool TryLookUp(int passes, CancellationToken cancellation)
    {
        var counted = _matrices.Select(_ => new MatrixCounts()).ToArray();
        long merged = 0; // weights that are not the first of their class
        Pairs.Clear();
        for (var pass = 0; pass < passes; pass++)
        {
            var table = new Dictionary<ulong, Entry>((int)Math.Min(1 << 20, _lines.Sum(lines => lines.Weights) / passes));
            foreach (var (_, name, negative) in Shared(pass, passes, cancellation))
            {
                ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(table, name, out var exists);
                if (!exists)
                {
                    if (table.Count > MostEntries) return false;
                    entry.LastMatrix = -1;
                    entry.FirstLeft.Matrix = -1;
                }

                entry.Members++;
                if (negative) entry.Negatives++;
            }

            foreach (var (cell, name, negative) in Shared(pass, passes, cancellation))
            {
                ref var entry = ref CollectionsMarshal.GetValueRefOrNullRef(table, name);
                var own = counted[cell.Matrix];
                if (entry.Members > 1) own.Lockstep++;
                if (entry.Members > 1 && entry.Negatives > 0 && entry.Negatives < entry.Members) own.Mirrored++;
                if (entry.LastMatrix == cell.Matrix) own.Classes--;
                entry.LastMatrix = cell.Matrix;
                if (entry.IsCounted) merged++;
                entry.IsCounted = true;
                if (entry.Members < 2 || Pairs.Count >= MostPairs || _isExplained(cell)) continue;
                if (entry.FirstLeft.Matrix < 0) (entry.FirstLeft, entry.FirstIsNegative) = ((cell.Matrix, cell.Row, cell.Column), negative);
                else Pairs.Add((new Cell(entry.FirstLeft.Matrix, entry.FirstLeft.Row, entry.FirstLeft.Column), cell, entry.FirstIsNegative != negative));
            }
        }

        Classes -= merged;
        for (var k = 0; k < counted.Length; k++) (Each[k].Lockstep, Each[k].Mirrored, Each[k].Classes) = (counted[k].Lockstep, counted[k].Mirrored, Each[k].Classes + counted[k].Classes);
        return true;
    }

    // The moving weights that may have their like, and names of their classes.
    IEnumerable<(Cell Cell, ulong Name, bool Negative)> Shared(int pass, int passes, CancellationToken cancellation)
    {
        for (var k = 0; k < _matrices.Count; k++)
        {
            if (_result.State!.Classes[k] is not { } classes) continue;
            var (matrix, lines) = (_matrices[k], _lines[k]);
            foreach (var row in lines.Rows)
            {
                cancellation.ThrowIfCancellationRequested();
                var rowKey = classes.Rows.Keys[row];
                foreach (var column in lines.ColumnsOf(row))
                {
                    if (!classes.Moves(row, column)) continue;
                    var (bits, columnKey) = (matrix.Bits(row, column), classes.Columns.Keys[column]);
                    var name = StreamedCells.KeyOf(bits, rowKey, columnKey).Name;
                    if (passes > 1 && (int)(name % (ulong)passes) != pass) continue;
                    yield return (new Cell(k, row, column), name, StreamedCells.IsNegative(bits, rowKey, columnKey));
                }
            }
        }
    }

    /// <summary>Rows and columns of one matrix where weights may have their like.</summary>
    /// <param name="Rows">The rows that have such weights, ascending.</param>
    /// <param name="RepeatedRows">Rows whose class another row here has: with all columns.</param>
    /// <param name="SharedRows">Rows whose class is met anywhere else: with the shared columns.</param>
    /// <param name="Repeated">Columns whose class another column here has: with all rows.</param>
    /// <param name="Shared">Columns whose class is met anywhere else.</param>
    sealed record Lines(int[] Rows, HashSet<int> RepeatedRows, HashSet<int> SharedRows, int[] Repeated, int[] Shared)
    {
        int[] All { get; init; } = [];

        public static Lines Of(MatrixClasses classes, IReadOnlyDictionary<ulong, int> known)
        {
            var repeatedRows = RepeatedKeys.Groups(classes.Rows.Keys, AxisKeys.SignBit).SelectMany(rows => rows).ToHashSet();
            int[] repeated = [.. RepeatedKeys.Groups(classes.Columns.Keys, AxisKeys.SignBit).SelectMany(columns => columns).Order()];
            bool IsShared(ulong key) => known.ContainsKey(key & ~AxisKeys.SignBit);
            int[] shared = [.. Enumerable.Range(0, classes.Columns.Keys.Length).Where(column => IsShared(classes.Columns.Keys[column]))];
            HashSet<int> sharedRows = [.. Enumerable.Range(0, shared.Length == 0 ? 0 : classes.Rows.Keys.Length).Where(row => IsShared(classes.Rows.Keys[row]))];
            int[] rows = repeated.Length > 0 ? [.. Enumerable.Range(0, classes.Rows.Keys.Length)] : [.. repeatedRows.Union(sharedRows).Order()];
            return new Lines(rows, repeatedRows, sharedRows, repeated, shared) { All = [.. Enumerable.Range(0, repeatedRows.Count == 0 ? 0 : classes.Columns.Keys.Length)] };
        }

        /// <summary>How many weights they are at most.</summary>
        public long Weights => (long)RepeatedRows.Count * All.Length + (long)SharedRows.Count * Shared.Length + (long)Rows.Length * Repeated.Length;

        public int[] ColumnsOf(int row) => RepeatedRows.Contains(row) ? All : SharedRows.Contains(row) ? Shared : Repeated;
    }

    struct Entry
    {
        public int Members;
        public int Negatives;
        public int LastMatrix;
        public bool IsCounted;
        public bool FirstIsNegative;
        public (int Matrix, int Row, int Column) FirstLeft;
    }
}
