using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Writing;

/// <summary>
/// An index map taken apart: for each axis of its source a list of positions along that axis (−1 for zero), which runs over some axes of the target.
/// A sliding window is so a list for its height and one for its width, each far shorter than a list of all elements.
/// </summary>
/// <param name="Source">The shape that is read: the map's own, or all its elements in one axis where they cannot be told apart by axis.</param>
/// <param name="Positions">One list for each axis of the source.</param>
/// <param name="TargetAxes">Over which target axes each list runs, ascending; target axes of size 1 are left out.</param>
sealed record AxisLists(Shape Source, int[][] Positions, int[][] TargetAxes)
{
    /// <summary>Takes a map with a source and a target of at least one element apart.</summary>
    public static AxisLists Of(IndexMap map)
    {
        var flat = new Shape((int)map.Source.Count);
        return map switch
        {
            IndexMap.Affine affine => OfAffine(affine, map.Source) ?? OfAffine(affine, flat)!,
            IndexMap.Table table => OfTable(table) ?? new AxisLists(flat, [table.Positions], [[.. Enumerable.Range(0, map.Target.Rank).Where(axis => map.Target[axis] > 1)]]),
            _ => throw new InvalidOperationException($"unknown map {map}"),
        };
    }

    static AxisLists? OfAffine(IndexMap.Affine map, Shape source)
    {
        if (source.Rank == 0) return null;
        var strides = source.Strides();
        var (starts, axes, steps) = (new int[source.Rank], new List<int>[source.Rank], new int[map.Target.Rank]);
        for (var axis = 0; axis < source.Rank; axis++) (starts[axis], axes[axis]) = (map.Offset / strides[axis] % source[axis], []);
        for (var axis = 0; axis < map.Target.Rank; axis++)
        {
            if (map.Target[axis] == 1) continue;
            // The outermost axis that the stride is a multiple of; one that stands still may stand anywhere.
            var along = map.Strides[axis] == 0 ? source.Rank - 1 : Array.FindIndex(strides, 0, stride => map.Strides[axis] % stride == 0);
            while (map.Strides[axis] != 0 && along < source.Rank - 1 && source[along] == 1 && map.Strides[axis] % strides[along + 1] == 0) along++;
            if (along < 0) return null;
            axes[along].Add(axis);
            steps[axis] = map.Strides[axis] / strides[along];
        }

        var positions = new int[source.Rank][];
        for (var axis = 0; axis < source.Rank; axis++)
        {
            positions[axis] = [starts[axis]];
            foreach (var target in axes[axis])
                positions[axis] = [.. positions[axis].SelectMany(position => Enumerable.Range(0, map.Target[target]).Select(k => position + k * steps[target]))];
            if (Array.Exists(positions[axis], position => position < 0 || position >= source[axis])) return null;
        }

        return new AxisLists(source, positions, Array.ConvertAll(axes, list => list.ToArray()));
    }

    // From one element that is no zero, the lists are read off along each axis; then every element must agree.
    static AxisLists? OfTable(IndexMap.Table map)
    {
        var rank = map.Source.Rank;
        var start = Array.FindIndex(map.Positions, position => position >= 0);
        if (rank == 0 || rank != map.Target.Rank || start < 0) return null;
        var (strides, sourceStrides) = (map.Target.Strides(), map.Source.Strides());
        var lists = new int[rank][];
        for (var axis = 0; axis < rank; axis++)
        {
            var own = start / strides[axis] % map.Target[axis];
            lists[axis] = new int[map.Target[axis]];
            for (var k = 0; k < lists[axis].Length; k++)
            {
                var position = map.Positions[start + (k - own) * strides[axis]];
                lists[axis][k] = position < 0 ? -1 : position / sourceStrides[axis] % map.Source[axis];
            }
        }

        for (var k = 0; k < map.Positions.Length; k++)
        {
            var position = 0;
            for (var axis = 0; axis < rank && position >= 0; axis++)
            {
                var along = lists[axis][k / strides[axis] % map.Target[axis]];
                position = along < 0 ? -1 : position + along * sourceStrides[axis];
            }

            if (position != map.Positions[k]) return null;
        }

        return new AxisLists(map.Source, lists, [.. Enumerable.Range(0, rank).Select(axis => map.Target[axis] > 1 ? new[] { axis } : [])]);
    }
}
