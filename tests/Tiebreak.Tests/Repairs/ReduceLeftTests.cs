using global::Onnx;
using Google.Protobuf;
using Tiebreak.Tests.Formats.Onnx;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Repairs;

/// <summary>What <c>reduce</c> leaves is named, with a reason that a person understands.</summary>
public sealed class ReduceLeftTests
{
    const string IsOutput = "`y` is an output of the model, so its size must stay";

    static OnnxModelBuilder Equal(string output = "y") => new OnnxModelBuilder().Input("x", 2, 3).Output(output).Weight("w", [3, 4], [.. Enumerable.Repeat(0.5f, 12)]).Weight("b", [4], 1, 1, 1, 2).Node("MatMul", ["x", "w"], ["h"]).Node("Add", ["h", "b"], ["y"]);

    [Fact]
    public void Units_of_an_output_are_named_with_that_reason()
    {
        Assert.Equal([$"units 0, 1, 2 along axis 1 of `w` are equal and stay: {IsOutput}"], Reduced(Equal(), isForTraining: false).Left);
        Assert.Empty(Reduced(Equal(), isForTraining: true).Left); // a loss tells outputs apart
        var left = Assert.Single(Reduced(Equal().Weight("v", [4, 3], [.. Enumerable.Repeat(1f, 12)]).Node("MatMul", ["y", "v"], ["z"]).Output("z"), isForTraining: false).Left, left => left.Contains("`v`", StringComparison.Ordinal));
        Assert.Equal("units 0, 1, 2 along axis 1 of `v` are equal and stay: `z` is an output of the model, so its size must stay", left);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Channels_under_a_local_response_normalisation_are_kept_by_it(bool isForTraining)
    {
        var model = new OnnxModelBuilder().Input("x", 1, 1, 2, 2).Output("y").Weight("w", [4, 1, 1, 1], 0.5f, 0.5f, 0.5f, 0.5f).Weight("v", [1, 4, 1, 1], 1, 1, 1, 1)
            .Node("Conv", ["x", "w"], ["h"]).Node("LRN", ["h"], ["n"], new AttributeProto { Name = "size", Type = AttributeProto.Types.AttributeType.Int, I = 3 }).Node("Conv", ["n", "v"], ["y"]);
        var left = Assert.Single(Reduced(model, isForTraining).Left);
        Assert.Contains(isForTraining ? "{0, 3} and {1, 2}" : "{0, 3}, {1, 2}", left, StringComparison.Ordinal);
        Assert.Contains("`w`", left, StringComparison.Ordinal);
        Assert.EndsWith("the local response normalisation of node LRN_1 (LRN) sums over neighbouring channels, so that no channel can be left out", left, StringComparison.Ordinal);
    }

    [Fact]
    public void Channels_that_a_pixel_shuffle_takes_apart_are_named()
    {
        var model = new OnnxModelBuilder().Input("x", 1, 1, 2, 2).Output("y").Weight("w", [8, 1, 1, 1], 1, 2, 3, 4, 5, 5, 7, 8).Weight("b", [8], 0, 0, 1, 1, 2, 2, 3, 3)
            .Node("Conv", ["x", "w", "b"], ["h"]).Node("DepthToSpace", ["h"], ["y"], new AttributeProto { Name = "blocksize", Type = AttributeProto.Types.AttributeType.Int, I = 2 });
        Assert.Equal(["units 4, 5 along axis 0 of `w` are equal and stay: a reshape takes this axis apart into others, and they are no whole slices of those"], Reduced(model, isForTraining: false).Left);
    }

    [Fact]
    public void Pairs_that_are_no_units_are_said_to_be_single_weights()
    {
        using var folder = new TemporaryFolder();
        var left = Assert.Single(Reduce.Model(Repository.FromShared("cases", "symmetric-bilinear.onnx"), folder.File("n.onnx")).Left);
        Assert.EndsWith("stay equal for ever; they stay: these are single weights, not whole units that could be left out", left, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sum_of_weights_beyond_the_format_is_left_and_named()
    {
        var model = new OnnxModelBuilder().Input("x", TensorProto.Types.DataType.Float16, 2, 3).Output("y", TensorProto.Types.DataType.Float16)
            .Tensor(Half("w", [3, 4], 1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2)).Tensor(Half("v", [4, 1], 40000, 40000, 3, 4)).Node("MatMul", ["x", "w"], ["h"]).Node("Tanh", ["h"], ["t"]).Node("MatMul", ["t", "v"], ["y"]);
        foreach (var isForTraining in new[] { false, true })
        {
            var result = Reduced(model, isForTraining);
            Assert.Contains(result.Left, left => left.StartsWith("units ", StringComparison.Ordinal) && left.EndsWith("of `w` are equal and stay: the sum of their weights in `v` is larger than its format (float16) holds", StringComparison.Ordinal));
            Assert.Equal(result.Before, result.After);
        }
    }

    [Theory]
    [InlineData("param u = 3\nparam w = 1\ndata x, y\nloss (y - w*x)**2\n", "`u` does nothing: no output depends on its numbers", "still stuck: 1 parameter of `u`")]
    [InlineData("param a = 3\nparam w = 1\ndata x, y\nloss (y - w*x + a - a)**2\n", "`a` does nothing", "still redundant:")]
    [InlineData("param b[3] = [1, 2, 3]\nparam c = 0.5\ndata x[3], y[3]\nloss sum(y * softmax(b * x + c))\n", "`c` does nothing", "still redundant:")]
    [InlineData("param p = 1\nparam q = 2\nparam w = 1\ndata x, y\nloss (y - w*x + 0*p + q - q)**2\n", "`p`, `q` do nothing: no output depends on their numbers", "still ")]
    [InlineData("param b = 0\nparam w = 1\ndata x, y\nloss (y - w*x - b)**2\n", null, null)]
    [InlineData("param b = 0\nparam w = 1\ndata x, y\nloss (y - w*x - b*b)**2\n", null, "still stuck:")]
    public void What_does_nothing_is_named(string formula, string? now, string? inTraining)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), formula);
        Holds(now, Reduce.Model(folder.File("m.tb"), folder.File("n.tb"), new ReduceOptions { ForTraining = false }).Left);
        Holds(inTraining, Reduce.Model(folder.File("m.tb"), folder.File("n.tb"), new ReduceOptions { Force = true }).Left);

        static void Holds(string? start, IReadOnlyList<string> left)
        {
            if (start is null) Assert.Empty(left);
            else Assert.Contains(left, sentence => sentence.StartsWith(start, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Rounding_is_said_before_equality()
    {
        var model = new OnnxModelBuilder().Input("x", 2, 3).Output("y").Weight("w", [3, 2], 1, 1, 2, 2, 3, 3).Weight("v", [2, 1], 1, 1f / (1 << 30)).Node("MatMul", ["x", "w"], ["h"]).Node("Tanh", ["h"], ["t"]).Node("MatMul", ["t", "v"], ["y"]);
        var result = Reduced(model, isForTraining: false);
        Assert.Equal(1, result.Rounded);
        var text = string.Join(' ', Tiebreak.Cli.Reports.ReduceText.Print(result, isVerbose: false, width: null).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("the same: but for rounding: 1 sum of weights is no number of the file's format and was rounded; in float64 the outputs differ by", text, StringComparison.Ordinal);
        Assert.DoesNotContain("the same: exactly", text, StringComparison.Ordinal);
    }

    static ReduceResult Reduced(OnnxModelBuilder model, bool isForTraining)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("m.onnx"), model.Proto().ToByteArray());
        return Reduce.Model(folder.File("m.onnx"), folder.File("n.onnx"), new ReduceOptions { ForTraining = isForTraining });
    }

    static TensorProto Half(string name, long[] sizes, params float[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)TensorProto.Types.DataType.Float16, RawData = ByteString.CopyFrom([.. values.SelectMany(value => BitConverter.GetBytes((Half)value))]) };
        tensor.Dims.AddRange(sizes);
        return tensor;
    }
}
