using Tiebreak.Conformance;
using Tiebreak.Evaluation;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

public sealed class ChoicesTests
{
    static double[] Compute(OnnxModelBuilder builder, params double[] x) =>
        FloatEvaluator.Evaluate(builder.Lower().Program, node => node.Primitive is Primitive.Data ? x : [10, 20, 30])[0].Values;

    static OnnxModelBuilder Top2() => new OnnxModelBuilder().Input("x", 2, 4).Integers("k", 2).Node("TopK", ["x", "k"], ["top", "which"], OnnxModelBuilder.Int("axis", 1));

    [Fact]
    public void Top_k_gives_the_largest_in_order() => Assert.Equal([7, 3, 9, 8], Compute(Top2().Node("Identity", ["top"], ["y"]).Output("y"), 1, 7, 2, 3, 9, 0, 8, 1));

    [Fact]
    public void Top_k_indices_write_back_to_their_places() => Assert.Equal([0, 7, 0, 3, 9, 0, 8, 0],
        Compute(Top2().Weight("zero", [], 0).Node("Mul", ["x", "zero"], ["zeros"]).Node("ScatterElements", ["zeros", "which", "top"], ["y"], OnnxModelBuilder.Int("axis", 1)).Output("y"), 1, 7, 2, 3, 9, 0, 8, 1));

    [Fact]
    public void Top_k_indices_can_be_compared_with_constants() => Assert.Equal([1, 0, 0, 0],
        Compute(Top2().Integers("one", 1).Node("Equal", ["which", "one"], ["is"]).Node("Cast", ["is"], ["y"], OnnxModelBuilder.Int("to", 1)).Output("y"), 1, 7, 2, 3, 9, 0, 8, 1));

    [Fact]
    public void Arg_max_selects_rows() => Assert.Equal([30, 10],
        Compute(new OnnxModelBuilder().Input("x", 2, 3).Weight("t", [3], 10, 20, 30).Node("ArgMax", ["x"], ["i"], OnnxModelBuilder.Int("axis", 1), OnnxModelBuilder.Int("keepdims", 0))
            .Node("Gather", ["t", "i"], ["y"]).Output("y"), new[] { 1.0, 2, 3, 9, 2, 3 }));
}
