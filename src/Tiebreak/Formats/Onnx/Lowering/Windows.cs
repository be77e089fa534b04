using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// Where the windows of a convolution or a pooling lie: for each spatial axis its kernel size, stride, dilation, pads and number of windows.
/// Read from the attributes that all those operators share.
/// </summary>
sealed record Windows(int[] Input, int[] Kernel, int[] Strides, int[] Dilations, int[] Begin, int[] End, int[] Count)
{
    /// <summary>How many axes stand before the spatial ones: batch and channels.</summary>
    public const int Leading = 2;

    const int MostFlags = 1 << 26;

    /// <summary>Whether a window holds one element, and the windows are the elements.</summary>
    public bool AreElements => Kernel.All(size => size == 1) && Strides.All(stride => stride == 1) && !NeedPadding;

    /// <summary>Whether zeros have to be put around the input.</summary>
    public bool NeedPadding => Begin.Any(pad => pad != 0) || End.Any(pad => pad != 0);

    /// <summary>Whether every window lies inside the input.</summary>
    public bool AllInside => !NeedPadding && Enumerable.Range(0, Kernel.Length).All(axis => (Count[axis] - 1) * Strides[axis] + (Kernel[axis] - 1) * Dilations[axis] < Input[axis]);

    /// <summary>How many elements of the kernel lie in the padding wherever the window stands.</summary>
    public int NeverInside => KernelCount - Enumerable.Range(0, Kernel.Length).Aggregate(1, (product, axis) => product * Enumerable.Range(0, Kernel[axis]).Count(k => EverInside(axis, k)));

    /// <summary>Elements in a window.</summary>
    public int KernelCount => Kernel.Aggregate(1, (product, size) => checked(product * size));

    /// <summary>Reads kernel_shape, strides, dilations, pads, auto_pad and ceil_mode.</summary>
    /// <exception cref="TiebreakException">They do not fit the input.</exception>
    public static Windows Of(OperatorCall call, Shape input, int[]? kernel)
    {
        var spatial = input.Rank - Leading;
        if (spatial < 1) throw call.Fail($"its input of shape {input} has no spatial axes");
        kernel = call.Ints("kernel_shape") ?? kernel ?? throw call.Fail("its kernel_shape is missing; export the model again");
        var strides = call.Ints("strides") ?? Ones(spatial);
        var dilations = call.Ints("dilations") ?? Ones(spatial);
        var pads = call.Ints("pads") ?? new int[2 * spatial];
        if (kernel.Length != spatial || strides.Length != spatial || dilations.Length != spatial || pads.Length != 2 * spatial)
            throw call.Fail($"its kernel_shape, strides, dilations and pads do not fit the {spatial} spatial axes of {input}");
        if (kernel.Concat(strides).Concat(dilations).Any(size => size < 1 || size > 1 << 24)) throw call.Fail("a kernel size, stride or dilation is out of range");
        if (pads.Any(pad => Math.Abs(pad) > 1 << 24)) throw call.Fail("a pad is out of range");
        var autoPad = call.Text("auto_pad", "NOTSET");
        var ceil = call.Int("ceil_mode", 0) != 0;
        var sizes = input.Sizes.Skip(Leading).ToArray();
        var (begin, end, count) = (new int[spatial], new int[spatial], new int[spatial]);
        for (var axis = 0; axis < spatial; axis++)
        {
            var reach = checked((kernel[axis] - 1) * dilations[axis] + 1);
            switch (autoPad)
            {
                case "NOTSET" or "":
                    (begin[axis], end[axis]) = (pads[axis], pads[spatial + axis]);
                    break;
                case "SAME_UPPER" or "SAME_LOWER":
                    var windows = (sizes[axis] + strides[axis] - 1) / strides[axis];
                    var total = Math.Max(0, (windows - 1) * strides[axis] + reach - sizes[axis]);
                    (begin[axis], end[axis]) = string.Equals(autoPad, "SAME_UPPER", StringComparison.Ordinal) ? (total / 2, total - total / 2) : (total - total / 2, total / 2);
                    break;
                case "VALID":
                    break;
                default:
                    throw call.Fail($"auto_pad `{autoPad}` is not known; known are NOTSET, SAME_UPPER, SAME_LOWER and VALID");
            }

            var room = sizes[axis] + begin[axis] + end[axis] - reach;
            if (room < 0) throw call.Fail($"a window of {reach} does not fit axis {axis + Leading} of {input} with its pads; choose a larger input size");
            count[axis] = room / strides[axis] + 1;
            // A last window that is cut off counts in ceil mode, unless it would begin in the padding.
            if (ceil && room % strides[axis] != 0 && count[axis] * strides[axis] < sizes[axis] + begin[axis]) count[axis]++;
        }

        return new Windows(sizes, kernel, strides, dilations, begin, end, count);
    }

    /// <summary>
    /// The windows of an input as a view: [leading…, count…, kernel…], where kernel axes of size 1 are left out, and channels may be split in groups.
    /// </summary>
    public Node Slide(ProgramBuilder builder, Node input, int groups = 1)
    {
        var padded = Padded(builder, input);
        if (AreElements && groups == 1) return padded;
        var source = padded.Shape.Strides();
        var sizes = new List<int> { input.Shape[0] };
        var strides = new List<int> { source[0] };
        if (groups > 1)
        {
            var each = input.Shape[1] / groups;
            sizes.AddRange([groups, each]);
            strides.AddRange([source[1] * each, source[1]]);
        }
        else
        {
            sizes.Add(input.Shape[1]);
            strides.Add(source[1]);
        }

        for (var axis = 0; axis < Kernel.Length; axis++)
        {
            sizes.Add(Count[axis]);
            strides.Add(Count[axis] == 1 ? 0 : checked(source[Leading + axis] * Strides[axis]));
        }

        for (var axis = 0; axis < Kernel.Length; axis++)
        {
            if (Kernel[axis] == 1) continue;
            sizes.Add(Kernel[axis]);
            strides.Add(checked(source[Leading + axis] * Dilations[axis]));
        }

        return builder.Gather(padded, new IndexMap.Affine(padded.Shape, new Shape([.. sizes]), 0, new Axes([.. strides])));
    }

    // The first window in which element k stands at or behind the input's begin decides: later ones stand further back.
    bool EverInside(int axis, int k)
    {
        var first = Math.Max(0, (Begin[axis] - k * Dilations[axis] + Strides[axis] - 1) / Strides[axis]);
        return first < Count[axis] && first * Strides[axis] + k * Dilations[axis] - Begin[axis] < Input[axis];
    }

    /// <summary>For each window, then each of its elements: whether it lies inside the input.</summary>
    public bool[] Inside() => Where((axis, position) => position >= 0 && position < Input[axis]);

    /// <summary>For each window, then each of its elements: whether it lies inside the input or its declared pads (a cut-off last window does not).</summary>
    public bool[] InsidePads() => Where((axis, position) => position >= -Begin[axis] && position < Input[axis] + End[axis]);

    /// <summary>
    /// For each window, then each of its elements: its position in a channel's plane, −1 in the padding. The plane is counted row by row, or with
    /// its last two axes exchanged.
    /// </summary>
    public int[] Positions(Shape input, bool byColumns)
    {
        int[] order = [.. Enumerable.Range(0, Input.Length)];
        if (byColumns && order.Length > 1) (order[^1], order[^2]) = (order[^2], order[^1]);
        var strides = new int[Input.Length];
        var stride = 1;
        for (var k = order.Length - 1; k >= 0; k--)
        {
            strides[order[k]] = stride;
            stride = checked(stride * input[Leading + order[k]]);
        }

        return ForEach(at => Enumerable.Range(0, Input.Length).All(axis => at[axis] >= 0 && at[axis] < Input[axis]) ? at.Select((position, axis) => position * strides[axis]).Sum() : -1);
    }

    bool[] Where(Func<int, int, bool> holds) => ForEach(at =>
    {
        for (var axis = 0; axis < at.Length; axis++)
            if (!holds(axis, at[axis])) return false;
        return true;
    });

    T[] ForEach<T>(Func<int[], T> measure)
    {
        var sizes = Count.Concat(Kernel).ToArray();
        var total = sizes.Aggregate(1, (product, size) => checked(product * size));
        if (total > MostFlags) throw new ArgumentException($"its windows hold {total} places, more than {MostFlags}");
        var results = new T[total];
        var at = new int[sizes.Length];
        var positions = new int[Kernel.Length];
        for (var k = 0; k < results.Length; k++)
        {
            var rest = k;
            for (var axis = sizes.Length - 1; axis >= 0; axis--)
            {
                at[axis] = rest % sizes[axis];
                rest /= sizes[axis];
            }

            for (var axis = 0; axis < positions.Length; axis++) positions[axis] = at[axis] * Strides[axis] + at[Kernel.Length + axis] * Dilations[axis] - Begin[axis];
            results[k] = measure(positions);
        }

        return results;
    }

    /// <summary>The input with zeros around it, as far as the windows reach; what no window reaches is left out.</summary>
    Node Padded(ProgramBuilder builder, Node input)
    {
        var rank = input.Shape.Rank;
        var begin = new int[rank];
        var end = new int[rank];
        var crop = false;
        for (var axis = 0; axis < Kernel.Length; axis++)
        {
            var reach = (Count[axis] - 1) * Strides[axis] + (Kernel[axis] - 1) * Dilations[axis] + 1;
            begin[Leading + axis] = Begin[axis];
            end[Leading + axis] = Math.Max(End[axis], reach - Begin[axis] - Input[axis]);
            crop |= Begin[axis] < 0 || end[Leading + axis] < 0;
        }

        return crop ? CropAndPad(builder, input, begin, end) : Pad(builder, input, begin, end, Rational.Zero);
    }

    static Node CropAndPad(ProgramBuilder builder, Node input, int[] begin, int[] end)
    {
        var positions = new int[]?[begin.Length];
        for (var axis = 0; axis < begin.Length; axis++)
        {
            var from = Math.Max(0, -begin[axis]);
            var to = input.Shape[axis] - Math.Max(0, -end[axis]);
            positions[axis] = [.. Enumerable.Range(from, Math.Max(0, to - from))];
        }

        var cut = builder.Gather(input, GridMap.Of(input.Shape, positions));
        return Pad(builder, cut, Array.ConvertAll(begin, pad => Math.Max(0, pad)), Array.ConvertAll(end, pad => Math.Max(0, pad)), Rational.Zero);
    }

    /// <summary>Puts a number around a tensor.</summary>
    public static Node Pad(ProgramBuilder builder, Node input, int[] begin, int[] end, Rational fill)
    {
        if (Array.TrueForAll(begin, pad => pad == 0) && Array.TrueForAll(end, pad => pad == 0)) return input;
        var sizes = new int[begin.Length];
        for (var axis = 0; axis < sizes.Length; axis++) sizes[axis] = checked(input.Shape[axis] + begin[axis] + end[axis]);
        var padded = new Shape(sizes);
        var strides = padded.Strides();
        var offset = 0;
        for (var axis = 0; axis < sizes.Length; axis++) offset = checked(offset + begin[axis] * strides[axis]);
        var map = new IndexMap.Affine(padded, input.Shape, offset, new Axes(strides));
        var placed = builder.ScatterAdd(input, map);
        if (fill.IsZero) return placed;
        // fill everywhere, less fill where the input lies.
        var frame = builder.Subtract(builder.Fill(fill, padded), builder.ScatterAdd(builder.Fill(fill, input.Shape), map));
        return builder.Add(placed, frame);
    }

    static int[] Ones(int count) => [.. Enumerable.Repeat(1, count)];
}
