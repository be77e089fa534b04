using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// Reading between pixels at places that data gives. What each pixel of an axis weighs is written out for all pixels, as a function of the place: nothing
/// is picked, so nothing is sampled (theory §4).
/// </summary>
static class Interpolation
{
    static readonly ScalarFunction Positive = new(FunctionKind.Step);
    static readonly ScalarFunction NotNegative = new(FunctionKind.Step, AtZero: 1);

    public static void GridSample(OperatorCall call)
    {
        var builder = call.Builder;
        var (x, grid) = (call.Node(0), call.Node(1));
        var spatial = x.Shape.Rank - Windows.Leading;
        if (spatial < 1 || grid.Shape.Rank != x.Shape.Rank || grid.Shape[spatial + 1] != spatial || grid.Shape[0] != x.Shape[0]) throw call.Fail($"a grid of shape {grid.Shape} does not fit an input of shape {x.Shape}");
        var mode = call.Text("mode", "linear") is var given && given is "bilinear" ? "linear" : given is "bicubic" ? "cubic" : given;
        var padding = call.Text("padding_mode", "zeros");
        if (mode is "cubic" && padding is not "zeros") throw call.Fail($"it reads cubically with {padding} padding, which is not supported; export the model with zeros padding");
        var places = new Shape([.. grid.Shape.Sizes.SkipLast(1)]);
        var weights = new Node[spatial];
        for (var axis = 0; axis < spatial; axis++)
        {
            // The last axis of the grid counts the image's axes from behind.
            var size = x.Shape[Windows.Leading + axis];
            var at = builder.Gather(grid, new IndexMap.Affine(grid.Shape, places, spatial - 1 - axis, new Axes([.. grid.Shape.Strides().SkipLast(1)])));
            weights[axis] = ExactConstants.Folded(builder, Weights(call, Inside(call, at, size, mode, padding), size, mode));
        }

        var letters = new AxisLetters();
        var (batch, channel, own, made) = (letters.Take(1), letters.Take(1), letters.Take(spatial), letters.Take(spatial));
        var y = x;
        for (var axis = spatial - 1; axis >= 0; axis--)
        {
            var left = batch + channel + own[..(axis + 1)] + (axis == spatial - 1 ? "" : made);
            y = builder.Contract(left, batch + made + own[axis], batch + channel + own[..axis] + made, y, weights[axis]);
        }

        call.Set(y);
    }

    /// <summary>From −1 … 1 to pixels, then back into the image as the padding says.</summary>
    static Node Inside(OperatorCall call, Node at, int size, string mode, string padding)
    {
        var builder = call.Builder;
        var half = new Rational(1, 2);
        var corners = call.Int("align_corners", 0) != 0;
        at = builder.Offset(builder.Scale(at, half * (corners ? size - 1 : size)), half * (size - 1));
        if (mode is "nearest") at = builder.Apply(FunctionKind.Round, at);
        return padding switch
        {
            "zeros" => at,
            "border" => Activations.Between(builder, at, Rational.Zero, size - 1),
            "reflection" => Activations.Between(builder, Reflected(builder, at, corners ? Rational.Zero : -half, corners ? size - 1 : size - half), Rational.Zero, size - 1),
            _ => throw call.Fail($"padding_mode `{padding}` is not known; known are zeros, border and reflection"),
        };
    }

    /// <summary>A path that turns round at both bounds: low + span − |rest − span|, with the rest of the way modulo 2 · span.</summary>
    static Node Reflected(ProgramBuilder builder, Node at, Rational low, Rational high)
    {
        var span = high - low;
        if (span.IsZero) return builder.Fill(low, at.Shape);
        var way = builder.Offset(at, -low);
        var rest = builder.Subtract(way, builder.Scale(builder.Apply(FunctionKind.Floor, builder.Scale(way, Rational.One / (span + span))), span + span));
        return builder.Offset(builder.Negate(Elementwise.Magnitude(builder, builder.Offset(rest, -span))), low + span);
    }

    /// <summary>What every pixel of an axis weighs, along a new last axis.</summary>
    static Node Weights(OperatorCall call, Node at, int size, string mode)
    {
        var builder = call.Builder;
        var shape = new Shape([.. at.Shape.Sizes, size]);
        var pixels = builder.Constant(new DoubleTensor([.. Enumerable.Range(0, size).Select(pixel => (double)pixel)]), new Shape(size));
        var distance = Elementwise.Magnitude(builder, builder.Subtract(builder.Broadcast(at, shape, at.Shape.Rank), builder.Broadcast(pixels, shape, [.. Enumerable.Range(0, at.Shape.Rank)])));
        return mode switch
        {
            // A rounded place is at distance 0 or at least 1.
            "linear" or "nearest" => Nonlinearities.Relu(builder, builder.Offset(builder.Negate(distance), Rational.One)),
            "cubic" => Cubic(builder, distance, new Rational(-3, 4)),
            _ => throw call.Fail($"mode `{mode}` is not known; known are linear, nearest and cubic"),
        };
    }

    /// <summary>Keys' kernel: one cubic up to distance 1, another up to 2.</summary>
    static Node Cubic(ProgramBuilder builder, Node d, Rational a)
    {
        var near = builder.Apply(Positive, builder.Offset(builder.Negate(d), Rational.One));
        var reached = builder.Apply(Positive, builder.Offset(builder.Negate(d), 2));
        var square = builder.Multiply(d, d);
        var cube = builder.Multiply(square, d);
        var inner = builder.Offset(builder.Subtract(builder.Scale(cube, a + 2), builder.Scale(square, a + 3)), Rational.One);
        var outer = builder.Offset(builder.Add(builder.Subtract(builder.Scale(cube, a), builder.Scale(square, 5 * a)), builder.Scale(d, 8 * a)), -4 * a);
        return builder.Add(builder.Multiply(near, inner), builder.Multiply(builder.Multiply(reached, Comparisons.Opposite(builder, near)), outer));
    }

    /// <summary>Averages of samples inside the boxes that data gives.</summary>
    public static void RoiAlign(OperatorCall call)
    {
        var builder = call.Builder;
        var (x, boxes) = (call.Node(0), call.Node(1));
        if (x.Shape.Rank != 4 || boxes.Shape.Rank != 2 || boxes.Shape[1] != 4 || call.Shape(2) != new Shape(boxes.Shape[0])) throw call.Fail($"boxes of shape {boxes.Shape} do not fit an input of shape {x.Shape}");
        if (call.Text("mode", "avg") is not "avg") throw call.Fail("it takes the largest of its samples, which is not supported; export the model with mode avg");
        var samples = (int)Math.Clamp(call.Int("sampling_ratio", 0), 0, 1 << 10);
        if (samples == 0) throw call.Fail("it takes more samples the larger a box is, which is not supported; export the model with a sampling_ratio");
        var rows = Shares(call, boxes, 1, x.Shape[2], (int)call.Int("output_height", 1), samples);
        var columns = Shares(call, boxes, 0, x.Shape[3], (int)call.Int("output_width", 1), samples);
        var images = builder.Contract("rn", "nchw", "rchw", Losses.Distribution(call, call.Input(2), x.Shape[0]), x);
        call.Set(builder.Contract("rchj", "rih", "rcij", builder.Contract("rchw", "rjw", "rchj", images, columns), rows));
    }

    /// <summary>What each pixel of an axis has in each bin of each box: the mean over the bin's samples.</summary>
    static Node Shares(OperatorCall call, Node boxes, int side, int size, int bins, int samples)
    {
        var builder = call.Builder;
        var half = new Rational(1, 2);
        if (bins is < 1 or > 1 << 16) throw call.Fail($"its result would have {bins} bins on an axis");
        var scale = call.Float("spatial_scale", 1);
        // Opset 10 knows no shift by half a pixel, and no box smaller than one.
        var shifts = call.Opset >= 16 && call.Text("coordinate_transformation_mode", "half_pixel") is "half_pixel";
        var begin = builder.Offset(builder.Scale(Edge(side), scale), shifts ? -half : Rational.Zero);
        var extent = builder.Scale(builder.Subtract(Edge(side + 2), Edge(side)), scale);
        if (!shifts) extent = Elementwise.Larger(builder, extent, builder.Fill(Rational.One, extent.Shape));
        var shape = new Shape(boxes.Shape[0], bins, samples);
        var steps = builder.Constant(ConstantFolding.Tensor([.. Enumerable.Range(0, bins * samples).Select(k => (k / samples + (k % samples + half) / samples) / bins)]), new Shape(bins, samples));
        var at = builder.Add(builder.Broadcast(begin, shape, 1, 2), builder.Multiply(builder.Broadcast(extent, shape, 1, 2), builder.Broadcast(steps, shape, 0)));
        // A sample more than a pixel outside counts as 0; others are moved to the edge.
        var inside = builder.Multiply(builder.Apply(NotNegative, builder.Offset(at, Rational.One)), builder.Apply(NotNegative, builder.Offset(builder.Negate(at), size)));
        var weights = Weights(call, Activations.Between(builder, at, Rational.Zero, size - 1), size, "linear");
        return ExactConstants.Folded(builder, Moments.MeanOver(builder, builder.Multiply(weights, builder.Broadcast(inside, weights.Shape, 3)), [2]));

        Node Edge(int column) => builder.Gather(boxes, new IndexMap.Affine(boxes.Shape, new Shape(boxes.Shape[0]), column, new Axes(4)));
    }

    /// <summary>The places −1 … 1 of an image's pixels, moved by a matrix for each image.</summary>
    public static void AffineGrid(OperatorCall call)
    {
        var builder = call.Builder;
        var theta = call.Node(0);
        var sizes = call.Narrow(call.Integers(1), "sizes")[2..];
        var axes = sizes.Length;
        if (theta.Shape.Rank != 3 || axes < 1 || theta.Shape[1] != axes || theta.Shape[2] != axes + 1) throw call.Fail($"matrices of shape {theta.Shape} do not move an image of {axes} axes");
        var corners = call.Int("align_corners", 0) != 0;
        var count = sizes.Aggregate(1, (product, size) => checked(product * size));
        var places = new Rational[count * (axes + 1)];
        for (var k = 0; k < count; k++)
        {
            var rest = k;
            for (var axis = axes - 1; axis >= 0; axis--)
            {
                var (pixel, size) = (rest % sizes[axis], sizes[axis]);
                rest /= size;
                places[k * (axes + 1) + axes - 1 - axis] = !corners ? new Rational(2 * pixel + 1, size) - Rational.One : size == 1 ? -Rational.One : new Rational(2 * pixel, size - 1) - Rational.One;
            }

            places[k * (axes + 1) + axes] = Rational.One;
        }

        var moved = builder.Contract("nij", "kj", "nki", theta, builder.Constant(ConstantFolding.Tensor(places), new Shape(count, axes + 1)));
        call.Set(builder.Reshape(moved, new Shape([theta.Shape[0], .. sizes, axes])));
    }
}
