using Tiebreak.Numbers;

namespace Tiebreak.Programs;

/// <summary>
/// Rewrites a program for floating-point numbers: an exponential whose scale cancels (softmax, cross-entropy, their gradients) is taken of x − max x, so that it
/// cannot overflow. In exact arithmetic nothing changes: if every exponential along some axes is divided by one factor k, a value that is homogeneous of degree d in
/// them is divided by k^d, and the rewriting is done only where all outputs are of degree 0.
/// </summary>
public static class ShiftedExponentials
{
    /// <summary>What lies below any score by this much is no score; also a float32.</summary>
    static readonly Rational Low = Rational.FromDouble(1e30);

    const int MostFactors = 4;

    /// <summary>An equal program in which exponentials are shifted where that is possible.</summary>
    public static TensorProgram Of(TensorProgram program)
    {
        var uses = program.Nodes.SelectMany(node => node.Operands.Distinct().Select(operand => (Operand: operand, Node: node))).ToLookup(use => use.Operand, use => use.Node);
        var shifts = new Dictionary<int, Homogeneity>();
        var logarithms = new Dictionary<int, List<Homogeneity>>();
        foreach (var node in program.Nodes)
        {
            if (node.Primitive is not Primitive.Apply { Function.Kind: FunctionKind.Exp }) continue;
            if (Sums(uses, node).Select(axes => Homogeneity.Of(program, uses, node, axes)).FirstOrDefault(found => found is not null) is not { } shift) continue;
            shifts.Add(node.Id, shift);
            foreach (var logarithm in shift.Logarithms.Keys)
            {
                if (!logarithms.TryGetValue(logarithm, out var corrections)) logarithms.Add(logarithm, corrections = []);
                corrections.Add(shift);
            }
        }

        return shifts.Count == 0 ? program : Rewrite(program, uses, shifts, logarithms);
    }

    /// <summary>Over which axes the exponential is summed, directly or behind products.</summary>
    static List<Axes> Sums(ILookup<Node, Node> uses, Node exponential)
    {
        var products = new HashSet<Node> { exponential };
        var open = new Stack<Node>(products);
        var sums = new List<Axes>();
        while (open.TryPop(out var product))
        {
            foreach (var node in uses[product])
            {
                if (node.Primitive is Primitive.ReduceSum sum && !sums.Contains(sum.Axes)) sums.Add(sum.Axes);
                if (node.Primitive is Primitive.Multiply && products.Add(node)) open.Push(node);
            }
        }

        return sums;
    }

    static TensorProgram Rewrite(TensorProgram program, ILookup<Node, Node> uses, Dictionary<int, Homogeneity> shifts, Dictionary<int, List<Homogeneity>> logarithms)
    {
        var builder = new ProgramBuilder();
        var made = new Node[program.Nodes.Count];
        var largest = new Dictionary<Homogeneity, Node>();
        foreach (var node in program.Nodes)
        {
            builder.Origin = node.Origin;
            if (shifts.TryGetValue(node.Id, out var shift))
            {
                var x = made[node.Operands[0].Id];
                var open = MaskOf(uses, node) is { } mask ? Open(builder, made[mask.Id]) : null;
                var most = largest[shift] = Largest(builder, open is null ? x : Closed(builder, x, open), shift.Axes);
                var shifted = builder.Subtract(x, builder.Broadcast(most, x.Shape, shift.Axes.Span));
                made[node.Id] = builder.Apply(FunctionKind.Exp, open is null ? shifted : builder.Multiply(open, shifted));
                continue;
            }

            made[node.Id] = builder.Again(node, [.. node.Operands.Select(operand => made[operand.Id])]);
            if (!logarithms.TryGetValue(node.Id, out var corrections)) continue;
            foreach (var correction in corrections) // log(k^d · v) = log v + d · log k
            {
                var (degree, places) = correction.Logarithms[node.Id];
                var factor = builder.Scale(largest[correction], Rational.FromDouble(degree));
                made[node.Id] = builder.Add(made[node.Id], Spread(builder, factor, correction, places, node.Shape));
            }
        }

        foreach (var (name, node) in program.Outputs) builder.Output(name, made[node.Id]);
        return builder.Build();
    }

    /// <summary>
    /// A value with which the exponential is multiplied wherever it is used (a mask, as a rule): where that is 0, the exponential does not matter, and
    /// must be neither the largest nor infinite. Null if there is none.
    /// </summary>
    static Node? MaskOf(ILookup<Node, Node> uses, Node exponential)
    {
        Node? mask = null;
        foreach (var node in uses[exponential])
        {
            if (node.Primitive is not Primitive.Multiply || node.Operands.All(operand => operand == exponential)) return null;
            var other = node.Operands[0] == exponential ? node.Operands[1] : node.Operands[0];
            mask ??= other;
            if (mask.Id > exponential.Id || !IsProductOf(other, mask, MostFactors)) return null;
        }

        return mask;
    }

    static bool IsProductOf(Node node, Node factor, int depth) =>
        node == factor || (depth > 0 && node.Primitive is Primitive.Multiply or Primitive.Negate && node.Operands.Any(operand => IsProductOf(operand, factor, depth - 1)));

    /// <summary>1 where a mask is not 0.</summary>
    static Node Open(ProgramBuilder builder, Node mask) => builder.Add(builder.Apply(FunctionKind.Step, mask), builder.Apply(FunctionKind.Step, builder.Negate(mask)));

    /// <summary>Numbers that are very low where a mask is 0.</summary>
    static Node Closed(ProgramBuilder builder, Node x, Node open) => builder.Add(builder.Multiply(open, x), builder.Scale(builder.Offset(open, -1), Low));

    /// <summary>The largest along some axes, which are dropped.</summary>
    static Node Largest(ProgramBuilder builder, Node x, Axes axes)
    {
        int[] kept = [.. Enumerable.Range(0, x.Shape.Rank).Where(axis => !axes.Contains(axis))];
        var outer = x.Shape.Without(axes.Span);
        var count = axes.Aggregate(1, (product, axis) => product * x.Shape[axis]);
        var rows = builder.Reshape(builder.Transpose(x, [.. kept, .. axes]), new Shape([.. outer.Sizes, count]));
        return builder.ReduceSum(builder.Multiply(rows, builder.Choose(rows, 1, TieBreak.First)), outer.Rank);
    }

    static Node Spread(ProgramBuilder builder, Node factor, Homogeneity correction, int[] places, Shape shape)
    {
        // The axes of size 1 are nowhere; the others go to their places.
        var sizes = new Shape([.. correction.Outer.Select(axis => factor.Shape[axis])]);
        var order = Enumerable.Range(0, places.Length).OrderBy(k => places[k]).ToArray();
        var ordered = builder.Transpose(builder.Reshape(factor, sizes), order);
        return builder.Broadcast(ordered, shape, [.. Enumerable.Range(0, shape.Rank).Where(axis => !places.Contains(axis))]);
    }
}
