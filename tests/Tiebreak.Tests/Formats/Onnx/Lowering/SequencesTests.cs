using Xunit;
using static Tiebreak.Tests.Formats.Onnx.Lowering.OperatorRun;
using static Tiebreak.Tests.Formats.Onnx.OnnxModelBuilder;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>Sequences of known length vanish while the graph is lowered.</summary>
public sealed class SequencesTests
{
    static global::Onnx.TensorProto Number(string name, long value)
    {
        var tensor = Whole(name, value);
        tensor.Dims.Clear();
        return tensor;
    }

    static OnnxModelBuilder Split() => new OnnxModelBuilder().Input("x", 5).Tensor(Number("two", 2)).Tensor(Number("last", -1)).Node("SplitToSequence", ["x", "two"], ["s"]);

    [Fact]
    public void The_last_part_may_be_smaller() => Assert.Equal([4],
        First(Split().Node("SequenceAt", ["s", "last"], ["y"]).Output("y"), ("x", Count(5))));

    [Fact]
    public void Parts_are_joined_again() => Assert.Equal(Count(5), First(Split().Node("ConcatFromSequence", ["s"], ["y"], Int("axis", 0)).Output("y"), ("x", Count(5))));

    [Fact]
    public void Slices_may_be_stacked_along_a_new_axis() => Assert.Equal([0, 3, 1, 4, 2, 5],
        First(new OnnxModelBuilder().Input("x", 2, 3).Node("SplitToSequence", ["x"], ["s"], Int("keepdims", 0)).Node("ConcatFromSequence", ["s"], ["y"], Int("axis", 1), Int("new_axis", 1)).Output("y"), ("x", Count(6))));

    [Fact]
    public void Items_are_put_in_and_taken_out()
    {
        var builder = new OnnxModelBuilder().Input("a", 1).Input("b", 1).Input("c", 1).Tensor(Number("first", 0)).Node("SequenceConstruct", ["a", "b"], ["s"]).Node("SequenceInsert", ["s", "c", "first"], ["t"]).Node("SequenceErase", ["t"], ["u"])
            .Node("SequenceLength", ["u"], ["n"]).Node("Cast", ["n"], ["count"], Int("to", 1)).Node("ConcatFromSequence", ["u"], ["y"], Int("axis", 0)).Output("y").Output("count");
        var all = All(builder, ("a", [1]), ("b", [2]), ("c", [3]));
        Assert.Equal([3, 1], all[0].Values);
        Assert.Equal([2], all[1].Values);
    }

    [Fact]
    public void A_loss_sees_every_item_of_an_output() => Assert.Equal(["s[0]", "s[1]", "s[2]"], All(Split().Output("s"), ("x", Count(5))).Select(output => output.Name));

    [Theory]
    [InlineData("Relu")]
    [InlineData("Transpose")]
    public void A_sequence_is_no_tensor(string type) => Assert.Contains("sequence", Refusal(Split().Node(type, ["s"], ["y"]).Output("y")));
}
