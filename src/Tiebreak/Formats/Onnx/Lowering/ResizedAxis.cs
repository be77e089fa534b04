using Tiebreak.Numbers;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>How positions of the result are taken back to the input, and what is read there.</summary>
sealed record ResizeRule(string Mode, string Coordinates, string Rounding)
{
    public Rational CubicCoefficient { get; init; }

    public bool ExcludeOutside { get; init; }

    /// <summary>Whether shrinking takes all positions together that fall on one, not just the nearest.</summary>
    public bool Antialias { get; init; }

    /// <summary>For tf_crop_and_resize: where the part that is read begins on each axis, then where it ends, from 0 to 1.</summary>
    public Rational[] Region { get; init; } = [];

    /// <summary>For tf_crop_and_resize: what stands outside the input.</summary>
    public Rational Outside { get; init; }

    public Rational BeginOf(int axis) => Region.Length > 0 ? Region[axis] : Rational.Zero;

    public Rational EndOf(int axis) => Region.Length > 0 ? Region[Region.Length / 2 + axis] : Rational.One;
}

/// <summary>One axis of a resizing.</summary>
sealed record ResizedAxis(int From, int To, Rational Scale, ResizeRule Rule)
{
    static readonly Rational Half = new(1, 2);

    public Rational Begin { get; init; }

    public Rational End { get; init; } = Rational.One;

    /// <summary>Whether every position stays where it is.</summary>
    public bool IsIdentity => From == To && Scale == Rational.One && Rule.Region.Length == 0;

    /// <summary>Whether a result position is read outside the input, which only a region can ask for.</summary>
    public bool IsOutside(OperatorCall call, int k) => Rule.Region.Length > 0 && Origin(call, k) is var at && (at.Sign < 0 || at > From - 1);

    /// <summary>The input position nearest to each result position.</summary>
    public int[] Nearest(OperatorCall call)
    {
        var positions = new int[To];
        for (var k = 0; k < To; k++)
        {
            if (IsOutside(call, k))
            {
                positions[k] = -1;
                continue;
            }

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
            if (IsOutside(call, k)) continue;
            var at = Origin(call, k);
            var floor = ConstantFolding.Floor(at);
            var (first, taps) = Taps(call, at - floor);
            first += floor;
            if (Rule.ExcludeOutside)
            {
                for (var tap = 0; tap < taps.Length; tap++)
                    if (first + tap < Rational.Zero || first + tap >= From) taps[tap] = Rational.Zero;
            }

            var total = Rule.ExcludeOutside || Rule.Antialias ? taps.Aggregate((a, b) => a + b) : Rational.One;
            for (var tap = 0; tap < taps.Length; tap++) weights[k * From + Inside(first + tap)] += taps[tap] / total;
        }

        return weights;
    }

    /// <summary>The shares of the neighbours of a position between two places, and where the first of them stands.</summary>
    (Rational First, Rational[] Taps) Taps(OperatorCall call, Rational t)
    {
        var (reach, kernel) = Rule.Mode switch
        {
            "linear" => (1, (Func<Rational, Rational>)(d => d < Rational.One ? Rational.One - d : Rational.Zero)),
            "cubic" => (2, Cubic),
            "nearest" => throw call.Fail("nearest neighbours have no weights"),
            _ => throw call.Fail($"mode `{Rule.Mode}` is not known; known are nearest, linear and cubic"),
        };
        // The kernel is stretched where the result is smaller, so that every position counts.
        var stretch = Rule.Antialias && Scale < Rational.One ? Scale : Rational.One;
        var first = ConstantFolding.Floor(-(Rational)reach / stretch) + 1;
        var taps = new Rational[(int)ConstantFolding.Whole(2 - first - first)];
        for (var tap = 0; tap < taps.Length; tap++) taps[tap] = kernel(((first + tap - t) * stretch).Magnitude);
        return (first, taps);
    }

    /// <summary>Keys' cubic kernel.</summary>
    Rational Cubic(Rational d)
    {
        var a = Rule.CubicCoefficient;
        return d <= Rational.One ? ((a + 2) * d - (a + 3)) * d * d + 1
            : d < (Rational)2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
            : Rational.Zero;
    }

    Rational Origin(OperatorCall call, int k) => Rule.Coordinates switch
    {
        "asymmetric" => (Rational)k / Scale,
        "half_pixel" => (k + Half) / Scale - Half,
        "pytorch_half_pixel" => To > 1 ? (k + Half) / Scale - Half : Rational.Zero,
        "half_pixel_symmetric" => new Rational(From, 2) * (1 - To / (Scale * From)) + (k + Half) / Scale - Half,
        // The standard takes the size before it is rounded.
        "align_corners" => Scale * From == Rational.One ? Rational.Zero : (Rational)k * (From - 1) / (Scale * From - 1),
        "tf_crop_and_resize" => To > 1 ? Begin * (From - 1) + (Rational)k * (End - Begin) * (From - 1) / (Scale * From - 1) : (Begin + End) * (From - 1) / 2,
        _ => throw call.Fail($"coordinate_transformation_mode `{Rule.Coordinates}` is not known; export the model with half_pixel, align_corners or asymmetric"),
    };

    int Inside(Rational position) => position.Sign <= 0 ? 0 : position >= From - 1 ? From - 1 : (int)position.Numerator;
}
