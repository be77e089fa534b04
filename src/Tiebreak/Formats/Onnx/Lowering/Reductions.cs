using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Operators that take axes together.</summary>
static class Reductions
{
    const int MostFactors = 4096;

    /// <summary>A tensor that lacks some axes, repeated along them.</summary>
    public static Node Repeat(ProgramBuilder builder, Node operand, Shape target, int[] axes) => builder.Broadcast(operand, target, axes);

    public static void Sum(OperatorCall call) => Reduce(call, (builder, x, axes) => builder.ReduceSum(x, axes));

    public static void Mean(OperatorCall call) => Reduce(call, Moments.MeanOver);

    public static void L1(OperatorCall call) => Reduce(call, (builder, x, axes) => builder.ReduceSum(Elementwise.Magnitude(builder, x), axes));

    public static void SumSquare(OperatorCall call) => Reduce(call, (builder, x, axes) => builder.ReduceSum(builder.Multiply(x, x), axes));

    public static void L2(OperatorCall call) => Reduce(call, (builder, x, axes) => builder.Apply(FunctionKind.Sqrt, builder.ReduceSum(builder.Multiply(x, x), axes)));

    public static void LogSum(OperatorCall call) => Reduce(call, (builder, x, axes) => builder.Apply(FunctionKind.Log, builder.ReduceSum(x, axes)));

    public static void LogSumExp(OperatorCall call) =>
        Reduce(call, (builder, x, axes) => builder.Apply(FunctionKind.Log, builder.ReduceSum(builder.Apply(FunctionKind.Exp, x), axes)));

    public static void Max(OperatorCall call) => Reduce(call, Largest);

    public static void Min(OperatorCall call) => Reduce(call, (builder, x, axes) => builder.Negate(Largest(builder, builder.Negate(x), axes)));

    public static void Product(OperatorCall call) => Reduce(call, (builder, x, axes) =>
    {
        var columns = LastAxis(builder, x, axes);
        var (kept, count) = (columns.Shape.Without([columns.Shape.Rank - 1]), columns.Shape[columns.Shape.Rank - 1]);
        if (count > MostFactors) throw call.Fail($"it multiplies {count} numbers, more than {MostFactors}; choose smaller sizes");
        var strides = columns.Shape.Strides();
        var product = builder.Fill(Rational.One, kept);
        for (var k = 0; k < count; k++)
            product = builder.Multiply(product, builder.Gather(columns, new IndexMap.Affine(columns.Shape, kept, k, new Axes(strides.AsSpan(0, strides.Length - 1)))));
        return product;
    });

    /// <summary>A full maximum splits evenly among equals; along an axis the first is taken (theory §4, Kinks).</summary>
    static Node Largest(ProgramBuilder builder, Node x, int[] axes) =>
        axes.Length == 0 ? x : Elementwise.Chosen(builder, LastAxis(builder, x, axes), axes.Length == x.Shape.Rank && x.Shape.Rank > 1 ? TieBreak.Split : TieBreak.First);

    /// <summary>The axes moved behind all others and made one.</summary>
    static Node LastAxis(ProgramBuilder builder, Node x, int[] axes)
    {
        int[] kept = [.. Enumerable.Range(0, x.Shape.Rank).Except(axes)];
        var count = axes.Aggregate(1, (product, axis) => checked(product * x.Shape[axis]));
        return builder.Reshape(builder.Transpose(x, [.. kept, .. axes]), new Shape([.. kept.Select(axis => x.Shape[axis]), count]));
    }

    static void Reduce(OperatorCall call, Func<ProgramBuilder, Node, int[], Node> reduce)
    {
        var value = call.Input(0);
        var given = call.AxesAttributeOrInput(1);
        if (given is null or { Length: 0 } && call.Int("noop_with_empty_axes", 0) != 0)
        {
            call.Set(0, value);
            return;
        }

        var axes = given is null or { Length: 0 } ? [.. Enumerable.Range(0, value.Shape.Rank)] : call.AxesOf(given, value.Shape.Rank);
        var keep = call.Int("keepdims", 1) != 0;
        var sizes = value.Shape.Sizes.ToArray();
        foreach (var axis in axes) sizes[axis] = 1;
        var made = keep ? new Shape(sizes) : value.Shape.Without(axes);
        if (value.Integers is not null)
        {
            call.Set(0, Whole(call, value, axes, made));
            return;
        }

        if (axes.Any(axis => value.Shape[axis] == 0)) throw call.Fail($"it takes together no elements of {value.Shape}; choose larger sizes");
        call.Set(call.Builder.Reshape(reduce(call.Builder, call.Node(0), axes), made));
    }

    /// <summary>Shape arithmetic: sizes are multiplied, added, compared.</summary>
    static Value Whole(OperatorCall call, Value value, int[] axes, Shape made)
    {
        Func<long, long, long> join = call.OpType switch
        {
            "ReduceProd" => (left, right) => checked(left * right),
            "ReduceSum" or "ReduceL1" or "ReduceSumSquare" => (left, right) => checked(left + right),
            "ReduceMax" => Math.Max,
            "ReduceMin" => Math.Min,
            _ => throw call.Fail("it reduces whole numbers in a way that is not supported; export the model with fixed shapes"),
        };
        var kept = value.Shape.Without(axes);
        var own = kept.Strides();
        var strides = new int[value.Shape.Rank];
        var next = 0;
        for (var axis = 0; axis < strides.Length; axis++)
            if (!axes.Contains(axis)) strides[axis] = own[next++];
        var results = new long?[kept.Count];
        foreach (var (place, number) in GridMap.Positions(new IndexMap.Affine(kept, value.Shape, 0, new Axes(strides))).Zip(value.Integers!))
        {
            var term = call.OpType switch { "ReduceL1" => Math.Abs(number), "ReduceSumSquare" => checked(number * number), _ => number };
            results[place] = results[place] is { } result ? join(result, term) : term;
        }

        var none = call.OpType switch { "ReduceProd" => 1, "ReduceMax" or "ReduceMin" => (long?)null, _ => 0 };
        return Value.Of(made, Array.ConvertAll(results, result => result ?? none ?? throw call.Fail("it compares no numbers")), value.Kind);
    }

    public static void CumSum(OperatorCall call)
    {
        var value = call.Input(0);
        var axis = call.Axis(call.Integers(1)[0], value.Shape.Rank);
        var (exclusive, reverse) = (call.Int("exclusive", 0) != 0, call.Int("reverse", 0) != 0);
        if (value.Integers is { } integers)
        {
            call.Set(0, Value.Of(value.Shape, Accumulated(integers, value.Shape, axis, exclusive, reverse)));
            return;
        }

        var x = call.Node(0);
        var size = x.Shape[axis];
        if (size > MostFactors) throw call.Fail($"it adds up along an axis of size {size}, more than {MostFactors}; choose smaller sizes");
        var sums = new double[size * size];
        for (var to = 0; to < size; to++)
            for (var from = 0; from < size; from++)
                if (exclusive && from == to ? false : reverse ? from >= to : from <= to) sums[to * size + from] = 1;
        call.Set(AlongAxis(call.Builder, x, axis, call.Builder.Constant(new DoubleTensor(sums), new Shape(size, size))));
    }

    static long[] Accumulated(long[] numbers, Shape shape, int axis, bool exclusive, bool reverse)
    {
        var (stride, size) = (shape.Strides()[axis], shape[axis]);
        var sums = new long[numbers.Length];
        for (var k = 0; k < numbers.Length; k++)
        {
            if (k / stride % size != 0) continue;
            long sum = 0;
            for (var step = 0; step < size; step++)
            {
                var at = k + (reverse ? size - 1 - step : step) * stride;
                sums[at] = exclusive ? sum : checked(sum + numbers[at]);
                sum = checked(sum + numbers[at]);
            }
        }

        return sums;
    }

    /// <summary>A matrix [to, from] applied along one axis.</summary>
    public static Node AlongAxis(ProgramBuilder builder, Node x, int axis, Node matrix)
    {
        var letters = new AxisLetters();
        var own = letters.Take(x.Shape.Rank);
        var to = letters.Take(1);
        return builder.Contract(own, to + own[axis], own[..axis] + to + own[(axis + 1)..], x, matrix);
    }
}
