using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>Writes sets of elements of a tensor as its user would index it: <c>[2,*]</c>.</summary>
static class PlacesText
{
    const int MostGroups = 3;

    /// <summary>The indices of one element; empty for a scalar.</summary>
    public static string Of(Shape shape, int place) => shape.Rank == 0 ? "" : $"[{string.Join(',', Coordinates(shape, place))}]";

    /// <summary>A set of elements, as a box with <c>*</c> for whole axes and <c>a..b</c> for ranges where it is one.</summary>
    public static string Of(Shape shape, IReadOnlyCollection<int> places, bool isCut = false)
    {
        if (shape.Rank == 0) return "";
        var seen = new SortedSet<int>[shape.Rank];
        for (var axis = 0; axis < seen.Length; axis++) seen[axis] = [];
        foreach (var place in places)
        {
            var at = Coordinates(shape, place);
            for (var axis = 0; axis < at.Length; axis++) seen[axis].Add(at[axis]);
        }

        return Box(shape, seen, isCut);
    }

    /// <summary>Equalities between elements: <c>a[2,*] = a[3,*]</c>, grouped by the indices that differ.</summary>
    /// <param name="left">The name of the one node and its shape.</param>
    /// <param name="right">The same for the other.</param>
    /// <param name="pairs">Pairs of places.</param>
    /// <param name="sign">What stands before the right side: nothing, or a minus.</param>
    /// <param name="isCut">Whether there are more pairs.</param>
    public static IReadOnlyList<(string Left, string Right)> Equalities((string Name, Shape Shape) left, (string Name, Shape Shape) right, IReadOnlyList<(int Left, int Right)> pairs, string sign, bool isCut)
    {
        if (left.Shape.Rank != right.Shape.Rank)
            return [(left.Name + Of(left.Shape, [.. pairs.Select(pair => pair.Left)], isCut), sign + right.Name + Of(right.Shape, [.. pairs.Select(pair => pair.Right)], isCut))];

        var shared = new bool[left.Shape.Rank];
        Array.Fill(shared, true);
        foreach (var pair in pairs)
        {
            var (a, b) = (Coordinates(left.Shape, pair.Left), Coordinates(right.Shape, pair.Right));
            for (var axis = 0; axis < a.Length; axis++) shared[axis] &= a[axis] == b[axis];
        }

        string Key((int Left, int Right) pair)
        {
            var (a, b) = (Coordinates(left.Shape, pair.Left), Coordinates(right.Shape, pair.Right));
            return string.Join(';', a.Select((at, axis) => shared[axis] ? "*" : $"{at}:{b[axis]}"));
        }

        var groups = pairs.GroupBy(Key, StringComparer.Ordinal).ToList();
        var texts = groups.Take(MostGroups).Select(group => (left.Name + Of(left.Shape, [.. group.Select(pair => pair.Left)], isCut), sign + right.Name + Of(right.Shape, [.. group.Select(pair => pair.Right)], isCut))).ToList();
        if (groups.Count > MostGroups) texts[^1] = (texts[^1].Item1, $"{texts[^1].Item2} (and {groups.Count - MostGroups:N0} more such pairs)");
        return texts;
    }

    static int[] Coordinates(Shape shape, int place)
    {
        var at = new int[shape.Rank];
        for (var axis = at.Length - 1; axis >= 0; axis--) (place, at[axis]) = (place / shape[axis], place % shape[axis]);
        return at;
    }

    static string Box(Shape shape, SortedSet<int>[] seen, bool isCut) => $"[{string.Join(',', seen.Select((places, axis) => Axis(places, shape[axis], isCut)))}]";

    static string Axis(SortedSet<int> places, int size, bool isCut)
    {
        if (places.Count == 1) return places.Min.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (places.Count == size || isCut) return "*";
        return places.Max - places.Min + 1 == places.Count ? $"{places.Min}..{places.Max}" : $"{{{string.Join(',', places.Take(4))}{(places.Count > 4 ? ",…" : "")}}}";
    }
}
