using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Index maps that read a grid: a list of positions along each axis.</summary>
static class GridMap
{
    const long MostPositions = 1 << 26;

    /// <summary>The map; an affine one where every list is an arithmetic progression. A null list is the whole axis, −1 a zero.</summary>
    /// <exception cref="ArgumentException">A table would be too large, or a position lies outside.</exception>
    public static IndexMap Of(Shape source, int[]?[] positions)
    {
        var sourceStrides = source.Strides();
        var sizes = new int[source.Rank];
        var strides = new int[source.Rank];
        var offset = 0;
        var regular = true;
        for (var axis = 0; axis < source.Rank; axis++)
        {
            var list = positions[axis];
            sizes[axis] = list?.Length ?? source[axis];
            if (list is not null && Array.Exists(list, position => position < -1 || position >= source[axis])) throw new ArgumentException($"a position lies outside axis {axis} of {source}");
            var (first, step) = list is null ? (0, 1) : Progression(list) is { } found ? found : (0, int.MinValue);
            if (step == int.MinValue)
            {
                regular = false;
                continue;
            }

            offset += first * sourceStrides[axis];
            strides[axis] = step * sourceStrides[axis];
        }

        var target = new Shape(sizes);
        if (regular && target.Count > 0) return new IndexMap.Affine(source, target, offset, new Axes(strides));
        if (target.Count > MostPositions) throw new ArgumentException($"a table of {target.Count} positions is too large");
        return new IndexMap.Table(source, target, Table(sourceStrides, positions, sizes));
    }

    /// <summary>All positions of a map, row-major; −1 for zero.</summary>
    public static IEnumerable<int> Positions(IndexMap map)
    {
        if (map is IndexMap.Table table) return table.Positions;
        var affine = (IndexMap.Affine)map;
        return Walk(affine);
    }

    static IEnumerable<int> Walk(IndexMap.Affine map)
    {
        if (map.Target.Count == 0) yield break;
        var counter = new int[map.Target.Rank];
        var position = map.Offset;
        while (true)
        {
            yield return position;
            var axis = counter.Length - 1;
            for (; axis >= 0; axis--)
            {
                position += map.Strides[axis];
                if (++counter[axis] < map.Target[axis]) break;
                position -= map.Strides[axis] * counter[axis];
                counter[axis] = 0;
            }

            if (axis < 0) yield break;
        }
    }

    static (int First, int Step)? Progression(int[] list)
    {
        if (list.Length == 0) return (0, 0);
        if (Array.Exists(list, position => position < 0)) return null;
        var step = list.Length > 1 ? list[1] - list[0] : 0;
        for (var k = 1; k < list.Length; k++)
            if (list[k] - list[k - 1] != step) return null;
        return (list[0], step);
    }

    static int[] Table(int[] sourceStrides, int[]?[] positions, int[] sizes)
    {
        var table = new int[] { 0 };
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            var next = new int[table.Length * sizes[axis]];
            for (var k = 0; k < next.Length; k++)
            {
                var outer = table[k / sizes[axis]];
                var inner = positions[axis] is { } list ? list[k % sizes[axis]] : k % sizes[axis];
                next[k] = outer < 0 || inner < 0 ? -1 : outer + inner * sourceStrides[axis];
            }

            table = next;
        }

        return table;
    }
}
