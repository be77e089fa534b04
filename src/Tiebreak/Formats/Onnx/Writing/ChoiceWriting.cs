using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Writing;

/// <summary>The weights of a choice as ONNX operators.</summary>
static class ChoiceWriting
{
    /// <summary>1 at the chosen elements along the last axis, 0 elsewhere.</summary>
    public static string Write(GraphBuilder graph, Primitive.Choose choose, string x, Shape shape)
    {
        if (choose.Allowed is not { } allowed) return Weights(graph, choose, x, shape, null);
        var flags = graph.Flags(Spread(allowed.Flags, shape, out var flagsShape), flagsShape);
        var open = graph.Add("Where", [flags, x, graph.Number(double.NegativeInfinity)]);
        var mask = FunctionWriting.Truth(graph, flags);
        return graph.Add("Mul", [Weights(graph, choose, open, shape, mask), mask]); // what is not allowed is not chosen, even where nothing else is
    }

    static string Weights(GraphBuilder graph, Primitive.Choose choose, string x, Shape shape, string? mask)
    {
        var last = shape.Rank - 1;
        if (choose.Count > 1)
        {
            // Of equal elements, both take those of the lower index.
            var places = graph.AddForSecond("TopK", [x, graph.Integers(choose.Count)], GraphBuilder.Int("axis", last));
            var sizes = shape.Sizes.ToArray();
            sizes[last] = choose.Count;
            return graph.Add("ScatterElements", [graph.Fill(0, shape), places, graph.Fill(1, new Shape(sizes))], GraphBuilder.Int("axis", last));
        }

        if (choose.Ties == TieBreak.First)
        {
            var place = graph.Add("ArgMax", [x], GraphBuilder.Int("axis", last), GraphBuilder.Int("keepdims", 1));
            return FunctionWriting.Truth(graph, graph.Add("Equal", [place, graph.Integers([.. Enumerable.Range(0, shape[last])])]));
        }

        var largest = graph.Add("ReduceMax", [x], GraphBuilder.Ints("axes", last), GraphBuilder.Int("keepdims", 1));
        var best = FunctionWriting.Truth(graph, graph.Add("Equal", [x, largest]));
        if (mask is not null) best = graph.Add("Mul", [best, mask]);
        var count = graph.Add("ReduceSum", [best, graph.Integers(last)], GraphBuilder.Int("keepdims", 1));
        return graph.Add("Div", [best, mask is null ? count : graph.Add("Max", [count, graph.Number(1)])]);
    }

    // The flags repeat; where they end with whole trailing axes, broadcasting repeats them.
    static bool[] Spread(bool[] flags, Shape shape, out Shape flagsShape)
    {
        long trailing = 1;
        for (var axis = shape.Rank; axis >= 0; axis--)
        {
            if (trailing == flags.Length)
            {
                flagsShape = new Shape(shape.Sizes.Span[axis..]);
                return flags;
            }

            if (axis > 0) trailing *= shape[axis - 1];
        }

        flagsShape = shape;
        return [.. Enumerable.Range(0, (int)shape.Count).Select(k => flags[k % flags.Length])];
    }
}
