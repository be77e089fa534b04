using global::Onnx;
using Xunit;
using static Tiebreak.Tests.Formats.Onnx.Lowering.OperatorRun;
using static Tiebreak.Tests.Formats.Onnx.OnnxModelBuilder;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>Resizing with stretched kernels, kept ratios and regions, against loops over positions.</summary>
public sealed class ResizingTests
{
    static double Linear(double d) => Math.Max(0, 1 - Math.Abs(d));

    static double Cubic(double d)
    {
        const double a = -0.75;
        d = Math.Abs(d);
        return d <= 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
    }

    /// <summary>Every input position far out on both sides, edges repeated, under a kernel that is stretched by the scale.</summary>
    static double[] Antialiased(double[] x, int size, Func<double, double> kernel)
    {
        var scale = (double)size / x.Length;
        return [.. Enumerable.Range(0, size).Select(k =>
        {
            var at = (k + 0.5) / scale - 0.5;
            double sum = 0, total = 0;
            for (var position = -50; position < 50; position++)
            {
                var weight = kernel((position - at) * Math.Min(scale, 1));
                (sum, total) = (sum + weight * x[Math.Clamp(position, 0, x.Length - 1)], total + weight);
            }

            return sum / total;
        })];
    }

    [Theory]
    [InlineData("linear", 3)]
    [InlineData("linear", 4)]
    [InlineData("linear", 11)]
    [InlineData("cubic", 3)]
    [InlineData("cubic", 5)]
    public void Shrinking_without_aliasing_stretches_the_kernel(string mode, int size)
    {
        var x = Mixed(7, 1);
        var builder = new OnnxModelBuilder().Opset(18).Input("x", 7).Integers("s", size).Node("Resize", ["x", "", "", "s"], ["y"], Text("mode", mode), Int("antialias", 1)).Output("y");
        Near(Antialiased(x, size, mode is "linear" ? Linear : Cubic), First(builder, ("x", x)));
    }

    [Theory]
    [InlineData("not_larger", 2, 3)]
    [InlineData("not_smaller", 4, 6)]
    public void The_ratio_of_sizes_can_be_kept(string policy, int height, int width)
    {
        var builder = new OnnxModelBuilder().Opset(18).Input("x", 1, 1, 2, 3).Integers("s", 4, 3).Node("Resize", ["x", "", "", "s"], ["y"], Text("mode", "nearest"), Ints("axes", 2, 3), Text("keep_aspect_ratio_policy", policy)).Output("y");
        Assert.Equal(new Tiebreak.Programs.Shape(1, 1, height, width), All(builder, ("x", Count(6)))[0].Shape);
    }

    [Theory]
    [InlineData("linear")]
    [InlineData("nearest")]
    public void A_region_may_reach_outside(string mode)
    {
        // The region from 0.5 to 1.5 of [1, 2, 3]: positions 1, 2, 3, the last of them outside.
        var builder = new OnnxModelBuilder().Opset(13).Input("x", 3).Weight("r", [2], 0.5f, 1.5f).Integers("s", 3).Node("Resize", ["x", "r", "", "s"], ["y"], Text("mode", mode), Text("coordinate_transformation_mode", "tf_crop_and_resize"), Float("extrapolation_value", 9)).Output("y");
        Assert.Equal([2, 3, 9], First(builder, ("x", [1, 2, 3])));
    }

    [Fact]
    public void Aligned_corners_take_the_size_before_rounding() => Near([1, 1 + 3 / 1.4],
        First(new OnnxModelBuilder().Opset(13).Input("x", 4).Weight("s", [1], 0.6f).Node("Resize", ["x", "", "s"], ["y"], Text("mode", "linear"), Text("coordinate_transformation_mode", "align_corners")).Output("y"), ("x", [1, 2, 3, 4])), 1e-5);

    [Theory]
    [InlineData("wrap", 3, 1, 2, 3, 1)]
    [InlineData("edge", 1, 1, 2, 3, 3)]
    [InlineData("reflect", 2, 1, 2, 3, 2)]
    [InlineData("constant", 7, 1, 2, 3, 7)]
    public void Whole_numbers_are_padded_in_every_mode(string mode, double a, double b, double c, double d, double e)
    {
        var fill = Whole("f", 7);
        fill.Dims.Clear();
        Assert.Equal([a, b, c, d, e], First(new OnnxModelBuilder().Opset(19).Integers("n", 1, 2, 3).Integers("p", 1, 1).Tensor(fill).Node("Pad", ["n", "p", "f"], ["q"], Text("mode", mode)).Node("Cast", ["q"], ["y"], Int("to", (long)TensorProto.Types.DataType.Float)).Output("y")));
    }
}
