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

        if (call.Int("antialias", 0) != 0) throw call.Fail("it resizes with antialiasing, which is not supported; export the model without it");
        if (call.Text("keep_aspect_ratio_policy", "stretch") is not "stretch") throw call.Fail("it keeps the aspect ratio, which is not supported; export the model with exact sizes");
        var axes = call.Ints("axes") is { } given ? given.Select(axis => call.Axis(axis, rank)).ToArray() : [.. Enumerable.Range(0, rank)];
        var rule = new ResizeRule(call.Text("mode", "nearest"), call.Text("coordinate_transformation_mode", "half_pixel"), call.Text("nearest_mode", "round_prefer_floor"))
        {
            CubicCoefficient = call.Float("cubic_coeff_a", -0.75f),
            ExcludeOutside = call.Int("exclude_outside", 0) != 0,
        };
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
            resized[axes[k]] = new ResizedAxis(shape[axes[k]], (int)size.Numerator, scales[k], rule);
        }

        return resized;
    }

    static ResizedAxis?[] Sized(OperatorCall call, int[] sizes, int[] axes, ResizeRule rule)
    {
        var shape = call.Shape(0);
        if (sizes.Length != axes.Length) throw call.Fail($"{sizes.Length} sizes do not fit {axes.Length} axes of {shape}");
        var resized = new ResizedAxis?[shape.Rank];
        for (var k = 0; k < axes.Length; k++)
        {
            // The file fixed the batch here, too.
            if (axes[k] == 0 && call.Lowering.BatchChange is { } change && sizes[k] == change.From && shape[0] == change.To) sizes[k] = change.To;
            if (sizes[k] is < 1 or > LargestSize) throw call.Fail($"it would give axis {axes[k]} of {shape} size {sizes[k]}; sizes must be between 1 and {LargestSize}");
            resized[axes[k]] = new ResizedAxis(shape[axes[k]], sizes[k], new Rational(sizes[k], shape[axes[k]]), rule);
        }

        return resized;
    }

    static void Apply(OperatorCall call, ResizedAxis?[] resized)
    {
        var value = call.Input(0);
        if (Array.TrueForAll(resized, axis => axis is null || axis.Rule.Mode is "nearest"))
        {
            call.Set(0, ValueMoves.Grid(call, value, Array.ConvertAll(resized, axis => axis?.Nearest(call))));
            return;
        }

        var x = call.Node(0);
        for (var axis = 0; axis < resized.Length; axis++)
        {
            if (resized[axis] is not { IsIdentity: false } along) continue;
            var weights = call.Builder.Constant(new RationalTensor(along.Weights(call)), new Shape(along.To, along.From));
            x = Reductions.AlongAxis(call.Builder, x, axis, weights);
        }

        call.Set(x);
    }
}

/// <summary>How positions of the result are taken back to the input, and what is read there.</summary>
sealed record ResizeRule(string Mode, string Coordinates, string Rounding)
{
    public Rational CubicCoefficient { get; init; }

    public bool ExcludeOutside { get; init; }
}

/// <summary>One axis of a resizing.</summary>
sealed record ResizedAxis(int From, int To, Rational Scale, ResizeRule Rule)
{
    static readonly Rational Half = new(1, 2);

    /// <summary>Whether every position stays where it is.</summary>
    public bool IsIdentity => From == To && Scale == Rational.One;

    /// <summary>The input position nearest to each result position.</summary>
    public int[] Nearest(OperatorCall call)
    {
        var positions = new int[To];
        for (var k = 0; k < To; k++)
        {
            var at = Origin(call, k);
            var nearest = Rule.Rounding switch
            {
                "round_prefer_floor" => -ConstantFolding.Floor(Half - at),
                "round_prefer_ceil" => ConstantFolding.Floor(at + Half),
                "floor" => ConstantFolding.Floor(at),
                "ceil" => -ConstantFolding.Floor(-at),
                _ => throw call.Fail($"nearest_mode `{Rule.Rounding}` is not known; known are round_prefer_floor, round_prefer_ceil, floor and ceil"),
            };
            positions[k] = Inside(nearest);
        }

        return positions;
    }

    /// <summary>What share each input position has in each result position, row-major [to, from].</summary>
    public Rational[] Weights(OperatorCall call)
    {
        if ((long)From * To > 1 << 24) throw call.Fail($"it resizes {From} to {To}, which is too large; choose smaller sizes");
        var weights = new Rational[To * From];
        for (var k = 0; k < To; k++)
        {
            var at = Origin(call, k);
            var floor = ConstantFolding.Floor(at);
            var taps = Rule.Mode switch
            {
                "linear" => [Rational.One - (at - floor), at - floor],
                "cubic" => Cubic(at - floor),
                "nearest" => throw call.Fail("nearest neighbours have no weights"),
                _ => throw call.Fail($"mode `{Rule.Mode}` is not known; known are nearest, linear and cubic"),
            };
            var first = floor - (taps.Length / 2 - 1);
            var total = Rational.One;
            if (Rule.ExcludeOutside)
            {
                for (var tap = 0; tap < taps.Length; tap++)
                    if (first + tap < Rational.Zero || first + tap >= From) taps[tap] = Rational.Zero;
                total = taps.Aggregate((a, b) => a + b);
            }

            for (var tap = 0; tap < taps.Length; tap++) weights[k * From + Inside(first + tap)] += taps[tap] / total;
        }

        return weights;
    }

    /// <summary>Keys' cubic kernel at the distances of the four neighbours.</summary>
    Rational[] Cubic(Rational t)
    {
        var a = Rule.CubicCoefficient;
        return [Far(t + Rational.One), Near(t), Near(Rational.One - t), Far(Rational.One + Rational.One - t)];

        Rational Near(Rational d) => ((a + 2) * d - (a + 3)) * d * d + 1;
        Rational Far(Rational d) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    }

    Rational Origin(OperatorCall call, int k) => Rule.Coordinates switch
    {
        "asymmetric" => (Rational)k / Scale,
        "half_pixel" => (k + Half) / Scale - Half,
        "pytorch_half_pixel" => To > 1 ? (k + Half) / Scale - Half : Rational.Zero,
        "half_pixel_symmetric" => new Rational(From, 2) * (1 - To / (Scale * From)) + (k + Half) / Scale - Half,
        "align_corners" => To > 1 ? new Rational((long)k * (From - 1), To - 1) : Rational.Zero,
        _ => throw call.Fail($"coordinate_transformation_mode `{Rule.Coordinates}` is not supported; export the model with half_pixel, align_corners or asymmetric"),
    };

    int Inside(Rational position) => position.Sign <= 0 ? 0 : position >= From - 1 ? From - 1 : (int)position.Numerator;
}
