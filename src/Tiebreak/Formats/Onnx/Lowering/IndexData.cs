using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// Whole numbers that pick places (theory §4: an index is a random soft distribution, so that it reaches every row). Inputs and choices know which; whole numbers
/// that are computed from data in some other way may pick any place, whatever the computation.
/// </summary>
static class IndexData
{
    /// <summary>The value with a distribution for any number of rows, unless its numbers are known.</summary>
    public static Value Of(OperatorCall call, int input)
    {
        var value = call.Input(input);
        if (value.Index is not null || value.Integers is not null || value.Kind == ElementKind.Bool || (value.Node is null && value.Numbers is null)) return value;
        var isInput = value.Node?.Primitive is Primitive.Data; // whole numbers that come as floats
        var name = call.Proto.Input[input];
        return new Value
        {
            Kind = ElementKind.Integer,
            Shape = value.Shape,
            Index = rows =>
            {
                if (!isInput) call.Lowering.Note($"`{name}` computes which places are read: any places are assumed");
                return call.Builder.Data(isInput ? $"{name} among {rows}" : $"{name}, computed, among {rows}", new Shape([.. value.Shape.Sizes, rows]), DataKind.Distribution);
            },
            Numbers = () => call.NodeOf(value),
        };
    }

    /// <summary>Chooses between two such values by a gate; null where neither is index data.</summary>
    public static Value? Choice(OperatorCall call, Node open)
    {
        var (chosen, other) = (call.Input(1), call.Input(2));
        if (chosen.Kind != ElementKind.Integer || other.Kind != ElementKind.Integer || (chosen.Index is null && other.Index is null)) return null;
        if (new[] { chosen, other }.Any(value => value.Index is null && value.Integers is null)) return null;
        var builder = call.Builder;
        Node Mix(Node first, Node second, Node gate) => builder.Add(builder.Multiply(gate, first), builder.Multiply(Comparisons.Opposite(builder, gate), second));
        return new Value
        {
            Kind = ElementKind.Integer,
            Shape = open.Shape,
            Index = rows =>
            {
                var target = new Shape([.. open.Shape.Sizes, rows]);
                Node At(Value value)
                {
                    var places = Losses.Distribution(call, value, rows);
                    var missing = open.Shape.Rank - value.Shape.Rank; // new axes stand before all, the rows behind
                    return builder.BroadcastTo(builder.Reshape(places, new Shape([.. Enumerable.Repeat(1, missing), .. places.Shape.Sizes])), target);
                }

                return Mix(At(chosen), At(other), builder.Broadcast(open, target, open.Shape.Rank));
            },
            Numbers = () => Mix(builder.BroadcastTo(call.NodeOf(chosen), open.Shape), builder.BroadcastTo(call.NodeOf(other), open.Shape), open),
        };
    }
}
