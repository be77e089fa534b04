using Tiebreak.Formats;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

public sealed class TrainableTests
{
    static IEnumerable<string> Trained(OnnxModelBuilder builder, LoweringOptions? options = null) => builder.Lower(options).Parameters.Select(tensor => tensor.Name);

    static OnnxModelBuilder Dense() => new OnnxModelBuilder().Input("x", 2, 2).Weight("w", [2, 2], 1, 2, 3, 4).Node("MatMul", ["x", "w"], ["h"]);

    [Fact]
    public void Elementwise_initializers_are_trained_and_scalars_are_not() =>
        Assert.Equal(["w", "b"], Trained(Dense().Weight("b", [2], 1, 2).Weight("two", [], 2).Node("Add", ["h", "b"], ["s"]).Node("Mul", ["s", "two"], ["y"]).Output("y")));

    [Fact]
    public void Elementwise_constants_are_trained_from_two_elements_on()
    {
        var model = Dense().Constant("c", [2], 1, 2).Constant("one", [1], 5).Node("Add", ["h", "c"], ["s"]).Node("Mul", ["s", "one"], ["y"]).Output("y").Lower();
        Assert.Equal(["w", "c"], model.Parameters.Select(tensor => tensor.Name));
        Assert.Equal([false, true], model.Parameters.Select(tensor => tensor.FromElementwiseConstant));
    }

    [Fact]
    public void Constants_count_through_operators_that_only_move_axes() =>
        Assert.Equal(["w", "c"], Trained(Dense().Constant("c", [2], 1, 2).Integers("axes", 0).Node("Unsqueeze", ["c", "axes"], ["row"]).Node("Identity", ["row"], ["same"]).Node("Mul", ["h", "same"], ["y"]).Output("y")));

    [Fact]
    public void Weights_of_layers_may_be_constants_of_shape()
    {
        var model = new OnnxModelBuilder().Input("x", 3, 2).Integers("shape", 2, 4).Node("ConstantOfShape", ["shape"], ["w"]).Node("Gemm", ["x", "w"], ["y"]).Output("y").Lower();
        var weight = Assert.Single(model.Parameters);
        Assert.Equal(ParameterRole.Dense, weight.Role);
        Assert.Equal([AxisMeaning.Input, AxisMeaning.Output], weight.AxisMeanings);
        Assert.False(weight.FromElementwiseConstant);
    }

    [Fact]
    public void Constants_that_only_meet_inputs_are_not_trained() =>
        Assert.Equal(["w"], Trained(new OnnxModelBuilder().Input("x", 2, 2).Constant("mean", [2], 1, 2).Constant("std", [2], 3, 4).Weight("w", [2, 2], 1, 2, 3, 4)
            .Node("Sub", ["x", "mean"], ["c"]).Node("Div", ["c", "std"], ["n"]).Node("MatMul", ["n", "w"], ["y"]).Output("y")));

    [Fact]
    public void Pixel_means_are_not_trained_even_as_initializers() =>
        Assert.Equal(["w"], Trained(new OnnxModelBuilder().Input("x", 1, 3, 4, 4).Weight("mean", [1, 3, 1, 1], 1, 2, 3).Weight("w", [1, 3, 1, 1], 1, 2, 3)
            .Node("Sub", ["x", "mean"], ["c"]).Node("Conv", ["c", "w"], ["y"]).Output("y")));

    [Fact]
    public void Initializers_that_meet_input_vectors_are_trained() =>
        Assert.Equal(["gain"], Trained(new OnnxModelBuilder().Input("x", 2, 3).Weight("gain", [3], 1, 2, 3).Node("Mul", ["x", "gain"], ["y"]).Output("y")));

    [Fact]
    public void Masks_are_not_trained() =>
        Assert.Equal(["w"], Trained(Dense().Weight("mask", [2, 2], 0, float.NegativeInfinity, 0, 0).Node("Add", ["h", "mask"], ["s"]).Node("Softmax", ["s"], ["y"]).Output("y")));

    [Fact]
    public void Running_statistics_are_not_trained()
    {
        var builder = new OnnxModelBuilder().Input("x", 3, 2).Weight("s", [2], 1, 1).Weight("b", [2], 0, 0).Weight("m", [2], 0, 0).Weight("v", [2], 1, 1)
            .Node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"]).Output("y");
        var model = builder.Lower();
        Assert.Equal(["s", "b"], model.Parameters.Select(tensor => tensor.Name));
        Assert.Equal(["m", "v"], model.Frozen.Select(tensor => tensor.Name));
        Assert.True(model.HasBatchNorm);
        Assert.Equal([ParameterRole.Scale, ParameterRole.Bias], model.Parameters.Select(tensor => tensor.Role));
    }

    [Fact]
    public void Unused_initializers_are_trained_and_settings_are_not() =>
        Assert.Equal(["w", "unused"], Trained(Dense().Weight("unused", [2], 1, 2).Weight("scales", [2], 1, 2).Node("Resize", ["h", "", "scales"], ["y"]).Output("y")));

    [Fact]
    public void Constants_that_meet_constants_are_what_their_result_is() =>
        Assert.Equal(["v", "g"], Trained(new OnnxModelBuilder().Input("x", 2, 2).Weight("v", [2, 2], 1, 2, 3, 4).Constant("g", [2, 1], 2, 3).Constant("tri", [2, 2], 1, 0, 1, 1)
            .Constant("a", [2], 1, 2).Constant("b", [2], 1, 1).Node("Mul", ["a", "b"], ["scales"])
            .Node("Mul", ["v", "g"], ["w0"]).Node("Mul", ["w0", "tri"], ["w"]).Node("MatMul", ["x", "w"], ["h"]).Node("Resize", ["h", "", "scales"], ["y"]).Output("y")));

    [Fact]
    public void Globs_override()
    {
        var builder = Dense().Weight("b", [2], 1, 2).Weight("two", [], 2).Node("Add", ["h", "b"], ["s"]).Node("Mul", ["s", "two"], ["y"]).Output("y");
        Assert.Equal(["w", "two"], Trained(builder, new LoweringOptions { Trainable = ["t?o"], Freeze = ["b*"] }));
    }

    [Fact]
    public void A_tensor_used_twice_is_one_parameter()
    {
        var model = new OnnxModelBuilder().Input("x", 2, 2).Weight("w", [2, 2], 1, 2, 3, 4).Node("MatMul", ["x", "w"], ["h"]).Node("MatMul", ["h", "w"], ["y"]).Output("y").Lower();
        Assert.Single(model.Parameters);
        Assert.Single(model.Program.Nodes, node => node.Primitive is Tiebreak.Programs.Primitive.Parameter);
    }

    [Fact]
    public void Transposes_keep_the_meaning_of_axes()
    {
        var model = new OnnxModelBuilder().Input("x", 2, 3).Weight("w", [4, 3], new float[12]).Node("Transpose", ["w"], ["t"]).Node("MatMul", ["x", "t"], ["y"]).Output("y").Lower();
        Assert.Equal([AxisMeaning.Output, AxisMeaning.Input], model.Parameters[0].AxisMeanings);
    }

    [Fact]
    public void Look_up_tables_are_reached_by_soft_indices()
    {
        var model = new OnnxModelBuilder().Input("ids", global::Onnx.TensorProto.Types.DataType.Int64, 2, 3).Weight("table", [5, 4], new float[20]).Node("Gather", ["table", "ids"], ["y"]).Output("y").Lower();
        Assert.Equal(ParameterRole.LookUp, model.Parameters[0].Role);
        Assert.Equal([AxisMeaning.Row, AxisMeaning.Output], model.Parameters[0].AxisMeanings);
        var leaf = Assert.Single(model.Program.Nodes, node => node.Primitive is Tiebreak.Programs.Primitive.Data);
        Assert.Equal("[2,3,5]", leaf.Shape.ToString());
    }

    [Fact]
    public void Batch_is_replaced_in_reshapes_that_fix_it()
    {
        var model = new OnnxModelBuilder().Input("x", 1, 4).Integers("shape", 1, 2, 2).Node("Reshape", ["x", "shape"], ["y"]).Output("y").Lower(new LoweringOptions { Batch = 3 });
        Assert.Equal("[3,2,2]", model.Program.Outputs[0].Node.Shape.ToString());
    }

    [Fact]
    public void Dropout_draws_masks_unless_told_not_to()
    {
        var builder = Dense().Node("Dropout", ["h"], ["y"]).Output("y");
        Assert.True(builder.Lower().HasDropout);
        Assert.Contains(builder.Lower().Program.Nodes, node => node.Primitive is Tiebreak.Programs.Primitive.Data { Kind: Tiebreak.Programs.DataKind.Mask });
        Assert.DoesNotContain(builder.Lower(new LoweringOptions { Dropout = false }).Program.Nodes, node => node.Primitive is Tiebreak.Programs.Primitive.Data { Kind: Tiebreak.Programs.DataKind.Mask });
    }
}
