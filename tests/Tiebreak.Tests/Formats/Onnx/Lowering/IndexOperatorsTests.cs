using global::Onnx;
using Xunit;
using static Tiebreak.Tests.Formats.Onnx.Lowering.OperatorRun;
using static Tiebreak.Tests.Formats.Onnx.OnnxModelBuilder;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>Operators that pick and rearrange by indices; the expected numbers are read off by hand.</summary>
public sealed class IndexOperatorsTests
{
    static TensorProto Table(string name, long[] sizes, params long[] values)
    {
        var tensor = Whole(name, values);
        tensor.Dims.Clear();
        tensor.Dims.AddRange(sizes);
        return tensor;
    }

    [Fact]
    public void Gather_nd_takes_elements_by_constant_tuples() => Assert.Equal([0, 3],
        First(new OnnxModelBuilder().Input("x", 2, 2).Tensor(Table("i", [2, 2], 0, 0, 1, -1)).Node("GatherND", ["x", "i"], ["y"]).Output("y"), ("x", Count(4))));

    [Fact]
    public void Gather_nd_takes_rows_of_each_batch() => Assert.Equal([2, 3, 4, 5],
        First(new OnnxModelBuilder().Input("x", 2, 2, 2).Tensor(Table("i", [2, 1], 1, 0)).Node("GatherND", ["x", "i"], ["y"], Int("batch_dims", 1)).Output("y"), ("x", Count(8))));

    [Fact]
    public void Gather_nd_by_data_looks_up_a_table()
    {
        var builder = new OnnxModelBuilder().Input("i", TensorProto.Types.DataType.Int64, 3, 2).Weight("t", [2, 2, 2], 0, 1, 2, 3, 4, 5, 6, 7).Node("GatherND", ["t", "i"], ["y"]).Output("y");
        Assert.Equal([2, 3, 4, 5, 0, 1], First(builder, ("i", [0, 1, 1, 0, 0, 0])));
        var table = Assert.Single(builder.Lower().Parameters);
        Assert.Equal(Tiebreak.Formats.ParameterRole.LookUp, table.Role);
        Assert.Equal([Tiebreak.Formats.AxisMeaning.Row, Tiebreak.Formats.AxisMeaning.Row, Tiebreak.Formats.AxisMeaning.Output], table.AxisMeanings);
    }

    [Fact]
    public void Gather_nd_by_data_keeps_batches_apart() => Assert.Equal([1, 6, 2, 7],
        First(new OnnxModelBuilder().Input("i", TensorProto.Types.DataType.Int64, 2, 2, 1).Input("x", 2, 5).Node("GatherND", ["x", "i"], ["g"], Int("batch_dims", 1)).Node("Transpose", ["g"], ["y"]).Output("y"),
            ("i", [1, 2, 1, 2]), ("x", Count(10))));

    [Fact]
    public void Sequences_are_turned_round_up_to_their_length() => Assert.Equal([1, 0, 2, 3, 6, 5, 4, 7],
        First(new OnnxModelBuilder().Input("x", 2, 4).Integers("n", 2, 3).Node("ReverseSequence", ["x", "n"], ["y"], Int("time_axis", 1), Int("batch_axis", 0)).Output("y"), ("x", Count(8))));

    [Fact]
    public void The_middle_is_cut() => Assert.Equal([1, 2, 5, 6],
        First(new OnnxModelBuilder().Opset(18).Input("x", 2, 4).Integers("s", 2, 2).Node("CenterCropPad", ["x", "s"], ["y"]).Output("y"), ("x", Count(8))));

    [Fact]
    public void Zeros_are_put_around_the_middle() => Assert.Equal([0, 7, 8, 0, 0],
        First(new OnnxModelBuilder().Opset(18).Input("x", 1, 2).Integers("s", 5).Node("CenterCropPad", ["x", "s"], ["y"], Ints("axes", -1)).Output("y"), ("x", [7, 8])));

    [Fact]
    public void Flags_compress_along_an_axis_or_all() => Assert.Equal([1, 4, 1, 3],
        First(new OnnxModelBuilder().Input("x", 2, 3).Tensor(Flags("f", false, true, false)).Tensor(Flags("g", false, true, false, true)).Node("Compress", ["x", "f"], ["a"], Int("axis", 1))
            .Integers("flat", -1).Node("Reshape", ["a", "flat"], ["c"]).Node("Compress", ["x", "g"], ["b"]).Node("Concat", ["c", "b"], ["y"], Int("axis", 0)).Output("y"), ("x", Count(6))));

    [Fact]
    public void Places_of_constants_that_are_not_zero_can_be_gathered() => Assert.Equal([10, 12],
        First(new OnnxModelBuilder().Input("x", 3).Integers("m", 1, 0, 5).Node("NonZero", ["m"], ["at"]).Integers("z", 0).Node("Squeeze", ["at", "z"], ["i"]).Node("Gather", ["x", "i"], ["y"]).Output("y"), ("x", [10, 11, 12])));

    [Fact]
    public void Places_of_data_that_is_not_zero_are_refused() =>
        Assert.Contains("must be constant", Refusal(new OnnxModelBuilder().Input("x", 3).Node("NonZero", ["x"], ["at"]).Node("Cast", ["at"], ["y"], Int("to", 1)).Output("y")));

    [Fact]
    public void Unique_numbers_come_sorted_with_their_places()
    {
        var builder = new OnnxModelBuilder().Integers("x", 2, 1, 1, 3, 4, 3).Node("Unique", ["x"], ["u", "i", "v", "c"]);
        foreach (var name in new[] { "u", "i", "v", "c" }) builder.Node("Cast", [name], [$"{name}_f"], Int("to", 1)).Output($"{name}_f");
        var all = All(builder);
        Assert.Equal([1, 2, 3, 4], all[0].Values);
        Assert.Equal([1, 0, 3, 4], all[1].Values);
        Assert.Equal([1, 0, 0, 2, 3, 2], all[2].Values);
        Assert.Equal([2, 1, 2, 1], all[3].Values);
    }

    [Fact]
    public void Updates_multiply_one_after_the_other() => Assert.Equal([1, 60, 3, 4],
        First(new OnnxModelBuilder().Opset(18).Input("x", 4).Input("u", 2).Tensor(Table("i", [2, 1], 1, 1)).Node("ScatterND", ["x", "i", "u"], ["y"], Text("reduction", "mul")).Output("y"), ("x", Count(4, 1)), ("u", [5, 6])));

    [Theory]
    [InlineData("max", 1, 6, 9, 4)]
    [InlineData("min", 1, 2, 3, 4)]
    public void Updates_are_compared_with_what_stands_there(string reduction, double a, double b, double c, double d) => Assert.Equal([a, b, c, d],
        First(new OnnxModelBuilder().Opset(18).Input("x", 4).Input("u", 3).Integers("i", 1, 1, 2).Node("ScatterElements", ["x", "i", "u"], ["y"], Text("reduction", reduction)).Output("y"), ("x", Count(4, 1)), ("u", [5, 6, 9])));

    [Fact]
    public void The_last_of_equal_values_can_be_taken() => Assert.Equal([30],
        First(new OnnxModelBuilder().Opset(13).Input("x", 1, 3).Weight("t", [3], 10, 20, 30).Node("ArgMax", ["x"], ["i"], Int("axis", 1), Int("keepdims", 0), Int("select_last_index", 1)).Node("Gather", ["t", "i"], ["y"]).Output("y"), ("x", [7, 1, 7])));

    [Fact]
    public void A_diagonal_of_ones_takes_the_shape_of_another_matrix() => Assert.Equal([0, 1, 0, 0, 0, 1],
        First(new OnnxModelBuilder().Input("x", 2, 3).Node("EyeLike", ["x"], ["y"], Int("k", 1)).Output("y"), ("x", Count(6))));

    static TensorProto Flags(string name, params bool[] flags)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)TensorProto.Types.DataType.Bool };
        tensor.Dims.Add(flags.Length);
        tensor.Int32Data.AddRange(flags.Select(flag => flag ? 1 : 0));
        return tensor;
    }
}
