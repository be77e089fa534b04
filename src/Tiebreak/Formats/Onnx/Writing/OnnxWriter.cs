using Google.Protobuf;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Writing;

/// <summary>Writes a program as an ONNX model of opset 17, so that any runtime can compute it: forward programs and gradients alike.</summary>
public static class OnnxWriter
{
    /// <summary>Writes what the outputs need.</summary>
    /// <exception cref="TiebreakException">The weights that are written into the model are larger than a model file can be.</exception>
    public static WrittenProgram Write(TensorProgram program, OnnxWriterOptions options) => new ProgramWriting(program, options).Write();
}

/// <summary>How a program is written.</summary>
public sealed record OnnxWriterOptions
{
    /// <summary>What the model computes with.</summary>
    public OnnxElementType ElementType { get; init; } = OnnxElementType.Float32;

    /// <summary>The values of a parameter that stands in the model as an initializer; null for one that is an input, as all are unless this says otherwise.</summary>
    public Func<string, ExactTensor?> Weights { get; init; } = static _ => null;
}

/// <summary>The floating-point format of all values of a written model.</summary>
public enum OnnxElementType
{
    /// <summary>As models are trained.</summary>
    Float32,

    /// <summary>For comparisons. Functions that ONNX Runtime has in float32 only are computed in that.</summary>
    Float64,
}

/// <summary>A written model, and under which names it takes and gives values.</summary>
public sealed class WrittenProgram
{
    readonly global::Onnx.ModelProto _model;

    internal WrittenProgram(global::Onnx.ModelProto model, IReadOnlyList<(string Name, Node Leaf)> inputs, IReadOnlyList<string> outputs)
    {
        _model = model;
        Inputs = inputs;
        Outputs = outputs;
    }

    /// <summary>The model's inputs and the leaves they stand for; a leaf that no output needs is none.</summary>
    public IReadOnlyList<(string Name, Node Leaf)> Inputs { get; }

    /// <summary>The name of each of the program's outputs, in its order: its own, unless an input or an earlier output has that.</summary>
    public IReadOnlyList<string> Outputs { get; }

    internal global::Onnx.ModelProto Model => _model;

    /// <summary>The model as a file holds it.</summary>
    public byte[] ToBytes() => _model.ToByteArray();
}
