using Google.Protobuf;
using global::Onnx;
using Tiebreak.Formats.Onnx.Reducing;
using Tiebreak.Formats.Onnx.Rewriting;

namespace Tiebreak.Formats.Onnx;

/// <summary>
/// An ONNX file. The graph is read with Google.Protobuf; tensor bytes stay in the mapped file, so a model's weights cost no memory. Weights of
/// lowered models are read from the file while they are used: keep the reader open as long.
/// </summary>
public sealed class OnnxReader : IModelFile
{
    /// <summary>The lowest opset of the default domain that is read.</summary>
    public const int LowestOpset = 7;

    /// <summary>The highest opset of the default domain that is read.</summary>
    public const int HighestOpset = 23;

    readonly string _path;
    readonly MappedFile _file;
    readonly ExternalData _external;
    readonly OnnxGraph _graph;

    OnnxReader(string path, MappedFile file, string? besides)
    {
        _path = path;
        _file = file;
        _external = new ExternalData(path, besides);
        _graph = Graph(WireIndex.Of(file));
    }

    /// <inheritdoc/>
    public string Format => "onnx";

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => [_path, .. _external.Files];

    /// <inheritdoc/>
    public IReadOnlyList<string> FreeDims => _graph.Inputs.FreeDims;

    /// <inheritdoc/>
    public IReadOnlyList<DataInput> Inputs =>
        [.. _graph.Inputs.All.Select(input => new DataInput(input.Name, input.Dims, HasSampleAxis: input.Dims.Count > 0, input.Kind == ElementKind.Integer))];

    /// <summary>Opens a file; its content decides whether it is ONNX.</summary>
    /// <exception cref="TiebreakException">
    /// It is missing, empty, truncated, no ONNX model, too large without its weights, of an opset out of range, or one of its tensors is malformed.
    /// </exception>
    public static OnnxReader Open(string path) => Open(path, besides: null);

    /// <summary>Opens a file whose external data may also lie in a second folder.</summary>
    internal static OnnxReader Open(string path, string? besides)
    {
        var file = new MappedFile(path);
        try
        {
            ForeignContent.Refuse(file);
            return new OnnxReader(path, file, besides);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Model Lower(LoweringOptions options) => GraphLowering.Lower(_graph, options);

    /// <inheritdoc/>
    public FloatFormat? StoredAs(string tensor) => OnnxRewriting.FormatOf(_graph, tensor);

    /// <inheritdoc/>
    public void WriteShrunk(StagedFiles files, Shrinking shrinking) => WriteShrunk(files, shrinking, ShrunkFile.LargestMessage);

    /// <summary>The same with a limit of its own for the bytes of tensors in the message.</summary>
    internal void WriteShrunk(StagedFiles files, Shrinking shrinking, long largestMessage) => ShrunkFile.Write(ShrunkGraph.Of(_graph, shrinking), _graph.Tensors, files, largestMessage);

    /// <inheritdoc/>
    public void WriteChanged(StagedFiles files, ModelChanges changes)
    {
        var index = WireIndex.Numbered(_file);
        OnnxRewriting.Write(_file, index, Graph(index), _external, files, changes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _external.Dispose();
        _file.Dispose();
    }

    OnnxGraph Graph(WireIndex index)
    {
        var model = Parse(_path, index);
        return new OnnxGraph(_path, model, Opsets(_path, model), new TensorReader(_path, index, _external));
    }

    static ModelProto Parse(string path, WireIndex index)
    {
        ModelProto model;
        try
        {
            model = ModelProto.Parser.ParseFrom(index.Graph);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw OnnxErrors.NotOnnx(path, "its content does not follow the ONNX schema", error);
        }

        if (model.Graph is null) throw OnnxErrors.NotOnnx(path, "it holds no graph");
        if (model.Graph.Node.Count == 0 && model.Graph.Output.Count == 0) throw OnnxErrors.NotOnnx(path, "its graph is empty");
        return model;
    }

    static Dictionary<string, long> Opsets(string path, ModelProto model)
    {
        var opsets = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var import in model.OpsetImport) opsets[OnnxGraph.DomainOf(import.Domain)] = import.Version;
        // Files of the first IR versions name no opset: that is opset 1.
        var version = opsets.TryGetValue("", out var stated) ? stated : model.OpsetImport.Count == 0 ? 1 : LowestOpset;
        if (version is < LowestOpset or > HighestOpset) throw OnnxErrors.OpsetOutOfRange(path, version);
        opsets[""] = version;
        return opsets;
    }
}
