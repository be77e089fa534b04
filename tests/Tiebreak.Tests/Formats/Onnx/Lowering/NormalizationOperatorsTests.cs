using Tiebreak.Formats;
using Xunit;
using static Tiebreak.Tests.Formats.Onnx.Lowering.OperatorRun;
using static Tiebreak.Tests.Formats.Onnx.OnnxModelBuilder;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>Normalisations, choices along inner axes, and reductions of whole numbers.</summary>
public sealed class NormalizationOperatorsTests
{
    [Fact]
    public void Batch_normalisation_moves_its_statistics()
    {
        var builder = new OnnxModelBuilder().Input("x", 2, 2).Weight("s", [2], 1, 1).Weight("b", [2], 0, 0).Weight("m", [2], 10, 20).Weight("v", [2], 4, 8)
            .Node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y", "nm", "nv"], Int("training_mode", 1), Float("momentum", 0.75f)).Output("nm").Output("nv");
        var all = All(builder, ("x", [1, 2, 3, 8]));
        Assert.Equal([0.75 * 10 + 0.25 * 2, 0.75 * 20 + 0.25 * 5], all[0].Values);
        Assert.Equal([0.75 * 4 + 0.25 * 1, 0.75 * 8 + 0.25 * 9], all[1].Values);
    }

    [Fact]
    public void The_largest_along_an_inner_axis_is_marked() => Assert.Equal([0, 1, 1, 0],
        First(new OnnxModelBuilder().Input("x", 1, 2, 2).Node("Hardmax", ["x"], ["y"], Int("axis", 1)).Output("y"), ("x", [1, 5, 2, 3])));

    [Fact]
    public void Before_opset_13_the_largest_of_all_inner_axes_is_marked() => Assert.Equal([0, 1, 0, 0],
        First(new OnnxModelBuilder().Opset(11).Input("x", 1, 2, 2).Node("Hardmax", ["x"], ["y"], Int("axis", 1)).Output("y"), ("x", [1, 5, 2, 3])));

    [Theory]
    [InlineData(18)]
    [InlineData(21)]
    public void Groups_have_scales_of_their_own_up_to_opset_20(int opset)
    {
        double[] x = [1, 3, 5, 9, 2, 2, 4, 0];
        float[] scale = opset == 18 ? [2, 3] : [2, 2, 3, 3];
        var builder = new OnnxModelBuilder().Opset(opset).Input("x", 1, 4, 2).Weight("s", [scale.Length], scale).Weight("b", [scale.Length], new float[scale.Length]).Node("GroupNormalization", ["x", "s", "b"], ["y"], Int("num_groups", 2)).Output("y");
        Near([.. x.Chunk(4).SelectMany((group, g) => group.Select(number => (2 + g) * (number - group.Average()) / Math.Sqrt(group.Average(other => Math.Pow(other - group.Average(), 2)) + 1e-5f)))], First(builder, ("x", x)));
    }

    [Fact]
    public void Root_mean_squares_normalise_all_axes_from_one_on()
    {
        double[] x = Mixed(12, 1), scale = Mixed(6, 2);
        var builder = new OnnxModelBuilder().Opset(23).Input("x", 2, 3, 2).Weight("s", [3, 2], Floats(scale)).Node("RMSNormalization", ["x", "s"], ["y"], Int("axis", 1)).Output("y");
        Near([.. x.Chunk(6).SelectMany(row => row.Select((number, k) => number / Math.Sqrt(row.Average(other => other * other) + 1e-5f) * scale[k]))], First(builder, ("x", x)));
        Assert.Equal(ParameterRole.Scale, Assert.Single(builder.Lower().Parameters).Role);
    }

    [Theory]
    [InlineData("ReduceSum", 6, 15)]
    [InlineData("ReduceProd", 6, 120)]
    [InlineData("ReduceMax", 3, 6)]
    [InlineData("ReduceMin", 1, 4)]
    public void Whole_numbers_are_reduced_along_some_axes(string type, double first, double second)
    {
        var numbers = Whole("n", 1, 2, 3, 4, 5, 6);
        numbers.Dims.Clear();
        numbers.Dims.AddRange([2, 3]);
        var builder = new OnnxModelBuilder().Opset(18).Tensor(numbers).Integers("axes", 1).Node(type, ["n", "axes"], ["r"], Int("keepdims", 0)).Node("Cast", ["r"], ["y"], Int("to", 1)).Output("y");
        Assert.Equal([first, second], First(builder));
    }

    [Theory]
    [InlineData(0, 0, 1, 3, 6)]
    [InlineData(1, 0, 0, 1, 3)]
    [InlineData(0, 1, 6, 5, 3)]
    [InlineData(1, 1, 5, 3, 0)]
    public void Numbers_are_added_up_in_both_directions(int exclusive, int reverse, double a, double b, double c)
    {
        foreach (var known in new[] { true, false })
        {
            var builder = known ? new OnnxModelBuilder().Integers("n", 1, 2, 3) : new OnnxModelBuilder().Input("n", 3);
            builder.Integers("axis", 0).Node("CumSum", ["n", "axis"], ["r"], Int("exclusive", exclusive), Int("reverse", reverse)).Node("Cast", ["r"], ["y"], Int("to", 1)).Output("y");
            Assert.Equal([a, b, c], First(builder, ("n", [1, 2, 3])));
        }
    }

    [Fact]
    public void Known_whole_numbers_are_clipped() => Assert.Equal([2, 2, 3],
        First(new OnnxModelBuilder().Integers("n", 1, 2, 3).Integers("low", 2).Node("Clip", ["n", "low"], ["c"]).Node("Cast", ["c"], ["y"], Int("to", 1)).Output("y")));

    [Fact]
    public void Bounds_may_be_tensors() => Assert.Equal([2, 2, 2.5],
        First(new OnnxModelBuilder().Input("x", 3).Weight("low", [], 2).Weight("high", [], 2.5f).Node("Clip", ["x", "low", "high"], ["y"]).Output("y"), ("x", [1, 2, 3])));

    [Fact]
    public void Gates_of_recurrent_layers_may_be_hard_sigmoids()
    {
        // One step from a zero state: h = o · tanh(i · tanh g) with all gates hard sigmoids of x, in the order i, o, f, g.
        var names = new global::Onnx.AttributeProto { Name = "activations", Type = global::Onnx.AttributeProto.Types.AttributeType.Strings };
        names.Strings.AddRange(new[] { "HardSigmoid", "Tanh", "Tanh" }.Select(Google.Protobuf.ByteString.CopyFromUtf8));
        var alpha = new global::Onnx.AttributeProto { Name = "activation_alpha", Type = global::Onnx.AttributeProto.Types.AttributeType.Floats };
        alpha.Floats.Add(0.25f);
        var beta = new global::Onnx.AttributeProto { Name = "activation_beta", Type = global::Onnx.AttributeProto.Types.AttributeType.Floats };
        beta.Floats.Add(0.5f);
        var builder = new OnnxModelBuilder().Input("x", 1, 1, 1).Weight("w", [1, 4, 1], 1, 2, 3, 1).Weight("r", [1, 4, 1], 0, 0, 0, 0).Node("LSTM", ["x", "w", "r"], ["", "h"], Int("hidden_size", 1), Int("input_forget", 1), names, alpha, beta).Output("h");
        double Hard(double v) => Math.Clamp(0.25 * v + 0.5, 0, 1);
        Near([Hard(2 * 0.5) * Math.Tanh(Hard(0.5) * Math.Tanh(0.5))], First(builder, ("x", [0.5])));
    }
}
