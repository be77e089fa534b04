using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Writing;

/// <summary>Readings through index maps and their adjoints as ONNX operators, axis by axis.</summary>
static class MovementWriting
{
    /// <summary>Above these, places that several elements are added to are scattered to and not multiplied with a matrix of zeros and ones.</summary>
    const long MostMatrix = 1 << 18;

    /// <summary>The map's target from its source.</summary>
    public static string Gather(GraphBuilder graph, IndexMap map, string value)
    {
        if (IsAllZero(map)) return graph.Fill(0, map.Target);
        var lists = AxisLists.Of(map);
        value = graph.Reshape(value, map.Source, lists.Source);
        var sizes = lists.Source.Sizes.ToArray();
        var pads = new int[2 * sizes.Length];
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            value = Read(graph, value, new Shape(sizes), axis, lists.Positions[axis], pads);
            sizes[axis] = lists.Positions[axis].Length - pads[axis] - pads[sizes.Length + axis];
        }

        (value, sizes) = (Pad(graph, value, pads), Array.ConvertAll(lists.Positions, list => list.Length));
        var (order, grouped) = Grouped(lists, map.Target);
        value = graph.Transpose(graph.Reshape(value, new Shape(sizes), grouped), Inverse(order));
        return graph.Reshape(value, new Shape([.. order.Order().Select(axis => map.Target[axis])]), map.Target);
    }

    /// <summary>The map's source shape, to which each element of the target is added at its place.</summary>
    public static string ScatterAdd(GraphBuilder graph, IndexMap map, string value)
    {
        if (IsAllZero(map)) return graph.Fill(0, map.Source);
        var lists = AxisLists.Of(map);
        var (order, grouped) = Grouped(lists, map.Target);
        var ascending = order.Order().ToArray();
        value = graph.Reshape(value, map.Target, new Shape([.. ascending.Select(axis => map.Target[axis])]));
        value = graph.Transpose(value, [.. order.Select(axis => Array.IndexOf(ascending, axis))]);
        var sizes = Array.ConvertAll(lists.Positions, list => list.Length);
        value = graph.Reshape(value, grouped, new Shape(sizes));
        var pads = new int[2 * sizes.Length];
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            value = Write(graph, value, new Shape(sizes), axis, lists.Positions[axis], lists.Source[axis], pads);
            sizes[axis] = lists.Source[axis] - pads[axis] - pads[sizes.Length + axis];
        }

        return graph.Reshape(Pad(graph, value, pads), lists.Source, map.Source);
    }

    // The target's axes in the order in which the lists bring them forth.
    static (int[] Order, Shape Sizes) Grouped(AxisLists lists, Shape target)
    {
        int[] order = [.. lists.TargetAxes.SelectMany(axes => axes)];
        return (order, new Shape([.. order.Select(axis => target[axis])]));
    }

    static int[] Inverse(int[] order)
    {
        var ranks = order.Order().ToArray();
        return [.. ranks.Select(axis => Array.IndexOf(order, axis))];
    }

    static bool IsAllZero(IndexMap map) => map is IndexMap.Table table && Array.TrueForAll(table.Positions, position => position < 0);

    /// <summary>Reads positions along one axis; −1 is zero. Zeros at its begin and end are left to <paramref name="pads"/>.</summary>
    static string Read(GraphBuilder graph, string value, Shape shape, int axis, int[] positions, int[] pads)
    {
        var begin = Array.FindIndex(positions, position => position >= 0);
        var end = Array.FindLastIndex(positions, position => position >= 0) + 1;
        if (begin < 0) return graph.Fill(0, Resized(shape, axis, positions.Length));
        var inside = positions.AsSpan(begin, end - begin);
        var step = Step(inside);
        if (step == 0)
        {
            if (!positions.Contains(-1)) return graph.Add("Gather", [value, graph.Integers(positions)], GraphBuilder.Int("axis", axis));
            var one = new int[2 * shape.Rank];
            one[shape.Rank + axis] = 1;
            var padded = Pad(graph, value, one); // a zero to read where the map says so
            return graph.Add("Gather", [padded, graph.Integers(Array.ConvertAll(positions, position => position < 0 ? shape[axis] : position))], GraphBuilder.Int("axis", axis));
        }

        if (inside.Length != shape[axis] || step != 1)
        {
            var stop = inside[^1] + step;
            value = graph.Add("Slice", [value, graph.Integers(inside[0]), graph.Integers(stop < 0 ? int.MinValue : stop), graph.Integers(axis), graph.Integers(step)]);
        }

        (pads[axis], pads[shape.Rank + axis]) = (begin, positions.Length - end);
        return value;
    }

    /// <summary>Adds along one axis into a given size.</summary>
    static string Write(GraphBuilder graph, string value, Shape shape, int axis, int[] positions, int size, int[] pads)
    {
        var inverse = new int[size];
        Array.Fill(inverse, -1);
        var isOneToOne = true;
        for (var k = 0; k < positions.Length; k++)
        {
            if (positions[k] < 0) continue;
            isOneToOne &= inverse[positions[k]] < 0;
            inverse[positions[k]] = k;
        }

        if (isOneToOne) return Read(graph, value, shape, axis, inverse, pads);
        return (long)size * positions.Length <= MostMatrix ? Multiply(graph, value, shape, axis, positions, size) : Scatter(graph, value, shape, axis, positions, size);
    }

    static string Multiply(GraphBuilder graph, string value, Shape shape, int axis, int[] positions, int size)
    {
        var (before, after) = (Product(shape.Sizes.Span[..axis]), Product(shape.Sizes.Span[(axis + 1)..]));
        var count = positions.Length;
        var isLast = after == 1;
        var matrix = new double[size * count];
        for (var k = 0; k < count; k++)
            if (positions[k] >= 0) matrix[isLast ? k * size + positions[k] : positions[k] * count + k] = 1;
        var ones = graph.Numbers(new DoubleTensor(matrix), isLast ? new Shape(count, size) : new Shape(size, count));
        var blocks = isLast ? new Shape(before, count) : new Shape(before, count, after);
        value = graph.Reshape(value, shape, blocks);
        value = graph.Add("MatMul", isLast ? [value, ones] : [ones, value]);
        return graph.Reshape(value, isLast ? new Shape(before, size) : new Shape(before, size, after), Resized(shape, axis, size));
    }

    static string Scatter(GraphBuilder graph, string value, Shape shape, int axis, int[] positions, int size)
    {
        int[] kept = [.. Enumerable.Range(0, positions.Length).Where(k => positions[k] >= 0)];
        value = Read(graph, value, shape, axis, kept, new int[2 * shape.Rank]); // nothing is −1
        var sizes = new int[shape.Rank];
        Array.Fill(sizes, 1);
        sizes[axis] = kept.Length;
        var places = graph.Reshape(graph.Integers([.. kept.Select(k => positions[k])]), new Shape(kept.Length), new Shape(sizes));
        places = graph.Expand(places, Resized(shape, axis, kept.Length));
        return graph.Add("ScatterElements", [graph.Fill(0, Resized(shape, axis, size)), places, value], GraphBuilder.Int("axis", axis), GraphBuilder.Text("reduction", "add"));
    }

    static string Pad(GraphBuilder graph, string value, int[] pads) =>
        Array.TrueForAll(pads, pad => pad == 0) ? value : graph.Add("Pad", [value, graph.Integers(pads)]);

    /// <summary>The step of an arithmetic progression (1 for a single position); 0 if it is none.</summary>
    static int Step(ReadOnlySpan<int> positions)
    {
        if (positions.Length == 1) return 1;
        var step = positions[1] - positions[0];
        for (var k = 1; k < positions.Length; k++)
            if (positions[k] < 0 || positions[k] - positions[k - 1] != step) return 0;
        return step;
    }

    static Shape Resized(Shape shape, int axis, int size)
    {
        var sizes = shape.Sizes.ToArray();
        sizes[axis] = size;
        return new Shape(sizes);
    }

    static int Product(ReadOnlySpan<int> sizes)
    {
        var product = 1;
        foreach (var size in sizes) product = checked(product * size);
        return product;
    }
}
