using Tiebreak.Programs;
using Xunit;
using static Tiebreak.Tests.Formats.Onnx.Lowering.OperatorRun;
using static Tiebreak.Tests.Formats.Onnx.OnnxModelBuilder;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>Reading between pixels, against loops that pick their neighbours.</summary>
public sealed class InterpolationTests
{
    static readonly double[] Image = Mixed(12, 1);

    /// <summary>One row of a grid of places inside and outside the image of 3 by 4.</summary>
    static readonly double[] Places = [-1, -1, 0.3, -0.2, 1.4, 0.1, -0.9, 2.6, 0.05, -3.2];

    static double Read(double y, double x, Func<int, int, int> into)
    {
        var (top, left) = ((int)Math.Floor(y), (int)Math.Floor(x));
        double sum = 0;
        for (var dy = 0; dy < 2; dy++)
        {
            for (var dx = 0; dx < 2; dx++)
            {
                var (row, column) = (into(top + dy, 3), into(left + dx, 4));
                if (row >= 0 && column >= 0) sum += Image[row * 4 + column] * (1 - Math.Abs(y - top - dy)) * (1 - Math.Abs(x - left - dx));
            }
        }

        return sum;
    }

    [Theory]
    [InlineData("zeros", 0)]
    [InlineData("zeros", 1)]
    [InlineData("border", 0)]
    [InlineData("border", 1)]
    public void Grids_read_between_four_neighbours(string padding, int corners)
    {
        var expected = Enumerable.Range(0, 5).Select(k =>
        {
            double Pixel(double at, int size) => corners == 1 ? (at + 1) / 2 * (size - 1) : ((at + 1) * size - 1) / 2;
            var (x, y) = (Pixel(Places[2 * k], 4), Pixel(Places[2 * k + 1], 3));
            return Read(y, x, (at, size) => padding is "border" ? Math.Clamp(at, 0, size - 1) : at >= 0 && at < size ? at : -1);
        });
        Near([.. expected], First(Sampled(builder => builder.Input("g", 1, 1, 5, 2), Text("padding_mode", padding), Int("align_corners", corners)), ("x", Image), ("g", Places)));
    }

    [Theory]
    [InlineData(1.5, 0.5)]
    [InlineData(-1.5, -0.5)]
    [InlineData(3.25, -0.75)]
    public void Places_outside_are_reflected(double outside, double inside)
    {
        double[] At(double x) => First(Sampled(builder => builder.Input("g", 1, 1, 1, 2), Text("padding_mode", "reflection"), Int("align_corners", 1)), ("x", Image), ("g", [x, 0.4]));
        Near(At(inside), At(outside));
    }

    [Fact]
    public void What_a_constant_grid_weighs_is_computed_exactly()
    {
        var model = Sampled(builder => builder.Weight("g", [1, 1, 5, 2], Floats(Places))).Lower(new() { Freeze = ["g"] });
        Assert.DoesNotContain(Needed(model.Program), node => node.Primitive is Primitive.Apply);
    }

    [Fact]
    public void Boxes_are_averaged_over_their_samples()
    {
        // One bin with 2 by 2 samples, all inside.
        double[] box = [0.5, 0.5, 2.5, 1.5];
        double expected = 0;
        foreach (var y in new[] { 0.25, 0.75 })
            foreach (var x in new[] { 0.25, 0.75 }) expected += Read(box[1] + y * 1 - 0.5, box[0] + x * 2 - 0.5, (at, size) => Math.Clamp(at, 0, size - 1)) / 4;
        var builder = new OnnxModelBuilder().Input("x", 1, 1, 3, 4).Input("r", 1, 4).Integers("b", 0).Node("RoiAlign", ["x", "r", "b"], ["y"], Int("sampling_ratio", 2)).Output("y");
        Near([expected], First(builder, ("x", Image), ("r", box)));
    }

    [Fact]
    public void A_matrix_moves_the_places_of_pixels() => Near([-0.5 + 3, 0, 0.5 + 3, 0],
        First(new OnnxModelBuilder().Opset(20).Input("t", 1, 2, 3).Integers("s", 1, 1, 1, 2).Node("AffineGrid", ["t", "s"], ["y"]).Output("y"), ("t", [1, 0, 3, 0, 1, 0])));

    static OnnxModelBuilder Sampled(Func<OnnxModelBuilder, OnnxModelBuilder> grid, params global::Onnx.AttributeProto[] attributes) =>
        grid(new OnnxModelBuilder().Input("x", 1, 1, 3, 4)).Node("GridSample", ["x", "g"], ["y"], attributes).Output("y");

    static HashSet<Node> Needed(TensorProgram program)
    {
        var needed = new HashSet<Node>();
        var open = new Stack<Node>(program.Outputs.Select(output => output.Node));
        while (open.TryPop(out var node))
            if (needed.Add(node)) foreach (var operand in node.Operands) open.Push(operand);
        return needed;
    }
}
