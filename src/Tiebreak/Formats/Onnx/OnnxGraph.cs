using global::Onnx;

namespace Tiebreak.Formats.Onnx;

/// <summary>A parsed graph with what does not depend on sizes or options: its opsets, its inputs, its weights and who uses what.</summary>
sealed class OnnxGraph
{
    readonly IReadOnlyDictionary<string, long> _opsets; // by domain; the default domain is the empty name
    readonly IReadOnlyDictionary<NodeProto, IReadOnlyDictionary<string, long>> _opsetsInFunctions;
    readonly List<GraphProto> _graphs = [];
    readonly List<NodeProto> _nodes = [];
    readonly HashSet<string> _sizeDependent;

    /// <summary>Reads the weights' shapes and the inputs' sizes.</summary>
    /// <exception cref="TiebreakException">A tensor or an input is malformed.</exception>
    public OnnxGraph(string path, ModelProto model, IReadOnlyDictionary<string, long> opsets, TensorReader tensors)
    {
        Path = path;
        Model = model;
        Proto = model.Graph;
        _opsets = opsets;
        _opsetsInFunctions = FunctionInlining.Inline(path, model);
        NestedNames.MakeUnique(Proto);
        Tensors = tensors;
        Collect(Proto);
        Initializers = new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);
        foreach (var graph in _graphs)
        {
            if (graph.SparseInitializer.Count > 0) throw OnnxErrors.Tensor(path, graph.SparseInitializer[0].Values?.Name ?? "", "is sparse, which is not supported; store it as a dense tensor");
            foreach (var tensor in graph.Initializer)
                if (!Initializers.TryAdd(tensor.Name, tensors.Read(tensor))) throw OnnxErrors.Tensor(path, tensor.Name, "stands in the file twice; export the model again");
        }

        Inputs = new GraphInputs(path, Proto, Initializers);
        Uses = new GraphUses(AllNodes);
        Sources = WeightSources.Find(this);
        _sizeDependent = SizeDependent();
    }

    /// <summary>As the user gave it.</summary>
    public string Path { get; }

    /// <summary>The whole file, its graph with functions inlined; raw data are numbers of payloads.</summary>
    public ModelProto Model { get; }

    /// <summary>The graph as the file has it.</summary>
    public GraphProto Proto { get; }

    /// <summary>The nodes of the graph in order, each after those of the graphs nested in it.</summary>
    public IReadOnlyList<NodeProto> AllNodes => _nodes;

    /// <summary>Tensors that the graph and those nested in it store, in the file's order.</summary>
    public IEnumerable<TensorProto> AllInitializers => _graphs.SelectMany(graph => graph.Initializer);

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

    /// <summary>The type and shape that the file states for a value; null if it states none.</summary>
    public TypeProto.Types.Tensor? DeclaredType(string name) =>
        _graphs.SelectMany(graph => graph.ValueInfo.Concat(graph.Output)).FirstOrDefault(value => string.Equals(value.Name, name, StringComparison.Ordinal))?.Type?.TensorType;

    /// <summary>The opset version that a node's operator has.</summary>
    public long OpsetOf(NodeProto node) => (_opsetsInFunctions.TryGetValue(node, out var own) ? own : _opsets).GetValueOrDefault(DomainOf(node.Domain), 1);

    /// <summary>Whether whole numbers of this name may be others at other sizes of the free dimensions.</summary>
    public bool DependsOnSizes(string name) => _sizeDependent.Contains(name);

    void Collect(GraphProto graph)
    {
        _graphs.Add(graph);
        foreach (var node in graph.Node)
        {
            foreach (var nested in NestedNames.In(node)) Collect(nested);
            _nodes.Add(node);
        }
    }

    HashSet<string> SizeDependent()
    {
        var sized = new HashSet<string>(Inputs.All.Where(input => input.Dims.Any(dim => dim.FreeName is not null)).Select(input => input.Name), StringComparer.Ordinal);
        var numbers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var node in AllNodes)
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
