using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Resizing: nearest neighbours are picked; linear and cubic weights are exact fractions, one constant matrix an axis.</summary>
static class Resizing
{
    const int LargestSize = 1 << 16;

    public static void Resize(OperatorCall call)
    {
        var rank = call.Shape(0).Rank;
        if (call.Opset < 11)
        {
            Apply(call, Scaled(call, call.Settings(1), Enumerable.Range(0, rank).ToArray(), new ResizeRule(call.Text("mode", "nearest"), "asymmetric", "floor")));
            return;
        }

        var axes = call.Ints("axes") is { } given ? given.Select(axis => call.Axis(axis, rank)).ToArray() : [.. Enumerable.Range(0, rank)];
        var rule = new ResizeRule(call.Text("mode", "nearest"), call.Text("coordinate_transformation_mode", "half_pixel"), call.Text("nearest_mode", "round_prefer_floor"))
        {
            CubicCoefficient = call.Float("cubic_coeff_a", -0.75f),
            ExcludeOutside = call.Int("exclude_outside", 0) != 0,
            Antialias = call.Int("antialias", 0) != 0,
            Region = call.Text("coordinate_transformation_mode", "half_pixel") is "tf_crop_and_resize" ? call.Settings(1) : [],
            Outside = call.Float("extrapolation_value", 0),
        };
        if (rule.Region.Length > 0 && rule.Region.Length != 2 * axes.Length) throw call.Fail($"a region of {rule.Region.Length} numbers does not fit {axes.Length} axes");
        var scales = call.Has(2) ? call.Settings(2) : [];
        Apply(call, scales.Length > 0 ? Scaled(call, scales, axes, rule) : Sized(call, call.Narrow(call.Integers(3), "sizes"), axes, rule));
    }

    public static void Upsample(OperatorCall call)
    {
        var scales = call.Has(1) ? call.Settings(1) : [.. (call.Floats("scales") ?? throw call.Fail("its scales are missing; export the model again")).Select(scale => Rational.FromDouble(scale))];
        Apply(call, Scaled(call, scales, [.. Enumerable.Range(0, call.Shape(0).Rank)], new ResizeRule(call.Text("mode", "nearest"), "asymmetric", "floor")));
    }

    static ResizedAxis?[] Scaled(OperatorCall call, Rational[] scales, int[] axes, ResizeRule rule)
    {
        var shape = call.Shape(0);
        if (scales.Length != axes.Length) throw call.Fail($"{scales.Length} scales do not fit {axes.Length} axes of {shape}");
        var resized = new ResizedAxis?[shape.Rank];
        for (var k = 0; k < axes.Length; k++)
        {
            var size = ConstantFolding.Floor(scales[k] * shape[axes[k]]);
            if (scales[k].Sign <= 0 || size.Sign <= 0 || size > LargestSize) throw call.Fail($"it would give axis {axes[k]} of {shape} size {size}; sizes must be between 1 and {LargestSize}");
            resized[axes[k]] = new ResizedAxis(shape[axes[k]], (int)size.Numerator, scales[k], rule) { Begin = rule.BeginOf(k), End = rule.EndOf(k) };
        }

        return resized;
    }

    static ResizedAxis?[] Sized(OperatorCall call, int[] sizes, int[] axes, ResizeRule rule)
    {
        var shape = call.Shape(0);
        if (sizes.Length != axes.Length) throw call.Fail($"{sizes.Length} sizes do not fit {axes.Length} axes of {shape}");
        var resized = new ResizedAxis?[shape.Rank];
        var common = CommonScale(call, sizes, axes);
        for (var k = 0; k < axes.Length; k++)
        {
            // The file fixed the batch here, too.
            if (axes[k] == 0 && call.Lowering.BatchChange is { } change && sizes[k] == change.From && shape[0] == change.To) sizes[k] = change.To;
            if (sizes[k] is < 1 or > LargestSize) throw call.Fail($"it would give axis {axes[k]} of {shape} size {sizes[k]}; sizes must be between 1 and {LargestSize}");
            var scale = common ?? new Rational(sizes[k], shape[axes[k]]);
            if (common is not null) sizes[k] = (int)ConstantFolding.Whole(scale * shape[axes[k]] + new Rational(1, 2));
            resized[axes[k]] = new ResizedAxis(shape[axes[k]], sizes[k], scale, rule) { Begin = rule.BeginOf(k), End = rule.EndOf(k) };
        }

        return resized;
    }

    /// <summary>The scale of all axes where their ratio is kept: the smallest that the sizes ask for, or the largest; else null.</summary>
    static Rational? CommonScale(OperatorCall call, int[] sizes, int[] axes)
    {
        var policy = call.Text("keep_aspect_ratio_policy", "stretch");
        if (policy is "stretch") return null;
        var scales = sizes.Select((size, k) => new Rational(size, call.Shape(0)[axes[k]])).Order().ToArray();
        return policy switch
        {
            "not_larger" => scales[0],
            "not_smaller" => scales[^1],
            _ => throw call.Fail($"keep_aspect_ratio_policy `{policy}` is not known; known are stretch, not_larger and not_smaller"),
        };
    }

    static void Apply(OperatorCall call, ResizedAxis?[] resized)
    {
        var value = call.Input(0);
        if (Array.TrueForAll(resized, axis => axis is null || axis.Rule.Mode is "nearest"))
        {
            value = ValueMoves.Grid(call, value, Array.ConvertAll(resized, axis => axis?.Nearest(call)));
            call.Set(0, value.Node is null ? value : Value.Of(WithOutside(call, value.Node, resized)));
            return;
        }

        var x = call.Node(0);
        for (var axis = 0; axis < resized.Length; axis++)
        {
            if (resized[axis] is not { IsIdentity: false } along) continue;
            var weights = call.Builder.Constant(new RationalTensor(along.Weights(call)), new Shape(along.To, along.From));
            x = Reductions.AlongAxis(call.Builder, x, axis, weights);
        }

        call.Set(WithOutside(call, x, resized));
    }

    /// <summary>Puts the extrapolation value where any axis is read outside; such places hold 0 so far.</summary>
    static Node WithOutside(OperatorCall call, Node x, ResizedAxis?[] resized)
    {
        if (resized.FirstOrDefault(axis => axis is { Rule: { Region.Length: > 0, Outside.IsZero: false } }) is not { } first) return x;
        var builder = call.Builder;
        var inside = builder.Fill(Rational.One, x.Shape);
        for (var axis = 0; axis < resized.Length; axis++)
        {
            if (resized[axis] is not { } along) continue;
            Rational[] flags = [.. Enumerable.Range(0, along.To).Select(k => along.IsOutside(call, k) ? Rational.Zero : Rational.One)];
            inside = builder.Multiply(inside, builder.Broadcast(builder.Constant(ConstantFolding.Tensor(flags), new Shape(along.To)), x.Shape, [.. Enumerable.Range(0, resized.Length).Where(other => other != axis)]));
        }

        return builder.Add(x, builder.Scale(Comparisons.Opposite(builder, inside), first.Rule.Outside));
    }
}
