using global::Onnx;
using Google.Protobuf;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>Each way a file can be bad gives one line that names the file and what to do.</summary>
public sealed class BadFileTests
{
    static OnnxModelBuilder Dense() => new OnnxModelBuilder().Input("x", 2, 3).Weight("w", [3, 2], 1, 2, 3, 4, 5, 6).Node("MatMul", ["x", "w"], ["y"]).Output("y");

    static string ErrorOf(byte[] content, LoweringOptions? options = null)
    {
        using var file = new TemporaryFile("model.onnx", content);
        return ErrorAt(file.Path, options);
    }

    static string ErrorAt(string path, LoweringOptions? options = null)
    {
        var error = Assert.Throws<TiebreakException>(() =>
        {
            using var reader = OnnxReader.Open(path);
            reader.Lower(options ?? new LoweringOptions());
        });
        Assert.DoesNotContain('\n', error.Message);
        Assert.Contains("model.onnx", error.Message);
        return error.Message;
    }

    [Fact]
    public void Missing_file() => Assert.Contains("no such file", ErrorAt("/nowhere/model.onnx"));

    [Fact]
    public void Empty_file() => Assert.Contains("empty", ErrorOf([]));

    [Fact]
    public void Truncated_anywhere_is_never_a_crash()
    {
        var whole = Dense().Proto().ToByteArray();
        for (var length = 1; length < whole.Length; length++) ErrorOf(whole[..length]);
        Assert.Contains("truncated", ErrorOf(whole[..(whole.Length / 2)]));
    }

    [Fact]
    public void Any_flipped_byte_gives_an_answer_or_an_error_for_people()
    {
        foreach (var flip in new byte[] { 0x01, 0x80, 0xFF }) Damage(Dense().Proto().ToByteArray(), flip, step: 1);
    }

    [Theory]
    [InlineData("attention")]
    [InlineData("bias-before-batchnorm")]
    [InlineData("constant-cnn")]
    [InlineData("upcycled-experts-zero-router")]
    public void Damaged_networks_give_an_answer_or_an_error_for_people(string name)
    {
        var whole = File.ReadAllBytes(SharedFolder.Require($"cases/{name}.onnx"));
        foreach (var flip in new byte[] { 0x02, 0x7F }) Damage(whole, flip, step: 7);
    }

    static void Damage(byte[] whole, byte flip, int step)
    {
        for (var k = 0; k < whole.Length; k += step)
        {
            var damaged = (byte[])whole.Clone();
            damaged[k] ^= flip;
            using var file = new TemporaryFile("model.onnx", damaged);
            try
            {
                using var reader = OnnxReader.Open(file.Path);
                reader.Lower(new LoweringOptions { Batch = k % 2 == 0 ? 3 : null });
            }
            catch (TiebreakException)
            {
                // Said in one line.
            }
        }
    }

    [Theory]
    [InlineData("PK\u0003\u0004rest of a zip", "zip archive")]
    [InlineData("version https://git-lfs.github.com/spec/v1", "git lfs pull")]
    [InlineData("{ \"a\": 1 }", "text")]
    [InlineData("hello, this is a text and no model at all", "")]
    public void Other_formats_are_named(string content, string named) => Assert.Contains(named, ErrorOf(System.Text.Encoding.Latin1.GetBytes(content)));

    [Fact]
    public void Model_without_graph() => Assert.Contains("no graph", ErrorOf(new ModelProto { IrVersion = 8 }.ToByteArray()));

    [Theory]
    [InlineData(6)]
    [InlineData(24)]
    public void Opset_out_of_range(long opset) => Assert.Contains($"opset {opset} is out of range 7 to 23", ErrorOf(Dense().Opset(opset).Proto().ToByteArray()));

    [Fact]
    public void Unknown_operator_is_named_with_its_node()
    {
        var message = ErrorOf(new OnnxModelBuilder().Input("x", 2).Node("com.acme", "Frobnicate", ["x"], ["y"]).Output("y").Proto().ToByteArray());
        Assert.Contains("com.acme.Frobnicate", message);
        Assert.Contains("Frobnicate_0", message);
    }

    [Fact]
    public void Operator_newer_than_the_opset() =>
        Assert.Contains("from opset 20 on", ErrorOf(new OnnxModelBuilder().Opset(13).Input("x", 2, 3).Node("Gelu", ["x"], ["y"]).Output("y").Proto().ToByteArray()));

    [Fact]
    public void Shapes_that_do_not_fit_name_the_node() =>
        Assert.Contains("MatMul_0", ErrorOf(new OnnxModelBuilder().Input("x", 2, 4).Weight("w", [3, 2], 1, 2, 3, 4, 5, 6).Node("MatMul", ["x", "w"], ["y"]).Output("y").Proto().ToByteArray()));

    [Fact]
    public void Input_without_shape()
    {
        var proto = Dense().Proto();
        proto.Graph.Input[0].Type.TensorType.Shape = null;
        Assert.Contains("has no shape", ErrorOf(proto.ToByteArray()));
    }

    [Fact]
    public void Free_size_that_is_not_given()
    {
        var bytes = new OnnxModelBuilder().Input("x", -1, 3).Node("Relu", ["x"], ["y"]).Output("y").Proto().ToByteArray();
        Assert.Contains("--dim d1=SIZE", ErrorOf(bytes));
        Assert.Contains("`d1`", ErrorOf(bytes, new LoweringOptions { Dims = new Dictionary<string, int> { ["d1"] = 3, ["batsch"] = 2 } }));
    }

    [Fact]
    public void Too_few_bytes_for_a_shape()
    {
        var proto = Dense().Proto();
        proto.Graph.Initializer[0].Dims[0] = 1000;
        Assert.Contains("tensor `w`", ErrorOf(proto.ToByteArray()));
    }

    [Fact]
    public void Shape_that_overflows()
    {
        var proto = Dense().Proto();
        proto.Graph.Initializer[0].Dims.Clear();
        proto.Graph.Initializer[0].Dims.AddRange([int.MaxValue, int.MaxValue, int.MaxValue]);
        Assert.Contains("tensor `w`", ErrorOf(proto.ToByteArray()));
    }

    [Fact]
    public void Operand_that_nobody_makes() =>
        Assert.Contains("`z`", ErrorOf(new OnnxModelBuilder().Input("x", 2).Node("Add", ["x", "z"], ["y"]).Output("y").Proto().ToByteArray()));

    [Fact]
    public void Nesting_beyond_all_measure()
    {
        var attribute = new AttributeProto { Name = "then_branch", Type = AttributeProto.Types.AttributeType.Graph, G = new GraphProto() };
        for (var depth = 0; depth < 60; depth++)
        {
            var node = new NodeProto { OpType = "If" };
            node.Attribute.Add(attribute);
            var graph = new GraphProto();
            graph.Node.Add(node);
            attribute = new AttributeProto { Name = "then_branch", Type = AttributeProto.Types.AttributeType.Graph, G = graph };
        }

        var proto = Dense().Proto();
        proto.Graph.Node[0].Attribute.Add(attribute);
        Assert.Contains("nested deeper", ErrorOf(proto.ToByteArray()));
    }

    [Theory]
    [InlineData("--trainable")]
    [InlineData("--freeze")]
    [InlineData("--outputs")]
    [InlineData("--also-output")]
    public void Names_that_fit_nothing_are_answered_with_the_nearest(string option)
    {
        var options = option switch
        {
            "--trainable" => new LoweringOptions { Trainable = ["ww"] },
            "--freeze" => new LoweringOptions { Freeze = ["ww"] },
            "--outputs" => new LoweringOptions { Outputs = ["yy"] },
            _ => new LoweringOptions { AlsoOutputs = ["yy"] },
        };
        var error = Assert.Throws<TiebreakException>(() => Dense().Lower(options));
        Assert.Contains(option, error.Message);
        Assert.Contains("did you mean", error.Message);
    }

    [Theory]
    [InlineData("../secret.bin", "outside the model's folder")]
    [InlineData("/etc/passwd", "outside the model's folder")]
    [InlineData("sub/../../x", "outside the model's folder")]
    [InlineData("..\\x", "outside the model's folder")]
    [InlineData("weights.bin", "missing")]
    public void External_data_stays_in_the_folder(string location, string said) => Assert.Contains(said, ErrorOf(External(location, 0).Proto().ToByteArray()));

    [Fact]
    public void External_data_is_read_at_its_offset_and_never_beyond_the_file()
    {
        using var file = new TemporaryFile("model.onnx", External("weights.bin", 8).Proto().ToByteArray());
        File.WriteAllBytes(Path.Combine(file.Folder, "weights.bin"), [.. new byte[8], .. BitConverter.GetBytes(2.5f), .. BitConverter.GetBytes(-1f)]);
        using (var reader = OnnxReader.Open(file.Path))
        {
            var start = new double[2];
            reader.Lower(new LoweringOptions()).Parameters.Single().Start.ReadDoubles(0, start);
            Assert.Equal([2.5, -1], start);
        }

        File.WriteAllBytes(Path.Combine(file.Folder, "weights.bin"), new byte[15]);
        Assert.Contains("which has 15", ErrorAt(file.Path));
    }

    static OnnxModelBuilder External(string location, long offset)
    {
        var tensor = new TensorProto { Name = "w", DataType = 1, DataLocation = TensorProto.Types.DataLocation.External };
        tensor.Dims.Add(2);
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = location });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = $"{offset}" });
        return new OnnxModelBuilder().Input("x", 3, 2).Tensor(tensor).Node("Mul", ["x", "w"], ["y"]).Output("y");
    }
}
