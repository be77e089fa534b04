using global::Onnx;
using Google.Protobuf;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

public sealed class OpaqueOperatorsTests
{
    // Two equal rows, then an operator nobody knows.
    static ModelProto Unknown(string domain = "", bool hasShape = true)
    {
        var proto = new OnnxModelBuilder().Input("x", 3, 2).Weight("w", [2, 2], 1, 1, 2, 2).Weight("v", [2, 2], 1, 2, 3, 4).Node("MatMul", ["x", "w"], ["h"]).Node(domain, "Mystery", ["h", "v"], ["m"]).Node("Relu", ["m"], ["y"]).Output("y").Proto();
        if (hasShape)
            proto.Graph.ValueInfo.Add(new ValueInfoProto
            {
                Name = "m",
                Type = new TypeProto { TensorType = new() { ElemType = 1, Shape = new() { Dim = { new TensorShapeProto.Types.Dimension { DimValue = 3 }, new TensorShapeProto.Types.Dimension { DimValue = 2 } } } } },
            });
        return proto;
    }

    static CheckResult Check(ModelProto proto, params string[] opaque)
    {
        using var file = new TemporaryFile("model.onnx", proto.ToByteArray());
        return Tiebreak.Check.Model(file.Path, new CheckOptions { Opaque = opaque });
    }

    [Fact]
    public void Unknown_functions_tie_nothing_and_say_so()
    {
        var result = Check(Unknown(), "Mystery");
        Assert.Equal((8, 0L), (result.Counts!.DegreesOfFreedom, result.Counts.Stuck));
        Assert.Contains(result.Analysis.Model.Notes, note => note.Contains("Mystery", StringComparison.Ordinal));
    }

    [Fact]
    public void The_domain_may_be_named() => Assert.Equal(8, Check(Unknown("com.example"), "com.example.Mystery").Counts!.DegreesOfFreedom);

    [Theory]
    [InlineData(true, "--opaque Mystery")]
    [InlineData(true, "did you mean `Mystery`", "Mysteri")]
    [InlineData(false, "shape", "Mystery")]
    public void Errors_say_what_to_do(bool hasShape, string expected, params string[] opaque) =>
        Assert.Contains(expected, Assert.Throws<TiebreakException>(() => Check(Unknown(hasShape: hasShape), opaque)).Message, StringComparison.Ordinal);
}
