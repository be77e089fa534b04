using System.Runtime.InteropServices;

namespace Tiebreak.Refinement.Streaming;

/// <summary>Whether what was alike still is, over all matrices of a model: classes have names across them, as the tensors of two experts may be copies.</summary>
/// <param name="before">What was found. A class with one member alone cannot break.</param>
/// <param name="threads">Cores to use.</param>
sealed class ClassesKept(StreamedState before, int threads)
{
    readonly Dictionary<ulong, ulong> _now = [];
    readonly ClassPairs _pairs = new();

    /// <summary>Whether no class has been seen to break.</summary>
    public bool AreKept { get; private set; } = true;

    /// <summary>Looks at what a fresh gradient shows of a matrix.</summary>
    public void Look(int matrix, MatrixClasses after)
    {
        if (before.Classes[matrix] is not { } own)
        {
            AreKept &= !after.AnyMoves;
            return;
        }

        Look(matrix, isRows: true, place => (after.Rows.Keys[place], after.Rows.Moving[place]));
        Look(matrix, isRows: false, place => (after.Columns.Keys[place], after.Columns.Moving[place]));
        if (!own.AllMove) AreKept = AreKept && StayStuck(own, after);
    }

    /// <summary>Looks at what it shows of the rows or the columns of a matrix. Where all weights move, only places that are alike are looked at, and nothing is kept.</summary>
    public void Look(int matrix, bool isRows, AxisVectors after)
    {
        if (!AreKept) return;
        if (before.Classes[matrix] is { AllMove: true }) Look(matrix, isRows, after.Key);
        else if (_pairs.Add(matrix, isRows, AxisKeys.Of(after, threads)) is { } both) Look(matrix, both);
    }

    void Look(int matrix, bool isRows, Func<int, (ulong Key, ulong Moving)> after)
    {
        var (alike, classes) = (before.Alike[matrix], before.Classes[matrix]!);
        var keys = (isRows ? classes.Rows : classes.Columns).Keys;
        foreach (var place in isRows ? alike.Rows : alike.Columns)
        {
            // The sign may differ for a whole class, not within it; nothing is its own negative.
            var (now, moving) = after(place);
            if (moving != 0) now ^= keys[place] & AxisKeys.SignBit;
            ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_now, keys[place] & ~AxisKeys.SignBit, out var exists);
            if (!exists) known = now;
            else AreKept &= known == now;
        }
    }

    static bool StayStuck(MatrixClasses before, MatrixClasses after)
    {
        var (rows, columns) = (Both(before.Rows, after.Rows), Both(before.Columns, after.Columns));
        return rows.All(row => columns.All(column => (row.Before & column.Before) != 0 || (row.After & column.After) == 0));

        static (ulong Before, ulong After)[] Both(AxisKeys before, AxisKeys after) => [.. Enumerable.Range(0, before.Moving.Length).Select(place => (before.Moving[place], after.Moving[place])).Distinct()];
    }
}

/// <summary>Brings rows and columns of matrices together, which become known one after the other.</summary>
sealed class ClassPairs
{
    readonly Dictionary<int, AxisKeys> _half = [];

    /// <summary>Takes the rows or the columns of a matrix; both together when they are complete, else null.</summary>
    public MatrixClasses? Add(int matrix, bool isRows, AxisKeys keys)
    {
        if (_half.Remove(matrix, out var other)) return isRows ? new MatrixClasses(keys, other) : new MatrixClasses(other, keys);
        _half.Add(matrix, keys);
        return null;
    }
}
