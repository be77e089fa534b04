namespace Tiebreak.Repairs.NearTies;

/// <summary>A unit that stays, and those that are near it.</summary>
/// <param name="Center">Its number among the candidates.</param>
/// <param name="Members">The others.</param>
/// <param name="Distance">How far the farthest is from it.</param>
sealed record NearGroup(int Center, int[] Members, double Distance);

/// <summary>A unit in the search for near ones.</summary>
/// <param name="Rows">Its numbers, row by row.</param>
/// <param name="Reach">The norm of its outgoing weights: what a change of it counts for.</param>
/// <param name="MayMove">Whether it may take the numbers of another unit.</param>
sealed record Candidate(double[][] Rows, double Reach, bool MayMove);

/// <summary>
/// Groups units that nearly agree. The distance of two is the largest, over their rows, of ‖a − b‖ / max(‖a‖, ‖b‖), Euclidean norms. Every member of a group is within the tolerance of the one unit that stays, so
/// nothing is merged along a chain: of a ~ b ~ c with a and c too far apart, b takes both, as it is near both.
/// </summary>
static class NearGroups
{
    const int Block = 16; // numbers between two looks at whether a pair is too far apart already

    /// <summary>Finds the groups: first those of the units that most others are near, of two such the one whose group changes the least that others read.</summary>
    /// <param name="units">The candidates, with as many rows of the same lengths each.</param>
    /// <param name="tolerance">The largest distance, below 1.</param>
    /// <param name="cancellation">Stops it.</param>
    public static IReadOnlyList<NearGroup> Of(IReadOnlyList<Candidate> units, double tolerance, CancellationToken cancellation)
    {
        var near = Near(units, tolerance, cancellation);
        var isFree = units.Select(_ => true).ToArray();
        var groups = new List<NearGroup>();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            (int Center, (int Unit, double Distance)[] Members)? best = null;
            foreach (var (center, others) in near)
            {
                if (!isFree[center]) continue;
                var members = others.Where(other => isFree[other.Unit] && units[other.Unit].MayMove).ToArray();
                if (members.Length > 0 && (best is not { } known || Rank(center, members).CompareTo(Rank(known.Center, known.Members)) > 0)) best = (center, members);
            }

            if (best is not var (chosen, found)) return groups;
            groups.Add(new NearGroup(chosen, [.. found.Select(member => member.Unit).Order()], found.Max(member => member.Distance)));
            isFree[chosen] = false;
            foreach (var (unit, _) in found) isFree[unit] = false;
        }

        // Units that cannot move have only this chance.
        (bool, int, double) Rank(int center, (int Unit, double Distance)[] members) => (!units[center].MayMove, members.Length, -members.Sum(member => member.Distance * units[member.Unit].Reach));
    }

    /// <summary>The distance of two units; infinite where it is above the tolerance.</summary>
    public static double Distance(double[][] left, double[][] right, double tolerance)
    {
        var largest = 0.0;
        for (var row = 0; row < left.Length; row++)
        {
            var scale = Math.Max(Norm(left[row]), Norm(right[row]));
            if (scale == 0) continue;
            if (SquaredDistance(left[row], right[row], tolerance * scale) is not { } squared) return double.PositiveInfinity;
            largest = Math.Max(largest, Math.Sqrt(squared) / scale);
        }

        return largest <= tolerance ? largest : double.PositiveInfinity;
    }

    // For each unit the others within the tolerance, in ascending order. Only units whose first rows are about as long can be near.
    static SortedDictionary<int, List<(int Unit, double Distance)>> Near(IReadOnlyList<Candidate> units, double tolerance, CancellationToken cancellation)
    {
        var near = new SortedDictionary<int, List<(int, double)>>();
        void Add(int unit, int other, double distance)
        {
            if (!near.TryGetValue(unit, out var list)) near.Add(unit, list = []);
            list.Add((other, distance));
        }

        var norms = units.Select(unit => Norm(unit.Rows[0])).ToArray();
        var order = Enumerable.Range(0, units.Count).OrderBy(unit => norms[unit]).ToArray();
        for (var i = 0; i < order.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (var j = i + 1; j < order.Length && norms[order[j]] - norms[order[i]] <= tolerance * norms[order[j]]; j++)
            {
                var distance = Distance(units[order[i]].Rows, units[order[j]].Rows, tolerance);
                if (double.IsPositiveInfinity(distance)) continue;
                Add(order[i], order[j], distance);
                Add(order[j], order[i], distance);
            }
        }

        return near;
    }

    // Null as soon as it is beyond the limit.
    static double? SquaredDistance(double[] left, double[] right, double limit)
    {
        var (sum, most) = (0.0, limit * limit * (1 + 1e-12)); // what is at the limit but for rounding is decided by the caller
        for (var start = 0; start < left.Length; start += Block)
        {
            var end = Math.Min(start + Block, left.Length);
            for (var k = start; k < end; k++) sum += (left[k] - right[k]) * (left[k] - right[k]);
            if (sum > most) return null;
        }

        return sum;
    }

    /// <summary>The Euclidean norm.</summary>
    public static double Norm(ReadOnlySpan<double> row)
    {
        var sum = 0.0;
        foreach (var value in row) sum += value * value;
        return Math.Sqrt(sum);
    }
}
