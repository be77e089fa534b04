using System.Runtime.InteropServices;

namespace Tiebreak.Refinement.Streaming;

/// <summary>Whether what was alike still is, over all matrices of a model: classes have names across them, as the tensors of two experts may be copies.</summary>
/// <param name="before">What was found: for each matrix its rows and columns; null while nothing of it moves.</param>
/// <param name="repeated">The classes of several members; one alone cannot break.</param>
sealed class ClassesKept(MatrixClasses?[] before, RepeatedKeys repeated)
{
    readonly Dictionary<ulong, ulong> _now = [];
    readonly ClassPairs _pairs = new();

    /// <summary>Whether no class has been seen to break.</summary>
    public bool AreKept { get; private set; } = true;

    /// <summary>Looks at what a fresh gradient shows of the rows or the columns of a matrix. Where all weights move, nothing is kept of it.</summary>
    public void Look(int matrix, bool isRows, AxisKeys after)
    {
        if (!AreKept) return;
        if (before[matrix] is { } own) Look(isRows ? own.Rows : own.Columns, after);
        if (before[matrix] is { AllMove: true } || _pairs.Add(matrix, isRows, after) is not { } both) return;
        AreKept &= before[matrix] is { } moving ? StayStuck(moving, both) : !both.AnyMoves;
    }

    void Look(AxisKeys before, AxisKeys after)
    {
        for (var place = 0; AreKept && place < before.Keys.Length; place++)
        {
            if (!repeated.Contains(before.Keys[place] & ~AxisKeys.SignBit)) continue;
            // The sign may differ for a whole class, not within it; nothing is its own negative.
            var now = after.Moving[place] == 0 ? after.Keys[place] : after.Keys[place] ^ before.Keys[place] & AxisKeys.SignBit;
            ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_now, before.Keys[place] & ~AxisKeys.SignBit, out var exists);
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
