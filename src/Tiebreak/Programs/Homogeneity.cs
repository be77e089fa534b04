namespace Tiebreak.Programs;

/// <summary>
/// How all values of a program scale when one exponential is divided by a positive factor that is constant along some of its axes: by a power of
/// the factor, the degree. Exists only where every output stays as it is; logarithms of what scales are set right afterwards.
/// </summary>
sealed class Homogeneity
{
    readonly Dictionary<int, (double Degree, int[] Places)> _scaled = [];

    Homogeneity(Shape shape, Axes axes)
    {
        Axes = axes;
        int[] kept = [.. Enumerable.Range(0, shape.Rank).Where(axis => !axes.Contains(axis))];
        Outer = [.. Enumerable.Range(0, kept.Length).Where(k => shape[kept[k]] > 1)];
        Start = [.. Outer.Select(k => kept[k])];
    }

    /// <summary>The axes along which the factor is constant.</summary>
    public Axes Axes { get; }

    /// <summary>The factor's axes (those of the exponential without <see cref="Axes"/>) of a size above 1.</summary>
    public int[] Outer { get; }

    /// <summary>Logarithms of scaled values: their degree, and at which of their axes those of <see cref="Outer"/> stand.</summary>
    public Dictionary<int, (double Degree, int[] Places)> Logarithms { get; } = [];

    int[] Start { get; }

    /// <summary>Follows the factor through the program; null where it does not cancel.</summary>
    public static Homogeneity? Of(TensorProgram program, ILookup<Node, Node> uses, Node exponential, Axes axes)
    {
        var homogeneity = new Homogeneity(exponential.Shape, axes);
        homogeneity._scaled.Add(exponential.Id, (1, homogeneity.Start));
        var open = new SortedSet<int>(uses[exponential].Select(node => node.Id)); // operands before what reads them
        while (open.Count > 0)
        {
            var node = program.Nodes[open.Min];
            open.Remove(node.Id);
            if (!homogeneity.Follow(node)) return null;
            if (homogeneity._scaled.ContainsKey(node.Id)) open.UnionWith(uses[node].Select(user => user.Id));
        }

        return program.Outputs.Any(output => homogeneity._scaled.ContainsKey(output.Node.Id)) ? null : homogeneity;
    }

    bool Follow(Node node)
    {
        switch (node.Primitive)
        {
            case Primitive.Multiply:
                return Product(node, null);
            case Primitive.Contract contract:
                return Product(node, contract);
            case Primitive.Add:
                return _scaled.TryGetValue(node.Operands[0].Id, out var left) && _scaled.TryGetValue(node.Operands[1].Id, out var right)
                    && left.Degree == right.Degree && left.Places.AsSpan().SequenceEqual(right.Places) && Set(node, left.Degree, left.Places);
        }

        if (node.Operands.Count != 1) return false;
        var (degree, places) = _scaled[node.Operands[0].Id];
        var from = node.Operands[0].Shape;
        switch (node.Primitive)
        {
            case Primitive.Negate:
                return Set(node, degree, places);
            case Primitive.Reciprocal:
                return Set(node, -degree, places);
            case Primitive.Apply { Function.Kind: FunctionKind.Step or FunctionKind.Sign }:
                return true; // of a positive multiple the same
            case Primitive.Apply { Function.Kind: FunctionKind.Sqrt }:
                return Set(node, degree / 2, places);
            case Primitive.Apply { Function.Kind: FunctionKind.Log }:
                Logarithms.Add(node.Id, (degree, places));
                return true;
            case Primitive.Choose:
                return !places.Contains(from.Rank - 1); // along the last axis all scale alike
            case Primitive.ReduceSum reduce:
                return !places.Any(reduce.Axes.Contains) && Set(node, degree, Array.ConvertAll(places, place => place - reduce.Axes.Count(axis => axis < place)));
            case Primitive.Broadcast broadcast:
                int[] old = [.. Enumerable.Range(0, broadcast.Target.Rank).Where(axis => !broadcast.Axes.Contains(axis))];
                return Set(node, degree, Array.ConvertAll(places, place => old[place]));
            case Primitive.Transpose transpose:
                return Set(node, degree, Array.ConvertAll(places, place => transpose.Order.Span.IndexOf(place)));
            case Primitive.Reshape:
                int[] before = Wide(from), after = Wide(node.Shape);
                return before.Select(axis => from[axis]).SequenceEqual(after.Select(axis => node.Shape[axis]))
                    && Set(node, degree, Array.ConvertAll(places, place => after[Array.IndexOf(before, place)]));
            default:
                return false;
        }
    }

    // Degrees add; where both operands scale, the factor's axes must stand at the same places, and none may be summed.
    bool Product(Node node, Primitive.Contract? contract)
    {
        var places = (int[]?)null;
        double degree = 0;
        for (var k = 0; k < 2; k++)
        {
            if (!_scaled.TryGetValue(node.Operands[k].Id, out var scaled)) continue;
            var letters = k == 0 ? contract?.Left : contract?.Right;
            var own = contract is null ? scaled.Places : Array.ConvertAll(scaled.Places, place => contract.Output.IndexOf(letters![place]));
            if (own.Contains(-1) || (places is not null && !places.AsSpan().SequenceEqual(own))) return false;
            (degree, places) = (degree + scaled.Degree, own);
        }

        return Set(node, degree, places!);
    }

    bool Set(Node node, double degree, int[] places)
    {
        if (degree != 0) _scaled.Add(node.Id, (degree, places));
        return true;
    }

    static int[] Wide(Shape shape) => [.. Enumerable.Range(0, shape.Rank).Where(axis => shape[axis] > 1)];
}
