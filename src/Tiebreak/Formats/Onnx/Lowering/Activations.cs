using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Activation functions, composed from gates and the functions of <see cref="FunctionKind"/>. At kinks they follow the frameworks (theory §4).</summary>
static class Activations
{
    static readonly Rational Half = new(1, 2);
    static readonly ScalarFunction Positive = new(FunctionKind.Step);
    static readonly ScalarFunction NotNegative = new(FunctionKind.Step, AtZero: 1);

    /// <summary>log(1 + exp x).</summary>
    public static Node Softplus(ProgramBuilder builder, Node x) => builder.Apply(FunctionKind.Log, builder.Offset(builder.Apply(FunctionKind.Exp, x), Rational.One));

    /// <summary>x / (1 + |x|).</summary>
    public static Node Softsign(ProgramBuilder builder, Node x) => builder.Divide(x, builder.Offset(Elementwise.Magnitude(builder, x), Rational.One));

    /// <summary>x · tanh(softplus x).</summary>
    public static Node Mish(ProgramBuilder builder, Node x) => builder.Multiply(x, builder.Apply(FunctionKind.Tanh, Softplus(builder, x)));

    public static void LeakyRelu(OperatorCall call) => call.Set(LeakyRelu(call.Builder, call.Node(0), call.Float("alpha", 0.01f)));

    public static Node LeakyRelu(ProgramBuilder builder, Node x, Rational alpha) => TwoSlopes(builder, x, null, alpha);

    public static void PRelu(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var meanings = new AxisMeaning[call.Shape(1).Rank];
        for (var axis = 0; axis < meanings.Length; axis++) meanings[axis] = call.Shape(1)[axis] > 1 ? AxisMeaning.Output : AxisMeaning.Other;
        call.UsedAs(1, ParameterRole.Scale, meanings);
        var slope = call.Node(1);
        // Old exporters write one slope a channel as a bare vector.
        if (slope.Shape.Rank == 1 && x.Shape.Rank > 2 && slope.Shape[0] > 1 && slope.Shape[0] != x.Shape[x.Shape.Rank - 1] && slope.Shape[0] == x.Shape[1])
            slope = builder.Reshape(slope, new Shape([slope.Shape[0], .. Enumerable.Repeat(1, x.Shape.Rank - 2)]));
        call.Set(TwoSlopes(builder, x, builder.BroadcastTo(slope, x.Shape), default));
    }

    static Node TwoSlopes(ProgramBuilder builder, Node x, Node? slope, Rational constant)
    {
        var gate = builder.Apply(Positive, x);
        var below = builder.Multiply(Comparisons.Opposite(builder, gate), x);
        return builder.Add(builder.Multiply(gate, x), slope is null ? builder.Scale(below, constant) : builder.Multiply(slope, below));
    }

    public static void Elu(OperatorCall call) => call.Set(ExponentialBelow(call.Builder, call.Node(0), call.Float("alpha", 1), Rational.One));

    public static void Selu(OperatorCall call) =>
        call.Set(call.Builder.Scale(ExponentialBelow(call.Builder, call.Node(0), call.Float("alpha", 1.67326319217681884765625f), Rational.One), call.Float("gamma", 1.05070102214813232421875f)));

    public static void Celu(OperatorCall call)
    {
        var alpha = call.Float("alpha", 1);
        if (alpha.IsZero) throw call.Fail("its alpha is 0");
        call.Set(ExponentialBelow(call.Builder, call.Node(0), alpha, Rational.One / alpha));
    }

    /// <summary>x above 0, alpha · (exp(rate·x) − 1) below.</summary>
    public static Node ExponentialBelow(ProgramBuilder builder, Node x, Rational alpha, Rational rate)
    {
        var gate = builder.Apply(Positive, x);
        var below = builder.Scale(builder.Offset(builder.Apply(FunctionKind.Exp, builder.Scale(x, rate)), -Rational.One), alpha);
        return builder.Add(builder.Multiply(gate, x), builder.Multiply(Comparisons.Opposite(builder, gate), below));
    }

    public static void HardSigmoid(OperatorCall call) => call.Set(HardSigmoid(call.Builder, call.Node(0), call.Float("alpha", 0.2f), call.Float("beta", 0.5f)));

    public static Node HardSwish(ProgramBuilder builder, Node x) => builder.Multiply(x, HardSigmoid(builder, x, new Rational(1, 6), Half));

    /// <summary>max(0, min(1, alpha·x + beta)); its derivative at both bounds is 0.</summary>
    public static Node HardSigmoid(ProgramBuilder builder, Node x, Rational alpha, Rational beta)
    {
        var line = builder.Offset(builder.Scale(x, alpha), beta);
        var above = builder.Apply(Positive, line);
        var below = builder.Apply(Positive, builder.Offset(builder.Negate(line), Rational.One));
        return builder.Add(builder.Multiply(builder.Multiply(above, below), line), Comparisons.Opposite(builder, below));
    }

    public static void ThresholdedRelu(OperatorCall call) => call.Set(Above(call.Builder, call.Node(0), call.Float("alpha", 1)));

    /// <summary>x where it is above a bound, else 0.</summary>
    public static Node Above(ProgramBuilder builder, Node x, Rational bound) => builder.Multiply(builder.Apply(Positive, builder.Offset(x, -bound)), x);

    public static void Shrink(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var lambda = call.Float("lambd", 0.5f);
        var bias = call.Float("bias", 0);
        var above = builder.Apply(Positive, builder.Offset(x, -lambda));
        var below = builder.Apply(Positive, builder.Offset(builder.Negate(x), -lambda));
        call.Set(builder.Add(builder.Multiply(above, builder.Offset(x, -bias)), builder.Multiply(below, builder.Offset(x, bias))));
    }

    public static void Gelu(OperatorCall call)
    {
        var mode = call.Text("approximate", "none");
        call.Set(mode switch
        {
            "none" => Nonlinearities.Gelu(call.Builder, call.Node(0)),
            "tanh" => Nonlinearities.FastGelu(call.Builder, call.Node(0)),
            _ => throw call.Fail($"its form `{mode}` is not known; known are none and tanh"),
        });
    }

    public static void Clip(OperatorCall call)
    {
        if (call.Input(0) is { Integers: { } whole } value)
        {
            var least = call.Has(1) ? call.Integers(1)[0] : long.MinValue;
            var most = call.Has(2) ? call.Integers(2)[0] : long.MaxValue;
            call.Set(0, Value.Of(value.Shape, [.. whole.Select(number => Math.Min(Math.Max(number, least), most))], value.Kind));
            return;
        }

        var builder = call.Builder;
        var x = call.Node(0);
        var low = Bound(call, 1, "min", x.Shape, float.MinValue);
        var high = Bound(call, 2, "max", x.Shape, float.MaxValue);
        // The derivative at a bound is 1: clamp's convention (relu6 has 0, and cannot be told apart).
        call.Set(Between(builder, x, low, high));
    }

    /// <summary>The same for bounds that are fixed numbers.</summary>
    public static Node Between(ProgramBuilder builder, Node x, Rational low, Rational high) =>
        Between(builder, x, builder.Fill(low, x.Shape), builder.Fill(high, x.Shape));

    static Node Between(ProgramBuilder builder, Node x, Node? low, Node? high)
    {
        if (low is not null) x = Bounded(builder, x, low, builder.Apply(NotNegative, builder.Subtract(x, low)));
        if (high is not null) x = Bounded(builder, x, high, builder.Apply(NotNegative, builder.Subtract(high, x)));
        return x;
    }

    static Node Bounded(ProgramBuilder builder, Node x, Node bound, Node gate) =>
        builder.Add(builder.Multiply(gate, x), builder.Multiply(Comparisons.Opposite(builder, gate), bound));

    static Node? Bound(OperatorCall call, int input, string attribute, Shape shape, float none)
    {
        if (call.Has(input))
        {
            var value = call.Input(input);
            if (value.Node is null && value.Known is { HasDoubles: true, Count: 1 })
            {
                Span<double> bound = stackalloc double[1];
                value.Known.ReadDoubles(0, bound);
                if (!double.IsFinite(bound[0]) || bound[0] == none) return null;
            }

            return call.Builder.BroadcastTo(call.Builder.Reshape(call.NodeOf(value), Shape.Scalar), shape);
        }

        if (call.Find(attribute) is not { } written || written.F == none || float.IsInfinity(written.F)) return null;
        return call.Builder.Fill(call.Float(attribute, none), shape);
    }

    public static void Dropout(OperatorCall call)
    {
        var x = call.Node(0);
        var ratio = call.HasAttribute("ratio") ? call.Float("ratio", 0.5f) : call.Has(1) ? call.Setting(1) : Half;
        var mask = Mask(call, x.Shape, ratio);
        call.Set(mask is null ? x : call.Builder.Multiply(x, mask));
        if (!call.HasOutput(1)) return;
        // What is kept is divided by 1 - ratio; the mask that others see is 0 or 1.
        var gate = mask is null ? call.Builder.Fill(Rational.One, x.Shape) : call.Builder.Scale(mask, Rational.One - ratio);
        call.Set(1, Value.Of(gate, call.Opset < 10 ? ElementKind.Float : ElementKind.Bool));
    }

    /// <summary>The numbers a dropout multiplies with; null while it lets everything pass.</summary>
    public static Node? Mask(OperatorCall call, Shape shape, Rational ratio)
    {
        if (ratio.Sign <= 0) return null;
        call.Lowering.HasDropout = true;
        return call.Options.Dropout ? call.Builder.Data(call.Lowering.MaskLeaf(call), shape, DataKind.Mask) : null;
    }
}
