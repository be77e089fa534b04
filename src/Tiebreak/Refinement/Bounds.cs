using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>Bounds of the values of a program, node by node, from those of its leaves (theory §4, Order). What is known of a gate that stands beside its own argument is used, so that a relu is not negative.</summary>
/// <param name="program">The program.</param>
/// <param name="leaf">Bounds of a parameter or data leaf.</param>
/// <param name="identity">Of some nodes: for each element a number that two of them share only if they are always equal; null where that is not known.</param>
/// <param name="cancellation">Stops the work.</param>
sealed class Bounds(TensorProgram program, Func<Node, IntervalTensor> leaf, Func<Node, UInt128[]?> identity, CancellationToken cancellation)
{
    const long LargestLeaf = 1 << 22;
    const long LargestElementwise = 1 << 18;

    readonly IntervalTensor?[] _values = new IntervalTensor?[program.Nodes.Count];
    readonly SumBounds _sums = new(identity);

    /// <summary>Bounds of a node's elements.</summary>
    public IntervalTensor Of(Node node)
    {
        if (_values[node.Id] is { } known) return known;
        // Operands come first in the list of nodes, so that no recursion is deep.
        var open = new Stack<Node>([node]);
        while (open.TryPeek(out var next))
        {
            var missing = next.Operands.Where(operand => _values[operand.Id] is null).ToArray();
            if (missing.Length > 0)
            {
                foreach (var operand in missing) open.Push(operand);
                continue;
            }

            open.Pop();
            cancellation.ThrowIfCancellationRequested();
            if (_values[next.Id] is null) _values[next.Id] = Limited(Evaluate(next), next.Operands.Count == 0 ? LargestLeaf : LargestElementwise);
        }

        return _values[node.Id]!;
    }

    static IntervalTensor Limited(IntervalTensor value, long largest) => !value.IsUniform && value.Shape.Count > largest ? IntervalTensor.Uniform(value.Shape, value.Hull()) : value;

    IntervalTensor Evaluate(Node node)
    {
        IntervalTensor X() => _values[node.Operands[0].Id]!;
        IntervalTensor Y() => _values[node.Operands[1].Id]!;
        var shape = node.Shape;
        switch (node.Primitive)
        {
            case Primitive.Constant constant:
                return Of(constant.Values, shape);
            case Primitive.Parameter or Primitive.Data:
                return leaf(node);
            case Primitive.Add:
                return Mixture(node) ?? X().With(Y(), static (a, b) => a + b);
            case Primitive.Multiply when ReferenceEquals(node.Operands[0], node.Operands[1]):
                return X().Map(static value => value.Square());
            case Primitive.Multiply:
                return Gated(node.Operands[0], node.Operands[1]) ?? Gated(node.Operands[1], node.Operands[0]) ?? X().With(Y(), static (a, b) => a * b);
            case Primitive.Negate:
                return X().Map(static value => -value);
            case Primitive.Reciprocal:
                return X().Map(static value => value.Reciprocal());
            case Primitive.Apply { Function: var function }:
                return X().Map(value => Image(function, value));
            case Primitive.Choose { Count: 1, Allowed: null } when !X().IsUniform:
                return Windows(X(), shape, shape[shape.Rank - 1], static (x, start, width, at) => Share(x, start, width, at));
            case Primitive.Choose choose:
                return IntervalTensor.Uniform(shape, new Interval(0, choose.Count));
            case Primitive.Contract contract:
                return _sums.Contract(contract, node, X(), Y());
            case Primitive.Reshape:
                return X().Reshape(shape);
            case Primitive.Broadcast when X().IsUniform:
            case Primitive.Transpose when X().IsUniform:
                return IntervalTensor.Uniform(shape, X()[0]);
            case Primitive.Broadcast or Primitive.Transpose when shape.Count > LargestElementwise:
                return IntervalTensor.Uniform(shape, X().Hull());
            case Primitive.Broadcast broadcast:
                return X().Pick(shape, SumBounds.Positions(shape, [.. Strides(node.Operands[0].Shape, shape.Rank, broadcast.Axes)]));
            case Primitive.Transpose transpose:
                var from = node.Operands[0].Shape.Strides();
                return X().Pick(shape, SumBounds.Positions(shape, [.. transpose.Order.Select(axis => from[axis])]));
            case Primitive.Gather gather:
                return Gather(gather.Map, X());
            case Primitive.ScatterAdd scatter:
                return ScatterAdd(scatter.Map, X());
            case Primitive.ReduceSum when Largest(node) is { } operand:
                var width = operand.Shape[operand.Shape.Rank - 1];
                return _values[operand.Id]!.IsUniform ? IntervalTensor.Uniform(shape, _values[operand.Id]![0])
                    : Windows(_values[operand.Id]!, shape, width, static (x, start, count, _) => new Interval(Best(x, start, count), Highest(x, start, count)), perElement: false);
            case Primitive.ReduceSum reduce:
                return SumBounds.ReduceSum(X(), [.. reduce.Axes], shape);
            case Primitive.Concat concat:
                return Concat(concat, node);
            default:
                return IntervalTensor.Uniform(shape, Interval.Any);
        }
    }

    /// <summary>The bounds of exact values.</summary>
    public static IntervalTensor Of(ExactTensor values, Shape shape)
    {
        if (values is UniformTensor uniform) return IntervalTensor.Uniform(shape, Interval.Around(uniform.Value.ToDouble(), uniform.HasDoubles));
        if (values.Count > 4 * LargestLeaf) return IntervalTensor.Uniform(shape, Interval.Any); // more is not looked at
        var doubles = new double[values.Count];
        values.ReadNearest(0, doubles);
        return Limited(IntervalTensor.Of(shape, Around(values, doubles)), LargestLeaf);
    }

    /// <summary>The bounds of exact values by the doubles nearest to them. A nearest double of 0 says nothing of the sign (1e-400 is positive), so those are asked for the exact value.</summary>
    public static Interval[] Around(ExactTensor values, double[] nearest)
    {
        var bounds = new Interval[nearest.Length];
        for (var k = 0; k < bounds.Length; k++) bounds[k] = Interval.Around(nearest[k], values.HasDoubles || (nearest[k] == 0 && values[k].IsZero));
        return bounds;
    }

    static Interval Image(ScalarFunction function, Interval x) => function.Kind switch
    {
        FunctionKind.Exp => x.Increasing(Math.Exp, 0, double.PositiveInfinity),
        FunctionKind.Log => x.Low > 0 ? x.Increasing(Math.Log, double.NegativeInfinity, double.PositiveInfinity) : new(double.NegativeInfinity, double.IsPositiveInfinity(x.High) || x.High <= 0 ? double.PositiveInfinity : x.Increasing(Math.Log, double.NegativeInfinity, double.PositiveInfinity).High),
        FunctionKind.Sqrt => x.Increasing(static value => Math.Sqrt(Math.Max(0, value)), 0, double.PositiveInfinity),
        FunctionKind.Power => Interval.NotNegative,
        FunctionKind.Tanh => x.Increasing(Math.Tanh, -1, 1),
        FunctionKind.Erf => new(x.Low >= 0 ? 0 : -1, x.High <= 0 ? 0 : 1),
        FunctionKind.Sin or FunctionKind.Cos => new(-1, 1),
        FunctionKind.Atan => x.Increasing(Math.Atan, -2, 2),
        FunctionKind.Asinh => x.Increasing(Math.Asinh, double.NegativeInfinity, double.PositiveInfinity),
        FunctionKind.Step => new(x.Low > 0 || (x.Low >= 0 && function.AtZero == 1) ? 1 : 0, x.High < 0 || (x.High <= 0 && function.AtZero == 0) ? 0 : 1),
        FunctionKind.Sign => new(x.Low > 0 ? 1 : x.Low >= 0 ? 0 : -1, x.High < 0 ? -1 : x.High <= 0 ? 0 : 1),
        _ => Interval.Any,
    };

    // g·a or (1 − g)·a with g = step(u): zero, or a where u has the sign that opens the gate; x · sign x: |x|.
    IntervalTensor? Gated(Node gate, Node a)
    {
        if (gate.Primitive is Primitive.Apply { Function.Kind: FunctionKind.Sign } && ReferenceEquals(gate.Operands[0], a)) return _values[a.Id]!.Map(static value => value.Magnitude());
        if (GateOf(gate) is not var (u, opens)) return null;
        return _values[gate.Id]!.With(Restricted(a, u, opens), static (open, value) => open.Low >= 1 ? value : open.High <= 0 ? Interval.Zero : value.Or(Interval.Zero));
    }

    // g·a + (1 − g)·b: one or the other, each where its gate is open.
    IntervalTensor? Mixture(Node sum)
    {
        if (sum.Operands[0].Primitive is not Primitive.Multiply || sum.Operands[1].Primitive is not Primitive.Multiply) return null;
        foreach (var (gate, a) in Orders(sum.Operands[0]))
        {
            if (GateOf(gate) is not var (u, opens)) continue;
            foreach (var (other, b) in Orders(sum.Operands[1]))
            {
                if (GateOf(other) is not var (v, opensOther) || !ReferenceEquals(u, v) || opens == opensOther || !SameGate(gate, other)) continue;
                var first = Restricted(a, u, opens);
                var second = Restricted(b, v, opensOther);
                return IntervalTensor.Choose(_values[gate.Id]!, first, second);
            }
        }

        return null;

        static IEnumerable<(Node Gate, Node Value)> Orders(Node product) => [(product.Operands[0], product.Operands[1]), (product.Operands[1], product.Operands[0])];
        static bool SameGate(Node one, Node two) => ReferenceEquals(Inside(one), Inside(two));
        static Node Inside(Node gate) => gate.Primitive is Primitive.Apply ? gate : Opposite(gate)!;
    }

    // The argument of a gate, and whether it opens where that is positive.
    static (Node U, bool Positive)? GateOf(Node node) =>
        node.Primitive is Primitive.Apply { Function.Kind: FunctionKind.Step } ? (node.Operands[0], true) : Opposite(node) is { } gate ? (gate.Operands[0], false) : null;

    // 1 − step(u) as the builder makes it.
    static Node? Opposite(Node node)
    {
        if (node.Primitive is not Primitive.Add) return null;
        foreach (var (one, other) in new[] { (node.Operands[0], node.Operands[1]), (node.Operands[1], node.Operands[0]) })
            if (one.Primitive is Primitive.Negate && one.Operands[0].Primitive is Primitive.Apply { Function.Kind: FunctionKind.Step } && other.Primitive is Primitive.Constant { Values: UniformTensor { Value.IsInteger: true } fill } && fill.Value == Rational.One)
                return one.Operands[0];
        return null;
    }

    // a where u ≥ 0 (or u ≤ 0), if u is a, −a, a + k or k − a.
    IntervalTensor Restricted(Node a, Node u, bool positive)
    {
        var value = _values[a.Id]!;
        if (ReferenceEquals(u, a)) return value.Map(x => x.And(positive ? Interval.NotNegative : new(double.NegativeInfinity, 0)));
        if (IsNegative(u, a)) return value.Map(x => x.And(positive ? new(double.NegativeInfinity, 0) : Interval.NotNegative));
        if (u.Primitive is not Primitive.Add) return value;
        foreach (var (one, k) in new[] { (u.Operands[0], u.Operands[1]), (u.Operands[1], u.Operands[0]) })
        {
            var offset = _values[k.Id]!;
            if (ReferenceEquals(one, a)) return value.With(offset, (x, by) => x.And(positive ? new(-by.High, double.PositiveInfinity) : new(double.NegativeInfinity, -by.Low)));
            if (IsNegative(one, a)) return value.With(offset, (x, by) => x.And(positive ? new(double.NegativeInfinity, by.High) : new(by.Low, double.PositiveInfinity)));
        }

        return value;

        static bool IsNegative(Node one, Node other) => one.Primitive is Primitive.Negate && ReferenceEquals(one.Operands[0], other);
    }

    // Σ choose(x)·x along the last axis: the largest of x.
    static Node? Largest(Node sum)
    {
        if (sum.Primitive is not Primitive.ReduceSum { Axes: { Count: 1 } axes } || sum.Operands[0] is not { Primitive: Primitive.Multiply } product || axes[0] != product.Shape.Rank - 1) return null;
        foreach (var (choice, x) in new[] { (product.Operands[0], product.Operands[1]), (product.Operands[1], product.Operands[0]) })
            if (choice.Primitive is Primitive.Choose { Count: 1, Allowed: null } && ReferenceEquals(choice.Operands[0], x)) return x;
        return null;
    }

    static IntervalTensor Windows(IntervalTensor x, Shape shape, int width, Func<IntervalTensor, long, int, long, Interval> function, bool perElement = true)
    {
        var result = new Interval[shape.Count];
        for (var i = 0; i < result.Length; i++)
        {
            var start = perElement ? i / width * width : (long)i * width;
            result[i] = function(x, start, width, i);
        }

        return IntervalTensor.Of(shape, result);
    }

    // The share of one element in a choice of the largest: none if another is certainly larger, all if it is larger than all others.
    static Interval Share(IntervalTensor x, long start, int width, long at)
    {
        var wins = true;
        for (var k = start; k < start + width; k++)
        {
            if (x[k].Low > x[at].High) return Interval.Zero;
            wins &= k == at || x[k].High < x[at].Low;
        }

        return wins ? new(1, 1) : new(0, 1);
    }

    static double Best(IntervalTensor x, long start, int width)
    {
        var best = double.NegativeInfinity;
        for (var k = start; k < start + width; k++) best = Math.Max(best, x[k].Low);
        return best;
    }

    static double Highest(IntervalTensor x, long start, int width)
    {
        var highest = double.NegativeInfinity;
        for (var k = start; k < start + width; k++) highest = Math.Max(highest, x[k].High);
        return highest;
    }

    static IntervalTensor Gather(IndexMap map, IntervalTensor x)
    {
        if (map is IndexMap.Affine affine)
        {
            if (x.IsUniform) return IntervalTensor.Uniform(map.Target, x[0]);
            if (map.Target.Count > LargestElementwise) return IntervalTensor.Uniform(map.Target, x.Hull());
            var at = SumBounds.Positions(map.Target, [.. affine.Strides]);
            return x.Pick(map.Target, i => affine.Offset + at(i));
        }

        var table = ((IndexMap.Table)map).Positions;
        if (map.Target.Count > LargestElementwise) return IntervalTensor.Uniform(map.Target, x.Hull().Or(Interval.Zero));
        return x.Pick(map.Target, i => table[i]);
    }

    static IntervalTensor ScatterAdd(IndexMap map, IntervalTensor x)
    {
        if (map.Source.Count > LargestElementwise || map.Target.Count > LargestElementwise) return IntervalTensor.Uniform(map.Source, Interval.Any);
        var sums = new IntervalSum[map.Source.Count];
        var at = map is IndexMap.Affine affine ? SumBounds.Positions(map.Target, [.. affine.Strides]) : null;
        for (long i = 0; i < map.Target.Count; i++)
        {
            var position = at is not null ? ((IndexMap.Affine)map).Offset + at(i) : ((IndexMap.Table)map).Positions[i];
            if (position >= 0) sums[position].Add(x[i]);
        }

        return IntervalTensor.Of(map.Source, Array.ConvertAll(sums, sum => sum.Total));
    }

    IntervalTensor Concat(Primitive.Concat concat, Node node)
    {
        var parts = node.Operands.Select(operand => _values[operand.Id]!).ToArray();
        if (node.Shape.Count > LargestElementwise) return IntervalTensor.Uniform(node.Shape, parts.Select(part => part.Hull()).Aggregate((one, other) => one.Or(other)));
        var strides = node.Shape.Strides();
        long inner = strides[concat.Axis], row = inner * node.Shape[concat.Axis];
        var result = new Interval[node.Shape.Count];
        long start = 0;
        foreach (var part in parts)
        {
            var run = inner * part.Shape[concat.Axis];
            for (long i = 0; i < part.Shape.Count; i++) result[i / run * row + start + i % run] = part[i];
            start += run;
        }

        return IntervalTensor.Of(node.Shape, result);
    }

    static IEnumerable<int> Strides(Shape operand, int rank, Axes added)
    {
        var strides = operand.Strides();
        var next = 0;
        for (var axis = 0; axis < rank; axis++) yield return added.Contains(axis) ? 0 : strides[next++];
    }
}
