using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Losses and what else reads class indices; an index is a soft distribution over the classes (theory §4).</summary>
static class Losses
{
    public static void NegativeLogLikelihood(OperatorCall call) => call.Set(Loss(call, call.Node(0)));

    public static void SoftmaxCrossEntropy(OperatorCall call)
    {
        var logarithms = Normalizations.LogSoftmax(call.Builder, call.Node(0), [1]);
        call.Set(Loss(call, logarithms));
        if (call.HasOutput(1)) call.Set(1, Value.Of(logarithms));
    }

    static Node Loss(OperatorCall call, Node logarithms)
    {
        var builder = call.Builder;
        var shape = logarithms.Shape;
        if (shape.Rank < 2 || call.Shape(1) != shape.Without([1])) throw call.Fail($"targets of shape {call.Shape(1)} do not fit scores of shape {shape}");
        var classes = shape[1];
        var ignored = call.HasAttribute("ignore_index") ? call.Int("ignore_index", 0) : (long?)null;
        var targets = Distribution(call, IndexData.Of(call, 1), classes);
        if (call.Has(2)) targets = builder.Multiply(targets, builder.Broadcast(call.Node(2), targets.Shape, [.. Enumerable.Range(0, targets.Shape.Rank - 1)]));
        if (ignored >= 0 && ignored < classes)
        {
            var keep = new double[classes];
            Array.Fill(keep, 1);
            keep[ignored.Value] = 0;
            targets = builder.Multiply(targets, builder.Broadcast(builder.Constant(new DoubleTensor(keep), new Shape(classes)), targets.Shape, [.. Enumerable.Range(0, targets.Shape.Rank - 1)]));
        }

        var letters = new AxisLetters();
        var (batch, channel, places) = (letters.Take(1), letters.Take(1), letters.Take(shape.Rank - 2));
        var losses = builder.Negate(builder.Contract(batch + places + channel, batch + channel + places, batch + places, targets, logarithms));
        var reduction = call.Text("reduction", "mean");
        if (reduction is "none") return losses;
        var sum = builder.ReduceSum(losses, [.. Enumerable.Range(0, losses.Shape.Rank)]);
        if (reduction is "sum") return sum;
        if (reduction is not "mean") throw call.Fail($"reduction `{reduction}` is not known; known are none, sum and mean");
        // Weighted or with targets left out, the mean is over what counts.
        return call.Has(2) || ignored is not null
            ? builder.Divide(sum, builder.ReduceSum(targets, [.. Enumerable.Range(0, targets.Shape.Rank)]))
            : builder.Scale(sum, new Rational(1, losses.Shape.Count));
    }

    public static void OneHot(OperatorCall call)
    {
        var builder = call.Builder;
        var indices = IndexData.Of(call, 0);
        var depths = call.Settings(1);
        if (depths.Length != 1 || depths[0].Sign <= 0 || depths[0] > 1 << 24) throw call.Fail("its depth must be one positive number");
        var depth = (int)ConstantFolding.Whole(depths[0]);
        var values = call.Settings(2);
        if (values.Length != 2) throw call.Fail("its values must be two numbers, off and on");
        var hot = Distribution(call, indices, depth);
        var mixed = builder.Offset(builder.Scale(hot, values[1] - values[0]), values[0]);
        var rank = hot.Shape.Rank;
        var axis = call.Axis(call.Int("axis", -1), rank);
        int[] order = [.. Enumerable.Range(0, axis), rank - 1, .. Enumerable.Range(axis, rank - 1 - axis)];
        call.Set(builder.Transpose(mixed, order));
    }

    /// <summary>Indices as distributions along a new last axis.</summary>
    public static Node Distribution(OperatorCall call, Value indices, int classes)
    {
        if (indices.Index is not null) return indices.Index(classes);
        if (indices.Integers is not { } constant) throw call.Fail("its indices are computed from data, which is not supported; leave that part out with --outputs");
        if ((long)constant.Length * classes > 1 << 26) throw call.Fail($"{constant.Length} indices among {classes} are too many");
        var hot = new double[constant.Length * classes];
        for (var k = 0; k < constant.Length; k++)
        {
            var row = constant[k] < 0 ? constant[k] + classes : constant[k];
            if (row >= 0 && row < classes) hot[k * classes + row] = 1;
        }

        return call.Builder.Constant(new DoubleTensor(hot), new Shape([.. indices.Shape.Sizes, classes]));
    }
}
