using global::Onnx;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// Operators the user declares unknown functions: every element of the result depends on every element of every operand, in a way that is drawn at random. What stays tied or
/// stuck behind such a function does so whatever it computes; what only its true meaning ties is not found.
/// </summary>
static class OpaqueOperators
{
    const int Channels = 2; // what the operands are summed up in; one alone would make all slopes proportional

    /// <summary>Whether a node's operator is declared so, by type or by domain and type.</summary>
    public static bool IsOpaque(NodeProto node, IReadOnlyList<string> names) => names.Contains(node.OpType, StringComparer.Ordinal) || names.Contains($"{node.Domain}.{node.OpType}", StringComparer.Ordinal);

    /// <summary>Refuses names that no node has.</summary>
    /// <exception cref="TiebreakException">There is one.</exception>
    public static void RequireHits(OnnxGraph graph, IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            if (graph.AllNodes.Any(node => IsOpaque(node, [name]))) continue;
            var nearest = NearestName.Find(name, graph.AllNodes.Select(node => node.OpType).Distinct(StringComparer.Ordinal));
            throw new TiebreakException($"--opaque {name}: {graph.Path} has no such operator{(nearest is null ? "; leave the option out" : $"; did you mean `{nearest}`?")}");
        }
    }

    public static void Lower(OperatorCall call)
    {
        if (NestedNames.In(call.Proto).Any()) throw call.Fail("it holds graphs of its own, so it cannot be taken as a function of its operands; leave that part out with --outputs");
        var builder = call.Builder;
        Node? summary = null;
        for (var k = 0; k < call.InputCount; k++)
        {
            if (!call.Has(k) || call.Input(k) is { Node: null, Masked: null, Numbers: null }) continue; // settings
            var operand = call.Node(k);
            var flat = builder.Reshape(operand, new Shape(checked((int)operand.Shape.Count)));
            var part = builder.Contract("ci", "i", "c", Drawn(call, $"operand {k}", Channels, flat.Shape[0]), flat);
            summary = summary is null ? part : builder.Add(summary, part);
        }

        summary = summary is null ? Drawn(call, "value", Channels) : builder.Add(summary, Drawn(call, "value", Channels));
        for (var k = 0; k < call.OutputCount; k++)
        {
            if (!call.HasOutput(k)) continue;
            var shape = call.Lowering.DeclaredShape(call.OutputName(k)) ?? throw call.Fail($"the shape of its result `{call.OutputName(k)}` does not stand in the file; add it with onnx.shape_inference, or to the graph's value_info");
            var count = checked((int)shape.Count);
            var mixed = builder.Contract("oc", "c", "o", Drawn(call, $"result {k}", count, Channels), summary);
            call.Set(k, Value.Of(builder.Reshape(builder.Apply(FunctionKind.Exp, builder.Add(mixed, Drawn(call, $"start {k}", count))), shape)));
        }

        call.Lowering.Note($"operator {call.OpType} is taken as an unknown function of its operands, as --opaque says: ties that rest on what it computes are not found");
    }

    static Node Drawn(OperatorCall call, string what, params int[] sizes) => call.Builder.Data($"{call.Name} of {call.OutputName(0)}: {what}", new Shape(sizes));
}
