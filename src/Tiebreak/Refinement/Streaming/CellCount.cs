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
/// The counting pass of theory §6. Where whole rows or columns repeat others, one stands for all, and numbers are multiplied. A weight of what is left can be in lockstep with another only where its row or column has its like in the
/// same matrix, or both have it somewhere; these alone are looked up, in as many passes as keep the table small. All others are classes of their own.
/// </summary>
sealed class CellCount
{
    const int MostEntries = 1 << 23; // about 40 bytes each
    const int MostPairs = 1 << 12;

    readonly IReadOnlyList<StreamedMatrix> _matrices;
    readonly StreamedResult _result;
    readonly (Slices Rows, Slices Columns)[] _slices;
    readonly Lines[] _lines;
    readonly Func<Cell, bool> _isExplained;

    CellCount(IReadOnlyList<StreamedMatrix> matrices, StreamedResult result, IReadOnlyList<TiedSlices>[] rows, IReadOnlyList<TiedSlices>[] columns, Func<Cell, bool> isExplained, int threads, CancellationToken cancellation)
    {
        (_matrices, _result, _isExplained) = (matrices, result, isExplained);
        _slices = new (Slices, Slices)[matrices.Count];
        _lines = new Lines[matrices.Count];
        var each = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };
        Parallel.For(0, _lines.Length, each, k => _slices[k] = result.State!.Classes[k] is not { } classes ? (Slices.None, Slices.None)
            : (Slices.Of(classes.Rows, classes.AllMove ? rows[k] : []), Slices.Of(classes.Columns, classes.AllMove ? columns[k] : [])));
        var repeated = RepeatedKeys.Among([.. _slices.SelectMany(both => new[] { both.Rows.Keys, both.Columns.Keys })], keys => keys, (_, key) => key & ~AxisKeys.SignBit);
        Parallel.For(0, _lines.Length, each, k => _lines[k] = Lines.Of(_slices[k].Rows, _slices[k].Columns, repeated));
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
    /// <param name="rows">For each its rows that stay equal.</param>
    /// <param name="columns">For each its columns that stay equal.</param>
    /// <param name="isExplained">Whether a weight lies in a slice or matrix that is said to repeat another.</param>
    /// <param name="threads">Cores to use.</param>
    /// <param name="cancellation">Stops it.</param>
    public static CellCount Of(
        IReadOnlyList<StreamedMatrix> matrices, StreamedResult result, IReadOnlyList<TiedSlices>[] rows, IReadOnlyList<TiedSlices>[] columns, Func<Cell, bool> isExplained, int threads, CancellationToken cancellation)
    {
        var count = new CellCount(matrices, result, rows, columns, isExplained, threads, cancellation) { Each = [.. matrices.Select(_ => new MatrixCounts())] };
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
                var columns = classes.Columns.Moving.Counts.ToArray();
                foreach (var (row, rows) in classes.Rows.Moving.Counts)
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
        Pairs.Clear();
        long merged = 0; // weights that are not the first of their class
        for (var k = 0; k < counted.Length; k++)
        {
            foreach (var row in _slices[k].Rows.Kinds)
                foreach (var column in _slices[k].Columns.Kinds) merged += Merge(counted[k], (long)row.Times * column.Times, row.IsMixed || column.IsMixed, row.Count * column.Count);
        }

        for (var pass = 0; pass < passes; pass++)
        {
            var table = new Dictionary<ulong, Entry>((int)Math.Min(1 << 20, _lines.Sum(lines => lines.Weights) / passes));
            foreach (var (_, name, negative, times, isMixed) in Shared(pass, passes, cancellation))
            {
                ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(table, name, out var exists);
                if (!exists)
                {
                    if (table.Count > MostEntries) return false;
                    entry.LastMatrix = -1;
                    entry.FirstLeft.Matrix = -1;
                }

                entry.Members += times;
                entry.HasNegative |= negative || isMixed;
                entry.HasPositive |= !negative || isMixed;
            }

            foreach (var (cell, name, negative, times, isMixed) in Shared(pass, passes, cancellation))
            {
                ref var entry = ref CollectionsMarshal.GetValueRefOrNullRef(table, name);
                var own = counted[cell.Matrix];
                merged += Merge(own, times, isMixed, -1); // takes back what was counted of it above
                if (entry.Members > 1) own.Lockstep += times;
                if (entry is { HasNegative: true, HasPositive: true }) own.Mirrored += times;
                own.Classes -= entry.LastMatrix == cell.Matrix ? times : times - 1;
                entry.LastMatrix = cell.Matrix;
                merged += entry.IsCounted ? times : times - 1;
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

    // So many weights of one class, each of which so many equal weights stand for that nothing else is equal to.
    static long Merge(MatrixCounts own, long times, bool isMixed, long count)
    {
        if (times == 1) return 0;
        own.Lockstep += times * count;
        if (isMixed) own.Mirrored += times * count;
        own.Classes -= (times - 1) * count;
        return (times - 1) * count;
    }

    // The moving weights that may have their like, names of their classes, and for how many each stands: of both signs, or its own.
    IEnumerable<(Cell Cell, ulong Name, bool Negative, long Times, bool IsMixed)> Shared(int pass, int passes, CancellationToken cancellation)
    {
        for (var k = 0; k < _matrices.Count; k++)
        {
            if (_result.State!.Classes[k] is not { } classes) continue;
            var (matrix, lines, (rows, columns)) = (_matrices[k], _lines[k], _slices[k]);
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
                    yield return (new Cell(k, row, column), name, StreamedCells.IsNegative(bits, rowKey, columnKey), rows.TimesOf(row) * columns.TimesOf(column), rows.IsMixed(row) || columns.IsMixed(column));
                }
            }
        }
    }

    /// <summary>The rows or columns of one matrix, of equal ones the first.</summary>
    /// <param name="Places">Where these are, ascending.</param>
    /// <param name="Keys">Their keys.</param>
    /// <param name="Tied">Those that stand for several: for how many, and whether some of them are negatives of others.</param>
    sealed record Slices(int[] Places, ulong[] Keys, Dictionary<int, (int Times, bool IsMixed)> Tied)
    {
        public static readonly Slices None = new([], [], []);

        public static Slices Of(AxisKeys axis, IReadOnlyList<TiedSlices> tied)
        {
            var later = tied.SelectMany(group => group.Members.Skip(1)).ToHashSet();
            int[] places = [.. Enumerable.Range(0, axis.Keys.Length).Where(place => !later.Contains(place))];
            return new Slices(places, later.Count == 0 ? axis.Keys : [.. places.Select(place => axis.Keys[place])], tied.ToDictionary(group => group.Members[0], group => (group.Members.Length, group.Negated.Contains(true))));
        }

        public long TimesOf(int place) => Tied.TryGetValue(place, out var group) ? group.Times : 1;

        public bool IsMixed(int place) => Tied.TryGetValue(place, out var group) && group.IsMixed;

        /// <summary>How many there are of each kind.</summary>
        public IEnumerable<(int Times, bool IsMixed, long Count)> Kinds =>
            Tied.Values.GroupBy(group => group).Select(kind => (kind.Key.Times, kind.Key.IsMixed, kind.LongCount())).Prepend((1, false, Places.Length - Tied.Count));
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

        public static Lines Of(Slices rows, Slices columns, RepeatedKeys known)
        {
            var repeatedRows = RepeatedKeys.Groups(rows.Keys, AxisKeys.SignBit).SelectMany(group => group).Select(n => rows.Places[n]).ToHashSet();
            int[] repeated = [.. RepeatedKeys.Groups(columns.Keys, AxisKeys.SignBit).SelectMany(group => group).Select(n => columns.Places[n]).Order()];
            int[] shared = SharedOf(columns);
            HashSet<int> sharedRows = shared.Length == 0 ? [] : [.. SharedOf(rows)];
            int[] either = repeated.Length > 0 ? rows.Places : [.. repeatedRows.Union(sharedRows).Order()];
            return new Lines(either, repeatedRows, sharedRows, repeated, shared) { All = repeatedRows.Count == 0 ? [] : columns.Places };

            int[] SharedOf(Slices slices) => [.. slices.Places.Where((_, n) => known.Contains(slices.Keys[n] & ~AxisKeys.SignBit))];
        }

        /// <summary>How many weights they are at most.</summary>
        public long Weights => (long)RepeatedRows.Count * All.Length + (long)SharedRows.Count * Shared.Length + (long)Rows.Length * Repeated.Length;

        public int[] ColumnsOf(int row) => RepeatedRows.Contains(row) ? All : SharedRows.Contains(row) ? Shared : Repeated;
    }

    struct Entry
    {
        public long Members;
        public bool HasNegative;
        public bool HasPositive;
        public int LastMatrix;
        public bool IsCounted;
        public bool FirstIsNegative;
        public (int Matrix, int Row, int Column) FirstLeft;
    }
}
