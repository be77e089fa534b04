using global::Onnx;
using Google.Protobuf;
using Tiebreak.Conformance;
using Tiebreak.Evaluation;
using Tiebreak.Programs;
using Xunit;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>Masked places before a softmax get exactly nothing.</summary>
public sealed class MasksTests
{
    static readonly float[] Weights = [0.5f, -1, 2, 0.25f];

    /// <summary>One head over two places. The first place, which alone is an output, sees itself only where the mask is causal.</summary>
    static OnnxModelBuilder Attention(Action<OnnxModelBuilder> mask, string softmax = "Softmax")
    {
        var builder = new OnnxModelBuilder().Input("x", 2, 2, 2).Weight("q", [2, 2], Weights).Weight("k", [2, 2], Weights).Weight("v", [2, 2], Weights)
            .Node("MatMul", ["x", "q"], ["xq"]).Node("MatMul", ["x", "k"], ["xk"]).Node("MatMul", ["x", "v"], ["xv"])
            .Node("Transpose", ["xk"], ["xkT"], new AttributeProto { Name = "perm", Type = AttributeProto.Types.AttributeType.Ints, Ints = { 0, 2, 1 } })
            .Node("MatMul", ["xq", "xkT"], ["scores"]).Integers("zero", 0).Integers("one", 1).Integers("axis", 1).Integers("both", 2, 2);
        mask(builder);
        if (softmax == "Softmax") builder.Node("Softmax", ["masked"], ["p"]);
        else builder.Node("Exp", ["masked"], ["e"]).Integers("last", 2).Node("ReduceSum", ["e", "last"], ["sum"]).Node("Div", ["e", "sum"], ["p"]);
        return builder.Node("MatMul", ["p", "xv"], ["h"]).Node("Slice", ["h", "zero", "one", "axis"], ["y"]).Output("y");
    }

    public static TheoryData<string> Masked => ["added -inf", "added -1e9", "added min", "where -inf", "where -1e4", "trilu", "subtracted", "unsqueezed", "exp"];

    static OnnxModelBuilder Build(string name) => name switch
    {
        "added -inf" => Attention(b => b.Weight("mask", [2, 2], 0, float.NegativeInfinity, 0, 0).Node("Add", ["scores", "mask"], ["masked"])),
        "added -1e9" => Attention(b => b.Weight("mask", [1, 2, 2], 0, -1e9f, 0, 0).Node("Add", ["mask", "scores"], ["masked"])),
        "added min" => Attention(b => b.Constant("mask", [2, 2], 0, float.MinValue, 0, 0).Node("Add", ["scores", "mask"], ["masked"])),
        "where -inf" => Attention(b => b.Tensor(Causal()).Constant("low", [], float.NegativeInfinity).Node("Where", ["causal", "scores", "low"], ["masked"])),
        "where -1e4" => Attention(b => b.Tensor(Causal()).Constant("low", [], -1e4f).Node("Not", ["causal"], ["hidden"]).Node("Where", ["hidden", "low", "scores"], ["masked"])),
        "trilu" => Attention(b => b.Node("ConstantOfShape", ["both"], ["low"], new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = OnnxModelBuilder.Floats("", [1], float.NegativeInfinity) })
            .Node("Trilu", ["low", "one"], ["mask"]).Node("Add", ["scores", "mask"], ["masked"])),
        "subtracted" => Attention(b => b.Weight("mask", [2, 2], 0, -1e9f, 0, 0).Node("Add", ["scores", "mask"], ["m"]).Integers("last", 2).Node("ReduceSum", ["scores", "last"], ["s"]).Node("Sub", ["m", "s"], ["masked"])),
        "unsqueezed" => Attention(b => b.Weight("mask", [2, 2], 0, -1e9f, 0, 0).Node("Add", ["scores", "mask"], ["m"]).Node("Unsqueeze", ["m", "zero"], ["u"]).Node("Squeeze", ["u", "zero"], ["masked"])),
        _ => Attention(b => b.Weight("mask", [2, 2], 0, -1e9f, 0, 0).Node("Add", ["scores", "mask"], ["masked"]), "Exp"),
    };

    static TensorProto Causal() => new() { Name = "causal", DataType = (int)DataType.Bool, Dims = { 2, 2 }, Int32Data = { 1, 0, 1, 1 } };

    [Theory]
    [MemberData(nameof(Masked))]
    public void What_is_masked_gets_no_gradient(string name)
    {
        using var file = new TemporaryFile("model.onnx", Build(name).Proto().ToByteArray());
        var result = Check.Model(file.Path);
        Assert.Equal(["v"], result.Analysis.Model.Parameters.Where((_, k) => result.Analysis.Partition!.Codes[k].Contains(1) || !result.Analysis.Partition.Codes[k].Contains(0)).Select(tensor => tensor.Name));
        Assert.Equal((4, 8L), (result.Counts!.DegreesOfFreedom, result.Counts.Stuck));
    }

    [Theory]
    [MemberData(nameof(Masked))]
    public void The_first_place_reads_itself(string name)
    {
        double[] x = [1, 2, 3, 4, 5, 6, 7, 8];
        var y = FloatEvaluator.Evaluate(Build(name).Lower().Program, node => node.Primitive is Primitive.Parameter ? [0.5, -1, 2, 0.25] : x)[0].Values;
        Assert.Equal([4.5, -0.5, 14.5, -3.5], y.Select(number => Math.Round(number, 9)));
    }

    [Fact]
    public void Masks_from_data_are_gates()
    {
        var builder = Attention(b => b.Input("seen", DataType.Bool, 2, 2, 2).Constant("low", [], float.NegativeInfinity).Node("Where", ["seen", "scores", "low"], ["masked"]));
        using var file = new TemporaryFile("model.onnx", builder.Proto().ToByteArray());
        Assert.Equal(0, Check.Model(file.Path).Counts!.Stuck);
    }

    [Fact]
    public void Large_negative_numbers_elsewhere_are_numbers()
    {
        var model = new OnnxModelBuilder().Input("x", 1, 2).Weight("w", [2, 2], Weights).Constant("low", [1], -2e4f).Node("MatMul", ["x", "w"], ["h"]).Node("Add", ["h", "low"], ["s"]).Node("Neg", ["s"], ["y"]).Output("y").Lower();
        Assert.Equal([20000 - 4.5, 20000 + 0.5], FloatEvaluator.Evaluate(model.Program, node => node.Primitive is Primitive.Parameter ? [0.5, -1, 2, 0.25] : [1, 2])[0].Values);
    }

    [Fact]
    public void Infinity_elsewhere_is_refused() => Assert.Contains("infinity", Assert.Throws<TiebreakException>(() => new OnnxModelBuilder().Input("x", 1, 2).Weight("w", [2, 2], Weights)
        .Constant("low", [1], float.NegativeInfinity).Node("MatMul", ["x", "w"], ["h"]).Node("Add", ["h", "low"], ["s"]).Node("Neg", ["s"], ["y"]).Output("y").Lower()).Message, StringComparison.Ordinal);
}
