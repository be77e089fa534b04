using global::Onnx;
using Google.Protobuf;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;

namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>Writes small ONNX models for tests.</summary>
sealed class OnnxModelBuilder
{
    readonly GraphProto _graph = new() { Name = "g" };
    long _opset = 17;

    public OnnxModelBuilder Opset(long opset)
    {
        _opset = opset;
        return this;
    }

    public OnnxModelBuilder Input(string name, params long[] sizes) => Input(name, TensorProto.Types.DataType.Float, sizes);

    /// <summary>A size of 0 is free; sizes below 0 are free under the name <c>d1</c>, <c>d2</c> ….</summary>
    public OnnxModelBuilder Input(string name, TensorProto.Types.DataType type, params long[] sizes)
    {
        _graph.Input.Add(Describe(name, type, sizes));
        return this;
    }

    public OnnxModelBuilder Output(string name, TensorProto.Types.DataType type = TensorProto.Types.DataType.Float)
    {
        _graph.Output.Add(new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type } } });
        return this;
    }

    public OnnxModelBuilder Weight(string name, long[] sizes, params float[] values)
    {
        _graph.Initializer.Add(Floats(name, sizes, values));
        return this;
    }

    public OnnxModelBuilder Integers(string name, params long[] values)
    {
        _graph.Initializer.Add(Whole(name, values));
        return this;
    }

    public OnnxModelBuilder Tensor(TensorProto tensor)
    {
        _graph.Initializer.Add(tensor);
        return this;
    }

    public OnnxModelBuilder Constant(string name, long[] sizes, params float[] values) =>
        Node("Constant", [], [name], new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = Floats("", sizes, values) });

    public OnnxModelBuilder Node(string type, string[] inputs, string[] outputs, params AttributeProto[] attributes) => Node("", type, inputs, outputs, attributes);

    public OnnxModelBuilder Node(string domain, string type, string[] inputs, string[] outputs, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = type, Name = $"{type}_{_graph.Node.Count}", Domain = domain };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs);
        node.Attribute.AddRange(attributes);
        _graph.Node.Add(node);
        return this;
    }

    public ModelProto Proto()
    {
        var model = new ModelProto { IrVersion = 8, Graph = _graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = _opset });
        return model;
    }

    public Model Lower(LoweringOptions? options = null)
    {
        using var file = new TemporaryFile("model.onnx", Proto().ToByteArray());
        // Tests look at values after the file is closed only where they are in memory.
        using var reader = OnnxReader.Open(file.Path);
        return reader.Lower(options ?? new LoweringOptions());
    }

    public static AttributeProto Int(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    public static AttributeProto Float(string name, float value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };

    public static TensorProto Floats(string name, long[] sizes, params float[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)TensorProto.Types.DataType.Float, RawData = ByteString.CopyFrom([.. values.SelectMany(BitConverter.GetBytes)]) };
        tensor.Dims.AddRange(sizes);
        return tensor;
    }

    public static TensorProto Whole(string name, params long[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)TensorProto.Types.DataType.Int64 };
        tensor.Dims.Add(values.Length);
        tensor.Int64Data.AddRange(values);
        return tensor;
    }

    static ValueInfoProto Describe(string name, TensorProto.Types.DataType type, long[] sizes)
    {
        var shape = new TensorShapeProto();
        foreach (var size in sizes)
            shape.Dim.Add(size > 0 ? new TensorShapeProto.Types.Dimension { DimValue = size } : size < 0 ? new TensorShapeProto.Types.Dimension { DimParam = $"d{-size}" } : new TensorShapeProto.Types.Dimension());
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape } } };
    }
}

/// <summary>A file in a folder of its own, both removed at the end.</summary>
sealed class TemporaryFile : IDisposable
{
    public TemporaryFile(string name, byte[] content)
    {
        Folder = Directory.CreateTempSubdirectory("tiebreak-").FullName;
        Path = System.IO.Path.Combine(Folder, name);
        File.WriteAllBytes(Path, content);
    }

    public string Folder { get; }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
