using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Verification;

/// <summary>
/// Bounds of a program's values (theory §4, "Dead by order"), of which it only needs whether a gate can open: stuck parameters stand at their value, moving ones anywhere. A plain interval
/// evaluation that knows relu, maximum and squares; where it knows less than the analysis did, a true claim is not proved rather than a false one let through.
/// </summary>
sealed class PlainRanges
{
    const sbyte Nothing = 2;

    readonly PlainRange[]?[] _ranges;
    readonly Dictionary<int, sbyte[]> _known = [];
    readonly Func<Node, PlainRange[]> _leaf;
    readonly Portions _portions;

    /// <param name="program">The program.</param>
    /// <param name="leaf">The ranges of a parameter's or data's elements.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <param name="seen">Shown the ranges of each node that a gate depends on, before they are dropped; null for nobody.</param>
    public PlainRanges(TensorProgram program, Func<Node, PlainRange[]> leaf, CancellationToken cancellation, Action<Node, PlainRange[]>? seen = null)
    {
        (_leaf, _portions) = (leaf, new Portions(cancellation));
        _ranges = new PlainRange[]?[program.Nodes.Count];
        var isNeeded = new bool[program.Nodes.Count];
        foreach (var node in program.Nodes.Reverse())
        {
            isNeeded[node.Id] |= IsGate(node);
            if (isNeeded[node.Id])
                foreach (var operand in node.Operands) isNeeded[operand.Id] = true;
        }

        foreach (var node in program.Nodes)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!isNeeded[node.Id]) continue;
            var ranges = _ranges[node.Id] = Of(node);
            seen?.Invoke(node, ranges);
        }

        foreach (var node in program.Nodes.Where(IsGate))
        {
            var x = _ranges[node.Operands[0].Id]!;
            var known = _known[node.Id] = node.Primitive is Primitive.Apply { Function: var function } ? [.. x.Select(one => Known(function, one))] : Winners(node);
            OpenGates += known.LongCount(value => value == Nothing);
            TouchesKinks |= node.Primitive is Primitive.Apply && x.Zip(known).Any(pair => pair.Second != Nothing && (pair.First.Low == 0 || pair.First.High == 0));
        }

        Array.Clear(_ranges); // they take as much memory as the values of a point
    }

    /// <summary>How many gates, element by element, are left undecided.</summary>
    public long OpenGates { get; }

    /// <summary>Whether some gate is decided only by what is taken at zero itself.</summary>
    public bool TouchesKinks { get; }

    /// <summary>What is known of the values of a gate: 0, 1 or −1 an element, 2 where nothing is; null for what is no gate.</summary>
    public sbyte[]? Known(Node node) => _known.GetValueOrDefault(node.Id);

    /// <summary>Whether order may say something of a node's values.</summary>
    public static bool IsGate(Node node) => node.Primitive is Primitive.Apply { Function.Kind: FunctionKind.Step or FunctionKind.Sign } or Primitive.Choose { Count: 1, Allowed: null };

    // What is exactly zero sits on the kink, and is left to the convention.
    static sbyte Known(ScalarFunction function, PlainRange x)
    {
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
            for (var k = start; k < start + width; k++) known[k] = wins ? (sbyte)(k == best ? 1 : 0) : Nothing;
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
                return Either(node) is { } either ? [.. result.Zip(either, (sum, one) => sum.And(one))] : result;
            case Primitive.Multiply:
                for (var k = 0; k < result.Length; k++) result[k] = X()[k] * X(1)[k];
                return Product(node) is { } known ? [.. result.Zip(known, (product, one) => product.And(one))] : result;
            case Primitive.Negate:
                return [.. X().Select(x => -x)];
            case Primitive.Reciprocal:
                return [.. X().Select(x => x.Reciprocal())];
            case Primitive.Apply apply:
                return [.. X().Select(x => Image(apply.Function, x))];
            case Primitive.Choose choose:
                Array.Fill(result, new PlainRange(0, choose.Count));
                return result;
            case Primitive.Contract contract:
                Contract(SumOfProducts.Of(node, contract), X(), X(1), result);
                return result;
            case Primitive.ReduceSum reduce:
                if (Largest(node, reduce) is { } largest) return largest;
                AddInto(result, Copies.WithoutAxes(node.Operands[0].Shape, node.Shape, reduce.Axes), X());
                return result;
            case Primitive.ScatterAdd scatter:
                AddInto(result, Copies.Positions(scatter.Map), X());
                return result;
            case Primitive.Reshape:
                return X();
            case Primitive.Concat concat:
                foreach (var (operand, from, to, length) in Copies.Runs(node, concat)) Array.Copy(X(operand), from, result, to, length);
                return result;
            case var primitive when Copies.Is(primitive):
                var (source, places) = (X(), Copies.Of(node));
                for (var k = 0; k < result.Length; k++) result[k] = places[k] < 0 ? default : source[places[k]];
                return result;
            default:
                Array.Fill(result, PlainRange.Any);
                return result;
        }
    }

    // What is multiplied by itself, by its own sign, or by a gate.
    PlainRange[]? Product(Node node)
    {
        if (node.Operands[0] == node.Operands[1]) return [.. _ranges[node.Operands[0].Id]!.Select(x => x.Square())];
        foreach (var (gate, a) in Orders(node))
        {
            if (gate.Primitive is Primitive.Apply { Function.Kind: FunctionKind.Sign } && gate.Operands[0] == a) return [.. _ranges[a.Id]!.Select(x => x.Magnitude())];
            if (GateOf(gate) is var (u, opensUpwards)) return [.. Behind(u, opensUpwards, a).Zip(_ranges[gate.Id]!, (open, share) => share.High <= 0 ? default : share.Low >= 1 ? open : open.Or(default))];
        }

        return null;
    }

    // step(u)·a + (1 − step(u))·b is a where u lets it be, and else b.
    PlainRange[]? Either(Node sum)
    {
        if (sum.Operands[0].Primitive is not Primitive.Multiply || sum.Operands[1].Primitive is not Primitive.Multiply) return null;
        foreach (var (gate, a) in Orders(sum.Operands[0]))
            foreach (var (other, b) in Orders(sum.Operands[1]))
                if (GateOf(gate) is var (u, upwards) && GateOf(other) is var (v, otherUpwards) && upwards != otherUpwards && StepOf(gate) == StepOf(other))
                    return [.. Behind(u, upwards, a).Zip(Behind(v, otherUpwards, b), (one, two) => one.Or(two))];
        return null;
    }

    static (Node, Node)[] Orders(Node node) => [(node.Operands[0], node.Operands[1]), (node.Operands[1], node.Operands[0])];

    // step(u), which opens where u is positive, or 1 − step(u).
    static (Node U, bool Upwards)? GateOf(Node node) => StepOf(node) is { } step ? (step.Operands[0], step == node) : null;

    static Node? StepOf(Node node)
    {
        if (node.Primitive is Primitive.Apply { Function.Kind: FunctionKind.Step }) return node;
        if (node.Primitive is not Primitive.Add) return null;
        foreach (var (minus, one) in Orders(node))
            if (minus.Primitive is Primitive.Negate && minus.Operands[0].Primitive is Primitive.Apply { Function.Kind: FunctionKind.Step } && one.Primitive is Primitive.Constant { Values: UniformTensor fill } && fill.Value == Rational.One)
                return minus.Operands[0];
        return null;
    }

    // The ranges of a where u ≥ 0 (or u ≤ 0), which says something if u is a, −a, a + k or k − a.
    IEnumerable<PlainRange> Behind(Node u, bool isPositive, Node a)
    {
        var (of, all) = (_ranges[a.Id]!, new PlainRange(0, double.PositiveInfinity));
        var half = isPositive ? all : -all;
        if (u == a) return of.Select(x => x.And(half));
        if (IsMinus(u, a)) return of.Select(x => x.And(-half));
        if (u.Primitive is Primitive.Add)
        {
            foreach (var (one, k) in Orders(u))
            {
                if (one == a) return of.Zip(_ranges[k.Id]!, (x, by) => x.And(half + -by));
                if (IsMinus(one, a)) return of.Zip(_ranges[k.Id]!, (x, by) => x.And(by + -half));
            }
        }

        return of;

        static bool IsMinus(Node one, Node other) => one.Primitive is Primitive.Negate && one.Operands[0] == other;
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

    // A sum that may be anything stays so, whatever is added: with weights that move, that is the rule.
    void Contract(SumOfProducts sums, PlainRange[] x, PlainRange[] y, PlainRange[] result) => _portions.Of(result.Length, 10.0 * sums.LeftSteps.Length, (from, to) =>
    {
        for (var at = from; at < to; at++)
        {
            var (left, right) = sums.Start(at);
            for (var k = 0; k < sums.LeftSteps.Length && result[at] != PlainRange.Any; k++) result[at] += x[left + sums.LeftSteps[k]] * y[right + sums.RightSteps[k]];
        }
    });

    static void AddInto(PlainRange[] into, int[] at, PlainRange[] terms)
    {
        for (var k = 0; k < at.Length; k++)
            if (at[k] >= 0) into[at[k]] += terms[k];
    }

    static PlainRange Image(ScalarFunction function, PlainRange x) => function.Kind switch
    {
        FunctionKind.Exp => x.Increasing(Math.Exp, 0, double.PositiveInfinity),
        FunctionKind.Log when x.Low > 0 => x.Increasing(Math.Log, double.NegativeInfinity, double.PositiveInfinity),
        FunctionKind.Sqrt => x.Increasing(static value => Math.Sqrt(Math.Max(0, value)), 0, double.PositiveInfinity),
        FunctionKind.Power => new(0, double.PositiveInfinity),
        FunctionKind.Tanh => x.Increasing(Math.Tanh, x.Low >= 0 ? 0 : -1, x.High <= 0 ? 0 : 1),
        FunctionKind.Erf => new(x.Low >= 0 ? 0 : -1, x.High <= 0 ? 0 : 1),
        FunctionKind.Sin or FunctionKind.Cos => new(-1, 1),
        FunctionKind.Atan => x.Increasing(Math.Atan, x.Low >= 0 ? 0 : -2, x.High <= 0 ? 0 : 2),
        FunctionKind.Asinh => x.Increasing(Math.Asinh, x.Low >= 0 ? 0 : double.NegativeInfinity, x.High <= 0 ? 0 : double.PositiveInfinity),
        FunctionKind.Step => Known(function, x) is var known && known != Nothing ? new(known, known) : new(0, 1),
        FunctionKind.Sign => Known(function, x) is var known && known != Nothing ? new(known, known) : new(-1, 1),
        _ => PlainRange.Any,
    };
}
