using Tiebreak.Tests.Formats.Onnx;
using Xunit;

namespace Tiebreak.Tests.Cases;

/// <summary>Trained networks from the field, as they are: no options.</summary>
public sealed class RealModelsTests
{
    [Theory]
    [InlineData("face_detection_front_128x128_barracuda", 100_412, 0)]
    [InlineData("silero_vad_v5", 503_554, 41_728)] // taps that only meet padding, as one frame is all the graph takes; two imaginary rows of the transform, which are zero
    [InlineData("ch_PP-OCRv4_det_infer", 1_171_464, 24)] // a bias before batch normalisation
    [InlineData("ch_PP-OCRv4_rec_infer", 2_688_037, 360)] // key biases of two attention layers, a bias before batch normalisation
    public void Real_models_are_checked_without_options(string name, int degreesOfFreedom, long stuck)
    {
        var result = Check.Model(SharedFolder.Require($"models/real/{name}.onnx"), new CheckOptions { Cancellation = TestContext.Current.CancellationToken });
        Assert.Equal((degreesOfFreedom, stuck, 0L), (result.Counts!.DegreesOfFreedom, result.Counts.Stuck, result.Counts.Lockstep));
        Assert.InRange(result.Analysis.ErrorBound, 0, 1e-18);
        Assert.Equal(stuck > 0, result.Findings.Any(finding => finding.Rule is "TB002" or "TB004"));
    }
}
