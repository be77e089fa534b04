using global::Onnx;

namespace Tiebreak.Formats.Onnx;

/// <summary>Who uses each value of a graph and of the graphs nested in it, who makes it, and under which other names it goes in and out of nested graphs.</summary>
sealed class GraphUses
{
    readonly Dictionary<string, List<(NodeProto Node, int Slot)>> _users = new(StringComparer.Ordinal);
    readonly Dictionary<string, NodeProto> _makers = new(StringComparer.Ordinal);
    readonly Dictionary<string, List<string>> _aliases = new(StringComparer.Ordinal);

    /// <summary>Lists the uses.</summary>
    /// <param name="nodes">All nodes, nested ones included.</param>
    public GraphUses(IEnumerable<NodeProto> nodes)
    {
        foreach (var node in nodes)
        {
            foreach (var output in node.Output)
                if (output.Length > 0) _makers.TryAdd(output, node);
            for (var slot = 0; slot < node.Input.Count; slot++)
                if (node.Input[slot].Length > 0) Of(_users, node.Input[slot]).Add((node, slot));
            foreach (var nested in NestedNames.In(node)) NoteAliases(node, nested);
        }
    }

    /// <summary>Nodes that have the value as an operand, and as which.</summary>
    public IReadOnlyList<(NodeProto Node, int Slot)> UsersOf(string value) => _users.TryGetValue(value, out var users) ? users : [];

    /// <summary>The node that makes the value, or null for inputs and initializers.</summary>
    public NodeProto? MakerOf(string value) => _makers.GetValueOrDefault(value);

    /// <summary>The names under which the value comes out of a branch, or goes into and out of the body of a loop.</summary>
    public IReadOnlyList<string> AliasesOf(string value) => _aliases.TryGetValue(value, out var aliases) ? aliases : [];

    /// <summary>All names a node depends on, the results of its nested graphs included.</summary>
    public static IEnumerable<string> OperandsOf(NodeProto node)
    {
        foreach (var input in node.Input)
            if (input.Length > 0) yield return input;
        foreach (var nested in NestedNames.In(node))
            foreach (var output in nested.Output) yield return output.Name;
    }

    // Results of a branch are its node's results. A loop's body has the iteration and the condition first, and the condition among its results; a scan's has neither.
    void NoteAliases(NodeProto node, GraphProto nested)
    {
        var (inputsSkipped, outputsSkipped) = node.OpType is "Loop" ? (2, 1) : (0, 0);
        for (var k = outputsSkipped; k < nested.Output.Count; k++)
            if (k - outputsSkipped < node.Output.Count) Of(_aliases, nested.Output[k].Name).Add(node.Output[k - outputsSkipped]);
        if (node.OpType is not ("Loop" or "Scan")) return;
        for (var k = inputsSkipped; k < nested.Input.Count && k < node.Input.Count; k++)
            if (node.Input[k].Length > 0) Of(_aliases, node.Input[k]).Add(nested.Input[k].Name);
    }

    static List<T> Of<T>(Dictionary<string, List<T>> lists, string key) => lists.TryGetValue(key, out var list) ? list : lists[key] = [];
}
