using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Sequences of tensors: lists while the graph is lowered, nothing in the program.</summary>
static class Sequences
{
    public static void Empty(OperatorCall call) => call.Set(0, Value.Of(new List<Value>()));

    public static void Construct(OperatorCall call) => call.Set(0, Value.Of([.. Enumerable.Range(0, call.InputCount).Select(call.Input)]));

    public static void At(OperatorCall call)
    {
        var items = call.Items(0);
        call.Set(0, items[Place(call, 1, items.Count)]);
    }

    public static void Insert(OperatorCall call)
    {
        var items = call.Items(0).ToList();
        items.Insert(call.Has(2) ? Place(call, 2, items.Count + 1) : items.Count, call.Input(1));
        call.Set(0, Value.Of(items));
    }

    public static void Erase(OperatorCall call)
    {
        var items = call.Items(0).ToList();
        items.RemoveAt(call.Has(1) ? Place(call, 1, items.Count) : items.Count - 1);
        call.Set(0, Value.Of(items));
    }

    public static void Length(OperatorCall call) => call.Set(0, Value.Of(Shape.Scalar, [call.Items(0).Count]));

    /// <summary>Parts of equal or of given sizes; without sizes slices of one, whose axis may be dropped.</summary>
    public static void Split(OperatorCall call)
    {
        var value = call.Input(0);
        var axis = call.Axis(call.Int("axis", 0), value.Shape.Rank);
        var size = value.Shape[axis];
        var sizes = !call.Has(1) ? [.. Enumerable.Repeat(1, size)] : call.Narrow(call.Integers(1), "sizes");
        if (call.Has(1) && call.Shape(1).Rank == 0)
        {
            var each = sizes[0] > 0 ? sizes[0] : throw call.Fail($"it splits into parts of size {sizes[0]}");
            sizes = [.. Enumerable.Range(0, (size + each - 1) / each).Select(k => Math.Min(each, size - k * each))];
        }

        if (Array.Exists(sizes, part => part < 0) || sizes.Sum(part => (long)part) != size) throw call.Fail($"parts of sizes {string.Join(", ", sizes)} do not make up axis {axis} of {value.Shape}");
        var drops = !call.Has(1) && call.Int("keepdims", 1) == 0;
        var items = new List<Value>();
        var begin = 0;
        foreach (var part in sizes)
        {
            var positions = new int[]?[value.Shape.Rank];
            positions[axis] = [.. Enumerable.Range(begin, part)];
            var item = ValueMoves.Grid(call, value, positions);
            items.Add(drops ? ValueMoves.Reshape(call, item, item.Shape.Without([axis])) : item);
            begin += part;
        }

        call.Set(0, Value.Of(items));
    }

    public static void Concat(OperatorCall call)
    {
        var items = call.Items(0).ToArray();
        if (items.Length == 0) throw call.Fail("it joins nothing");
        var stacks = call.Int("new_axis", 0) != 0;
        var axis = call.Axis(call.Int("axis", 0), items[0].Shape.Rank + (stacks ? 1 : 0));
        if (stacks) items = Array.ConvertAll(items, item => ValueMoves.Reshape(call, item, new Shape([.. item.Shape.Sizes.Take(axis), 1, .. item.Shape.Sizes.Skip(axis)])));
        call.Set(0, ValueMoves.Concat(call, items, axis));
    }

    static int Place(OperatorCall call, int input, int count)
    {
        var places = call.Integers(input);
        return places.Length == 1 ? SliceOperators.Row(call, places[0], count) : throw call.Fail($"its position must be one number, not {places.Length}");
    }
}
