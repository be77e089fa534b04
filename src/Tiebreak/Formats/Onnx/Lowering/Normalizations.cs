using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Normalisations and softmax, written out.</summary>
static class Normalizations
{
    public static void BatchNormalization(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        if (x.Shape.Rank < 2) throw call.Fail($"its input of shape {x.Shape} has no channels");
        NoteScaleAndBias(call);
        call.Lowering.HasBatchNorm = true;
        // Up to opset 8 statistics may be kept for every place of a channel.
        var perPlace = call.Opset < 9 && call.Int("spatial", 1) == 0;
        int[] axes = perPlace ? [0] : [.. Enumerable.Range(0, x.Shape.Rank).Where(axis => axis != 1)];
        var members = axes.Aggregate(1L, (product, axis) => product * x.Shape[axis]);
        if (call.Lowering.SmallestBatchNormSet == 0 || members < call.Lowering.SmallestBatchNormSet) call.Lowering.SmallestBatchNormSet = members;
        var epsilon = call.Float("epsilon", 1e-5f);
        if (call.Opset < 14 && Enumerable.Range(1, Math.Max(0, call.OutputCount - 1)).Any(call.HasOutput)) throw call.Fail("its statistics are used elsewhere, which is not supported; export the model for inference");
        Node normal;
        if (call.Options.BatchNormTraining)
        {
            normal = Moments.Normal(builder, x, axes, epsilon);
            foreach (var slot in new[] { 3, 4 })
                if (call.Has(slot) && call.Input(slot) is { Known: { } statistics, Shape.Rank: 1 }) call.Lowering.Beside.Add((x, 1, statistics));
        }
        else
        {
            var centred = builder.Subtract(x, builder.Broadcast(call.Node(3), x.Shape, axes));
            normal = builder.Multiply(centred, builder.Broadcast(Moments.InverseRoot(builder, call.Node(4), epsilon), x.Shape, axes));
        }

        call.Set(ScaledAndShifted(builder, normal, call.Node(1), call.Node(2), axes));
        if (call.HasOutput(1) || call.HasOutput(2)) SetStatistics(call, x, axes);
    }

    /// <summary>From opset 14: the running statistics, moved towards those of the batch.</summary>
    static void SetStatistics(OperatorCall call, Node x, int[] axes)
    {
        var builder = call.Builder;
        var momentum = call.Float("momentum", 0.9f);
        var mean = Moments.MeanOver(builder, x, axes);
        var centred = builder.Subtract(x, builder.Broadcast(mean, x.Shape, axes));
        var variance = Moments.MeanOver(builder, builder.Multiply(centred, centred), axes);
        for (var k = 1; k <= 2; k++)
        {
            var running = call.Node(2 + k);
            var moved = builder.Add(builder.Scale(running, momentum), builder.Scale(k == 1 ? mean : variance, Rational.One - momentum));
            if (call.HasOutput(k)) call.Set(k, Value.Of(call.Options.BatchNormTraining ? moved : running));
        }
    }

    public static void InstanceNormalization(OperatorCall call)
    {
        var x = call.Node(0);
        if (x.Shape.Rank < 3) throw call.Fail($"its input of shape {x.Shape} has no spatial axes");
        NoteScaleAndBias(call);
        var normal = Moments.Normal(call.Builder, x, [.. Enumerable.Range(2, x.Shape.Rank - 2)], call.Float("epsilon", 1e-5f));
        call.Set(ScaledAndShifted(call.Builder, normal, call.Node(1), call.Node(2), [.. Enumerable.Range(0, x.Shape.Rank).Where(axis => axis != 1)]));
    }

    public static void GroupNormalization(OperatorCall call)
    {
        NoteScaleAndBias(call);
        call.Set(Grouped(call, call.Node(0), (int)Math.Clamp(call.Int("num_groups", 0), 0, 1 << 24), call.Float("epsilon", 1e-5f)));
    }

    /// <summary>Channels stand on axis 1; scale and bias are operands 1 and 2.</summary>
    public static Node Grouped(OperatorCall call, Node x, int groups, Rational epsilon)
    {
        var builder = call.Builder;
        if (x.Shape.Rank < 2 || groups < 1 || x.Shape[1] % groups != 0) throw call.Fail($"{groups} groups do not fit an input of shape {x.Shape}");
        var each = x.Shape[1] / groups;
        var grouped = builder.Reshape(x, new Shape([x.Shape[0], groups, each, .. x.Shape.Sizes.Skip(2)]));
        var normal = Moments.Normal(builder, grouped, [.. Enumerable.Range(2, grouped.Shape.Rank - 2)], epsilon);
        int[] others = [.. Enumerable.Range(0, x.Shape.Rank).Where(axis => axis != 1)];
        // Opset 18 has one scale a group, opset 21 one a channel.
        if (call.Shape(1) == new Shape(groups) && each != 1)
            return builder.Reshape(ScaledAndShifted(builder, normal, call.Node(1), call.Node(2), [.. Enumerable.Range(0, grouped.Shape.Rank).Where(axis => axis != 1)]), x.Shape);
        return ScaledAndShifted(builder, builder.Reshape(normal, x.Shape), call.Node(1), call.Node(2), others);
    }

    public static void LayerNormalization(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var axis = call.Axis(call.Int("axis", -1), x.Shape.Rank);
        int[] axes = [.. Enumerable.Range(axis, x.Shape.Rank - axis)];
        var epsilon = call.Float("epsilon", 1e-5f);
        NoteScaleAndBias(call);
        var mean = Moments.MeanOver(builder, x, axes);
        var centred = builder.Subtract(x, builder.Broadcast(mean, x.Shape, axes));
        var root = Moments.InverseRoot(builder, Moments.MeanOver(builder, builder.Multiply(centred, centred), axes), epsilon);
        var y = builder.Multiply(builder.Multiply(centred, builder.Broadcast(root, x.Shape, axes)), builder.BroadcastTo(call.Node(1), x.Shape));
        if (call.Has(2)) y = builder.Add(y, builder.BroadcastTo(call.Node(2), x.Shape));
        call.Set(y);
        var kept = new Shape([.. x.Shape.Sizes.Take(axis), .. Enumerable.Repeat(1, axes.Length)]);
        if (call.HasOutput(1)) call.Set(1, Value.Of(builder.Reshape(mean, kept)));
        if (call.HasOutput(2)) call.Set(2, Value.Of(builder.Reshape(root, kept)));
    }

    public static void RmsNormalization(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var axis = call.Axis(call.Int("axis", -1), x.Shape.Rank);
        int[] axes = [.. Enumerable.Range(axis, x.Shape.Rank - axis)];
        NoteScaleAndBias(call);
        var root = Moments.InverseRoot(builder, Moments.MeanOver(builder, builder.Multiply(x, x), axes), call.Float("epsilon", 1e-5f));
        call.Set(builder.Multiply(builder.Multiply(x, builder.Broadcast(root, x.Shape, axes)), builder.BroadcastTo(call.Node(1), x.Shape)));
        if (call.HasOutput(1)) call.Set(1, Value.Of(builder.Reshape(root, new Shape([.. x.Shape.Sizes.Take(axis), .. Enumerable.Repeat(1, axes.Length)]))));
    }

    public static void MeanVarianceNormalization(OperatorCall call)
    {
        var x = call.Node(0);
        var axes = call.Ints("axes") is { } given ? call.AxesOf(given.Select(axis => (long)axis), x.Shape.Rank) : call.AxesOf([0, 2, 3], x.Shape.Rank);
        call.Set(Moments.Normal(call.Builder, x, axes, Rational.FromDouble(1e-9f)));
    }

    /// <summary>Local response: each number over a power of the squares of its neighbours among the channels.</summary>
    public static void LocalResponse(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var size = (int)Math.Clamp(call.Int("size", 0), 0, 1 << 20);
        if (x.Shape.Rank < 3 || size < 1) throw call.Fail($"a neighbourhood of {size} channels does not fit an input of shape {x.Shape}");
        var begin = new int[x.Shape.Rank];
        var end = new int[x.Shape.Rank];
        (begin[1], end[1]) = ((size - 1) / 2, size - 1 - (size - 1) / 2);
        var padded = Windows.Pad(builder, builder.Multiply(x, x), begin, end, Rational.Zero);
        var strides = padded.Shape.Strides();
        var windows = new Shape([.. x.Shape.Sizes.Take(2), size, .. x.Shape.Sizes.Skip(2)]);
        var slid = builder.Gather(padded, new IndexMap.Affine(padded.Shape, windows, 0, new Axes([strides[0], strides[1], strides[1], .. strides[2..]])));
        var scaled = builder.Scale(builder.ReduceSum(slid, 2), call.Float("alpha", 1e-4f) / size);
        call.Set(builder.Multiply(x, Elementwise.PowerOf(call, builder.Offset(scaled, call.Float("bias", 1)), -call.Float("beta", 0.75f))));
    }

    public static void LpNormalization(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var axis = call.Axis(call.Int("axis", -1), x.Shape.Rank);
        var norm = call.Int("p", 2) switch
        {
            1 => builder.ReduceSum(Elementwise.Magnitude(builder, x), axis),
            2 => builder.Apply(FunctionKind.Sqrt, builder.ReduceSum(builder.Multiply(x, x), axis)),
            var p => throw call.Fail($"its p is {p}; it must be 1 or 2"),
        };
        call.Set(builder.Divide(x, builder.Broadcast(norm, x.Shape, axis)));
    }

    public static void Softmax(OperatorCall call)
    {
        var axes = SoftmaxAxes(call);
        var exponentials = Masks.Exponential(call, call.Input(0));
        call.Set(call.Builder.Divide(exponentials, call.Builder.Broadcast(call.Builder.ReduceSum(exponentials, axes), exponentials.Shape, axes)));
    }

    public static void LogSoftmax(OperatorCall call) => AlongAxes(call, LogSoftmax);

    /// <summary>x − log Σ exp x.</summary>
    public static Node LogSoftmax(ProgramBuilder builder, Node x, int[] axes) =>
        builder.Subtract(x, builder.Broadcast(builder.Apply(FunctionKind.Log, builder.ReduceSum(builder.Apply(FunctionKind.Exp, x), axes)), x.Shape, axes));

    public static void Hardmax(OperatorCall call) => AlongAxes(call, (builder, x, axes) =>
    {
        // The axes it looks along become one, behind all others.
        int[] order = [.. Enumerable.Range(0, x.Shape.Rank).Except(axes), .. axes];
        var moved = builder.Transpose(x, order);
        var count = axes.Aggregate(1, (product, axis) => checked(product * x.Shape[axis]));
        var chosen = builder.Choose(builder.Reshape(moved, new Shape([.. moved.Shape.Sizes.SkipLast(axes.Length), count])), 1, TieBreak.First);
        return builder.Transpose(builder.Reshape(chosen, moved.Shape), [.. Enumerable.Range(0, order.Length).Select(axis => Array.IndexOf(order, axis))]);
    });

    static void AlongAxes(OperatorCall call, Func<ProgramBuilder, Node, int[], Node> normalise) => call.Set(normalise(call.Builder, call.Node(0), SoftmaxAxes(call)));

    /// <summary>From opset 13 along one axis; before, along all axes from the given one on.</summary>
    static int[] SoftmaxAxes(OperatorCall call)
    {
        var rank = call.Shape(0).Rank;
        var axis = call.Axis(call.Int("axis", call.Opset < 13 ? 1 : -1), rank);
        return call.Opset < 13 ? [.. Enumerable.Range(axis, rank - axis)] : [axis];
    }

    static Node ScaledAndShifted(ProgramBuilder builder, Node normal, Node scale, Node bias, int[] axes) =>
        builder.Add(builder.Multiply(normal, builder.Broadcast(scale, normal.Shape, axes)), builder.Broadcast(bias, normal.Shape, axes));

    static void NoteScaleAndBias(OperatorCall call)
    {
        for (var k = 1; k <= 2; k++)
            if (call.Has(k)) call.UsedAs(k, k == 1 ? ParameterRole.Scale : ParameterRole.Bias, [.. Enumerable.Repeat(AxisMeaning.Output, call.Shape(k).Rank)]);
    }
}
