using global::Onnx;
using Google.Protobuf;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Tests.House;
using Xunit;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Tests.Formats.Onnx.Rewriting;

public sealed class OnnxRewritingTests
{
    static readonly (DataType Type, FloatFormat Format)[] Formats =
        [(DataType.Float, FloatFormat.Float32), (DataType.Double, FloatFormat.Float64), (DataType.Float16, FloatFormat.Float16), (DataType.Bfloat16, FloatFormat.BFloat16)];

    [Fact]
    public void Raw_numbers_of_every_type_are_patched_in_place_and_nothing_else() =>
        ForEachFormat((format, type, dice) =>
        {
            var (old, now) = (Draw(dice, format, 6), Draw(dice, format, 6));
            var model = Model().Tensor(Raw("w", type, format, [2, 3], old)).Tensor(Raw("other", type, format, [3], Draw(dice, format, 3))).Node("Add", ["w", "other"], ["s"]).Node("MatMul", ["x", "s"], ["y"]);
            var (before, after) = Rewrite(model.Proto().ToByteArray(), Rewritten.Changes(("w", now)));
            Assert.Equal(before.Length, after.Length);
            var at = before.AsSpan().IndexOf(Bytes(format, old));
            var expected = before.ToArray();
            Bytes(format, now).CopyTo(expected, at);
            Assert.Equal(expected, after);
        });

    [Fact]
    public void Typed_fields_of_every_type_are_patched_packed_and_not() =>
        ForEachFormat((format, type, dice) =>
        {
            foreach (var packed in new[] { true, false })
            {
                var (old, now) = (Draw(dice, format, 6), Draw(dice, format, 6));
                now[2] = old[2];
                var rest = Model().Weight("other", [3], 1, 2, 3).Node("Cast", ["w"], ["v"], OnnxModelBuilder.Int("to", 1)).Node("Add", ["v", "other"], ["s"]).Node("MatMul", ["x", "s"], ["y"]).Proto().ToByteArray();
                var (before, after) = Rewrite(Typed(rest, type, format, old, packed), Rewritten.Changes(("w", now)));
                // The same file with the other numbers in it, written by hand.
                Assert.Equal(Typed(rest, type, format, now, packed), after);
                if (type is DataType.Float or DataType.Double) Assert.Equal(before.Length, after.Length);
            }
        });

    [Fact]
    public void Weights_of_constant_nodes_are_patched_where_they_stand() =>
        ForEachFormat((format, type, dice) =>
        {
            var (old, now) = (Draw(dice, format, 6), Draw(dice, format, 6));
            ModelProto Proto(double[] values) => Model()
                .Node("Constant", [], ["w"], new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = Raw("", type, format, [2, 3], values), DocString = "kept" })
                .Node("Cast", ["w"], ["v"], OnnxModelBuilder.Int("to", 1)).Node("MatMul", ["x", "v"], ["y"]).Proto();
            Assert.Equal(Proto(now).ToByteArray(), Rewrite(Proto(old).ToByteArray(), Rewritten.Changes(("w", now))).After);
        });

    [Fact]
    public void Lists_in_attributes_are_patched()
    {
        ModelProto Proto(params float[] values)
        {
            var list = new AttributeProto { Name = "value_floats", Type = AttributeProto.Types.AttributeType.Floats };
            list.Floats.AddRange(values);
            return Model().Node("Constant", [], ["b"], list).Node("Add", ["x", "b"], ["y"]).Proto();
        }

        Assert.Equal(Proto(3, 4).ToByteArray(), Rewrite(Proto(1, 2).ToByteArray(), Rewritten.Changes(("b", [3, 4]))).After);
    }

    [Fact]
    public void A_filled_weight_becomes_a_constant()
    {
        var model = Model().Integers("size", 2, 3).Node("ConstantOfShape", ["size"], ["w"], new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = OnnxModelBuilder.Floats("", [1], 0.5f) })
            .Node("MatMul", ["x", "w"], ["y"]);
        var (before, after) = Rewrite(model.Proto().ToByteArray(), Rewritten.Changes(("w", [1, 2, 3, 4, 5, 6])));
        var (one, other) = (ModelProto.Parser.ParseFrom(before), ModelProto.Parser.ParseFrom(after));
        Assert.Equal("Constant", other.Graph.Node[0].OpType);
        Assert.Equal(one.Graph.Node[0].Name, other.Graph.Node[0].Name);
        one.Graph.Node[0] = other.Graph.Node[0];
        Assert.Equal(one, other);
    }

    [Fact]
    public void Weights_in_branches_are_found()
    {
        static GraphProto Branch(string name, params float[] values)
        {
            var branch = new GraphProto { Name = name };
            branch.Initializer.Add(OnnxModelBuilder.Floats(name, [2, 3], values));
            branch.Node.Add(new NodeProto { OpType = "MatMul", Input = { "x", name }, Output = { "t" } });
            branch.Output.Add(new ValueInfoProto { Name = "t" });
            return branch;
        }

        static byte[] With(params float[] values) => Model().Input("c", DataType.Bool)
            .Node("If", ["c"], ["y"], Graph("then_branch", Branch("deep", 1, 2, 3, 4, 5, 6)), Graph("else_branch", Branch("wide", values))).Proto().ToByteArray();

        Assert.Equal(With(9, 8, 7, 6, 5, 4), Rewrite(With(6, 5, 4, 3, 2, 1), Rewritten.Changes(("wide", [9, 8, 7, 6, 5, 4]))).After);
    }

    [Fact]
    public void Other_sizes_change_the_lengths_around_and_nothing_else()
    {
        var small = Model().Weight("w", [2, 3], 1, 2, 3, 4, 5, 6).Node("MatMul", ["x", "w"], ["y"]).Proto();
        var many = Enumerable.Range(0, 2 * 500).Select(k => (double)k).ToArray();
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("m.onnx"), small.ToByteArray());
        var changes = new ModelChanges { Tensors = new Dictionary<string, ChangedTensor> { ["w"] = new(new DoubleTensor(many)) { Shape = new Shape(2, 500) } } };
        Rewritten.Write(folder.File("m.onnx"), folder.File("n.onnx"), changes);
        var written = ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("n.onnx")));
        var expected = small.Clone();
        expected.Graph.Initializer[0] = OnnxModelBuilder.Floats("w", [2, 500], [.. many.Select(value => (float)value)]);
        Assert.Equal(expected, written);
        Assert.Equal(expected.CalculateSize(), new FileInfo(folder.File("n.onnx")).Length);
    }

    [Fact]
    public void Biases_are_left_out_where_an_operator_does_without_and_else_are_zero()
    {
        var model = Model().Weight("w", [2, 3], 1, 2, 3, 4, 5, 6).Weight("b", [3], 7, 8, 9).Weight("d", [3], 4, 5, 6).Weight("e", [1, 3], 1, 2, 3).Node("Gemm", ["x", "w", "b"], ["g"]).Node("Add", ["d", "g"], ["h"]).Node("Add", ["h", "e"], ["y"]);
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("m.onnx"), model.Proto().ToByteArray());
        Rewritten.Write(folder.File("m.onnx"), folder.File("n.onnx"), new ModelChanges { Dropped = new HashSet<string> { "b", "d", "e" } });
        var written = ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("n.onnx"))).Graph;
        Assert.Equal(["x", "w"], written.Node[0].Input);
        Assert.Equal(("Identity", "g"), (written.Node[1].OpType, Assert.Single(written.Node[1].Input)));
        Assert.Equal(["w", "e"], written.Initializer.Select(tensor => tensor.Name));
        Assert.All(written.Initializer[1].RawData, bits => Assert.Equal(0, bits));
    }

    [Fact]
    public void Functions_called_twice_are_refused_by_name()
    {
        var function = new FunctionProto { Name = "layer", Domain = "own", Input = { "a" }, Output = { "b" }, OpsetImport = { new OperatorSetIdProto { Version = 17 } } };
        function.Node.Add(new NodeProto { OpType = "Constant", Name = "k", Output = { "w" }, Attribute = { new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = OnnxModelBuilder.Floats("", [2, 2], 1, 2, 3, 4) } } });
        function.Node.Add(new NodeProto { OpType = "MatMul", Name = "m", Input = { "a", "w" }, Output = { "b" } });
        var proto = new OnnxModelBuilder().Input("x", 1, 2).Output("y").Node("own", "layer", ["x"], ["h"]).Node("own", "layer", ["h"], ["y"]).Proto();
        proto.Functions.Add(function);
        proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "own", Version = 1 });
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("m.onnx"), proto.ToByteArray());
        string[] names;
        using (var file = ModelFile.Open(folder.File("m.onnx"))) names = [.. file.Lower(new LoweringOptions()).Parameters.Select(parameter => parameter.Name)];
        Assert.Equal(2, names.Length);
        var error = Assert.Throws<TiebreakException>(() => Rewritten.Write(folder.File("m.onnx"), folder.File("n.onnx"), Rewritten.Changes((names[0], [1, 1, 1, 1]), (names[1], [2, 2, 2, 2]))));
        Assert.Contains("called twice", error.Message);
        Assert.False(File.Exists(folder.File("n.onnx")));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    static OnnxModelBuilder Model() => new OnnxModelBuilder().Input("x", 1, 2).Output("y");

    static AttributeProto Graph(string name, GraphProto graph) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = graph };

    static (byte[] Before, byte[] After) Rewrite(byte[] model, ModelChanges changes)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("m.onnx"), model);
        Rewritten.Write(folder.File("m.onnx"), folder.File("n.onnx"), changes);
        Assert.Equal(model, File.ReadAllBytes(folder.File("m.onnx")));
        Assert.Equal(2, Directory.GetFileSystemEntries(folder.Path).Length);
        return (model, File.ReadAllBytes(folder.File("n.onnx")));
    }

    static void ForEachFormat(Action<FloatFormat, DataType, Random> test)
    {
        foreach (var (type, format) in Formats)
            for (var seed = 0; seed < 5; seed++) test(format, type, new Random(seed));
    }

    static double[] Draw(Random dice, FloatFormat format, int count) => [.. Enumerable.Range(0, count).Select(_ => format.Round((dice.NextDouble() - 0.5) * Math.Pow(2, dice.Next(-10, 10))))];

    static byte[] Bytes(FloatFormat format, double[] values)
    {
        var bytes = new byte[values.Length * format.Size()];
        for (var k = 0; k < values.Length; k++) format.Write(bytes.AsSpan(k * format.Size()), values[k]);
        return bytes;
    }

    static TensorProto Raw(string name, DataType type, FloatFormat format, long[] sizes, double[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(Bytes(format, values)) };
        tensor.Dims.AddRange(sizes);
        return tensor;
    }

    // Appends a tensor to a model, byte by byte, since Protobuf writes every list packed.
    static byte[] Typed(byte[] model, DataType type, FloatFormat format, double[] values, bool packed)
    {
        var tensor = new TensorProto { Name = "w", DataType = (int)type, Dims = { 2, 3 } }.ToByteArray().ToList();
        var (field, wire) = type switch { DataType.Float => (4, 5), DataType.Double => (10, 1), _ => (5, 0) };
        var elements = values.Select(value => wire == 0 ? Varint(format.Bits16(value)) : Bytes(format, [value])).ToArray();
        if (packed) tensor.AddRange(Field(field, [.. elements.SelectMany(element => element)]));
        else foreach (var element in elements) tensor.AddRange([(byte)(field << 3 | wire), .. element]);
        return [.. model, .. Field(7, Field(5, [.. tensor]))];
    }

    static byte[] Field(int number, byte[] content) => [(byte)(number << 3 | 2), .. Varint(content.Length), .. content];

    static byte[] Varint(int value)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true)) output.WriteUInt64((ulong)value);
        return stream.ToArray();
    }
}
