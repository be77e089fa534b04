using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>ONNX Runtime's activations that have swallowed what stood before them: a bias, a dropout, a residual.</summary>
static class FusedActivations
{
    public static void Gelu(OperatorCall call) => call.Set(Nonlinearities.Gelu(call.Builder, call.Node(0)));

    public static void BiasGelu(OperatorCall call) => call.Set(Nonlinearities.Gelu(call.Builder, WithBias(call, 1)));

    public static void FastGelu(OperatorCall call) => call.Set(Nonlinearities.FastGelu(call.Builder, WithBias(call, 1)));

    public static void QuickGelu(OperatorCall call) => call.Set(Nonlinearities.Swish(call.Builder, call.Node(0), call.Float("alpha", 1.702f)));

    /// <summary>One half of the features times Gelu of the other.</summary>
    public static void BiasSplitGelu(OperatorCall call)
    {
        var x = WithBias(call, 1);
        var last = x.Shape.Rank - 1;
        if (last < 0 || x.Shape[last] % 2 != 0) throw call.Fail($"its input of shape {x.Shape} has no two halves");
        var half = x.Shape[last] / 2;
        call.Set(call.Builder.Multiply(Half(0), Nonlinearities.Gelu(call.Builder, Half(half))));

        Node Half(int begin)
        {
            var positions = new int[]?[last + 1];
            positions[last] = [.. Enumerable.Range(begin, half)];
            return call.Builder.Gather(x, GridMap.Of(x.Shape, positions));
        }
    }

    /// <summary>x + bias + skip.</summary>
    public static void BiasAdd(OperatorCall call)
    {
        var x = WithBias(call, 1);
        call.Set(call.Builder.Add(x, call.Builder.BroadcastTo(call.Node(2), x.Shape)));
    }

    public static void BiasDropout(OperatorCall call)
    {
        var builder = call.Builder;
        var x = WithBias(call, 1);
        var ratio = call.Has(3) ? call.Setting(3) : new Rational(1, 2);
        var mask = Activations.Mask(call, x.Shape, ratio);
        var y = mask is null ? x : builder.Multiply(x, mask);
        call.Set(call.Has(2) ? builder.Add(y, builder.BroadcastTo(call.Node(2), y.Shape)) : y);
        if (call.HasOutput(1)) call.Set(1, Value.Of(mask is null ? builder.Fill(Rational.One, x.Shape) : builder.Scale(mask, Rational.One - ratio), ElementKind.Bool));
    }

    /// <summary>Softmax of data and an added mask, over all axes from one on.</summary>
    public static void BiasSoftmax(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var axis = call.Axis(call.Int("axis", 1), x.Shape.Rank);
        int[] axes = [.. Enumerable.Range(axis, x.Shape.Rank - axis)];
        if (call.Shape(1).Rank != x.Shape.Rank) throw call.Fail($"a bias of shape {call.Shape(1)} does not fit an input of shape {x.Shape}");
        var mask = AttentionMasks.Of(call, 1, 0);
        if (mask.Bias is not null) x = builder.Add(x, builder.BroadcastTo(mask.Bias, x.Shape));
        var weights = builder.Apply(FunctionKind.Exp, x);
        if (mask.Gate is not null) weights = builder.Multiply(weights, builder.BroadcastTo(mask.Gate, x.Shape));
        call.Set(builder.Divide(weights, builder.Broadcast(builder.ReduceSum(weights, axes), x.Shape, axes)));
    }

    /// <summary>The activation that an operator's attributes name, under the given names of its two constants.</summary>
    public static Node Named(OperatorCall call, Node x, string name, Func<int, float, Rational> constant) => name switch
    {
        "" => x,
        "Relu" => Nonlinearities.Relu(call.Builder, x),
        "Sigmoid" => Nonlinearities.Sigmoid(call.Builder, x),
        "Tanh" => call.Builder.Apply(FunctionKind.Tanh, x),
        "LeakyRelu" => Activations.LeakyRelu(call.Builder, x, constant(0, 0.01f)),
        "HardSigmoid" => Activations.HardSigmoid(call.Builder, x, constant(0, 0.2f), constant(1, 0.5f)),
        "HardSwish" => Activations.HardSwish(call.Builder, x),
        "Clip" => Activations.Between(call.Builder, x, constant(0, float.MinValue), constant(1, float.MaxValue)),
        _ => throw call.Fail($"its activation `{name}` is not supported; supported are Relu, Sigmoid, Tanh, LeakyRelu, HardSigmoid, HardSwish and Clip"),
    };

    /// <summary>An input and the bias that may stand behind it, one number a unit.</summary>
    static Node WithBias(OperatorCall call, int bias)
    {
        var x = call.Node(0);
        if (!call.Has(bias)) return x;
        call.UsedAs(bias, ParameterRole.Bias, AxisMeaning.Output);
        return call.Builder.Add(x, call.Builder.BroadcastTo(call.Node(bias), x.Shape));
    }
}
