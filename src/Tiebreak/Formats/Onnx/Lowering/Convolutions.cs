using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Convolution: sliding windows, which are a view, contracted with the kernel.</summary>
static class Convolutions
{
    public static void Conv(OperatorCall call) => call.Set(Convolved(call));

    /// <summary>The convolution with its bias, as the attributes of a node say.</summary>
    public static Node Convolved(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var w = call.Node(1);
        var spatial = x.Shape.Rank - Windows.Leading;
        if (w.Shape.Rank != x.Shape.Rank || spatial < 1) throw call.Fail($"a kernel of shape {w.Shape} does not fit an input of shape {x.Shape}");
        var groups = (int)call.Int("group", 1);
        var (outputs, each) = (w.Shape[0], w.Shape[1]);
        if (groups < 1 || outputs % groups != 0 || (long)each * groups != x.Shape[1]) throw call.Fail($"a kernel of shape {w.Shape} in {groups} groups does not fit an input of shape {x.Shape}");
        NoteRoles(call, spatial, AxisMeaning.Output, AxisMeaning.Input);
        var windows = Windows.Of(call, x.Shape, [.. w.Shape.Sizes.Skip(Windows.Leading)]);
        if (!windows.Kernel.SequenceEqual(w.Shape.Sizes.Skip(Windows.Leading))) throw call.Fail($"its kernel_shape does not fit its kernel of shape {w.Shape}");
        call.Lowering.NeverReached += windows.NeverInside;
        var wide = windows.Kernel.Where(size => size > 1).ToArray();

        var letters = new AxisLetters();
        var batch = letters.Take(1);
        var group = groups > 1 ? letters.Take(1) : "";
        var channel = letters.Take(1);
        var made = letters.Take(1);
        var places = letters.Take(spatial);
        var kernel = letters.Take(wide.Length);
        var slid = windows.Slide(builder, x, groups);
        var weights = builder.Reshape(w, groups > 1 ? new Shape([groups, outputs / groups, each, .. wide]) : new Shape([outputs, each, .. wide]));
        var y = builder.Contract(batch + group + channel + places + kernel, group + made + channel + kernel, batch + group + made + places, slid, weights);
        return WithBias(call, builder.Reshape(y, new Shape([x.Shape[0], outputs, .. windows.Count])));
    }

    /// <summary>Each input element spreads the kernel over the output: the adjoint of a convolution's windows.</summary>
    public static void ConvTranspose(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var w = call.Node(1);
        var spatial = x.Shape.Rank - Windows.Leading;
        if (w.Shape.Rank != x.Shape.Rank || spatial < 1) throw call.Fail($"a kernel of shape {w.Shape} does not fit an input of shape {x.Shape}");
        var groups = (int)call.Int("group", 1);
        if (groups < 1 || w.Shape[0] != x.Shape[1] || x.Shape[1] % groups != 0) throw call.Fail($"a kernel of shape {w.Shape} in {groups} groups does not fit an input of shape {x.Shape}");
        NoteRoles(call, spatial, AxisMeaning.Input, AxisMeaning.Output);
        var (n, inputs, each) = (x.Shape[0], x.Shape[1] / groups, w.Shape[1]);
        var kernel = w.Shape.Sizes.Skip(Windows.Leading).ToArray();
        var (strides, dilations, begin, made, full) = TransposedSizes(call, x.Shape, kernel);

        var letters = new AxisLetters();
        var (batch, group, channel, output, places, inner) = (letters.Take(1), letters.Take(1), letters.Take(1), letters.Take(1), letters.Take(spatial), letters.Take(spatial));
        var spread = builder.Contract(batch + group + channel + places, group + channel + output + inner, batch + group + output + places + inner,
            builder.Reshape(x, new Shape([n, groups, inputs, .. x.Shape.Sizes.Skip(Windows.Leading)])), builder.Reshape(w, new Shape([groups, inputs, each, .. kernel])));
        var whole = new Shape([n, groups * each, .. full]);
        var own = whole.Strides();
        int[] steps = [own[0], own[1] * each, own[1], .. Enumerable.Range(0, spatial).Select(axis => own[2 + axis] * strides[axis]), .. Enumerable.Range(0, spatial).Select(axis => own[2 + axis] * dilations[axis])];
        var y = builder.ScatterAdd(spread, new IndexMap.Affine(whole, spread.Shape, 0, new Axes(steps)));
        var result = new Shape([n, groups * each, .. made]);
        if (result != whole)
        {
            var offset = Enumerable.Range(0, spatial).Sum(axis => own[2 + axis] * begin[axis]);
            y = builder.Gather(y, new IndexMap.Affine(whole, result, offset, new Axes(own)));
        }

        call.Set(WithBias(call, y));
    }

    static (int[] Strides, int[] Dilations, int[] Begin, int[] Made, int[] Full) TransposedSizes(OperatorCall call, Shape x, int[] kernel)
    {
        var spatial = kernel.Length;
        int[] ones = [.. Enumerable.Repeat(1, spatial)];
        var strides = call.Ints("strides") ?? ones;
        var dilations = call.Ints("dilations") ?? ones;
        var extra = call.Ints("output_padding") ?? new int[spatial];
        var pads = call.Ints("pads") ?? new int[2 * spatial];
        var wanted = call.Ints("output_shape");
        var autoPad = call.Text("auto_pad", "NOTSET");
        if (wanted is not null && wanted.Length > spatial) wanted = wanted[^spatial..];
        if (strides.Length != spatial || dilations.Length != spatial || extra.Length != spatial || pads.Length != 2 * spatial || (wanted is not null && wanted.Length != spatial)
            || strides.Concat(dilations).Any(size => size is < 1 or > 1 << 24) || pads.Concat(extra).Any(size => size is < 0 or > 1 << 24))
            throw call.Fail($"its strides, dilations, pads or output_padding do not fit the {spatial} spatial axes of {x}");
        var (begin, made, full) = (new int[spatial], new int[spatial], new int[spatial]);
        for (var axis = 0; axis < spatial; axis++)
        {
            var free = checked(strides[axis] * (x[2 + axis] - 1) + extra[axis] + (kernel[axis] - 1) * dilations[axis] + 1);
            if (wanted is not null || autoPad is "SAME_UPPER" or "SAME_LOWER")
            {
                made[axis] = wanted?[axis] ?? checked(x[2 + axis] * strides[axis]);
                var total = Math.Max(0, free - made[axis]);
                begin[axis] = string.Equals(autoPad, "SAME_UPPER", StringComparison.Ordinal) ? total / 2 : total - total / 2;
            }
            else
            {
                begin[axis] = string.Equals(autoPad, "VALID", StringComparison.Ordinal) ? 0 : pads[axis];
                made[axis] = free - (string.Equals(autoPad, "VALID", StringComparison.Ordinal) ? 0 : pads[axis] + pads[spatial + axis]);
            }

            if (made[axis] < 1) throw call.Fail($"its result would have size {made[axis]} on axis {2 + axis}; choose a larger input size");
            full[axis] = Math.Max(free, begin[axis] + made[axis]);
        }

        return (strides, dilations, begin, made, full);
    }

    static Node WithBias(OperatorCall call, Node y)
    {
        if (!call.Has(2)) return y;
        var bias = call.Node(2);
        if (bias.Shape != new Shape(y.Shape[1])) throw call.Fail($"a bias of shape {bias.Shape} does not fit {y.Shape[1]} channels");
        return call.Builder.Add(y, call.Builder.Broadcast(bias, y.Shape, [.. Enumerable.Range(0, y.Shape.Rank).Where(axis => axis != 1)]));
    }

    static void NoteRoles(OperatorCall call, int spatial, AxisMeaning first, AxisMeaning second)
    {
        call.UsedAs(1, ParameterRole.Convolution, [first, second, .. Enumerable.Repeat(AxisMeaning.Window, spatial)]);
        call.UsedAs(2, ParameterRole.Bias, AxisMeaning.Output);
    }
}
