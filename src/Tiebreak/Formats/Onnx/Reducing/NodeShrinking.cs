using global::Onnx;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Reducing;

/// <summary>
/// The operators that write sizes down: what they say is brought in line with axes that shrink. Everything else follows its operands. What cannot be said any more is an error, and whoever asked leaves those axes as
/// they are.
/// </summary>
sealed class NodeShrinking(OnnxGraph graph, GraphProto target, Shrinking change)
{
    int _made;

    /// <summary>Changes one node in place.</summary>
    /// <exception cref="TiebreakException">The operator cannot do the same with the smaller axes.</exception>
    public void Apply(NodeProto node)
    {
        if (OnnxGraph.DomainOf(node.Domain).Length > 0 || !node.Input.Concat(node.Output).Any(name => change.Shrinks(name) || change.Weights.ContainsKey(name))) return;
        switch (node.OpType)
        {
            case "Reshape" when change.Shrinks(node.Output[0]):
                SetInput(node, 1, Reshaped(node));
                break;
            case "Expand" when change.Shrinks(node.Output[0]):
                SetInput(node, 1, Expanded(node));
                break;
            case "Conv" or "ConvTranspose":
                SetGroups(node);
                break;
            case "Split":
                Split(node);
                break;
            case "Slice":
                Slice(node);
                break;
            case "Gather":
                Gather(node);
                break;
            case "LSTM" or "GRU" or "RNN":
                SetAttribute(node, "hidden_size", NewSize(change, node.Input[2], 2));
                break;
        }
    }

    static long NewSize(Shrinking change, string weight, int axis) => change.Weights.TryGetValue(weight, out var changed) ? changed.Shape[axis] : change.NewSize(weight, axis);

    // Numbers of the file stay, but for axes that shrink; where the file computes them, sizes that are free are copied or inferred.
    long[] Reshaped(NodeProto node)
    {
        var (from, to) = (node.Input[0], node.Output[0]);
        var (shape, before) = (change.ShapeOf(to)!.Value, change.ShapeOf(from));
        var written = Known(node, 1) is { } known && known.Length == shape.Rank ? known : null;
        var copies = Attribute(node, "allowzero")?.I != 1;
        var sizes = new long[shape.Rank];
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            var size = change.NewSize(to, axis);
            if (change.KeptOf(to, axis) is not null) sizes[axis] = written?[axis] == -1 ? -1 : size;
            else if (written is not null && written[axis] != 0) sizes[axis] = written[axis];
            else if (written is null && !change.IsFree(to, axis)) sizes[axis] = size;
            else sizes[axis] = copies && before is { } operand && axis < operand.Rank && operand[axis] == shape[axis] && change.KeptOf(from, axis) is null ? 0 : -1;
        }

        return sizes.Count(size => size == -1) <= 1 ? sizes : throw Fail(node, "would have to infer two sizes");
    }

    long[] Expanded(NodeProto node)
    {
        var to = node.Output[0];
        var written = Known(node, 1) ?? throw Fail(node, "computes the shape that would shrink");
        var rank = change.ShapeOf(to)!.Value.Rank;
        return [.. written.Select((size, k) => change.KeptOf(to, rank - written.Length + k) is { } kept && size != 1 ? kept.Length : size)];
    }

    // Groups come out of the sizes: a kernel has one axis of channels in each group.
    void SetGroups(NodeProto node)
    {
        if (Attribute(node, "group") is not { I: > 1 } attribute) return;
        var isTransposed = node.OpType is "ConvTranspose";
        var (all, each) = isTransposed ? (change.NewSize(node.Output[0], 1), NewSize(change, node.Input[1], 1)) : (change.NewSize(node.Input[0], 1), NewSize(change, node.Input[1], 1));
        attribute.I = all % each == 0 ? all / each : throw Fail(node, "would have groups of different sizes");
    }

    void Split(NodeProto node)
    {
        var rank = change.ShapeOf(node.Input[0])?.Rank ?? 0;
        var axis = (int)(Attribute(node, "axis")?.I ?? 0);
        if (axis < 0) axis += rank;
        if (rank == 0 || node.Output.All(output => output.Length == 0 || change.KeptOf(output, axis) is null)) return;
        if (node.Output.Any(output => change.ShapeOf(output) is null)) throw Fail(node, "has results that nothing uses");
        long[] sizes = [.. node.Output.Select(output => (long)change.NewSize(output, axis))];
        Remove(node, "num_outputs");
        if (graph.OpsetOf(node) >= 13) SetInput(node, 1, sizes);
        else SetAttribute(node, "split", sizes);
    }

    void Slice(NodeProto node)
    {
        var (from, to) = (node.Input[0], node.Output[0]);
        if (change.ShapeOf(from) is not { } shape || change.ShapeOf(to) is null) return;
        var affected = Enumerable.Range(0, shape.Rank).Where(axis => change.KeptOf(from, axis) is not null || change.KeptOf(to, axis) is not null).ToHashSet();
        if (affected.Count == 0) return;
        var isOld = graph.OpsetOf(node) < 10;
        var starts = (isOld ? Ints(node, "starts") : Known(node, 1)) ?? throw Fail(node, "computes where it begins");
        var ends = (isOld ? Ints(node, "ends") : Known(node, 2)) ?? throw Fail(node, "computes where it ends");
        var axes = (isOld ? Ints(node, "axes") : node.Input.Count > 3 && node.Input[3].Length > 0 ? Known(node, 3) ?? throw Fail(node, "computes its axes") : null) ?? [.. Enumerable.Range(0, starts.Length).Select(k => (long)k)];
        var steps = !isOld && node.Input.Count > 4 && node.Input[4].Length > 0 ? Known(node, 4) ?? throw Fail(node, "computes its steps") : [.. starts.Select(_ => 1L)];
        (starts, ends) = ([.. starts], [.. ends]);
        var hasChanged = false;
        for (var k = 0; k < axes.Length; k++)
        {
            var axis = (int)(axes[k] < 0 ? axes[k] + shape.Rank : axes[k]);
            if (!affected.Contains(axis)) continue;
            if (steps[k] != 1) throw Fail(node, "takes steps along an axis that would shrink");
            var size = shape[axis];
            var start = Math.Clamp(starts[k] < 0 ? starts[k] + size : starts[k], 0, size);
            var kept = change.KeptOf(from, axis) ?? [.. Enumerable.Range(0, size)];
            var count = change.NewSize(to, axis);
            var first = Array.FindIndex(kept, place => place >= start);
            if (first < 0 || count == 0) throw Fail(node, "would be left with nothing");
            (starts[k], ends[k], hasChanged) = (first, first + count, true);
        }

        if (!hasChanged) return;
        if (isOld)
        {
            SetAttribute(node, "starts", starts);
            SetAttribute(node, "ends", ends);
        }
        else
        {
            SetInput(node, 1, starts);
            SetInput(node, 2, ends);
        }
    }

    void Gather(NodeProto node)
    {
        var from = node.Input[0];
        var rank = (change.ShapeOf(from) ?? (change.Weights.TryGetValue(from, out var weight) ? weight.Shape : default)).Rank;
        var axis = (int)(Attribute(node, "axis")?.I ?? 0);
        if (axis < 0) axis += rank;
        if (change.KeptOf(from, axis) is not { } kept) return;
        var indices = Known(node, 1) ?? throw Fail(node, "reads along an axis that would shrink where data say");
        var made = change.KeptOf(node.Output[0], axis) ?? [.. Enumerable.Range(0, indices.Length)];
        var size = change.ShapeOf(from)!.Value[axis];
        SetInput(node, 1, [.. made.Select(place => (long)Array.IndexOf(kept, (int)(indices[place] < 0 ? indices[place] + size : indices[place])))]);
        if (Known(node, 1)!.Contains(-1)) throw Fail(node, "reads a place that would go");
    }

    long[]? Known(NodeProto node, int slot)
    {
        if (slot >= node.Input.Count) return null;
        var name = node.Input[slot];
        if (target.Initializer.FirstOrDefault(tensor => string.Equals(tensor.Name, name, StringComparison.Ordinal)) is { } made && made.Name.StartsWith(Prefix, StringComparison.Ordinal)) return [.. made.Int64Data];
        if (graph.Initializers.TryGetValue(name, out var tensor)) return tensor.Integers;
        return graph.Uses.MakerOf(name) is { OpType: "Constant" } constant ? ConstantValue.Read(constant, graph.Tensors)?.Integers : null;
    }

    const string Prefix = "tiebreak/";

    void SetInput(NodeProto node, int slot, long[] numbers)
    {
        var tensor = new TensorProto { Name = $"{Prefix}{GraphLowering.NameOf(node)}/{slot}/{_made++}", DataType = (int)TensorProto.Types.DataType.Int64 };
        tensor.Dims.Add(numbers.Length);
        tensor.Int64Data.AddRange(numbers);
        target.Initializer.Add(tensor);
        while (node.Input.Count <= slot) node.Input.Add("");
        node.Input[slot] = tensor.Name;
    }

    static AttributeProto? Attribute(NodeProto node, string name) => node.Attribute.FirstOrDefault(attribute => string.Equals(attribute.Name, name, StringComparison.Ordinal));

    static long[]? Ints(NodeProto node, string name) => Attribute(node, name) is { } attribute ? [.. attribute.Ints] : null;

    static void Remove(NodeProto node, string name)
    {
        if (Attribute(node, name) is { } attribute) node.Attribute.Remove(attribute);
    }

    static void SetAttribute(NodeProto node, string name, params long[] numbers)
    {
        var isList = numbers.Length != 1 || name is "split" or "starts" or "ends";
        Remove(node, name);
        var attribute = new AttributeProto { Name = name, Type = isList ? AttributeProto.Types.AttributeType.Ints : AttributeProto.Types.AttributeType.Int };
        if (isList) attribute.Ints.AddRange(numbers);
        else attribute.I = numbers[0];
        node.Attribute.Add(attribute);
    }

    TiebreakException Fail(NodeProto node, string problem) => new($"{graph.Path}: node `{GraphLowering.NameOf(node)}` ({node.OpType}) {problem}");
}
