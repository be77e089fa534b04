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
    public void An_operator_that_ended_says_so()
    {
        var error = Assert.Throws<TiebreakException>(() => new OnnxModelBuilder().Opset(10).Input("x", 1, 1, 2, 2).Weight("s", [4], 1, 1, 2, 2).Node("Upsample", ["x", "s"], ["y"]).Output("y").Lower());
        Assert.Contains("up to opset 9", error.Message);
    }
}
