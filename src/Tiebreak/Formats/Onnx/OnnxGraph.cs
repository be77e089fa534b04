using global::Onnx;

namespace Tiebreak.Formats.Onnx;

/// <summary>A parsed graph with what does not depend on sizes or options: its opsets, its inputs, its weights and who uses what.</summary>
sealed class OnnxGraph
{
    readonly HashSet<string> _sizeDependent;

    /// <summary>Reads the weights' shapes and the inputs' sizes.</summary>
    /// <exception cref="TiebreakException">A tensor or an input is malformed.</exception>
    public OnnxGraph(string path, GraphProto proto, IReadOnlyDictionary<string, long> opsets, TensorReader tensors)
    {
        Path = path;
        Proto = proto;
        Opsets = opsets;
        Tensors = tensors;
        Initializers = new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);
        if (proto.SparseInitializer.Count > 0) throw OnnxErrors.Tensor(path, proto.SparseInitializer[0].Values?.Name ?? "", "is sparse, which is not supported; store it as a dense tensor");
        foreach (var tensor in proto.Initializer)
            if (!Initializers.TryAdd(tensor.Name, tensors.Read(tensor))) throw OnnxErrors.Tensor(path, tensor.Name, "stands in the file twice; export the model again");
        Inputs = new GraphInputs(path, proto, Initializers);
        Uses = new GraphUses(proto);
        Sources = WeightSources.Find(this);
        _sizeDependent = SizeDependent();
    }

    /// <summary>As the user gave it.</summary>
    public string Path { get; }

    /// <summary>The graph as the file has it.</summary>
    public GraphProto Proto { get; }

    /// <summary>Versions by domain; the default domain is the empty name.</summary>
    public IReadOnlyDictionary<string, long> Opsets { get; }

    /// <summary>Reads tensors of the file.</summary>
    public TensorReader Tensors { get; }

    /// <summary>Tensors the file stores, by name.</summary>
    public Dictionary<string, OnnxTensor> Initializers { get; }

    /// <summary>What the user feeds.</summary>
    public GraphInputs Inputs { get; }

    /// <summary>Who uses what.</summary>
    public GraphUses Uses { get; }

    /// <summary>Float tensors that might be trained, in the file's order.</summary>
    public IReadOnlyList<WeightSource> Sources { get; }

    /// <summary>Whether whole numbers of this name may be others at other sizes of the free dimensions.</summary>
    public bool DependsOnSizes(string name) => _sizeDependent.Contains(name);

    HashSet<string> SizeDependent()
    {
        var sized = new HashSet<string>(Inputs.All.Where(input => input.Dims.Any(dim => dim.FreeName is not null)).Select(input => input.Name), StringComparer.Ordinal);
        var numbers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var node in Proto.Node)
        {
            var fromNumbers = GraphUses.OperandsOf(node).Any(numbers.Contains);
            var fromSized = GraphUses.OperandsOf(node).Any(sized.Contains);
            if (fromNumbers || (fromSized && node.OpType is "Shape" or "Size")) numbers.UnionWith(node.Output);
            if (fromNumbers || fromSized) sized.UnionWith(node.Output);
        }

        return numbers;
    }

    /// <summary><c>ai.onnx</c> is another name of the default domain.</summary>
    public static string DomainOf(string domain) => string.Equals(domain, "ai.onnx", StringComparison.Ordinal) ? "" : domain;
}
