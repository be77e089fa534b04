using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Operators the size of whose result depends on values: they are computed where the values are known, and refused where they are data.</summary>
static class KnownSets
{
    const int MostKnown = 1 << 20;

    /// <summary>The places of what is not 0, one row an axis.</summary>
    public static void NonZero(OperatorCall call)
    {
        var shape = call.Shape(0);
        var numbers = Known(call, 0);
        int[] places = [.. Enumerable.Range(0, numbers.Length).Where(k => !numbers[k].IsZero)];
        var strides = shape.Strides();
        var coordinates = new long[shape.Rank * places.Length];
        for (var axis = 0; axis < shape.Rank; axis++)
            for (var k = 0; k < places.Length; k++) coordinates[axis * places.Length + k] = places[k] / strides[axis] % shape[axis];
        call.Set(0, Value.Of(new Shape(shape.Rank, places.Length), coordinates));
    }

    /// <summary>Keeps the slices that known flags say, whatever the values are.</summary>
    public static void Compress(OperatorCall call)
    {
        var value = call.Input(0);
        var flags = call.Integers(1);
        if (!call.HasAttribute("axis")) value = ValueMoves.Reshape(call, value, new Shape(call.Narrow([value.Shape.Count], "sizes")));
        var axis = call.Axis(call.Int("axis", 0), value.Shape.Rank);
        if (flags.Length > value.Shape[axis]) throw call.Fail($"{flags.Length} flags do not fit axis {axis} of {value.Shape}");
        var positions = new int[]?[value.Shape.Rank];
        positions[axis] = [.. Enumerable.Range(0, flags.Length).Where(k => flags[k] != 0)];
        call.Set(0, ValueMoves.Grid(call, value, positions));
    }

    /// <summary>The different slices along an axis, or the different numbers.</summary>
    public static void Unique(OperatorCall call)
    {
        var (value, numbers) = (call.Input(0), Known(call, 0));
        var shape = call.HasAttribute("axis") ? value.Shape : new Shape(call.Narrow([value.Shape.Count], "sizes"));
        var axis = call.HasAttribute("axis") ? call.Axis(call.Int("axis", 0), shape.Rank) : 0;
        var strides = shape.Strides();
        int[] offsets = [.. Enumerable.Range(0, numbers.Length).Where(k => k / strides[axis] % shape[axis] == 0)];
        var first = new List<int>();
        var inverse = new long[shape[axis]];
        for (var slice = 0; slice < inverse.Length; slice++)
        {
            var same = first.FindIndex(other => Compare(slice, other) == 0);
            if (same < 0) first.Add(slice);
            inverse[slice] = same < 0 ? first.Count - 1 : same;
        }

        int[] order = [.. Enumerable.Range(0, first.Count)];
        if (call.Int("sorted", 1) != 0) Array.Sort(order, (left, right) => Compare(first[left], first[right]));
        inverse = Array.ConvertAll(inverse, found => (long)Array.IndexOf(order, (int)found));
        var positions = new int[]?[shape.Rank];
        positions[axis] = [.. order.Select(k => first[k])];
        call.Set(0, ValueMoves.Grid(call, ValueMoves.Reshape(call, value, shape), positions));
        call.Set(1, Value.Of([.. order.Select(k => (long)first[k])]));
        call.Set(2, Value.Of(inverse));
        call.Set(3, Value.Of([.. Enumerable.Range(0, order.Length).Select(k => inverse.LongCount(found => found == k))]));

        int Compare(int left, int right)
        {
            foreach (var offset in offsets)
                if (numbers[offset + left * strides[axis]].CompareTo(numbers[offset + right * strides[axis]]) is not 0 and var order) return order;
            return 0;
        }
    }

    static Rational[] Known(OperatorCall call, int input)
    {
        var value = call.Input(input);
        return value.Node is null && OperatorCall.TryKnown(value, MostKnown) is { } known ? known
            : throw call.Fail($"its operand {input} (`{call.Proto.Input[input]}`) must be constant, since the size of its result depends on it; leave that part out with --outputs");
    }
}
