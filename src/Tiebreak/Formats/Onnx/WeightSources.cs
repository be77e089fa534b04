using global::Onnx;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx;

/// <summary>A float tensor of the file that might be trained, under the name that initializers and node outputs share.</summary>
sealed record WeightSource(string Name, Shape Shape, ExactTensor Values, bool FromInitializer);

/// <summary>Finds the float tensors a file holds: initializers, then results of Constant and ConstantOfShape nodes.</summary>
static class WeightSources
{
    /// <summary>All of them, in the file's order.</summary>
    public static IReadOnlyList<WeightSource> Find(OnnxGraph graph)
    {
        var sources = new List<WeightSource>();
        foreach (var tensor in graph.AllInitializers)
            if (graph.Initializers[tensor.Name] is { Floats: { } values } initializer)
                sources.Add(new WeightSource(tensor.Name, initializer.Shape, values, FromInitializer: true));
        var known = new Dictionary<string, long[]>(StringComparer.Ordinal);
        foreach (var (name, tensor) in graph.Initializers)
            if (tensor.Integers is { } integers) known[name] = integers;
        foreach (var node in graph.AllNodes)
        {
            if (OnnxGraph.DomainOf(node.Domain).Length > 0 || node.Output.Count != 1) continue;
            if (Is(node, "Constant") && ConstantValue.Read(node, graph.Tensors) is { } constant)
            {
                if (constant.Floats is { } values) sources.Add(new WeightSource(node.Output[0], constant.Shape, values, FromInitializer: false));
                else known.TryAdd(node.Output[0], constant.Integers!);
            }
            else if (Is(node, "ConstantOfShape") && node.Input.Count == 1 && known.TryGetValue(node.Input[0], out var sizes)
                && ConstantValue.Fill(node, sizes, graph) is { Floats: { } fill } filled)
            {
                sources.Add(new WeightSource(node.Output[0], filled.Shape, fill, FromInitializer: false));
            }
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var source in sources)
            if (source.Name.Length == 0 || !names.Add(source.Name)) throw OnnxErrors.Tensor(graph.Path, source.Name, "has no name, or one that another tensor has; export the model again");
        return sources;
    }

    static bool Is(NodeProto node, string type) => string.Equals(node.OpType, type, StringComparison.Ordinal);
}
