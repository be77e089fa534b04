using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Masks of attention as ONNX's operators take them.</summary>
static class AttentionMasks
{
    /// <summary>An operand that is added to the scores if it holds real numbers, and is a gate if it holds Booleans. Keys it does not reach are hidden.</summary>
    public static AttentionMask Of(OperatorCall call, int input, int keys)
    {
        var value = call.Input(input);
        var missing = keys - (value.Shape.Rank == 0 ? 1 : value.Shape[value.Shape.Rank - 1]);
        if (value.Kind != ElementKind.Float) return new AttentionMask(null, Padded(call, call.Node(input), missing));
        if (Masks.Of(call, value) is { } masked) return new AttentionMask(Padded(call, masked.Clean, missing), Padded(call, masked.Gate, missing));
        return new AttentionMask(Padded(call, call.Node(input), missing), missing > 0 ? Padded(call, call.Builder.Fill(Rational.One, value.Shape), missing) : null);
    }

    /// <summary>
    /// ONNX Runtime's whole-number masks: 1 where a key counts, as [batch, keys], [batch, queries, keys] or with heads; or the number of keys that
    /// count in each row of the batch.
    /// </summary>
    public static AttentionMask OfIntegers(OperatorCall call, int input, int batch, int keys)
    {
        var builder = call.Builder;
        var shape = call.Shape(input);
        var mask = call.Node(input);
        if (shape.Rank == 1 && shape[0] == batch)
        {
            var all = new Shape(batch, keys);
            var places = builder.Constant(new DoubleTensor([.. Enumerable.Range(0, keys).Select(key => (double)key)]), new Shape(keys));
            mask = builder.Apply(new ScalarFunction(FunctionKind.Step), builder.Subtract(builder.Broadcast(mask, all, 1), builder.Broadcast(places, all, 0)));
            shape = all;
        }

        return shape.Rank switch
        {
            2 when shape == new Shape(batch, keys) => new AttentionMask(null, builder.Reshape(mask, new Shape(batch, 1, 1, keys))),
            3 => new AttentionMask(null, builder.Reshape(mask, new Shape(shape[0], 1, shape[1], shape[2]))),
            4 => new AttentionMask(null, mask),
            _ => throw call.Fail($"its mask of shape {shape} is not supported; supported are [batch], [batch, keys] and [batch, queries, keys]"),
        };
    }

    static Node Padded(OperatorCall call, Node mask, int missing)
    {
        if (missing <= 0 || mask.Shape.Rank == 0 || mask.Shape[mask.Shape.Rank - 1] == 1) return mask;
        var end = new int[mask.Shape.Rank];
        end[^1] = missing;
        return Windows.Pad(call.Builder, mask, new int[mask.Shape.Rank], end, Rational.Zero);
    }
}
