using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Pooling over windows and over whole channels.</summary>
static class Pooling
{
    public static void MaxPool(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var windows = Windows.Of(call, x.Shape, null);
        if (windows.AreElements && !call.HasOutput(1))
        {
            call.Set(x);
            return;
        }

        var result = new Shape([x.Shape[0], x.Shape[1], .. windows.Count]);
        var slid = builder.Reshape(windows.Slide(builder, x), new Shape([.. result.Sizes, windows.KernelCount]));
        // Of equal values max-pooling takes the first (theory §4, Kinks); padding never takes part.
        var weights = builder.Choose(slid, 1, TieBreak.First, windows.AllInside ? null : new AllowedElements(windows.Inside()));
        call.Set(builder.ReduceSum(builder.Multiply(weights, slid), result.Rank));
        if (call.HasOutput(1)) call.Set(1, Unpooling.Places(call, windows, weights, x.Shape));
    }

    public static void AveragePool(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var windows = Windows.Of(call, x.Shape, null);
        var result = new Shape([x.Shape[0], x.Shape[1], .. windows.Count]);
        var slid = windows.Slide(builder, x);
        var sum = builder.ReduceSum(slid, [.. Enumerable.Range(result.Rank, slid.Shape.Rank - result.Rank)]);
        if (windows.AllInside)
        {
            call.Set(builder.Scale(sum, new Rational(1, windows.KernelCount)));
            return;
        }

        var counted = call.Int("count_include_pad", 0) != 0 ? windows.InsidePads() : windows.Inside();
        var shares = new Rational[counted.Length / windows.KernelCount];
        for (var k = 0; k < shares.Length; k++)
        {
            var count = counted.AsSpan(k * windows.KernelCount, windows.KernelCount).Count(true);
            shares[k] = count == 0 ? throw call.Fail("a window lies in the padding as a whole; export the model with smaller pads") : new Rational(1, count);
        }

        if (Array.TrueForAll(shares, share => share == shares[0])) call.Set(builder.Scale(sum, shares[0]));
        else call.Set(builder.Multiply(sum, builder.Broadcast(builder.Constant(new RationalTensor(shares), new Shape(windows.Count)), result, 0, 1)));
    }

    public static void LpPool(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var windows = Windows.Of(call, x.Shape, null);
        var p = call.Int("p", 2);
        if (p is < 1 or > 64) throw call.Fail($"its p is {p}; it must be between 1 and 64");
        var powers = builder.Power(p % 2 == 0 ? x : Elementwise.Magnitude(builder, x), (int)p);
        var slid = windows.Slide(builder, powers);
        var sum = builder.ReduceSum(slid, [.. Enumerable.Range(x.Shape.Rank, slid.Shape.Rank - x.Shape.Rank)]);
        call.Set(Root(call, sum, p));
    }

    public static void GlobalAveragePool(OperatorCall call)
    {
        var x = call.Node(0);
        var axes = SpatialAxes(call, x);
        call.Set(Kept(call, Moments.MeanOver(call.Builder, x, axes), x.Shape));
    }

    public static void GlobalMaxPool(OperatorCall call)
    {
        var x = call.Node(0);
        _ = SpatialAxes(call, x);
        var flat = call.Builder.Reshape(x, new Shape(x.Shape[0], x.Shape[1], (int)(x.Shape.Count / Math.Max(1, (long)x.Shape[0] * x.Shape[1]))));
        call.Set(Kept(call, Elementwise.Chosen(call.Builder, flat, TieBreak.First), x.Shape));
    }

    public static void GlobalLpPool(OperatorCall call)
    {
        var x = call.Node(0);
        var p = call.Int("p", 2);
        if (p is < 1 or > 64) throw call.Fail($"its p is {p}; it must be between 1 and 64");
        var powers = call.Builder.Power(p % 2 == 0 ? x : Elementwise.Magnitude(call.Builder, x), (int)p);
        call.Set(Kept(call, Root(call, call.Builder.ReduceSum(powers, SpatialAxes(call, x)), p), x.Shape));
    }

    static Node Root(OperatorCall call, Node sum, long p) => p == 1 ? sum : Elementwise.PowerOf(call, sum, new Rational(1, p));

    static int[] SpatialAxes(OperatorCall call, Node x) =>
        x.Shape.Rank > Windows.Leading ? [.. Enumerable.Range(Windows.Leading, x.Shape.Rank - Windows.Leading)] : throw call.Fail($"its input of shape {x.Shape} has no spatial axes");

    static Node Kept(OperatorCall call, Node pooled, Shape from) => call.Builder.Reshape(pooled, new Shape([from[0], from[1], .. Enumerable.Repeat(1, from.Rank - Windows.Leading)]));
}
