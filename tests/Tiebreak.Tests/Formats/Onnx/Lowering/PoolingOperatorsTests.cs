using Xunit;
using static Tiebreak.Tests.Formats.Onnx.Lowering.OperatorRun;
using static Tiebreak.Tests.Formats.Onnx.OnnxModelBuilder;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>Windows that are cut, chosen from and put back.</summary>
public sealed class PoolingOperatorsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Max_unpooling_puts_values_back_where_pooling_found_them(int order)
    {
        double[] x = [1, 5, 2, 0, 4, 3, 9, 8, 0, 7, 6, 1, 2, 1, 3, 4];
        var builder = new OnnxModelBuilder().Input("x", 1, 1, 4, 4).Node("MaxPool", ["x"], ["m", "i"], Ints("kernel_shape", 2, 2), Ints("strides", 2, 2), Int("storage_order", order))
            .Node("MaxUnpool", ["m", "i"], ["y"], Ints("kernel_shape", 2, 2), Ints("strides", 2, 2)).Output("y");
        double[] expected = order == 0 ? [0, 5, 0, 0, 0, 0, 9, 0, 0, 7, 6, 0, 0, 0, 0, 0] : [0, 0, 0, 0, 5, 0, 7, 0, 0, 9, 6, 0, 0, 0, 0, 0];
        Assert.Equal(expected, First(builder, ("x", x)));
    }

    [Fact]
    public void Max_unpooling_by_constant_indices_fills_a_larger_shape() => Assert.Equal([0, 0, 0, 0, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7, 0, 8, 0, 0, 0, 0, 0, 0],
        First(new OnnxModelBuilder().Input("x", 1, 1, 2, 2).Tensor(Indices()).Integers("s", 1, 1, 5, 5).Node("MaxUnpool", ["x", "i", "s"], ["y"], Ints("kernel_shape", 2, 2), Ints("strides", 2, 2)).Output("y"), ("x", Count(4, 5))));

    [Fact]
    public void Columns_add_up_where_blocks_overlap()
    {
        // Blocks of two neighbours from a row of four: each inner pixel is in two of them.
        var builder = new OnnxModelBuilder().Opset(18).Input("x", 1, 2, 3).Integers("image", 1, 4).Integers("block", 1, 2).Node("Col2Im", ["x", "image", "block"], ["y"]).Output("y");
        Assert.Equal([1, 2 + 10, 3 + 20, 30], First(builder, ("x", [1, 2, 3, 10, 20, 30])));
    }

    [Fact]
    public void Columns_go_back_through_pads_and_strides()
    {
        var builder = new OnnxModelBuilder().Opset(18).Input("x", 1, 2, 2).Integers("image", 1, 2).Integers("block", 1, 2).Node("Col2Im", ["x", "image", "block"], ["y"], Ints("pads", 0, 1, 0, 1), Ints("strides", 1, 2)).Output("y");
        Assert.Equal([10, 2], First(builder, ("x", [1, 2, 10, 20])));
    }

    [Fact]
    public void Average_pooling_can_be_dilated() => Assert.Equal([2, 3],
        First(new OnnxModelBuilder().Opset(19).Input("x", 1, 1, 4).Node("AveragePool", ["x"], ["y"], Ints("kernel_shape", 2), Ints("dilations", 2)).Output("y"), ("x", [1, 2, 3, 4])));

    [Fact]
    public void Power_pooling_can_be_dilated() => Near([Math.Sqrt(10), Math.Sqrt(20)],
        First(new OnnxModelBuilder().Opset(18).Input("x", 1, 1, 4).Node("LpPool", ["x"], ["y"], Ints("kernel_shape", 2), Ints("dilations", 2)).Output("y"), ("x", [1, 2, 3, 4])));

    static global::Onnx.TensorProto Indices()
    {
        var indices = Whole("i", 5, 7, 13, 15);
        indices.Dims.Clear();
        indices.Dims.AddRange([1, 1, 2, 2]);
        return indices;
    }
}
