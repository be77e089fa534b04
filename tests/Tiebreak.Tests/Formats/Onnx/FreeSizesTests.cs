using global::Onnx;
using Google.Protobuf;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>Where the file leaves sizes open, a verdict holds for the sizes that training would use, not only for small ones.</summary>
public sealed class FreeSizesTests
{
    static CheckResult Check(OnnxModelBuilder builder)
    {
        using var file = new TemporaryFile("model.onnx", builder.Proto().ToByteArray());
        return Tiebreak.Check.Model(file.Path);
    }

    static AttributeProto Ints(string name, params long[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        attribute.Ints.AddRange(values);
        return attribute;
    }

    static float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(k => 0.1f + 0.37f * k % 1.9f)];

    [Theory]
    [InlineData(8, 8, 1)]
    [InlineData(18, 18, 1)]
    [InlineData(12, 24, 2)]
    public void Taps_far_apart_are_reached(int dilation, int pad, int stride)
    {
        var result = Check(new OnnxModelBuilder().Input("x", 2, 1, -1).Weight("w", [2, 1, 3], Numbers(6))
            .Node("Conv", ["x", "w"], ["y"], Ints("dilations", dilation), Ints("pads", pad, pad), Ints("strides", stride)).Output("y"));
        Assert.Equal((6, 0L), (result.Counts!.DegreesOfFreedom, result.Counts.Stuck));
    }

    [Theory]
    [InlineData("Slice")]
    [InlineData("Gather")]
    public void Position_tables_count_to_their_end(string reader)
    {
        var builder = new OnnxModelBuilder().Input("x", 2, -1, 3).Weight("table", [40, 3], Numbers(120)).Weight("w", [3, 2], Numbers(6)).Integers("zero", 0).Integers("one", 1)
            .Node("Shape", ["x"], ["sizes"]).Node("Gather", ["sizes", "one"], ["length"]);
        if (reader == "Slice")
        {
            builder.Node("Slice", ["table", "zero", "length"], ["places"]);
        }
        else
        {
            builder.Integers("ids", [.. Enumerable.Range(0, 40).Select(k => (long)k)]).Node("Slice", ["ids", "zero", "length"], ["read"]).Node("Gather", ["table", "read"], ["places"]);
        }

        var result = Check(builder.Node("Add", ["x", "places"], ["h"]).Node("Tanh", ["h"], ["a"]).Node("MatMul", ["a", "w"], ["y"]).Output("y"));
        Assert.Equal((126, 0L), (result.Counts!.DegreesOfFreedom, result.Counts.Stuck));
    }

    [Fact]
    public void Rows_that_no_size_reaches_are_stuck()
    {
        // The weight's own sizes are not free: half of it is read, at any length.
        var result = Check(new OnnxModelBuilder().Input("x", -1, 3).Weight("w", [3, 4], Numbers(12)).Integers("zero", 0).Integers("two", 2).Integers("axis", 1)
            .Node("Shape", ["w"], ["sizes"]).Node("Gather", ["sizes", "axis"], ["width"]).Node("Div", ["width", "two"], ["half"])
            .Node("Slice", ["w", "zero", "half", "axis"], ["left"]).Node("MatMul", ["x", "left"], ["y"]).Output("y"));
        Assert.Equal(6, result.Counts!.Stuck);
    }
}
