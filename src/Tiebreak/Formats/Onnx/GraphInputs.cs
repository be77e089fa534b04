using global::Onnx;
using Tiebreak.Programs;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Formats.Onnx;

/// <summary>What a user feeds to a graph: its inputs that are no initializers, with sizes fixed or free.</summary>
sealed class GraphInputs
{
    readonly string _path;
    readonly List<GraphInput> _inputs = [];
    readonly List<string> _freeDims = [];

    /// <summary>Reads names, types and sizes.</summary>
    /// <exception cref="TiebreakException">An input has no shape, a negative size or a type that is not supported.</exception>
    public GraphInputs(string path, GraphProto graph, IReadOnlyDictionary<string, OnnxTensor> initializers)
    {
        _path = path;
        foreach (var input in graph.Input)
        {
            if (initializers.ContainsKey(input.Name)) continue;
            var type = input.Type?.TensorType;
            if (type is null) throw Fail(input.Name, "is no tensor (a sequence, map or optional), which is not supported; export the model with tensor inputs");
            if (type.Shape is null) throw Fail(input.Name, "has no shape, so shapes cannot be inferred; export the model with input shapes");
            var dims = new DataDim[type.Shape.Dim.Count];
            for (var axis = 0; axis < dims.Length; axis++) dims[axis] = Dim(input.Name, type.Shape.Dim[axis], axis);
            _inputs.Add(new GraphInput(input.Name, KindOf(input.Name, (DataType)type.ElemType), dims));
        }
    }

    /// <summary>The inputs in the file's order.</summary>
    public IReadOnlyList<GraphInput> All => _inputs;

    /// <summary>Names of free sizes, in order of appearance.</summary>
    public IReadOnlyList<string> FreeDims => _freeDims;

    /// <summary>The batch size that the file fixes: the first axis of its first input, if that is a number.</summary>
    public int? FixedBatch => _inputs.FirstOrDefault(input => input.Dims.Count > 0) is { } first && first.Dims[0].FreeName is null ? first.Dims[0].Size : null;

    /// <summary>The shape of one input under the given options.</summary>
    /// <exception cref="TiebreakException">A free size is not given, or is not positive.</exception>
    public Shape ShapeOf(GraphInput input, LoweringOptions options)
    {
        var sizes = new int[input.Dims.Count];
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            var dim = input.Dims[axis];
            sizes[axis] = dim.FreeName is null ? (axis == 0 && options.Batch is { } batch ? batch : dim.Size)
                : options.Dims.TryGetValue(dim.FreeName, out var size) ? size
                : throw Fail(input.Name, $"has the free size `{dim.FreeName}` on axis {axis}; give it with --dim {dim.FreeName}=SIZE");
            if (sizes[axis] <= 0) throw Fail(input.Name, $"would get size {sizes[axis]} on axis {axis}; sizes must be at least 1");
        }

        return new Shape(sizes);
    }

    /// <summary>Refuses sizes for dimensions the file does not leave free.</summary>
    /// <exception cref="TiebreakException">There is one.</exception>
    public void RequireKnown(IReadOnlyDictionary<string, int> dims)
    {
        foreach (var name in dims.Keys)
        {
            if (_freeDims.Contains(name, StringComparer.Ordinal)) continue;
            throw new TiebreakException(_freeDims.Count == 0
                ? $"--dim {name}: {_path} leaves no size free; leave the option out"
                : $"--dim {name}: {_path} has no free size of that name; it has {string.Join(", ", _freeDims.Select(free => $"`{free}`"))}");
        }
    }

    DataDim Dim(string input, TensorShapeProto.Types.Dimension dim, int axis)
    {
        if (dim.DimValue is < 0 or > int.MaxValue) throw Fail(input, $"has size {dim.DimValue} on axis {axis}; export the model again");
        if (dim.DimValue > 0) return new DataDim((int)dim.DimValue, null);
        var name = dim.DimParam.Length > 0 ? dim.DimParam : $"{input}.{axis}";
        if (!_freeDims.Contains(name, StringComparer.Ordinal)) _freeDims.Add(name);
        return new DataDim(0, name);
    }

    ElementKind KindOf(string input, DataType type) =>
        TensorReader.FormatOf(type) is not null ? ElementKind.Float
        : type == DataType.Bool ? ElementKind.Bool
        : type is DataType.Int8 or DataType.Uint8 or DataType.Int16 or DataType.Uint16 or DataType.Int32 or DataType.Uint32 or DataType.Int64 or DataType.Uint64 ? ElementKind.Integer
        : throw Fail(input, $"has elements of type {type.ToString().ToUpperInvariant()}, which is not supported; export the model with float or integer inputs");

    TiebreakException Fail(string input, string problem) => new($"{_path}: input `{input}` {problem}");
}

/// <summary>One input of a graph.</summary>
sealed record GraphInput(string Name, ElementKind Kind, IReadOnlyList<DataDim> Dims);
