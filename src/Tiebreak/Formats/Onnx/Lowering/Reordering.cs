using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Rearrangements at constant places that are neither slices nor pads.</summary>
static class Reordering
{
    /// <summary>Turns round the first elements of each sequence, as many as its length says.</summary>
    public static void ReverseSequence(OperatorCall call)
    {
        var value = call.Input(0);
        var lengths = call.Integers(1);
        var shape = value.Shape;
        var (time, batch) = (call.Axis(call.Int("time_axis", 0), shape.Rank), call.Axis(call.Int("batch_axis", 1), shape.Rank));
        if (time == batch || lengths.Length != shape[batch] || Array.Exists(lengths, length => length < 0 || length > shape[time])) throw call.Fail($"lengths [{string.Join(",", lengths)}] do not fit axes {time} and {batch} of {shape}");
        var strides = shape.Strides();
        var positions = new int[shape.Count];
        for (var k = 0; k < positions.Length; k++)
        {
            var (step, length) = (k / strides[time] % shape[time], (int)lengths[k / strides[batch] % shape[batch]]);
            positions[k] = step < length ? k + (length - 1 - 2 * step) * strides[time] : k;
        }

        call.Set(0, ValueMoves.Pick(call, value, new IndexMap.Table(shape, shape, positions)));
    }

    /// <summary>Cuts from the middle, or puts zeros around.</summary>
    public static void CenterCropPad(OperatorCall call)
    {
        var value = call.Input(0);
        var asked = call.Narrow(call.Integers(1), "sizes");
        var axes = call.Ints("axes") is { } given ? given.Select(axis => call.Axis(axis, value.Shape.Rank)).ToArray() : [.. Enumerable.Range(0, value.Shape.Rank)];
        if (asked.Length != axes.Length || Array.Exists(asked, size => size is < 0 or > 1 << 24)) throw call.Fail($"sizes [{string.Join(",", asked)}] do not fit {axes.Length} axes of {value.Shape}");
        var positions = new int[]?[value.Shape.Rank];
        for (var k = 0; k < axes.Length; k++)
        {
            var size = value.Shape[axes[k]];
            var first = size > asked[k] ? (size - asked[k]) / 2 : -((asked[k] - size) / 2);
            positions[axes[k]] = [.. Enumerable.Range(first, asked[k]).Select(at => at >= 0 && at < size ? at : -1)];
        }

        call.Set(0, ValueMoves.Grid(call, value, positions));
    }
}
