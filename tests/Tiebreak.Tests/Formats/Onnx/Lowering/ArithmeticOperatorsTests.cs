using global::Onnx;
using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Programs;
using Xunit;
using static Tiebreak.Tests.Formats.Onnx.Lowering.OperatorRun;
using static Tiebreak.Tests.Formats.Onnx.OnnxModelBuilder;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>Arithmetic, products, folding, noise and quantised constants.</summary>
public sealed class ArithmeticOperatorsTests
{
    [Fact]
    public void An_ellipsis_stands_for_batch_axes() => Assert.Equal([0, 3, 4, 7],
        First(new OnnxModelBuilder().Input("x", 2, 2, 2).Node("Einsum", ["x"], ["y"], Text("equation", "...ii->...i")).Output("y"), ("x", Count(8))));

    [Fact]
    public void Axes_behind_an_ellipsis_repeat()
    {
        // One matrix against a batch of two.
        var y = First(new OnnxModelBuilder().Input("a", 1, 2, 2).Input("b", 2, 2, 1).Node("Einsum", ["a", "b"], ["y"], Text("equation", "...ij,...jk")).Output("y"), ("a", [1, 2, 3, 4]), ("b", [1, 0, 0, 1]));
        Assert.Equal([1, 3, 2, 4], y);
    }

    [Fact]
    public void The_weight_of_an_einsum_is_a_dense_layer()
    {
        var weight = Assert.Single(new OnnxModelBuilder().Input("x", 2, 5, 3).Weight("w", [3, 4], new float[12]).Node("Einsum", ["x", "w"], ["y"], Text("equation", "...i,io->...o")).Output("y").Lower().Parameters);
        Assert.Equal(ParameterRole.Dense, weight.Role);
        Assert.Equal([AxisMeaning.Input, AxisMeaning.Output], weight.AxisMeanings);
    }

    [Fact]
    public void Exponents_may_differ() => Near([1, 4, 1 / 3.0, Math.Sqrt(5), 1],
        First(new OnnxModelBuilder().Input("x", 5).Constant("p", [5], 1, 2, -1, 0.5f, 0).Node("Identity", ["p"], ["q"]).Node("Pow", ["x", "q"], ["y"]).Output("y"), ("x", [1, 2, 3, 5, 7])));

    [Fact]
    public void Determinants_follow_the_permutations()
    {
        double[] x = [2, -1, 3, 0, 4, 5, 7, 1, -2, 1, 2, 3, 4, 5, 6, 7, 8, 10];
        double Det(int at) => x[at] * (x[at + 4] * x[at + 8] - x[at + 5] * x[at + 7]) - x[at + 1] * (x[at + 3] * x[at + 8] - x[at + 5] * x[at + 6]) + x[at + 2] * (x[at + 3] * x[at + 7] - x[at + 4] * x[at + 6]);
        Assert.Equal([Det(0), Det(9)], First(new OnnxModelBuilder().Input("x", 2, 3, 3).Node("Det", ["x"], ["y"]).Output("y"), ("x", x)));
    }

    [Theory]
    [InlineData("Mod", 0, 2, 3)]
    [InlineData("Mod", 1, -1, 3)]
    [InlineData("Div", -1, -2, 2)]
    [InlineData("BitwiseAnd", -1, 1, 3)]
    [InlineData("BitwiseOr", -1, -5, 7)]
    [InlineData("BitwiseXor", -1, -6, 4)]
    public void Whole_numbers_are_computed_with(string type, int fmod, double first, double second) => Assert.Equal([first, second],
        First(new OnnxModelBuilder().Opset(18).Integers("a", -7, 7).Integers("b", 3, type == "BitwiseAnd" || type == "BitwiseOr" || type == "BitwiseXor" ? 3 : type == "Mod" ? 4 : 3)
            .Node(type, ["a", "b"], ["c"], fmod >= 0 ? [Int("fmod", fmod)] : []).Node("Cast", ["c"], ["y"], Int("to", 1)).Output("y")));

    [Theory]
    [InlineData("Div", -1, -2, 1)]
    [InlineData("Mod", 0, 2, 1)]
    [InlineData("Mod", 1, -1, 1)]
    [InlineData("Sub", -1, -10, 1)]
    public void Whole_numbers_of_data_are_divided_without_a_rest(string type, int fmod, double first, double second) => Assert.Equal([first, second],
        First(new OnnxModelBuilder().Input("a", TensorProto.Types.DataType.Int64, 2).Integers("b", 3, 3).Node(type, ["a", "b"], ["c"], fmod >= 0 ? [Int("fmod", fmod)] : []).Node("Cast", ["c"], ["i"], Int("to", (long)TensorProto.Types.DataType.Int32)).Node("Cast", ["i"], ["y"], Int("to", 1)).Output("y"), ("a", [-7, 4])));

    [Fact]
    public void Bits_of_known_numbers_are_shifted() => Assert.Equal([32, 16, 8, 4],
        First(new OnnxModelBuilder().Integers("a", 16, 4).Integers("b", 1, 2).Node("BitShift", ["a", "b"], ["c"], Text("direction", "LEFT")).Node("BitShift", ["a", "one"], ["d"], Text("direction", "RIGHT")).Integers("one", 1, 0)
            .Node("Concat", ["c", "d"], ["e"], Int("axis", 0)).Node("Cast", ["e"], ["y"], Int("to", 1)).Output("y")));

    [Fact]
    public void Bits_of_data_are_refused() => Assert.Contains("bits of data",
        Refusal(new OnnxModelBuilder().Opset(18).Input("a", TensorProto.Types.DataType.Int64, 2).Integers("b", 1, 2).Node("BitwiseAnd", ["a", "b"], ["c"]).Node("Cast", ["c"], ["y"], Int("to", 1)).Output("y")));

    [Fact]
    public void What_is_computed_is_never_infinite() => Assert.Equal([1, 2],
        First(new OnnxModelBuilder().Input("x", 2).Node("IsNaN", ["x"], ["n"]).Node("IsInf", ["x"], ["i"]).Node("Or", ["n", "i"], ["b"]).Constant("z", [1], 9).Node("Where", ["b", "z", "x"], ["y"]).Output("y"), ("x", [1, 2])));

    [Theory]
    [InlineData("RandomNormalLike")]
    [InlineData("RandomUniformLike")]
    [InlineData("Bernoulli")]
    public void Random_numbers_are_data(string type)
    {
        var model = new OnnxModelBuilder().Input("x", 2).Node(type, ["x"], ["r"]).Node("Mul", ["x", "r"], ["y"]).Output("y").Lower();
        Assert.Equal(2, model.Program.Nodes.Count(node => node.Primitive is Primitive.Data));
        Assert.Contains(model.Notes, note => note.Contains("draws random numbers", StringComparison.Ordinal));
    }

    [Fact]
    public void Drawn_classes_select_rows() =>
        Assert.Contains(new OnnxModelBuilder().Input("x", 2, 3).Weight("t", [3, 1], 1, 2, 3).Node("Multinomial", ["x"], ["i"], Int("sample_size", 2)).Node("Gather", ["t", "i"], ["y"]).Output("y").Lower().Program.Nodes,
            node => node.Primitive is Primitive.Data { Kind: DataKind.Distribution } && node.Shape == new Shape(2, 2, 3));

    [Fact]
    public void Quantised_constants_are_exact_and_frozen()
    {
        var x = new TensorProto { Name = "q", DataType = (int)TensorProto.Types.DataType.Int8 };
        x.Dims.AddRange([2, 2]);
        x.Int32Data.AddRange([-128, 127, 3, 4]);
        var zero = new TensorProto { Name = "z", DataType = (int)TensorProto.Types.DataType.Int8 };
        zero.Dims.Add(2);
        zero.Int32Data.AddRange([1, 0]);
        var builder = new OnnxModelBuilder().Tensor(x).Tensor(zero).Weight("s", [2], 0.5f, 0.1f).Node("DequantizeLinear", ["q", "s", "z"], ["w"], Int("axis", 0)).Input("x", 1, 2).Node("MatMul", ["x", "w"], ["y"]).Output("y");
        Assert.Empty(builder.Lower().Parameters);
        Assert.Equal([-129 * 0.5 + 3 * (double)0.1f, 63 + 4 * (double)0.1f], First(builder, ("x", [1, 1])));
    }

    [Theory]
    [InlineData("", "QuantizeLinear")]
    [InlineData("", "MatMulInteger")]
    [InlineData("com.microsoft", "MatMulNBits")]
    [InlineData("com.microsoft", "QLinearAdd")]
    public void Quantised_operators_are_refused_with_the_reason(string domain, string type) =>
        Assert.Contains("quantised weights have no gradient", Refusal(new OnnxModelBuilder().Input("x", 2, 2).Weight("w", [2, 2], 1, 2, 3, 4).Node(domain, type, ["x", "w"], ["y"]).Output("y")));

    [Fact]
    public void Quantised_data_is_refused_with_the_reason() => Assert.Contains("quantised activations have no gradient",
        Refusal(new OnnxModelBuilder().Input("x", TensorProto.Types.DataType.Uint8, 2).Weight("s", [], 1).Node("DequantizeLinear", ["x", "s"], ["y"]).Output("y")));

    [Fact]
    public void A_dropout_shows_its_mask_as_a_gate()
    {
        var model = new OnnxModelBuilder().Input("x", 2).Node("Dropout", ["x"], ["y", "m"]).Node("Not", ["m"], ["n"]).Node("Cast", ["n"], ["z"], Int("to", 1)).Output("z").Lower();
        Assert.Equal([0, 1], FloatEvaluator.Evaluate(model.Program, _ => [2, 0])[0].Values);
    }
}
