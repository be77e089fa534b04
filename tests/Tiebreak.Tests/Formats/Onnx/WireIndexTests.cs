using global::Onnx;
using Google.Protobuf;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

public sealed class WireIndexTests
{
    [Fact]
    public void Index_equals_what_Protobuf_reads_byte_for_byte()
    {
        var folders = new[] { "cases", "models/light", "models/real" }.Select(SharedFolder.Require);
        foreach (var path in folders.SelectMany(folder => Directory.GetFiles(folder, "*.onnx"))) AssertSame(path);
    }

    [Fact]
    public void Nested_graphs_and_tensor_lists_are_indexed()
    {
        var inner = new GraphProto();
        inner.Initializer.Add(OnnxModelBuilder.Floats("deep", [2], 1, 2));
        var list = new AttributeProto { Name = "list", Type = AttributeProto.Types.AttributeType.Tensors };
        list.Tensors.Add(OnnxModelBuilder.Floats("a", [1], 3));
        list.Tensors.Add(OnnxModelBuilder.Floats("b", [0]));
        var builder = new OnnxModelBuilder().Input("x", 2).Node("If", ["x"], ["y"], new AttributeProto { Name = "then_branch", Type = AttributeProto.Types.AttributeType.Graph, G = inner }, list).Output("y");
        using var file = new TemporaryFile("model.onnx", builder.Proto().ToByteArray());
        AssertSame(file.Path);
    }

    static void AssertSame(string path)
    {
        var expected = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        using var file = new MappedFile(path);
        var index = WireIndex.Of(file);
        var actual = ModelProto.Parser.ParseFrom(index.Graph);
        Restore(actual.Graph, index);
        Assert.Equal(expected, actual);
    }

    static void Restore(GraphProto graph, WireIndex index)
    {
        foreach (var tensor in graph.Initializer) Restore(tensor, index);
        foreach (var attribute in graph.Node.SelectMany(node => node.Attribute))
        {
            if (attribute.T is not null) Restore(attribute.T, index);
            foreach (var tensor in attribute.Tensors) Restore(tensor, index);
            if (attribute.G is not null) Restore(attribute.G, index);
            foreach (var nested in attribute.Graphs) Restore(nested, index);
        }
    }

    static void Restore(TensorProto tensor, WireIndex index)
    {
        if (!tensor.HasRawData) return;
        var range = index.Payloads[WireIndex.NumberIn(tensor.RawData.Span)];
        tensor.RawData = ByteString.CopyFrom(range.File.Slice(range.Offset, (int)range.Length));
    }
}
