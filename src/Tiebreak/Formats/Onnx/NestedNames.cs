using global::Onnx;

namespace Tiebreak.Formats.Onnx;

/// <summary>
/// Gives every value of a graph and the graphs nested in it (branches, loop bodies) a name of its own, so that names alone say what is meant. Branches
/// may use one name twice; whatever is unique keeps its name.
/// </summary>
static class NestedNames
{
    /// <summary>Renames in place.</summary>
    public static void MakeUnique(GraphProto graph)
    {
        var taken = new HashSet<string>(DefinedIn(graph), StringComparer.Ordinal);
        var none = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var node in graph.Node) Visit(node, none, taken);
    }

    /// <summary>The names a graph gives itself: inputs, initializers and results, those of graphs nested in it not included.</summary>
    public static IEnumerable<string> DefinedIn(GraphProto graph) =>
        graph.Input.Select(input => input.Name).Concat(graph.Initializer.Select(tensor => tensor.Name)).Concat(graph.Node.SelectMany(node => node.Output)).Where(name => name.Length > 0);

    /// <summary>The graphs that attributes of a node hold.</summary>
    public static IEnumerable<GraphProto> In(NodeProto node)
    {
        foreach (var attribute in node.Attribute)
        {
            if (attribute.G is not null) yield return attribute.G;
            foreach (var graph in attribute.Graphs) yield return graph;
        }
    }

    static void Visit(NodeProto node, Dictionary<string, string> names, HashSet<string> taken)
    {
        for (var k = 0; k < node.Input.Count; k++) node.Input[k] = names.GetValueOrDefault(node.Input[k], node.Input[k]);
        for (var k = 0; k < node.Output.Count; k++) node.Output[k] = names.GetValueOrDefault(node.Output[k], node.Output[k]);
        foreach (var graph in In(node)) Visit(graph, GraphLowering.NameOf(node), names, taken);
    }

    static void Visit(GraphProto graph, string owner, Dictionary<string, string> outer, HashSet<string> taken)
    {
        var names = new Dictionary<string, string>(outer, StringComparer.Ordinal);
        foreach (var name in DefinedIn(graph).Distinct(StringComparer.Ordinal).ToList())
        {
            var own = name;
            for (var k = 0; !taken.Add(own); k++) own = k == 0 ? $"{owner}/{name}" : $"{owner}/{name}#{k}";
            names[name] = own;
        }

        foreach (var input in graph.Input) input.Name = names.GetValueOrDefault(input.Name, input.Name);
        foreach (var tensor in graph.Initializer) tensor.Name = names.GetValueOrDefault(tensor.Name, tensor.Name);
        foreach (var node in graph.Node) Visit(node, names, taken);
        foreach (var output in graph.Output) output.Name = names.GetValueOrDefault(output.Name, output.Name);
    }
}
