using global::Onnx;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Reducing;

/// <summary>A graph with smaller axes: weights replaced, operators that write sizes down brought in line, what nothing reads any more left out.</summary>
/// <param name="Model">The model. Tensors that did not change still refer to the bytes of the old file.</param>
/// <param name="NewNumbers">The numbers of those that did.</param>
sealed record ShrunkGraph(ModelProto Model, IReadOnlyDictionary<TensorProto, ExactTensor> NewNumbers)
{
    /// <summary>Changes a graph.</summary>
    /// <exception cref="TiebreakException">An operator cannot do the same with the smaller axes; names it.</exception>
    public static ShrunkGraph Of(OnnxGraph graph, Shrinking change)
    {
        var numbers = new Dictionary<TensorProto, ExactTensor>(ReferenceEqualityComparer.Instance);
        var model = graph.Model.Clone();
        var target = model.Graph;
        model.Functions.Clear(); // they stand in the graph now
        RequireFlat(graph, change);
        foreach (var node in target.Node)
            for (var slot = 0; slot < node.Input.Count; slot++) node.Input[slot] = change.Same.GetValueOrDefault(node.Input[slot], node.Input[slot]);
        var isDone = new HashSet<string>(StringComparer.Ordinal); // statistics that several nodes share
        var shrinking = new NodeShrinking(graph, target, change);
        foreach (var node in target.Node.ToArray())
        {
            shrinking.Apply(node);
            if (node.OpType is "BatchNormalization") KeepStatistics(graph, target, change, node, numbers, isDone);
        }

        foreach (var (name, (shape, values)) in change.Weights) Replace(graph, target, name, shape, values, numbers);
        DropUnused(target);
        var shrunk = target.ValueInfo.Where(value => change.Shrinks(value.Name)).ToArray();
        foreach (var value in shrunk) target.ValueInfo.Remove(value);
        foreach (var (key, text) in change.Metadata)
        {
            if (model.MetadataProps.FirstOrDefault(property => string.Equals(property.Key, key, StringComparison.Ordinal)) is { } old) old.Value = text;
            else model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = text });
        }

        return new ShrunkGraph(model, numbers);
    }

    // What stands in a branch or a loop is lowered with sizes of its own each time: its weights stay as they are.
    static void RequireFlat(OnnxGraph graph, Shrinking change)
    {
        var outer = graph.Proto.Node.ToHashSet<NodeProto>(ReferenceEqualityComparer.Instance);
        foreach (var node in graph.AllNodes)
        {
            if (outer.Contains(node)) continue;
            if (node.Input.Any(name => change.Weights.ContainsKey(name) || change.Shrinks(name)))
                throw new TiebreakException($"{graph.Path}: node `{GraphLowering.NameOf(node)}` ({node.OpType}) stands in a branch or a loop");
        }
    }

    // Running statistics take no part in training, but have the channels of the scale beside them.
    static void KeepStatistics(OnnxGraph graph, GraphProto target, Shrinking change, NodeProto node, Dictionary<TensorProto, ExactTensor> numbers, HashSet<string> isDone)
    {
        if (change.KeptOf(node.Input[0], 1) is not { } kept) return;
        for (var slot = 1; slot <= 4; slot++)
        {
            var name = node.Input[slot];
            if (change.Weights.ContainsKey(name) || graph.Sources.FirstOrDefault(source => source.Name == name) is not { Shape.Rank: 1 } source || !isDone.Add(name)) continue;
            Replace(graph, target, name, new Shape(kept.Length), new RationalTensor([.. kept.Select(place => source.Values[place])]), numbers);
        }
    }

    static void Replace(OnnxGraph graph, GraphProto target, string name, Shape shape, ExactTensor values, Dictionary<TensorProto, ExactTensor> numbers)
    {
        if (target.Initializer.FirstOrDefault(tensor => string.Equals(tensor.Name, name, StringComparison.Ordinal)) is { } initializer)
        {
            Fill(initializer, shape, values, numbers);
            if (target.Input.FirstOrDefault(input => string.Equals(input.Name, name, StringComparison.Ordinal)) is { Type.TensorType: { } type })
            {
                type.Shape = new TensorShapeProto();
                foreach (var size in shape.Sizes) type.Shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = size });
            }

            return;
        }

        // A Constant or ConstantOfShape node becomes a stored tensor of its type.
        var maker = target.Node.FirstOrDefault(node => node.Output.Contains(name)) ?? throw new TiebreakException($"{graph.Path}: tensor `{name}` is made by no node");
        var type0 = maker.Attribute.FirstOrDefault(attribute => attribute.T is not null)?.T.DataType ?? (int)TensorProto.Types.DataType.Float;
        target.Node.Remove(maker);
        var stored = new TensorProto { Name = name, DataType = type0 };
        Fill(stored, shape, values, numbers);
        target.Initializer.Add(stored);
    }

    static void Fill(TensorProto tensor, Shape shape, ExactTensor values, Dictionary<TensorProto, ExactTensor> numbers)
    {
        tensor.Dims.Clear();
        foreach (var size in shape.Sizes) tensor.Dims.Add(size);
        tensor.FloatData.Clear();
        tensor.DoubleData.Clear();
        tensor.Int32Data.Clear();
        tensor.ExternalData.Clear();
        tensor.ClearDataLocation();
        tensor.ClearRawData();
        numbers[tensor] = values;
    }

    static void DropUnused(GraphProto graph)
    {
        var used = graph.Output.Select(output => output.Name).ToHashSet(StringComparer.Ordinal);
        var nodes = graph.Node.Reverse().Where(node =>
        {
            if (!node.Output.Any(used.Contains)) return false;
            used.UnionWith(GraphUses.OperandsOf(node));
            foreach (var nested in NestedNames.In(node)) UseAll(nested, used);
            return true;
        }).Reverse().ToArray();
        graph.Node.Clear();
        graph.Node.AddRange(nodes);
        var initializers = graph.Initializer.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var tensor in graph.Initializer.Where(tensor => !used.Contains(tensor.Name)).ToArray()) graph.Initializer.Remove(tensor);
        foreach (var input in graph.Input.Where(input => initializers.Contains(input.Name) && !used.Contains(input.Name)).ToArray()) graph.Input.Remove(input);
    }

    static void UseAll(GraphProto graph, HashSet<string> used)
    {
        foreach (var node in graph.Node)
        {
            used.UnionWith(GraphUses.OperandsOf(node));
            foreach (var nested in NestedNames.In(node)) UseAll(nested, used);
        }
    }
}
