using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Verification;

/// <summary>What the elements of a node can be, as far as order tells: a lower and an upper bound each.</summary>
readonly record struct PlainRange(double Low, double High)
{
    public static PlainRange Any { get; } = new(double.NegativeInfinity, double.PositiveInfinity);

    public static PlainRange operator +(PlainRange a, PlainRange b) => new(Sum(a.Low, b.Low, Math.BitDecrement, double.NegativeInfinity), Sum(a.High, b.High, Math.BitIncrement, double.PositiveInfinity));

    public static PlainRange operator -(PlainRange a) => new(-a.High, -a.Low);

    public static PlainRange operator *(PlainRange a, PlainRange b)
    {
        Span<double> lows = [Product(a.Low, b.Low, false), Product(a.Low, b.High, false), Product(a.High, b.Low, false), Product(a.High, b.High, false)];
        Span<double> highs = [Product(a.Low, b.Low, true), Product(a.Low, b.High, true), Product(a.High, b.Low, true), Product(a.High, b.High, true)];
        return new(Math.Min(Math.Min(lows[0], lows[1]), Math.Min(lows[2], lows[3])), Math.Max(Math.Max(highs[0], highs[1]), Math.Max(highs[2], highs[3])));
    }

    /// <summary>The smallest range that holds both.</summary>
    public PlainRange Or(PlainRange other) => new(Math.Min(Low, other.Low), Math.Max(High, other.High));

    /// <summary>Bounds of a number that a double is nearest to.</summary>
    public static PlainRange Around(double value, bool isExact) => isExact || value == 0 ? new(value, value) : new(Math.BitDecrement(value), Math.BitIncrement(value));

    // Rounded outwards, unless it is exact because one of the two is zero.
    static double Sum(double a, double b, Func<double, double> outwards, double infinity) => a == 0 ? b : b == 0 ? a : double.IsNaN(a + b) ? infinity : outwards(a + b);

    static double Product(double a, double b, bool isUpper)
    {
        if (a == 0 || b == 0) return 0; // an infinity bounds numbers that are finite
        var product = a * b;
        if (product == 0) return a < 0 == b < 0 ? (isUpper ? double.Epsilon : 0) : isUpper ? 0 : -double.Epsilon;
        return isUpper ? Math.BitIncrement(product) : Math.BitDecrement(product);
    }
}

/// <summary>
/// Bounds of a program's values (theory §4, "Dead by order"), of which it only needs whether a gate can open: stuck parameters stand at their value, moving ones anywhere. A plain interval
/// evaluation that knows relu, maximum and squares; where it knows less than the analysis did, a true claim is not proved rather than a false one let through.
/// </summary>
sealed class PlainRanges
{
    readonly PlainRange[]?[] _ranges;
    readonly Func<Node, PlainRange[]> _leaf;

    /// <param name="program">The program.</param>
    /// <param name="leaf">The ranges of a parameter's or data's elements.</param>
    public PlainRanges(TensorProgram program, Func<Node, PlainRange[]> leaf)
    {
        _leaf = leaf;
        _ranges = new PlainRange[]?[program.Nodes.Count];
        var isNeeded = new bool[program.Nodes.Count];
        foreach (var node in program.Nodes.Reverse())
        {
            isNeeded[node.Id] |= IsGate(node);
            if (isNeeded[node.Id])
                foreach (var operand in node.Operands) isNeeded[operand.Id] = true;
        }

        foreach (var node in program.Nodes)
            if (isNeeded[node.Id]) _ranges[node.Id] = Of(node);
    }

    /// <summary>What is known of the values of a gate: 0, 1 or −1 an element, 2 where nothing is; null for what is no gate.</summary>
    public sbyte[]? Known(Node node)
    {
        if (!IsGate(node)) return null;
        if (node.Primitive is not Primitive.Apply { Function: var function }) return Winners(node);
        return [.. _ranges[node.Operands[0].Id]!.Select(x => Known(function, x))];
    }

    /// <summary>Whether order may say something of a node's values.</summary>
    public static bool IsGate(Node node) => node.Primitive is Primitive.Apply { Function.Kind: FunctionKind.Step or FunctionKind.Sign } or Primitive.Choose { Count: 1, Allowed: null };

    // What is exactly zero sits on the kink, and is left to the convention.
    static sbyte Known(ScalarFunction function, PlainRange x)
    {
        const sbyte Nothing = 2;
        if (x is { Low: 0, High: 0 }) return Nothing;
        if (function.Kind == FunctionKind.Sign) return x.Low > 0 ? (sbyte)1 : x.High < 0 ? (sbyte)-1 : Nothing;
        if (x.Low > 0 || (x.Low >= 0 && function.AtZero == 1)) return 1;
        return x.High < 0 || (x.High <= 0 && function.AtZero == 0) ? (sbyte)0 : Nothing;
    }

    sbyte[] Winners(Node choice)
    {
        var x = _ranges[choice.Operands[0].Id]!;
        var width = choice.Shape[choice.Shape.Rank - 1];
        var known = new sbyte[x.Length];
        for (var start = 0; start < known.Length; start += width)
        {
            var best = Enumerable.Range(start, width).MaxBy(k => x[k].Low);
            var wins = Enumerable.Range(start, width).All(k => k == best || x[k].High < x[best].Low);
            for (var k = start; k < start + width; k++) known[k] = wins ? (sbyte)(k == best ? 1 : 0) : (sbyte)2;
        }

        return known;
    }

    PlainRange[] Of(Node node)
    {
        PlainRange[] X(int operand = 0) => _ranges[node.Operands[operand].Id]!;
        var result = new PlainRange[node.Shape.Count];
        switch (node.Primitive)
        {
            case Primitive.Parameter or Primitive.Data or Primitive.Constant:
                return _leaf(node);
            case Primitive.Add:
                for (var k = 0; k < result.Length; k++) result[k] = X()[k] + X(1)[k];
                return Either(node) is { } either ? [.. result.Zip(either, (sum, one) => new PlainRange(Math.Max(sum.Low, one.Low), Math.Min(sum.High, one.High)))] : result;
            case Primitive.Multiply:
                for (var k = 0; k < result.Length; k++) result[k] = Product(node, X()[k], X(1)[k]);
                return result;
            case Primitive.Negate:
                return [.. X().Select(x => -x)];
            case Primitive.Apply apply:
                return [.. X().Select(x => Image(apply.Function, x))];
            case Primitive.Choose choose:
                Array.Fill(result, new PlainRange(0, choose.Count));
                return result;
            case Primitive.Contract contract:
                foreach (var (left, right, at) in new ContractTerms(contract, node)) result[at] += X()[left] * X(1)[right];
                return result;
            case Primitive.ReduceSum reduce:
                return Largest(node, reduce) ?? Sum(node, reduce, X());
            case Primitive.ScatterAdd scatter:
                var from = 0;
                foreach (var at in Copies.Positions(scatter.Map))
                {
                    if (at >= 0) result[at] += X()[from];
                    from++;
                }

                return result;
            case var primitive when Copies.Is(primitive):
                var element = 0;
                foreach (var (operand, at) in Copies.Of(node)) result[element++] = at < 0 ? default : X(operand)[at];
                return result;
            default:
                Array.Fill(result, PlainRange.Any);
                return result;
        }
    }

    static PlainRange Product(Node node, PlainRange a, PlainRange b)
    {
        if (node.Operands[0] == node.Operands[1]) return (a * a) is var square ? new(Math.Max(0, square.Low), square.High) : default;
        foreach (var (gate, x, open, value) in new[] { (node.Operands[0], node.Operands[1], a, b), (node.Operands[1], node.Operands[0], b, a) })
        {
            if (gate.Primitive is not Primitive.Apply { Function.Kind: FunctionKind.Step } || gate.Operands[0] != x) continue;
            // Step times its own argument: relu.
            return open.High <= 0 ? default : new(Math.Max(0, value.Low), Math.Max(0, value.High));
        }

        return a * b;
    }

    // step(u)·a + (1 − step(u))·b is a or b.
    PlainRange[]? Either(Node sum)
    {
        if (sum.Operands[0].Primitive is not Primitive.Multiply || sum.Operands[1].Primitive is not Primitive.Multiply) return null;
        foreach (var (gate, a) in Orders(sum.Operands[0]))
            foreach (var (other, b) in Orders(sum.Operands[1]))
                if (IsStep(gate) && IsOneMinus(other, gate) || IsStep(other) && IsOneMinus(gate, other)) return [.. _ranges[a.Id]!.Zip(_ranges[b.Id]!, (one, two) => one.Or(two))];
        return null;

        static (Node, Node)[] Orders(Node product) => [(product.Operands[0], product.Operands[1]), (product.Operands[1], product.Operands[0])];
        static bool IsStep(Node node) => node.Primitive is Primitive.Apply { Function.Kind: FunctionKind.Step };
        static bool IsOneMinus(Node node, Node gate) => node.Primitive is Primitive.Add
            && Orders(node).Any(pair => pair.Item1.Primitive is Primitive.Negate && pair.Item1.Operands[0] == gate && pair.Item2.Primitive is Primitive.Constant { Values: UniformTensor fill } && fill.Value == Rational.One);
    }

    // Σ choose(x)·x along the last axis: the largest of x.
    PlainRange[]? Largest(Node sum, Primitive.ReduceSum reduce)
    {
        var product = sum.Operands[0];
        if (product.Primitive is not Primitive.Multiply || reduce.Axes.Count != 1 || reduce.Axes[0] != product.Shape.Rank - 1) return null;
        foreach (var (choice, x) in new[] { (product.Operands[0], product.Operands[1]), (product.Operands[1], product.Operands[0]) })
            if (choice.Primitive is Primitive.Choose { Count: 1, Allowed: null } && choice.Operands[0] == x)
                return [.. _ranges[x.Id]!.Chunk(x.Shape[x.Shape.Rank - 1]).Select(row => new PlainRange(row.Max(one => one.Low), row.Max(one => one.High)))];
        return null;
    }

    static PlainRange[] Sum(Node node, Primitive.ReduceSum reduce, PlainRange[] x)
    {
        var result = new PlainRange[node.Shape.Count];
        var (own, next, from) = (node.Shape.Strides(), 0, 0);
        var shape = node.Operands[0].Shape;
        foreach (var at in Copies.Offsets(shape, [.. Enumerable.Range(0, shape.Rank).Select(axis => reduce.Axes.Contains(axis) ? 0 : own[next++])])) result[at] += x[from++];
        return result;
    }

    static PlainRange Image(ScalarFunction function, PlainRange x) => function.Kind switch
    {
        FunctionKind.Exp or FunctionKind.Sqrt or FunctionKind.Power => new(0, double.PositiveInfinity),
        FunctionKind.Tanh or FunctionKind.Erf => new(x.Low >= 0 ? 0 : -1, x.High <= 0 ? 0 : 1),
        FunctionKind.Sin or FunctionKind.Cos => new(-1, 1),
        FunctionKind.Atan or FunctionKind.Asinh => new(x.Low >= 0 ? 0 : double.NegativeInfinity, x.High <= 0 ? 0 : double.PositiveInfinity),
        FunctionKind.Step => Known(function, x) is var known && known != 2 ? new(known, known) : new(0, 1),
        FunctionKind.Sign => Known(function, x) is var known && known != 2 ? new(known, known) : new(-1, 1),
        _ => PlainRange.Any,
    };
}
