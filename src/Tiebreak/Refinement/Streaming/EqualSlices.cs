using Tiebreak.Numbers;

namespace Tiebreak.Refinement.Streaming;

/// <summary>Slices of a streamed matrix that stay equal, or each other's negative.</summary>
/// <param name="Members">Their places, ascending; two or more.</param>
/// <param name="Negated">For each whether it is the negative of the first.</param>
/// <param name="HasStuck">Whether some of their weights never move.</param>
sealed record TiedSlices(int[] Members, bool[] Negated, bool HasStuck);

/// <summary>Compares rows or columns of a streamed matrix, weight by weight.</summary>
/// <param name="matrix">The matrix.</param>
/// <param name="isRows">Whether slices are rows.</param>
sealed class EqualSlices(StreamedMatrix matrix, bool isRows)
{
    int Length => isRows ? matrix.Columns : matrix.Rows;

    /// <summary>Groups the slices that stay equal up to sign: the same class, and the same weights but for the sign that the class says.</summary>
    public IReadOnlyList<TiedSlices> Tied(MatrixClasses classes)
    {
        var axis = isRows ? classes.Rows : classes.Columns;
        var groups = new List<TiedSlices>();
        foreach (var alike in RepeatedKeys.Groups(axis.Keys, AxisKeys.SignBit).Where(alike => axis.Moving[alike[0]] != 0))
        {
            var open = new Dictionary<ulong, List<List<int>>>();
            foreach (var slice in alike)
            {
                var hash = SizeHash(slice);
                if (!open.TryGetValue(hash, out var candidates)) open.Add(hash, candidates = []);
                var found = candidates.Find(members => AreTied(classes, members[0], slice, ((axis.Keys[members[0]] ^ axis.Keys[slice]) & AxisKeys.SignBit) != 0));
                if (found is null) candidates.Add([slice]);
                else found.Add(slice);
            }

            foreach (var members in open.Values.SelectMany(candidates => candidates).Where(members => members.Count > 1 && AnyMoves(classes, members[0])))
                groups.Add(new TiedSlices([.. members], [.. members.Select(member => ((axis.Keys[members[0]] ^ axis.Keys[member]) & AxisKeys.SignBit) != 0)], !classes.AllMove && !AllMove(classes, members[0])));
        }

        return [.. groups.OrderBy(group => group.Members[0])];
    }

    /// <summary>Groups of slices with equal weights, some of which move, among those that seem to be equal.</summary>
    public IReadOnlyList<int[]> Equal(MatrixClasses? classes, IReadOnlyList<int[]> seeming)
    {
        if (classes is null) return [];
        var groups = new List<int[]>();
        foreach (var alike in seeming)
        {
            var open = new List<List<int>>();
            foreach (var slice in alike.Where(slice => AnyMoves(classes, slice)))
            {
                if (open.Find(members => Same(members[0], slice)) is { } found) found.Add(slice);
                else open.Add([slice]);
            }

            groups.AddRange(open.Where(members => members.Count > 1).Select(members => members.ToArray()));
        }

        return [.. groups.OrderBy(members => members[0])];
    }

    bool Same(int left, int right)
    {
        for (var k = 0; k < Length; k++)
            if (Bits(left, k) != Bits(right, k)) return false;
        return true;
    }

    bool AreTied(MatrixClasses classes, int left, int right, bool opposed)
    {
        var sign = opposed ? (uint)AxisKeys.SignBit : 0;
        for (var k = 0; k < Length; k++)
        {
            if (!classes.AllMove && !Moves(classes, left, k)) continue;
            uint a = Bits(left, k), b = Bits(right, k);
            if (a != b && (a ^ b) != sign) return false;
            if (a != 0 && (a ^ b) != sign) return false;
        }

        return true;
    }

    ulong SizeHash(int slice)
    {
        var hash = 0UL;
        for (var k = 0; k < Length; k++) hash = Mixing.Mixed(hash ^ Bits(slice, k) & int.MaxValue);
        return hash;
    }

    bool AllMove(MatrixClasses classes, int slice) => Enumerable.Range(0, Length).All(k => Moves(classes, slice, k));

    bool AnyMoves(MatrixClasses classes, int slice) => classes.AllMove || Enumerable.Range(0, Length).Any(k => Moves(classes, slice, k));

    bool Moves(MatrixClasses classes, int slice, int k) => isRows ? classes.Moves(slice, k) : classes.Moves(k, slice);

    uint Bits(int slice, int k) => isRows ? matrix.Bits(slice, k) : matrix.Bits(k, slice);
}
