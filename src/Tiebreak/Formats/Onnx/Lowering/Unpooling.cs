using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Operators that put windows back where they were cut from.</summary>
static class Unpooling
{
    const long MostPlaces = 1 << 24;

    /// <summary>Adds up overlapping blocks: the adjoint of cutting an image into windows.</summary>
    public static void ColumnsToImage(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var image = call.Narrow(call.Integers(1), "sizes");
        var block = call.Narrow(call.Integers(2), "sizes");
        var spatial = image.Length;
        int[] ones = [.. Enumerable.Repeat(1, spatial)];
        var strides = call.Ints("strides") ?? ones;
        var dilations = call.Ints("dilations") ?? ones;
        var pads = call.Ints("pads") ?? new int[2 * spatial];
        if (x.Shape.Rank != 3 || spatial < 1 || block.Length != spatial || strides.Length != spatial || dilations.Length != spatial || pads.Length != 2 * spatial
            || image.Concat(block).Concat(strides).Concat(dilations).Any(size => size is < 1 or > 1 << 24) || pads.Any(pad => pad is < 0 or > 1 << 24))
            throw call.Fail($"its image, blocks, strides, dilations or pads do not fit {x.Shape}");
        var places = new int[spatial];
        var padded = new int[spatial];
        for (var axis = 0; axis < spatial; axis++)
        {
            padded[axis] = checked(image[axis] + pads[axis] + pads[spatial + axis]);
            places[axis] = (padded[axis] - (block[axis] - 1) * dilations[axis] - 1) / strides[axis] + 1;
        }

        var inBlock = block.Aggregate(1, (product, size) => checked(product * size));
        if (x.Shape[1] % inBlock != 0 || places.Aggregate(1, (product, size) => product * size) != x.Shape[2]) throw call.Fail($"{x.Shape} is no row of blocks of {string.Join("x", block)} from an image of {string.Join("x", image)}");
        var channels = x.Shape[1] / inBlock;
        var blocks = builder.Reshape(x, new Shape([x.Shape[0], channels, .. block, .. places]));
        var whole = new Shape([x.Shape[0], channels, .. padded]);
        var own = whole.Strides();
        int[] steps = [own[0], own[1], .. Enumerable.Range(0, spatial).Select(axis => own[2 + axis] * dilations[axis]), .. Enumerable.Range(0, spatial).Select(axis => own[2 + axis] * strides[axis])];
        var y = builder.ScatterAdd(blocks, new IndexMap.Affine(whole, blocks.Shape, 0, new Axes(steps)));
        var positions = new int[]?[whole.Rank];
        for (var axis = 0; axis < spatial; axis++) positions[2 + axis] = [.. Enumerable.Range(pads[axis], image[axis])];
        call.Set(0, ValueMoves.Grid(call, Value.Of(y), positions));
    }

    /// <summary>Puts each number where max-pooling found it; the indices count through the whole tensor.</summary>
    public static void MaxUnpool(OperatorCall call)
    {
        var x = call.Node(0);
        var spatial = x.Shape.Rank - Windows.Leading;
        var kernel = call.Ints("kernel_shape") ?? throw call.Fail("its kernel_shape is missing; export the model again");
        var strides = call.Ints("strides") ?? [.. Enumerable.Repeat(1, Math.Max(0, spatial))];
        var pads = call.Ints("pads") ?? new int[2 * Math.Max(0, spatial)];
        if (spatial < 1 || kernel.Length != spatial || strides.Length != spatial || pads.Length != 2 * spatial || call.Shape(1) != x.Shape) throw call.Fail($"its kernel, strides, pads or indices do not fit {x.Shape}");
        var sizes = x.Shape.Sizes.ToArray();
        for (var axis = 0; axis < spatial; axis++) sizes[2 + axis] = checked((x.Shape[2 + axis] - 1) * strides[axis] - pads[axis] - pads[spatial + axis] + kernel[axis]);
        var target = new Shape(sizes);
        var y = Placed(call, x, call.Input(1), target);
        if (!call.Has(2))
        {
            call.Set(y);
            return;
        }

        // A given shape only adds room behind: the indices count through the shape that the windows make.
        var asked = call.Narrow(call.Integers(2), "sizes");
        if (asked.Length != sizes.Length) throw call.Fail($"[{string.Join(",", asked)}] is no shape for {target}");
        var positions = new int[]?[sizes.Length];
        for (var axis = 0; axis < sizes.Length; axis++) positions[axis] = [.. Enumerable.Range(0, asked[axis]).Select(k => k < sizes[axis] ? k : -1)];
        call.Set(0, ValueMoves.Grid(call, Value.Of(y), positions));
    }

    static Node Placed(OperatorCall call, Node x, Value indices, Shape target)
    {
        var builder = call.Builder;
        if (indices.Integers is { } constant)
        {
            var positions = Array.ConvertAll(constant, index => index >= 0 && index < target.Count ? (int)index : throw call.Fail($"index {index} lies outside {target}"));
            if (positions.Distinct().Count() != positions.Length) throw call.Fail("it writes twice to one place, which the standard leaves open; make its indices distinct");
            return builder.ScatterAdd(x, new IndexMap.Table(target, x.Shape, positions));
        }

        if (indices.Index is null) throw call.Fail("its indices are computed from data, which is not supported; leave that part out with --outputs");
        if (x.Shape.Count * target.Count > MostPlaces) throw call.Fail($"it puts {x.Shape.Count} numbers on {target.Count} places, which is too large; choose smaller sizes");
        var letters = new AxisLetters();
        var own = letters.Take(x.Shape.Rank);
        var place = letters.Take(1);
        return builder.Reshape(builder.Contract(own, own + place, place, x, indices.Index((int)target.Count)), target);
    }

    /// <summary>The places that max-pooling chose, as indices through the whole tensor.</summary>
    public static Value Places(OperatorCall call, Windows windows, Node weights, Shape input)
    {
        var (shape, each) = (weights.Shape.Without([weights.Shape.Rank - 1]), weights.Shape[weights.Shape.Rank - 1]);
        return new Value
        {
            Kind = ElementKind.Integer,
            Shape = shape,
            Rows = (int)input.Count,
            Index = rows => rows == input.Count ? Spread(rows) : throw call.Fail($"its result chooses among {input.Count} places, but is used as an index among {rows}"),
            Numbers = () => throw call.Fail("its index is used as a number, which has no meaning for a choice; leave that part out with --outputs"),
        };

        Node Spread(int rows)
        {
            if (shape.Count * rows > MostPlaces) throw call.Fail($"its indices point from {shape.Count} windows to {rows} places, which is too large; choose smaller sizes");
            var target = new Shape([.. shape.Sizes, rows]);
            var table = new int[target.Count];
            Array.Fill(table, -1);
            var offsets = windows.Positions(input, byColumns: call.Int("storage_order", 0) != 0);
            var inPlane = offsets.Length;
            var plane = (int)(input.Count / Math.Max(1, (long)input[0] * input[1]));
            for (var k = 0; k < weights.Shape.Count; k++)
                if (offsets[k % inPlane] is >= 0 and var offset) table[(long)k / each * rows + (long)k / inPlane * plane + offset] = k;
            return call.Builder.Gather(weights, new IndexMap.Table(weights.Shape, target, table));
        }
    }
}
