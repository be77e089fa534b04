using Tiebreak.Formats;
using Tiebreak.Numbers;

namespace Tiebreak.Refinement.Streaming;

/// <summary>What a streamed analysis found of the matrices it streamed, with nothing as large as they are.</summary>
sealed class StreamedVerdict
{
    StreamedVerdict()
    {
    }

    /// <summary>The matrices.</summary>
    public required IReadOnlyList<StreamedMatrix> Matrices { get; init; }

    /// <summary>The answer that it is told from.</summary>
    public required StreamedResult Result { get; init; }

    /// <summary>Numbers of each.</summary>
    public required CellCount Counts { get; init; }

    /// <summary>For each its rows that stay equal.</summary>
    public required IReadOnlyList<TiedSlices>[] Rows { get; init; }

    /// <summary>For each its columns that stay equal.</summary>
    public required IReadOnlyList<TiedSlices>[] Columns { get; init; }

    /// <summary>Sets of matrices that stay copies of each other.</summary>
    public required IReadOnlyList<int[]> Copies { get; init; }

    /// <summary>For each its rows, or columns where those are its units, that are equal now.</summary>
    public required IReadOnlyList<int[]>[] EqualNow { get; init; }

    /// <summary>Sets of matrices that are equal now; those of one number throughout are no news and left out.</summary>
    public required IReadOnlyList<int[]> EqualMatrices { get; init; }

    /// <summary>Makes it.</summary>
    /// <param name="matrices">What streamed.</param>
    /// <param name="result">The answer.</param>
    /// <param name="patterns">The zero patterns of rows and columns, for why what is stuck is; null if nothing is.</param>
    /// <param name="alike">Of each matrix, what seems to be equal in it.</param>
    /// <param name="options">Threads and cancellation.</param>
    public static StreamedVerdict Of(IReadOnlyList<StreamedMatrix> matrices, StreamedResult result, MatrixClasses[]? patterns, IReadOnlyList<AlikeAtStart> alike, RefinementOptions options)
    {
        var classes = result.State!.Classes;
        IReadOnlyList<TiedSlices> Tied(int k, bool isRows) => classes[k] is { } own ? new EqualSlices(matrices[k], isRows).Tied(own) : [];
        var (rows, columns) = (new IReadOnlyList<TiedSlices>[matrices.Count], new IReadOnlyList<TiedSlices>[matrices.Count]);
        var equalNow = new IReadOnlyList<int[]>[matrices.Count];
        Parallel.For(0, matrices.Count, new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = options.Cancellation }, k =>
        {
            (rows[k], columns[k]) = (Tied(k, isRows: true), Tied(k, isRows: false));
            equalNow[k] = new EqualSlices(matrices[k], isRows: !alike[k].AreColumns).Equal(classes[k], alike[k].Slices);
        });

        var equal = EqualSets(matrices, alike);
        var copies = equal.SelectMany(set => Copied(set, classes)).ToArray();
        var later = copies.SelectMany(set => set.Skip(1)).ToHashSet();
        var repeatedRows = rows.Select(groups => groups.SelectMany(group => group.Members.Skip(1)).ToHashSet()).ToArray();
        var repeatedColumns = columns.Select(groups => groups.SelectMany(group => group.Members.Skip(1)).ToHashSet()).ToArray();
        var counts = CellCount.Of(matrices, result, rows, columns, cell => later.Contains(cell.Matrix) || repeatedRows[cell.Matrix].Contains(cell.Row) || repeatedColumns[cell.Matrix].Contains(cell.Column), options.Threads, options.Cancellation);
        for (var k = 0; patterns is not null && k < matrices.Count; k++) counts.Each[k].Cancelled = Cancelled(matrices[k], classes[k], patterns[k], counts.Each[k].Stuck);
        return new StreamedVerdict
        {
            Matrices = matrices,
            Result = result,
            Counts = counts,
            Rows = rows,
            Columns = columns,
            Copies = copies,
            EqualNow = equalNow,
            EqualMatrices = [.. equal.Where(set => !IsUniform(matrices[set[0]]))],
        };
    }

    static List<int[]> EqualSets(IReadOnlyList<StreamedMatrix> matrices, IReadOnlyList<AlikeAtStart> alike) =>
    [
        .. Enumerable.Range(0, matrices.Count)
            .GroupBy(k => (matrices[k].Rows, matrices[k].Columns, matrices[k].Format, alike[k].Hash))
            .Where(set => set.Skip(1).Any())
            .Select(set => set.Where(k => k == set.First() || Same(matrices[set.First()], matrices[k])).ToArray())
            .Where(set => set.Length > 1),
    ];

    static unsafe bool Same(StreamedMatrix left, StreamedMatrix right)
    {
        var bytes = left.Columns * MappedTensor.SizeOf(left.Format);
        for (var row = 0; row < left.Rows; row++)
        {
            var at = (nint)((long)row * bytes);
            if (new ReadOnlySpan<byte>((void*)(left.Bytes.Start + at), bytes).SequenceEqual(new ReadOnlySpan<byte>((void*)(right.Bytes.Start + at), bytes))) continue;
            for (var column = 0; column < left.Columns; column++)
                if (left.Bits(row, column) != right.Bits(row, column)) return false; // a zero has no sign
        }

        return true;
    }

    static bool IsUniform(StreamedMatrix matrix)
    {
        var first = matrix.Bits(0, 0);
        for (var row = 0; row < matrix.Rows; row++)
            for (var column = 0; column < matrix.Columns; column++)
                if (matrix.Bits(row, column) != first) return false;
        return true;
    }

    // Equal weights in rows and columns of equal classes and signs are equal throughout.
    static IEnumerable<int[]> Copied(int[] set, MatrixClasses?[] classes)
    {
        var found = new List<List<int>>();
        foreach (var k in set.Where(k => classes[k] is { AnyMoves: true }))
        {
            var same = found.Find(members => SameKeys(classes[members[0]]!, classes[k]!));
            if (same is null) found.Add([k]);
            else same.Add(k);
        }

        return found.Where(members => members.Count > 1).Select(members => members.ToArray());
    }

    static bool SameKeys(MatrixClasses left, MatrixClasses right) =>
        left.Rows.Keys.AsSpan().SequenceEqual(right.Rows.Keys) && left.Columns.Keys.AsSpan().SequenceEqual(right.Columns.Keys)
        && left.Rows.Moving.IsSameAs(right.Rows.Moving) && left.Columns.Moving.IsSameAs(right.Columns.Moving);

    static long Cancelled(StreamedMatrix matrix, MatrixClasses? classes, MatrixClasses pattern, long stuck)
    {
        if (stuck == 0) return 0;
        if (classes is null) return pattern.AllMove ? stuck : Count((row, column) => pattern.Moves(row, column));
        return Count((row, column) => !classes.Moves(row, column) && pattern.Moves(row, column));

        long Count(Func<int, int, bool> isMeant)
        {
            long count = 0;
            for (var row = 0; row < matrix.Rows; row++)
                for (var column = 0; column < matrix.Columns; column++)
                    if (isMeant(row, column)) count++;
            return count;
        }
    }
}
