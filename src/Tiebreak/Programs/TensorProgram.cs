namespace Tiebreak.Programs;

/// <summary>A straight-line program over tensors of static shape: nodes in an order in which operands come first, and named outputs.</summary>
public sealed class TensorProgram
{
    internal TensorProgram(IReadOnlyList<Node> nodes, IReadOnlyList<(string Name, Node Node)> outputs)
    {
        Nodes = nodes;
        Outputs = outputs;
    }

    /// <summary>All nodes; <c>Nodes[i].Id == i</c>.</summary>
    public IReadOnlyList<Node> Nodes { get; }

    /// <summary>What the program computes, by name.</summary>
    public IReadOnlyList<(string Name, Node Node)> Outputs { get; }

    /// <summary>The same nodes with other outputs.</summary>
    public TensorProgram WithOutputs(IReadOnlyList<(string Name, Node Node)> outputs) => new(Nodes, outputs);

    /// <summary>Whether each node depends, however indirectly, on a leaf that <paramref name="leaf"/> accepts.</summary>
    public bool[] DependsOn(Func<Primitive, bool> leaf)
    {
        var depends = new bool[Nodes.Count];
        foreach (var node in Nodes)
            depends[node.Id] = leaf(node.Primitive) || node.Operands.Any(operand => depends[operand.Id]);
        return depends;
    }
}
