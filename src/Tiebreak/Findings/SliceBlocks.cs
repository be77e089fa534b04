namespace Tiebreak.Findings;

/// <summary>Neighbouring slices that are copied together, block by block, as equal attention heads are.</summary>
/// <param name="Length">Slices in a block; it divides the axis.</param>
/// <param name="Groups">Numbers of the blocks that are copies of each other, each group ascending and of two or more.</param>
sealed record SliceBlocks(int Length, IReadOnlyList<IReadOnlyList<int>> Groups)
{
    /// <summary>
    /// The largest blocks that explain every repetition along the axis, or null: when single slices repeat otherwise, they are the units. Blocks
    /// whose slices are all alike do not count, for then the slices themselves are.
    /// </summary>
    public static SliceBlocks? In(SliceGrouping grouping)
    {
        if (grouping.IsComplete || grouping.Groups.Any(group => group.IsMirrored)) return null;
        var repeated = grouping.Groups.Sum(group => group.Members.Length - 1);
        for (var length = grouping.Size / 2; length >= 2; length--)
        {
            if (grouping.Size % length != 0 || repeated % length != 0) continue;
            var groups = Copies(grouping, length);
            if (groups.Sum(group => (group.Count - 1) * length) == repeated) return new SliceBlocks(length, groups);
        }

        return null;
    }

    static List<IReadOnlyList<int>> Copies(SliceGrouping grouping, int length)
    {
        var heads = new Dictionary<int, List<List<int>>>();
        var all = new List<List<int>>();
        for (var block = 0; block < grouping.Size / length; block++)
        {
            var keys = grouping.GroupOf.AsSpan(block * length, length);
            // A slice like no other makes its block like no other; slices all alike make no block.
            if (keys.Contains(-1) || !keys.ContainsAnyExcept(keys[0])) continue;
            var hash = new HashCode();
            foreach (var key in keys) hash.Add(key);
            if (!heads.TryGetValue(hash.ToHashCode(), out var candidates)) heads.Add(hash.ToHashCode(), candidates = []);
            List<int>? found = null;
            foreach (var candidate in candidates)
                if (grouping.GroupOf.AsSpan(candidate[0] * length, length).SequenceEqual(keys)) found = candidate;
            if (found is null)
            {
                candidates.Add(found = []);
                all.Add(found);
            }

            found.Add(block);
        }

        return [.. all.Where(group => group.Count > 1)];
    }
}
