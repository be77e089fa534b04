using Tiebreak.Formats.Onnx.Writing;
using Tiebreak.Gradients;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx.Writing;

/// <summary>Convolutions and their gradients are written as convolutions.</summary>
public sealed class WrittenConvolutionsTests
{
    [Fact]
    public void Convolutions_and_their_gradients_are_convolutions()
    {
        var random = new Random(7);
        for (var round = 0; round < 60; round++)
        {
            var program = Convolution(random, 1 + round % 3, out var letters);
            var operators = OnnxWriter.Write(program, new OnnxWriterOptions()).Model.Graph.Node.Select(node => node.OpType).ToList();
            Assert.True(operators.Count(type => type == "Conv") == 2 && operators.Count(type => type == "ConvTranspose") == 1, $"{letters}: {string.Join(' ', operators)}");
            Assert.DoesNotContain(operators, type => type is "Gather" or "MatMul" or "ScatterElements");
            Assert.True(Written.Agrees(program, OnnxElementType.Float32, round));
            Assert.True(Written.Agrees(program, OnnxElementType.Float64, round));
        }
    }

    // Windows anywhere in the input, with strides, dilations and groups, contracted in any order of the result's axes.
    static TensorProgram Convolution(Random random, int spatial, out string described)
    {
        int samples = random.Next(1, 4), groups = random.Next(1, 3), channels = random.Next(1, 4), made = random.Next(1, 4);
        var axes = Enumerable.Range(0, spatial).Select(_ => (Places: random.Next(2, 5), Taps: random.Next(2, 4), Stride: random.Next(1, 4), Dilation: random.Next(1, 3), Before: random.Next(2), After: random.Next(3))).ToArray();
        var input = new Shape([samples, groups * channels, .. axes.Select(axis => axis.Before + axis.Stride * (axis.Places - 1) + axis.Dilation * (axis.Taps - 1) + 1 + axis.After)]);
        var own = input.Strides();
        var target = new Shape([samples, groups, channels, .. axes.Select(axis => axis.Places), .. axes.Select(axis => axis.Taps)]);
        var steps = new Axes([own[0], own[1] * channels, own[1], .. axes.Select((axis, k) => own[2 + k] * axis.Stride), .. axes.Select((axis, k) => own[2 + k] * axis.Dilation)]);
        var map = new IndexMap.Affine(input, target, axes.Select((axis, k) => own[2 + k] * axis.Before).Sum(), steps);
        var (places, taps) = ("pqr"[..spatial], "xyz"[..spatial]);
        var output = new string([.. ("ngo" + places).OrderBy(_ => random.Next())]);
        var builder = new ProgramBuilder();
        var windows = builder.Gather(builder.Parameter("input", input), map);
        var kernel = builder.Parameter("kernel", new Shape([groups, made, channels, .. axes.Select(axis => axis.Taps)]));
        builder.Output("y", random.Next(2) == 0
            ? builder.Contract("ngc" + places + taps, "goc" + taps, output, windows, kernel)
            : builder.Contract("goc" + taps, "ngc" + places + taps, output, kernel, windows));
        described = $"{output} of {input}: {string.Join(' ', axes)}";
        var forward = builder.Build();
        var gradient = Gradient.Of(forward, outputIsLoss: false, new HashSet<string> { "input", "kernel" });
        return gradient.WithOutputs([.. forward.Outputs, .. gradient.Outputs]);
    }
}
