using global::Onnx;
using Google.Protobuf;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Conformance;

/// <summary>A case's model, lowered at the sizes of one data set. Keep it open while weights are read.</summary>
sealed class CaseModel : IDisposable
{
    readonly OnnxReader _reader;
    readonly string? _copy;

    CaseModel(string path, string? copy, GraphProto graph, CaseTensors tensors, bool wholeOutputs)
    {
        _copy = copy;
        _reader = OnnxReader.Open(copy ?? path);
        try
        {
            var sizes = tensors.FreeSizes(graph);
            Lowered = _reader.Lower(new LoweringOptions
            {
                BatchNormTraining = graph.Node.Any(node => node.OpType == "BatchNormalization" && node.Attribute.Any(attribute => attribute.Name == "training_mode" && attribute.I != 0)),
                Dropout = false,
                Dims = _reader.FreeDims.ToDictionary(name => name, name => sizes.GetValueOrDefault(name, 1)),
                WholeOutputs = wholeOutputs,
            });
        }
        catch
        {
            _reader.Dispose();
            throw;
        }
    }

    /// <summary>The program, with parameters and notes.</summary>
    public Model Lowered { get; }

    /// <summary>Why outputs that hold no real numbers were not lowered; null if they were.</summary>
    public string? WhyOnlyReal { get; private init; }

    /// <summary>
    /// Lowers the model, first as it is. The suite feeds shapes, axes and scales as inputs, which models that people train have as constants: so then with
    /// those inputs as constants. Last without the outputs that hold no real numbers.
    /// </summary>
    /// <exception cref="TiebreakException">None of these ways is possible; the reason is that of the last but one with all outputs.</exception>
    public static CaseModel Open(string path, ModelProto proto, CaseTensors tensors)
    {
        var changed = RaiseOldOpset(proto);
        var constant = proto.Clone();
        var hasSettings = MakeSettingsConstant(constant, tensors);
        TiebreakException? first = null;
        foreach (var wholeOutputs in (bool[])[true, false])
        {
            foreach (var settings in (bool[])[false, true])
            {
                if (settings && !hasSettings) continue;
                try
                {
                    var copy = settings || changed ? WriteCopy(settings ? constant : proto) : null;
                    return Opened(path, copy, proto.Graph, tensors, wholeOutputs, first);
                }
                catch (TiebreakException error)
                {
                    if (wholeOutputs) first = error;
                }
            }

            if (!proto.Graph.Output.Any(output => output.Type?.TensorType is not { } type || TensorReader.FormatOf((DataType)type.ElemType) is null)) break;
        }

        throw first!;
    }

    public void Dispose()
    {
        _reader.Dispose();
        if (_copy is not null) File.Delete(_copy);
    }

    static CaseModel Opened(string path, string? copy, GraphProto graph, CaseTensors tensors, bool wholeOutputs, TiebreakException? first)
    {
        try
        {
            return new CaseModel(path, copy, graph, tensors, wholeOutputs) { WhyOnlyReal = wholeOutputs ? null : first?.Message };
        }
        catch
        {
            if (copy is not null) File.Delete(copy);
            throw;
        }
    }

    // Opset 6 is refused; the cases that name it mean the same in opset 7.
    static bool RaiseOldOpset(ModelProto proto)
    {
        var old = proto.OpsetImport.Where(import => import.Domain.Length == 0 && import.Version < OnnxReader.LowestOpset).ToList();
        foreach (var import in old) import.Version = OnnxReader.LowestOpset;
        return old.Count > 0;
    }

    static bool MakeSettingsConstant(ModelProto proto, CaseTensors tensors)
    {
        var before = proto.Graph.Initializer.Count;
        for (var k = 0; k < proto.Graph.Input.Count; k++)
        {
            var input = proto.Graph.Input[k];
            var type = (DataType)(input.Type?.TensorType?.ElemType ?? 0);
            var uses = proto.Graph.Node.SelectMany(node => node.Input.Select((name, slot) => (Name: name, Use: WeightUses.Of(node.OpType, slot)))).Where(use => use.Name == input.Name);
            if (TensorReader.FormatOf(type) is not null && uses.Any(use => use.Use != WeightUse.Setting)) continue;
            if (type == DataType.Undefined || tensors.Input(k) is not { } tensor) continue;
            tensor.Name = input.Name;
            proto.Graph.Initializer.Add(tensor);
        }

        return proto.Graph.Initializer.Count > before;
    }

    static string WriteCopy(ModelProto proto)
    {
        var path = Path.Combine(Path.GetTempPath(), $"tiebreak-{Guid.NewGuid():N}.onnx");
        File.WriteAllBytes(path, proto.ToByteArray());
        return path;
    }
}
