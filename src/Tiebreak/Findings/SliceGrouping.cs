namespace Tiebreak.Findings;

/// <summary>Slices of one tensor that stay equal for ever, or each other's negative.</summary>
/// <param name="Members">Their places along the axis, ascending; two or more.</param>
/// <param name="Negated">For each member, whether it is the negative of the first.</param>
/// <param name="HasStuck">Whether a slice holds stuck parameters besides the moving ones: only where they move are the slices equal.</param>
sealed record SliceGroup(int[] Members, bool[] Negated, bool HasStuck)
{
    /// <summary>Whether some slice is the negative of another.</summary>
    public bool IsMirrored { get; } = Negated.Contains(true);
}

/// <summary>
/// Which slices of a tensor along an axis hold the same codes, up to one sign a slice. Found by hashing each slice and then comparing with the
/// first slice of the same hash: two passes over the tensor, memory proportional to the axis.
/// </summary>
sealed class SliceGrouping
{
    internal SliceGrouping(int axis, int[] groupOf, IReadOnlyList<SliceGroup> groups)
    {
        Axis = axis;
        GroupOf = groupOf;
        Groups = groups;
    }

    /// <summary>The axis the slices lie along.</summary>
    public int Axis { get; }

    /// <summary>For each slice the index of its group, or −1 if it is like no other.</summary>
    public int[] GroupOf { get; }

    /// <summary>The groups of two or more, in order of their first members.</summary>
    public IReadOnlyList<SliceGroup> Groups { get; }

    /// <summary>The number of slices.</summary>
    public int Size => GroupOf.Length;

    /// <summary>Whether all slices are in one group.</summary>
    public bool IsComplete => Groups.Count == 1 && Groups[0].Members.Length == Size;

    /// <summary>Whether the same places are grouped in the same way, whatever the signs.</summary>
    public bool SamePlaces(SliceGrouping other) => GroupOf.AsSpan().SequenceEqual(other.GroupOf);

    /// <summary>Whether a slice repeats an earlier one.</summary>
    public bool Repeats(int slice) => GroupOf[slice] >= 0 && Groups[GroupOf[slice]].Members[0] != slice;

    /// <summary>Groups the slices of partition codes: signs are factored out, and slices that are stuck as a whole belong to no group.</summary>
    public static SliceGrouping OfCodes(ReadOnlySpan<int> codes, IReadOnlyList<int> shape, int axis) => Of(codes, shape, axis, signed: true);

    /// <summary>Groups the slices of any numbers by plain equality.</summary>
    public static SliceGrouping OfNumbers(ReadOnlySpan<int> numbers, IReadOnlyList<int> shape, int axis) => Of(numbers, shape, axis, signed: false);

    static SliceGrouping Of(ReadOnlySpan<int> codes, IReadOnlyList<int> shape, int axis, bool signed)
    {
        var layout = new SliceLayout(shape, axis);
        var signs = new int[layout.Size];
        var hashes = Hash(codes, layout, signs, signed);

        var groups = new List<(List<int> Members, List<bool> Negated)>();
        var heads = new Dictionary<ulong, List<int>>(); // hash → groups with it, also groups of one
        var groupOf = new int[layout.Size];
        for (var slice = 0; slice < layout.Size; slice++)
        {
            groupOf[slice] = -1;
            if (signs[slice] == 0) continue;
            if (!heads.TryGetValue(hashes[slice], out var candidates)) heads.Add(hashes[slice], candidates = []);
            var found = -1;
            foreach (var candidate in candidates)
            {
                var head = groups[candidate].Members[0];
                if (!layout.AreEqual(codes, head, slice, signs[head] == signs[slice])) continue;
                found = candidate;
                break;
            }

            if (found < 0)
            {
                found = groups.Count;
                groups.Add(([], []));
                candidates.Add(found);
            }

            groups[found].Members.Add(slice);
            groups[found].Negated.Add(signs[slice] != signs[groups[found].Members[0]]);
            groupOf[slice] = found;
        }

        return new SliceGrouping(axis, groupOf, KeepPairs(codes, layout, groups, groupOf, signed));
    }

    static List<SliceGroup> KeepPairs(ReadOnlySpan<int> codes, SliceLayout layout, List<(List<int> Members, List<bool> Negated)> groups, int[] groupOf, bool signed)
    {
        var kept = new List<SliceGroup>();
        var number = new int[groups.Count];
        for (var g = 0; g < groups.Count; g++)
        {
            number[g] = -1;
            if (groups[g].Members.Count < 2) continue;
            number[g] = kept.Count;
            kept.Add(new SliceGroup([.. groups[g].Members], [.. groups[g].Negated], signed && layout.HoldsZero(codes, groups[g].Members[0])));
        }

        for (var slice = 0; slice < groupOf.Length; slice++)
            if (groupOf[slice] >= 0) groupOf[slice] = number[groupOf[slice]];
        return kept;
    }

    /// <summary>One hash a slice of its codes times the sign of its first moving one; that sign goes to <paramref name="signs"/>, 0 if nothing moves.</summary>
    static ulong[] Hash(ReadOnlySpan<int> codes, SliceLayout layout, int[] signs, bool signed)
    {
        var hashes = new ulong[layout.Size];
        if (!signed) Array.Fill(signs, 1);
        var at = 0;
        for (var outer = 0; outer < layout.Outer; outer++)
        {
            for (var slice = 0; slice < layout.Size; slice++)
            {
                var hash = hashes[slice];
                var sign = signs[slice];
                foreach (var code in codes.Slice(at, layout.Inner))
                {
                    if (sign == 0) sign = Math.Sign(code);
                    hash = (hash ^ (uint)(code * sign)) * 0x9E3779B97F4A7C15;
                    hash ^= hash >> 32;
                }

                hashes[slice] = hash;
                signs[slice] = sign;
                at += layout.Inner;
            }
        }

        return hashes;
    }
}

/// <summary>Where the elements of the slices along one axis lie in a row-major tensor: Outer × Size × Inner.</summary>
readonly struct SliceLayout
{
    public SliceLayout(IReadOnlyList<int> shape, int axis)
    {
        Size = shape[axis];
        Outer = 1;
        Inner = 1;
        for (var k = 0; k < shape.Count; k++)
        {
            if (k < axis) Outer *= shape[k];
            if (k > axis) Inner *= shape[k];
        }
    }

    /// <summary>Runs of each slice.</summary>
    public int Outer { get; }

    /// <summary>The number of slices.</summary>
    public int Size { get; }

    /// <summary>Neighbouring elements in one run of a slice.</summary>
    public int Inner { get; }

    /// <summary>One run of a slice.</summary>
    public ReadOnlySpan<int> Run(ReadOnlySpan<int> codes, int outer, int slice) => codes.Slice((outer * Size + slice) * Inner, Inner);

    /// <summary>Whether two slices hold the same codes, or the negated ones.</summary>
    public bool AreEqual(ReadOnlySpan<int> codes, int left, int right, bool sameSign)
    {
        for (var outer = 0; outer < Outer; outer++)
        {
            var a = Run(codes, outer, left);
            var b = Run(codes, outer, right);
            if (sameSign)
            {
                if (!a.SequenceEqual(b)) return false;
                continue;
            }

            for (var k = 0; k < a.Length; k++)
                if (a[k] != -b[k]) return false;
        }

        return true;
    }

    /// <summary>Whether a slice holds a zero.</summary>
    public bool HoldsZero(ReadOnlySpan<int> codes, int slice)
    {
        for (var outer = 0; outer < Outer; outer++)
            if (Run(codes, outer, slice).Contains(0)) return true;
        return false;
    }

    /// <summary>Whether a slice holds nothing but zeros.</summary>
    public bool HoldsOnlyZeros(ReadOnlySpan<int> codes, int slice)
    {
        for (var outer = 0; outer < Outer; outer++)
            if (Run(codes, outer, slice).ContainsAnyExcept(0)) return false;
        return true;
    }
}
