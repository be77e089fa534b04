using Tiebreak.Formats.Onnx;
using Tiebreak.Formats.Onnx.Lowering;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

public sealed class OperatorsTests
{
    [Fact]
    public void Every_rule_can_be_reached_at_some_opset() =>
        Assert.All(Operators.Table.Values, rule => Assert.True(rule.Since <= rule.Until && rule.Since <= OnnxReader.HighestOpset && rule.Until >= OnnxReader.LowestOpset, rule.Type));

    [Fact]
    public void What_is_refused_is_not_lowered() => Assert.All(Operators.Table.Keys, key => Assert.Null(RefusedOperators.ReasonFor(key.Domain, key.Type)));

    [Theory]
    [InlineData("NonMaxSuppression", "--outputs")]
    [InlineData("DeformConv", "--outputs")]
    [InlineData("StringNormalizer", "give the model")]
    public void What_is_refused_says_what_to_do_instead(string type, string remedy) =>
        Assert.Contains(remedy, Assert.Throws<TiebreakException>(() => new OnnxModelBuilder().Opset(19).Input("x", 1, 2).Node(type, ["x"], ["y"]).Output("y").Lower()).Message);

    [Fact]
    public void Layer_normalisation_is_read_at_any_opset() => Assert.Equal(2, new OnnxModelBuilder().Opset(12).Input("x", 2, 3).Weight("s", [3], 1, 1, 1).Weight("b", [3], 0, 0, 0).Node("LayerNormalization", ["x", "s", "b"], ["y"]).Output("y").Lower().Parameters.Count);

    [Fact]
    public void An_operator_that_ended_says_so()
    {
        var error = Assert.Throws<TiebreakException>(() => new OnnxModelBuilder().Opset(10).Input("x", 1, 1, 2, 2).Weight("s", [4], 1, 1, 2, 2).Node("Upsample", ["x", "s"], ["y"]).Output("y").Lower());
        Assert.Contains("up to opset 9", error.Message);
    }
}
