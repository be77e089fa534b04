using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Writing to constant places, and triangles.</summary>
static class Scattering
{
    public static void ScatterElements(OperatorCall call)
    {
        var (data, updates) = (call.Node(0), call.Node(2));
        if (call.Input(1).Index is { } index)
        {
            call.Set(WrittenByChoice(call, data, updates, index));
            return;
        }

        var indices = call.Integers(1);
        if (data.Shape.Rank == 0 || call.Shape(1) != updates.Shape || updates.Shape.Rank != data.Shape.Rank) throw call.Fail($"indices of shape {call.Shape(1)} and updates of shape {updates.Shape} do not fit {data.Shape}");
        var axis = call.Axis(call.Int("axis", 0), data.Shape.Rank);
        var (own, strides) = (updates.Shape.Strides(), data.Shape.Strides());
        var positions = new int[indices.Length];
        for (var k = 0; k < positions.Length; k++)
        {
            for (var other = 0; other < own.Length; other++)
            {
                var at = other == axis ? Row(call, indices[k], data.Shape[axis]) : Row(call, k / own[other] % updates.Shape[other], data.Shape[other]);
                positions[k] += at * strides[other];
            }
        }

        call.Set(Written(call, data, updates, positions));
    }

    /// <summary>The data with updates where the soft index points, each place as far as it is chosen.</summary>
    static Node WrittenByChoice(OperatorCall call, Node data, Node updates, Func<int, Node> index)
    {
        var builder = call.Builder;
        var axis = call.Axis(call.Int("axis", 0), data.Shape.Rank);
        if (updates.Shape != call.Shape(1) || updates.Shape.Without([axis]) != data.Shape.Without([axis])) throw call.Fail($"it writes {updates.Shape} to a part of {data.Shape} chosen by data, which is not supported; write along whole axes");
        var letters = new AxisLetters();
        var own = letters.Take(data.Shape.Rank);
        var rank = letters.Take(1);
        var from = own[..axis] + rank + own[(axis + 1)..];
        var places = index(data.Shape[axis]);
        var placed = builder.Contract(from + own[axis], from, own, places, updates);
        var reduction = call.Text("reduction", "none");
        if (reduction is "add") return builder.Add(data, placed);
        if (reduction is not "none") throw call.Fail($"its reduction `{reduction}` is not supported; supported are none and add");
        var taken = builder.Transpose(builder.ReduceSum(places, axis), [.. Enumerable.Range(0, axis), data.Shape.Rank - 1, .. Enumerable.Range(axis, data.Shape.Rank - 1 - axis)]);
        return builder.Add(builder.Multiply(data, Comparisons.Opposite(builder, taken)), placed);
    }

    public static void ScatterND(OperatorCall call)
    {
        var (data, updates) = (call.Node(0), call.Node(2));
        var (indices, shape) = (call.Integers(1), call.Shape(1));
        var depth = shape.Rank == 0 ? 0 : shape[shape.Rank - 1];
        if (depth < 1 || depth > data.Shape.Rank) throw call.Fail($"indices of shape {shape} do not fit {data.Shape}");
        var strides = data.Shape.Strides();
        var block = 1;
        for (var axis = depth; axis < data.Shape.Rank; axis++) block *= data.Shape[axis];
        var places = indices.Length / depth;
        if ((long)places * block != updates.Shape.Count) throw call.Fail($"updates of shape {updates.Shape} do not fit indices of shape {shape}");
        var positions = new int[places * block];
        for (var place = 0; place < places; place++)
        {
            var start = 0;
            for (var axis = 0; axis < depth; axis++) start += Row(call, indices[place * depth + axis], data.Shape[axis]) * strides[axis];
            for (var k = 0; k < block; k++) positions[place * block + k] = start + k;
        }

        call.Set(Written(call, data, updates, positions));
    }

    /// <summary>The data with updates in place of, or added to, what stands at the positions.</summary>
    static Node Written(OperatorCall call, Node data, Node updates, int[] positions)
    {
        var builder = call.Builder;
        var placed = builder.ScatterAdd(updates, new IndexMap.Table(data.Shape, updates.Shape, positions));
        var reduction = call.Text("reduction", "none");
        if (reduction is "add") return builder.Add(data, placed);
        if (reduction is not "none") return Combined(call, data, updates, positions, Combine(call, reduction));
        if (positions.Distinct().Count() != positions.Length) throw call.Fail("it writes twice to one place, which the standard leaves open; make its indices distinct");
        var kept = new double[data.Shape.Count];
        Array.Fill(kept, 1);
        foreach (var position in positions) kept[position] = 0;
        return builder.Add(builder.Multiply(data, builder.Constant(new DoubleTensor(kept), data.Shape)), placed);
    }

    static Func<Node, Node, Node> Combine(OperatorCall call, string reduction) => reduction switch
    {
        "mul" => call.Builder.Multiply,
        "max" => (left, right) => Elementwise.Larger(call.Builder, left, right),
        "min" => (left, right) => call.Builder.Negate(Elementwise.Larger(call.Builder, call.Builder.Negate(left), call.Builder.Negate(right))),
        _ => throw call.Fail($"its reduction `{reduction}` is not known; known are none, add, mul, max and min"),
    };

    /// <summary>What stands at each position combined with its updates one after the other: first the first update of every place, then the second.</summary>
    static Node Combined(OperatorCall call, Node data, Node updates, int[] positions, Func<Node, Node, Node> combine)
    {
        const int most = 64;
        var builder = call.Builder;
        var seen = new int[data.Shape.Count];
        var layers = new List<List<int>>();
        for (var k = 0; k < positions.Length; k++)
        {
            var layer = seen[positions[k]]++;
            if (layer == layers.Count) layers.Add([]);
            layers[layer].Add(k);
        }

        if (layers.Count > most) throw call.Fail($"it writes {layers.Count} times to one place, more than {most}; choose smaller sizes");
        foreach (var layer in layers)
        {
            var shape = new Shape(layer.Count);
            var at = new IndexMap.Table(data.Shape, shape, [.. layer.Select(k => positions[k])]);
            var made = combine(builder.Gather(data, at), builder.Gather(updates, new IndexMap.Table(updates.Shape, shape, [.. layer])));
            var kept = new double[data.Shape.Count];
            Array.Fill(kept, 1);
            foreach (var position in at.Positions) kept[position] = 0;
            data = builder.Add(builder.Multiply(data, builder.Constant(new DoubleTensor(kept), data.Shape)), builder.ScatterAdd(made, at));
        }

        return data;
    }

    public static void Trilu(OperatorCall call)
    {
        var value = call.Input(0);
        if (value.Shape.Rank < 2 || value.Shape.Count > 1 << 24) throw call.Fail($"its input of shape {value.Shape} is no matrix, or too large");
        var diagonal = call.Has(1) ? call.Integers(1)[0] : 0;
        var upper = call.Int("upper", 1) != 0;
        var (rows, columns) = (value.Shape[value.Shape.Rank - 2], value.Shape[value.Shape.Rank - 1]);
        bool Keeps(long k) => upper ? k % columns - k / columns % rows >= diagonal : k % columns - k / columns % rows <= diagonal;
        if (value.Integers is { } integers)
        {
            call.Set(0, Value.Of(value.Shape, [.. integers.Select((number, k) => Keeps(k) ? number : 0)], value.Kind));
            return;
        }

        if (value is { Node: null, Known: { } known })
        {
            // A constant is cut before it becomes a node, since it may hold −∞.
            var numbers = Masks.Doubles(known);
            for (var k = 0; k < numbers.Length; k++)
                if (!Keeps(k)) numbers[k] = 0;
            call.Set(0, Value.Of(value.Shape, new DoubleTensor(numbers)));
            return;
        }

        var mask = new double[rows * columns];
        for (var k = 0; k < mask.Length; k++) mask[k] = Keeps(k) ? 1 : 0;
        var x = call.NodeOf(value);
        call.Set(0, Value.Of(call.Builder.Multiply(x, call.Builder.BroadcastTo(call.Builder.Constant(new DoubleTensor(mask), new Shape(rows, columns)), x.Shape)), value.Kind));
    }

    static int Row(OperatorCall call, long index, int rows) =>
        index >= -rows && index < rows ? (int)(index < 0 ? index + rows : index) : throw call.Fail($"index {index} lies outside an axis of size {rows}");
}
