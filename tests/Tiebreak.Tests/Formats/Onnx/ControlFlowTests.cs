using global::Onnx;
using Google.Protobuf;
using Tiebreak.Conformance;
using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using Tiebreak.Programs;
using Xunit;
using AttributeType = Onnx.AttributeProto.Types.AttributeType;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Tests.Formats.Onnx;

public sealed class ControlFlowTests
{
    static readonly float[] Weights = [0.5f, -1, 2, 0.25f];

    static AttributeProto Graph(string name, GraphProto graph) => new() { Name = name, Type = AttributeType.Graph, G = graph };

    static GraphProto Inner(string[] inputs, string[] outputs, params NodeProto[] nodes)
    {
        var graph = new GraphProto { Name = "inner" };
        graph.Input.AddRange(inputs.Select(name => new ValueInfoProto { Name = name }));
        graph.Output.AddRange(outputs.Select(name => new ValueInfoProto { Name = name }));
        graph.Node.AddRange(nodes);
        return graph;
    }

    static NodeProto Node(string type, string[] inputs, string[] outputs, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = type, Name = $"inner {type}" };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs);
        node.Attribute.AddRange(attributes);
        return node;
    }

    static NodeProto Weight(string name, params float[] values) =>
        Node("Constant", [], [name], new AttributeProto { Name = "value", Type = AttributeType.Tensor, T = OnnxModelBuilder.Floats("", [2, 2], values) });

    static CheckResult Check(ModelProto proto)
    {
        using var file = new TemporaryFile("model.onnx", proto.ToByteArray());
        return Tiebreak.Check.Model(file.Path);
    }

    // Both branches call their inner values alike, as exporters do.
    static OnnxModelBuilder Branching(OnnxModelBuilder builder, string condition, float[] thenWeights, float[] elseWeights) =>
        builder.Input("x", 3, 2).Node("If", [condition], ["y"],
            Graph("then_branch", Inner([], ["r"], Weight("w", thenWeights), Node("MatMul", ["x", "w"], ["r"]))),
            Graph("else_branch", Inner([], ["r"], Weight("w", elseWeights), Node("MatMul", ["x", "w"], ["m"]), Node("Tanh", ["m"], ["r"])))).Output("y");

    [Fact]
    public void Known_condition_picks_its_branch()
    {
        var builder = new OnnxModelBuilder().Tensor(new TensorProto { Name = "c", DataType = (int)DataType.Bool, Int32Data = { 0 } });
        var result = Check(Branching(builder, "c", Weights, Weights).Proto());
        Assert.Equal((8L, 4, 4L), (result.Counts!.Parameters, result.Counts.DegreesOfFreedom, result.Counts.Stuck));
        Assert.DoesNotContain(result.Analysis.Model.Program.Nodes, node => node.Origin?.Contains("then_branch", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public void Where_data_decide_both_branches_are_seen()
    {
        var result = Check(Branching(new OnnxModelBuilder().Input("c", DataType.Bool), "c", Weights, Weights).Proto());
        Assert.Equal((8L, 8, 0L), (result.Counts!.Parameters, result.Counts.DegreesOfFreedom, result.Counts.Stuck));
        Assert.Equal(["y"], result.Analysis.Model.OutputNames);
        Assert.Equal(2, result.Analysis.Model.Ways.Count);
    }

    [Fact]
    public void One_condition_has_one_answer()
    {
        // The second branch undoes the first: relu where the condition holds, and nothing else, so two ways and not four.
        var builder = new OnnxModelBuilder().Input("c", DataType.Bool).Input("x", 3, 2).Weight("w", [2, 2], Weights).Node("MatMul", ["x", "w"], ["h"])
            .Node("If", ["c"], ["a"], Graph("then_branch", Inner([], ["t"], Node("Relu", ["h"], ["t"]))), Graph("else_branch", Inner([], ["h"])))
            .Node("If", ["c"], ["y"], Graph("then_branch", Inner([], ["a"])), Graph("else_branch", Inner([], ["e"], Node("Tanh", ["a"], ["e"])))).Output("y");
        Assert.Equal(2, Check(builder.Proto()).Analysis.Model.Ways.Count);
    }

    [Fact]
    public void Too_many_ways_are_refused()
    {
        var builder = new OnnxModelBuilder().Input("x", 3, 2).Weight("w", [2, 2], Weights).Node("MatMul", ["x", "w"], ["h0"]);
        for (var k = 0; k < 5; k++)
            builder.Input($"c{k}", DataType.Bool).Node("If", [$"c{k}"], [$"h{k + 1}"], Graph("then_branch", Inner([], [$"t{k}"], Node("Relu", [$"h{k}"], [$"t{k}"]))), Graph("else_branch", Inner([], [$"h{k}"])));
        Assert.Contains("16 ways", Assert.Throws<TiebreakException>(() => Check(builder.Output("h5").Proto())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Loops_are_unrolled()
    {
        // h := h·w + i, three times; every h is collected.
        var body = Inner(["i", "go", "h"], ["go", "next", "next"], Node("Cast", ["i"], ["f"], OnnxModelBuilder.Int("to", 1)), Node("MatMul", ["h", "w"], ["m"]), Node("Add", ["m", "f"], ["next"]));
        var model = new OnnxModelBuilder().Input("x", 1, 2).Weight("w", [2, 2], Weights).Integers("n", 3).Node("Loop", ["n", "", "x"], ["last", "all"], Graph("body", body)).Output("last").Output("all").Lower();
        var values = FloatEvaluator.Evaluate(model.Program, node => node.Primitive is Primitive.Parameter ? [0.5, -1, 2, 0.25] : [1, 2]);
        var h = (A: 1.0, B: 2.0);
        var expected = new List<double>();
        for (var i = 0; i < 3; i++)
        {
            h = (h.A * 0.5 + h.B * 2 + i, -h.A + h.B * 0.25 + i);
            expected.AddRange([h.A, h.B]);
        }

        Assert.Equal(expected[4..], values[0].Values);
        Assert.Equal(new Shape(3, 1, 2), values[1].Shape);
        Assert.Equal(expected, values[1].Values);
    }

    [Fact]
    public void Loops_end_when_their_condition_does()
    {
        // go on while i < 1: two trips, whatever the limit.
        var body = Inner(["i", "go", "h"], ["more", "next"], Node("Less", ["i", "one"], ["more"]), Node("MatMul", ["h", "w"], ["next"]));
        var model = new OnnxModelBuilder().Input("x", 1, 2).Weight("w", [2, 2], Weights).Integers("one", 1).Integers("n", 1000).Node("Loop", ["n", "", "x"], ["y"], Graph("body", body)).Output("y").Lower();
        Assert.Equal(2, model.Program.Nodes.Count(node => node.Primitive is Primitive.Contract));
    }

    [Fact]
    public void Loops_that_data_end_are_refused()
    {
        var body = Inner(["i", "go", "h"], ["more", "next"], Node("ReduceSum", ["h"], ["s"]), Node("Greater", ["s", "zero"], ["more"]), Node("MatMul", ["h", "w"], ["next"]));
        var builder = new OnnxModelBuilder().Input("x", 1, 2).Weight("w", [2, 2], Weights).Weight("zero", [], 0).Integers("n", 10).Node("Loop", ["n", "", "x"], ["y"], Graph("body", body)).Output("y");
        Assert.Contains("depends on data", Assert.Throws<TiebreakException>(() => builder.Lower()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, new[] { 1.0, 2, 4, 6, 9, 12 })]
    [InlineData(1, new[] { 9.0, 12, 8, 10, 5, 6 })]
    public void Scans_walk_along_an_axis(long direction, double[] sums)
    {
        var body = Inner(["s", "piece"], ["next", "next"], Node("Add", ["s", "piece"], ["next"]));
        var directions = new AttributeProto { Name = "scan_input_directions", Type = AttributeType.Ints, Ints = { direction } };
        var outputs = new AttributeProto { Name = "scan_output_directions", Type = AttributeType.Ints, Ints = { direction } };
        var model = new OnnxModelBuilder().Input("x", 3, 2).Input("start", 2).Node("Scan", ["start", "x"], ["last", "all"], Graph("body", body), OnnxModelBuilder.Int("num_scan_inputs", 1), directions, outputs)
            .Output("all").Lower();
        Assert.Equal(sums, FloatEvaluator.Evaluate(model.Program, node => node.Shape.Count == 2 ? [0, 0] : [1, 2, 3, 4, 5, 6])[0].Values);
    }

    [Fact]
    public void Functions_are_inlined_with_their_attributes()
    {
        var proto = new OnnxModelBuilder().Input("x", 3, 2).Weight("w", [2, 2], Weights).Node("local", "Layer", ["x", "w"], ["h"], OnnxModelBuilder.Float("slope", 0.5f)).Node("local", "Layer", ["h", "w"], ["y"]).Output("y").Proto();
        var relu = Node("LeakyRelu", ["m"], ["r"], new AttributeProto { Name = "alpha", RefAttrName = "slope", Type = AttributeType.Float });
        proto.Functions.Add(new FunctionProto
        {
            Domain = "local", Name = "Layer", Input = { "a", "b" }, Output = { "r" }, Attribute = { "slope" }, Node = { Node("MatMul", ["a", "b"], ["m"]), relu },
            OpsetImport = { new OperatorSetIdProto { Version = 16 } },
        });
        using var file = new TemporaryFile("model.onnx", proto.ToByteArray());
        using var reader = OnnxReader.Open(file.Path);
        var y = FloatEvaluator.Evaluate(reader.Lower(new LoweringOptions()).Program, node => node.Primitive is Primitive.Parameter ? [0.5, -1, 2, 0.25] : [1, 2, 3, 4, -5, -6])[0].Values;
        double[][] rows = [[1, 2], [3, 4], [-5, -6]];
        var expected = rows.SelectMany(row => Layer(Layer(row, 0.5), 0.01f)).ToArray(); // LeakyRelu's own default where the call gives none
        for (var k = 0; k < y.Length; k++) Assert.Equal(expected[k], y[k], 9);

        static double[] Layer(double[] x, double slope) => [.. new[] { x[0] * 0.5 + x[1] * 2, -x[0] + x[1] * 0.25 }.Select(v => v > 0 ? v : slope * v)];
    }

    [Fact]
    public void Functions_that_call_themselves_are_refused()
    {
        var proto = new OnnxModelBuilder().Input("x", 3, 2).Node("local", "Again", ["x"], ["y"]).Output("y").Proto();
        var call = Node("Again", ["a"], ["r"]);
        call.Domain = "local";
        proto.Functions.Add(new FunctionProto { Domain = "local", Name = "Again", Input = { "a" }, Output = { "r" }, Node = { call } });
        using var file = new TemporaryFile("model.onnx", proto.ToByteArray());
        Assert.Contains("Again", Assert.Throws<TiebreakException>(() => OnnxReader.Open(file.Path).Dispose()).Message, StringComparison.Ordinal);
    }
}
