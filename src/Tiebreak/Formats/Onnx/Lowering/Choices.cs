using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// Operators that choose among values and tell which they chose. The choice is a vector of weights (theory §4: a choice is never sampled), and
/// so is the index: a distribution over the places chosen from.
/// </summary>
static class Choices
{
    const int MostChosen = 64;

    public static void TopK(OperatorCall call)
    {
        var x = call.Node(0);
        var axis = call.Axis(call.Int("axis", -1), x.Shape.Rank);
        var k = call.Opset >= 10 ? call.Setting(1) : call.Int("k", 0);
        if (k.Sign <= 0 || k > x.Shape[axis] || k > MostChosen) throw call.Fail($"it chooses {k} of {x.Shape[axis]}; choose between 1 and {Math.Min(x.Shape[axis], MostChosen)}");
        var count = (int)ConstantFolding.Whole(k);
        var places = Places(call, x, axis, count, call.Int("largest", 1) != 0);
        var letters = new AxisLetters();
        var own = letters.Take(x.Shape.Rank);
        var rank = letters.Take(1);
        // The chosen places times the values, one for each rank.
        call.Set(0, Value.Of(call.Builder.Contract(own[..axis] + rank + own[(axis + 1)..] + own[axis], own, own[..axis] + rank + own[(axis + 1)..], places, x)));
        if (call.HasOutput(1)) call.Set(1, Index(call, places));
    }

    public static void ArgMax(OperatorCall call) => Arg(call, largest: true);

    public static void ArgMin(OperatorCall call) => Arg(call, largest: false);

    static void Arg(OperatorCall call, bool largest)
    {
        var x = call.Node(0);
        var axis = call.Axis(call.Int("axis", 0), x.Shape.Rank);
        // The last of equal values is the first one from behind.
        var fromBehind = call.Int("select_last_index", 0) != 0;
        var places = Places(call, fromBehind ? Reversed(call, x, axis) : x, axis, 1, largest);
        var index = Index(call, fromBehind ? Reversed(call, places, x.Shape.Rank) : places);
        call.Set(0, call.Int("keepdims", 1) != 0 ? index : ValueMoves.Reshape(call, index, index.Shape.Without([axis])));
    }

    static Node Reversed(OperatorCall call, Node x, int axis)
    {
        var positions = new int[]?[x.Shape.Rank];
        positions[axis] = [.. Enumerable.Range(0, x.Shape[axis]).Reverse()];
        return call.Builder.Gather(x, GridMap.Of(x.Shape, positions));
    }

    /// <summary>For each rank the weights over the places along an axis: [… rank in place of the axis …, places].</summary>
    static Node Places(OperatorCall call, Node x, int axis, int count, bool largest)
    {
        var builder = call.Builder;
        var rank = x.Shape.Rank;
        int[] last = [.. Enumerable.Range(0, rank).Where(other => other != axis), axis];
        var values = builder.Transpose(largest ? x : builder.Negate(x), last);
        var places = Ranks.Places(builder, values, count);
        return builder.Transpose(places, [.. Enumerable.Range(0, axis), rank - 1, .. Enumerable.Range(axis, rank - 1 - axis), rank]);
    }

    static Value Index(OperatorCall call, Node places)
    {
        var count = places.Shape[places.Shape.Rank - 1];
        return new Value
        {
            Kind = ElementKind.Integer,
            Shape = places.Shape.Without([places.Shape.Rank - 1]),
            Rows = count,
            Index = rows => rows == count ? places : throw call.Fail($"its result chooses among {count} places, but is used as an index among {rows}"),
            // The mean place under the weights of the choice, which is the place where one is chosen.
            Numbers = () =>
            {
                var builder = call.Builder;
                var numbers = builder.Constant(OperatorCall.Exact([.. Enumerable.Range(0, count).Select(place => (long)place)]), new Shape(count));
                return builder.ReduceSum(builder.Multiply(places, builder.BroadcastTo(numbers, places.Shape)), places.Shape.Rank - 1);
            },
        };
    }

    /// <summary>Whether an index is a given constant: the weight of that place. Null if these are no such operands.</summary>
    public static Node? IsPlace(OperatorCall call, Value left, Value right)
    {
        if (left.Integers is not null) (left, right) = (right, left);
        if (left is not { Index: not null, Rows: { } rows } || right.Integers is not { } constants || (long)constants.Length * rows > 1 << 24) return null;
        var builder = call.Builder;
        var hot = new double[constants.Length * rows];
        for (var k = 0; k < constants.Length; k++)
            if (constants[k] >= 0 && constants[k] < rows) hot[k * rows + constants[k]] = 1;
        var shape = new Shape([.. ProgramBuilder.CommonShape(left.Shape, right.Shape).Sizes, rows]);
        var wanted = builder.Constant(new DoubleTensor(hot), new Shape([.. right.Shape.Sizes, rows]));
        return builder.ReduceSum(builder.Multiply(builder.BroadcastTo(left.Index(rows), shape), builder.BroadcastTo(wanted, shape)), shape.Rank - 1);
    }
}
