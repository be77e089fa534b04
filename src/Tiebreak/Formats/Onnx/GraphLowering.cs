using global::Onnx;
using Tiebreak.Formats.Onnx.Lowering;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx;

/// <summary>
/// Turns a graph into a program at given sizes: walks the nodes that the wanted outputs need, in order, and lets each operator add its primitives.
/// Whole-number values are computed on the way, since they are shapes.
/// </summary>
sealed class GraphLowering
{
    readonly OnnxGraph _graph;
    readonly Trainable _trainable;
    readonly HashSet<NodeProto> _needed = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<string, WeightSource> _sources;
    readonly HashSet<string> _used = new(StringComparer.Ordinal);
    readonly HashSet<string> _maskLeaves = new(StringComparer.Ordinal);
    readonly List<string> _notes = [];
    readonly Dictionary<string, Node> _valueNodes = new(StringComparer.Ordinal);

    const int DeepestNesting = 90;

    readonly Scope _outermost = new(null);
    Scope _scope;

    GraphLowering(OnnxGraph graph, LoweringOptions options)
    {
        _scope = _outermost;
        _graph = graph;
        Options = options;
        _trainable = new Trainable(graph, options);
        _sources = graph.Sources.ToDictionary(source => source.Name, StringComparer.Ordinal);
        Branches = new BranchChoices(options.Branches);
        Roles = new ParameterRoles(graph.Sources.ToDictionary(source => source.Name, source => source.Shape.Rank, StringComparer.Ordinal));
    }

    /// <summary>The program under construction.</summary>
    public ProgramBuilder Builder { get; } = new();

    /// <summary>What was asked for.</summary>
    public LoweringOptions Options { get; }

    /// <summary>Which branches are taken where data decide.</summary>
    public BranchChoices Branches { get; }

    /// <summary>Collects what the parameters do.</summary>
    public ParameterRoles Roles { get; }

    /// <summary>Reads tensors of the file.</summary>
    public TensorReader Tensors => _graph.Tensors;

    /// <summary>The graph as the file has it.</summary>
    public OnnxGraph Graph => _graph;

    /// <summary>Set by batch normalisation.</summary>
    public bool HasBatchNorm { get; set; }

    /// <summary>The members of the smallest set that a batch normalisation normalises over; 0 without one.</summary>
    public long SmallestBatchNormSet { get; set; }

    /// <summary>Elements of kernels that only ever meet padding at these sizes.</summary>
    public long NeverReached { get; set; }

    /// <summary>Numbers kept for places of an axis that the program does not read.</summary>
    public List<(Node Node, int Axis, Numbers.ExactTensor Values)> Beside { get; } = [];

    /// <summary>Set by dropout.</summary>
    public bool HasDropout { get; set; }

    /// <summary>How many times larger than in the file the batch was asked to be, as a fraction; null if it is as in the file.</summary>
    public (int From, int To)? BatchChange =>
        Options.Batch is { } batch && _graph.Inputs.FixedBatch is { } from && from != batch ? (from, batch) : null;

    /// <summary>Lowers a graph.</summary>
    /// <exception cref="TiebreakException">An operator, a shape or an option is not supported; one line names the node and the remedy.</exception>
    public static Model Lower(OnnxGraph graph, LoweringOptions options)
    {
        graph.Inputs.RequireKnown(options.Dims);
        OpaqueOperators.RequireHits(graph, options.Opaque);
        if (options.Batch is <= 0) throw new TiebreakException($"--batch {options.Batch}: the batch size must be at least 1");
        return new GraphLowering(graph, options).Lower();
    }

    /// <summary>A node's own name, or its first output's.</summary>
    public static string NameOf(NodeProto node) => node.Name.Length > 0 ? node.Name : node.Output.FirstOrDefault(output => output.Length > 0) ?? "without a name";

    /// <summary>Whether a needed node or an output uses the value.</summary>
    public bool IsUsed(string name) => _used.Contains(name);

    /// <summary>A value that stands before the node that asks.</summary>
    /// <exception cref="TiebreakException">It does not.</exception>
    public Value ValueOf(string name, OperatorCall call)
    {
        if (_scope.Find(name) is { } value) return value;
        if (_sources.TryGetValue(name, out var source) && source.FromInitializer) return _outermost.Set(name, SourceValue(source));
        if (_graph.Initializers.TryGetValue(name, out var tensor)) return _outermost.Set(name, Value.Of(tensor.Shape, tensor.Integers!, tensor.Kind));
        throw call.Fail($"its operand `{name}` is made by no node before it; sort the graph's nodes, or export the model again");
    }

    /// <summary>Names the result of a node.</summary>
    /// <exception cref="TiebreakException">The name is taken, or the value has more elements than a program's tensor may.</exception>
    public void Define(string name, Value value, OperatorCall call)
    {
        if (value.Shape.Count > int.MaxValue) throw call.Fail($"its result `{name}` would have {value.Shape.Count} elements; choose smaller sizes");
        if (!_scope.TryAdd(name, value)) throw call.Fail($"its result `{name}` was made before; export the model again");
        if (Options.NamedWeights && value.Node is { } node) _valueNodes.TryAdd(name, node);
    }

    /// <summary>A source's value: a parameter if it is trained, else known numbers.</summary>
    public Value SourceValue(WeightSource source)
    {
        if (!_trainable.IsTrained(source.Name) && !(Options.NamedWeights && _trainable.IsFrozenWeight(source))) return Value.Of(source.Shape, source.Values);
        var node = Builder.Parameter(source.Name, source.Shape);
        return new Value { Kind = ElementKind.Float, Shape = source.Shape, Node = node, Known = source.Values, Weight = new WeightView(source.Name, [.. Enumerable.Range(0, source.Shape.Rank)]) };
    }

    /// <summary>The value of a Constant or ConstantOfShape node that is one of the graph's float sources; null for others.</summary>
    public Value? SourceOf(string output) => _sources.TryGetValue(output, out var source) ? SourceValue(source) : null;

    /// <summary>Known numbers as a constant of the program.</summary>
    public Node ConstantNode(Value value) => Builder.Constant(value.Known!, value.Shape);

    /// <summary>An error at a node.</summary>
    public TiebreakException Fail(OperatorCall call, string problem) => new($"{_graph.Path}: node `{call.Name}` ({call.OpType}): {problem}");

    /// <summary>Adds a sentence for the report.</summary>
    public void Note(string sentence)
    {
        if (!_notes.Contains(sentence, StringComparer.Ordinal)) _notes.Add(sentence);
    }

    Model Lower()
    {
        var outputs = WantedOutputs.Of(_graph, Options, _notes);
        FindNeeded(outputs);
        foreach (var input in _graph.Inputs.All)
        {
            var value = InputValue(input);
            _outermost.Set(input.Name, value);
            if (Options.NamedWeights && value.Node is { } leaf) _valueNodes.TryAdd(input.Name, leaf);
        }

        LowerNodes(_graph.Proto);
        foreach (var name in outputs) AddOutput(name);
        var program = Builder.Build();
        RequireScalarLoss(program);
        ProgramGrammar.Check(program);
        _notes.AddRange(_trainable.Notes);
        return new Model
        {
            Program = program,
            Parameters = [.. _graph.Sources.Where(source => _trainable.IsTrained(source.Name)).Select(Parameter)],
            Frozen = [.. _trainable.Frozen.Select(source => new ParameterTensor(source.Name, source.Shape, source.Values))],
            OutputIsLoss = Options.OutputIsLoss,
            Dims = Sizes(),
            HasBatchNorm = HasBatchNorm,
            SmallestBatchNormSet = SmallestBatchNormSet,
            NeverReached = NeverReached,
            HasDropout = HasDropout,
            Branches = Branches.Taken,
            Notes = _notes,
            ValueNodes = _valueNodes,
            Beside = Beside,
        };
    }

    ParameterTensor Parameter(WeightSource source)
    {
        var (role, meanings) = Roles.Of(source.Name);
        return new ParameterTensor(source.Name, source.Shape, source.Values) { Role = role, AxisMeanings = meanings, FromElementwiseConstant = _trainable.IsElementwiseConstant(source.Name) };
    }

    Dictionary<string, int> Sizes()
    {
        var sizes = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var name in _graph.Inputs.FreeDims)
            if (Options.Dims.TryGetValue(name, out var size)) sizes[name] = size;
        if (BatchChange is { } change) sizes.TryAdd("batch", change.To);
        return sizes;
    }

    /// <summary>Lowers a nested graph in a scope of its own, with values for its inputs; returns its results.</summary>
    public Value[] LowerNested(GraphProto graph, OperatorCall owner, params ReadOnlySpan<Value> inputs)
    {
        if (graph.Input.Count != inputs.Length) throw owner.Fail($"its inner graph takes {graph.Input.Count} values, not {inputs.Length}; export the model again");
        if (_scope.Depth == DeepestNesting) throw owner.Fail($"graphs are nested more than {DeepestNesting} deep");
        var (outer, origin) = (_scope, Builder.Origin);
        _scope = new Scope(outer);
        for (var k = 0; k < inputs.Length; k++) _scope.Set(graph.Input[k].Name, inputs[k]);
        LowerNodes(graph);
        var results = graph.Output.Select(output => ValueOf(output.Name, owner)).ToArray();
        (_scope, Builder.Origin) = (outer, origin);
        return results;
    }

    void LowerNodes(GraphProto graph)
    {
        foreach (var node in graph.Node)
            if (_needed.Contains(node)) LowerNode(node);
    }

    void FindNeeded(IReadOnlyList<string> outputs)
    {
        var open = new Stack<string>(outputs);
        while (open.TryPop(out var name))
        {
            if (!_used.Add(name)) continue;
            if (_graph.Uses.MakerOf(name) is not { } maker || !_needed.Add(maker)) continue;
            foreach (var operand in GraphUses.OperandsOf(maker)) open.Push(operand);
        }
    }

    Value InputValue(GraphInput input)
    {
        var shape = _graph.Inputs.ShapeOf(input, Options);
        Builder.Origin = $"input {input.Name}";
        if (input.Kind != ElementKind.Integer) return Value.Of(Builder.Data(input.Name, shape), input.Kind);
        return new Value
        {
            Kind = ElementKind.Integer,
            Shape = shape,
            Index = rows => Builder.Data(IndexLeaf(input.Name, rows), new Shape([.. shape.Sizes, rows]), DataKind.Distribution),
            Numbers = () => Builder.Data(input.Name, shape),
        };
    }

    /// <summary>The shape that the file states for a value, at the sizes given; null if it states none.</summary>
    public Shape? DeclaredShape(string name)
    {
        if (_graph.DeclaredType(name)?.Shape is not { } declared) return null;
        var sizes = new int[declared.Dim.Count];
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            var dim = declared.Dim[axis];
            if (dim.DimValue is > 0 and <= int.MaxValue) sizes[axis] = axis == 0 && BatchChange is { } change && dim.DimValue == change.From ? change.To : (int)dim.DimValue;
            else if (!Options.Dims.TryGetValue(dim.DimParam, out sizes[axis])) return null;
        }

        return new Shape(sizes);
    }

    /// <summary>A name for the masks of a dropout: its node's, unless another leaf has that.</summary>
    public string MaskLeaf(OperatorCall call)
    {
        var name = call.Name;
        for (var k = 1; _graph.Inputs.All.Any(input => string.Equals(input.Name, name, StringComparison.Ordinal)) || !_maskLeaves.Add(name); k++)
            name = k == 1 ? $"{call.Name} of {call.OutputName(0)}" : $"{call.Name} of {call.OutputName(0)}, {k}";
        return name;
    }

    /// <summary>Leaves are known by name, so an index that reaches tables of different heights is a leaf for each.</summary>
    static string IndexLeaf(string input, int rows) => $"{input} among {rows}";

    void LowerNode(NodeProto node)
    {
        var domain = OnnxGraph.DomainOf(node.Domain);
        if (OpaqueOperators.IsOpaque(node, Options.Opaque))
        {
            Builder.Origin = $"node {NameOf(node)} ({node.OpType})";
            OpaqueOperators.Lower(new OperatorCall(this, node, _graph.OpsetOf(node)));
            return;
        }

        if (!Operators.Table.TryGetValue((domain, node.OpType), out var rule)) throw OnnxErrors.UnknownOperator(_graph.Path, domain, node.OpType, NameOf(node));
        var opset = _graph.OpsetOf(node);
        if (opset < rule.Since || opset > rule.Until) throw OnnxErrors.OperatorOpset(_graph.Path, node.OpType, NameOf(node), opset, rule.Since, rule.Until);
        var call = new OperatorCall(this, node, opset);
        Builder.Origin = $"node {call.Name} ({node.OpType})";
        try
        {
            if (!ConstantFolding.TryFold(call)) rule.Lower(call);
        }
        catch (Exception error) when (error is ArgumentException or OverflowException or DivideByZeroException or FormatException or IndexOutOfRangeException or InvalidOperationException)
        {
            // A graph whose shapes do not fit together; the builder's message says how.
            throw new TiebreakException($"{call.Fail(OnnxErrors.OneLine(error.Message)).Message}; export the model again, or check the sizes given", error);
        }
    }

    void AddOutput(string name)
    {
        var value = _scope.Find(name);
        if (value is null)
        {
            if (_sources.TryGetValue(name, out var source)) value = SourceValue(source);
            else throw new TiebreakException($"{_graph.Path}: output `{name}` is made by no node; export the model again");
        }

        if (value.Items is { } items)
        {
            for (var k = 0; k < items.Count; k++) AddOutput($"{name}[{k}]", items[k]);
            return;
        }

        AddOutput(name, value);
    }

    void AddOutput(string name, Value value)
    {
        if (value.Node is { } node && value.Kind == ElementKind.Float) Builder.Output(name, node);
        else if (value.Known is not null) Builder.Output(name, ConstantNode(value));
        else if (Options.WholeOutputs && WholeNumbers(value) is { } whole) Builder.Output(name, whole);
        else Note($"output `{name}` holds no real numbers, so no loss sees it");
    }

    /// <summary>Whole numbers or Booleans as numbers of the program; null where it has only their distribution over any number of rows.</summary>
    Node? WholeNumbers(Value value)
    {
        if (value.Node is { } gate) return gate;
        if (value.Integers is { } integers) return Builder.Constant(OperatorCall.Exact(integers), value.Shape);
        if (value.Numbers is { } numbers) return numbers();
        if (value is not { Index: { } index, Rows: { } rows }) return null;
        var letters = new AxisLetters().Take(value.Shape.Rank + 1);
        var places = Builder.Constant(OperatorCall.Exact([.. Enumerable.Range(0, rows).Select(row => (long)row)]), new Shape(rows));
        return Builder.Contract(letters, letters[^1..], letters[..^1], index(rows), places);
    }

    void RequireScalarLoss(TensorProgram program)
    {
        if (program.Outputs.Count == 0) throw new TiebreakException($"{_graph.Path}: none of the wanted outputs holds real numbers, so no loss can see the model; choose others with --outputs or --also-output");
        if (!Options.OutputIsLoss) return;
        if (program.Outputs.Count != 1) throw new TiebreakException($"--loss outputs: {_graph.Path} has {program.Outputs.Count} outputs; name the loss with --outputs");
        var (name, node) = program.Outputs[0];
        if (node.Shape.Count != 1) throw new TiebreakException($"--loss outputs: output `{name}` of {_graph.Path} has shape {node.Shape}; a loss is a single number");
    }
}
