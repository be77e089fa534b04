using global::Onnx;

namespace Tiebreak.Formats.Onnx;

/// <summary>Who uses each value of a graph, and who makes it; nodes of nested graphs count as users of what they capture.</summary>
sealed class GraphUses
{
    readonly Dictionary<string, List<(NodeProto Node, int Slot)>> _users = new(StringComparer.Ordinal);
    readonly Dictionary<string, NodeProto> _makers = new(StringComparer.Ordinal);

    /// <summary>Lists the uses.</summary>
    public GraphUses(GraphProto graph)
    {
        foreach (var node in graph.Node)
            foreach (var output in node.Output)
                if (output.Length > 0) _makers.TryAdd(output, node);
        Collect(graph);
    }

    /// <summary>Nodes that have the value as an operand, and as which.</summary>
    public IReadOnlyList<(NodeProto Node, int Slot)> UsersOf(string value) => _users.TryGetValue(value, out var users) ? users : [];

    /// <summary>The node that makes the value, or null for inputs and initializers.</summary>
    public NodeProto? MakerOf(string value) => _makers.GetValueOrDefault(value);

    /// <summary>All names a node depends on, those its nested graphs capture included.</summary>
    public static IEnumerable<string> OperandsOf(NodeProto node)
    {
        foreach (var input in node.Input)
            if (input.Length > 0) yield return input;
        foreach (var nested in NestedIn(node))
        {
            foreach (var output in nested.Output) yield return output.Name; // a branch may hand on an outer value as it is
            foreach (var inner in nested.Node)
                foreach (var name in OperandsOf(inner)) yield return name;
        }
    }

    void Collect(GraphProto graph)
    {
        foreach (var node in graph.Node)
        {
            for (var slot = 0; slot < node.Input.Count; slot++)
            {
                var name = node.Input[slot];
                if (name.Length == 0) continue;
                if (!_users.TryGetValue(name, out var users)) _users[name] = users = [];
                users.Add((node, slot));
            }

            foreach (var nested in NestedIn(node)) Collect(nested);
        }
    }

    static IEnumerable<GraphProto> NestedIn(NodeProto node)
    {
        foreach (var attribute in node.Attribute)
        {
            if (attribute.G is not null) yield return attribute.G;
            foreach (var graph in attribute.Graphs) yield return graph;
        }
    }
}
