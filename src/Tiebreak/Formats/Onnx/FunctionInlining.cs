using global::Onnx;
using Google.Protobuf.Collections;

namespace Tiebreak.Formats.Onnx;

/// <summary>
/// Puts the bodies of model-local functions in place of their calls, so that nothing after this knows of functions. Inner values are named after
/// the call. Nodes keep the opsets their function was written for.
/// </summary>
sealed class FunctionInlining
{
    const int DeepestCall = 64;
    const int MostNodes = 1 << 20;

    readonly string _path;
    readonly Dictionary<(string Domain, string Name, string Overload), FunctionProto> _functions = [];
    readonly Dictionary<NodeProto, IReadOnlyDictionary<string, long>> _opsets = new(ReferenceEqualityComparer.Instance);
    int _nodes;

    FunctionInlining(string path) => _path = path;

    /// <summary>Inlines all calls in a model's graph. Returns the opsets of those nodes that have others than the model.</summary>
    /// <exception cref="TiebreakException">Functions call themselves, or make more nodes than are read.</exception>
    public static IReadOnlyDictionary<NodeProto, IReadOnlyDictionary<string, long>> Inline(string path, ModelProto model)
    {
        var inlining = new FunctionInlining(path);
        foreach (var function in model.Functions) inlining._functions[(OnnxGraph.DomainOf(function.Domain), function.Name, function.Overload)] = function;
        if (inlining._functions.Count > 0) inlining.Inline(model.Graph.Node, 0, null);
        return inlining._opsets;
    }

    void Inline(RepeatedField<NodeProto> nodes, int depth, IReadOnlyDictionary<string, long>? opsets)
    {
        var result = new List<NodeProto>();
        foreach (var node in nodes)
        {
            if (++_nodes > MostNodes) throw new TiebreakException($"{_path}: its functions make more than {MostNodes} nodes; inline them with onnx.inliner, or export the model without functions");
            if (opsets is not null) _opsets[node] = opsets;
            foreach (var attribute in node.Attribute)
            {
                if (attribute.G is not null) Inline(attribute.G.Node, depth, opsets);
                foreach (var graph in attribute.Graphs) Inline(graph.Node, depth, opsets);
            }

            if (!_functions.TryGetValue((OnnxGraph.DomainOf(node.Domain), node.OpType, node.Overload), out var function))
            {
                result.Add(node);
                continue;
            }

            if (depth == DeepestCall) throw new TiebreakException($"{_path}: function {function.Name} is called more than {DeepestCall} calls deep, perhaps by itself; export the model without functions");
            var body = Body(function, node);
            var own = function.OpsetImport.ToDictionary(import => OnnxGraph.DomainOf(import.Domain), import => import.Version, StringComparer.Ordinal);
            Inline(body, depth + 1, own);
            result.AddRange(body);
        }

        nodes.Clear();
        nodes.AddRange(result);
    }

    /// <summary>A function's nodes with the names and attributes of one call.</summary>
    static RepeatedField<NodeProto> Body(FunctionProto function, NodeProto call)
    {
        var prefix = GraphLowering.NameOf(call);
        var names = new Dictionary<string, string>(StringComparer.Ordinal) { [""] = "" };
        for (var k = 0; k < function.Input.Count; k++) names[function.Input[k]] = k < call.Input.Count ? call.Input[k] : "";
        var body = new RepeatedField<NodeProto>();
        for (var k = 0; k < function.Output.Count && k < call.Output.Count; k++)
        {
            if (call.Output[k].Length == 0) continue;
            if (!names.TryGetValue(function.Output[k], out var operand)) names[function.Output[k]] = call.Output[k];
            else body.Add(new NodeProto { OpType = "Identity", Input = { operand }, Output = { call.Output[k] } }); // an operand or another result, handed on
        }

        var attributes = function.AttributeProto.ToDictionary(attribute => attribute.Name, StringComparer.Ordinal);
        foreach (var attribute in call.Attribute) attributes[attribute.Name] = attribute;
        var first = 0;
        foreach (var node in function.Node)
        {
            var copy = node.Clone();
            Rename(copy, prefix, names, attributes);
            body.Insert(first++, copy);
        }

        return body;
    }

    static void Rename(NodeProto node, string prefix, Dictionary<string, string> names, Dictionary<string, AttributeProto> attributes)
    {
        string Name(string inner) => names.TryGetValue(inner, out var outer) ? outer : names[inner] = $"{prefix}/{inner}";
        if (node.Name.Length > 0) node.Name = $"{prefix}/{node.Name}";
        for (var k = 0; k < node.Input.Count; k++) node.Input[k] = Name(node.Input[k]);
        for (var k = 0; k < node.Output.Count; k++) node.Output[k] = Name(node.Output[k]);
        for (var k = node.Attribute.Count - 1; k >= 0; k--)
        {
            var attribute = node.Attribute[k];
            if (attribute.RefAttrName.Length > 0)
            {
                if (attributes.TryGetValue(attribute.RefAttrName, out var given))
                {
                    node.Attribute[k] = given.Clone();
                    node.Attribute[k].Name = attribute.Name;
                }
                else
                {
                    node.Attribute.RemoveAt(k); // an optional one that was not given
                }

                continue;
            }

            if (attribute.G is not null) Rename(attribute.G, prefix, names, attributes);
            foreach (var graph in attribute.Graphs) Rename(graph, prefix, names, attributes);
        }
    }

    static void Rename(GraphProto graph, string prefix, Dictionary<string, string> outer, Dictionary<string, AttributeProto> attributes)
    {
        var names = new Dictionary<string, string>(outer, StringComparer.Ordinal);
        foreach (var defined in NestedNames.DefinedIn(graph)) names[defined] = $"{prefix}/{defined}";
        foreach (var input in graph.Input) input.Name = names[input.Name];
        foreach (var tensor in graph.Initializer) tensor.Name = names[tensor.Name];
        foreach (var node in graph.Node) Rename(node, prefix, names, attributes);
        foreach (var output in graph.Output) output.Name = names.GetValueOrDefault(output.Name, $"{prefix}/{output.Name}");
    }
}
