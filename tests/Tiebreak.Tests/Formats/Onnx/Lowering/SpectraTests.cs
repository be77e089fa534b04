using Tiebreak.Formats.Onnx.Lowering;
using Xunit;
using static Tiebreak.Tests.Formats.Onnx.Lowering.OperatorRun;
using static Tiebreak.Tests.Formats.Onnx.OnnxModelBuilder;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>Fourier transforms against their definition.</summary>
public sealed class SpectraTests
{
    /// <summary>Σ x·e^(∓2πi·bin·k/N) of pairs of real and imaginary parts.</summary>
    static double[] Transform(double[] x, int bins, bool inverse = false)
    {
        var size = x.Length / 2;
        var y = new double[2 * bins];
        for (var bin = 0; bin < bins; bin++)
        {
            for (var k = 0; k < size; k++)
            {
                var turned = new System.Numerics.Complex(x[2 * k], x[2 * k + 1]) * System.Numerics.Complex.Exp(new System.Numerics.Complex(0, (inverse ? 2 : -2) * Math.PI * bin * k / size)) / (inverse ? size : 1);
                y[2 * bin] += turned.Real;
                y[2 * bin + 1] += turned.Imaginary;
            }
        }

        return y;
    }

    static double[] Complex(IEnumerable<double> reals) => [.. reals.SelectMany(real => new[] { real, 0 })];

    [Theory]
    [InlineData(17, 5, 0)]
    [InlineData(20, 5, 1)]
    [InlineData(20, 7, 0)]
    [InlineData(17, 3, 1)]
    public void Real_signals_are_cut_or_padded_and_transformed(int opset, int length, int onesided)
    {
        var x = Mixed(5, 1);
        var builder = new OnnxModelBuilder().Opset(opset).Input("x", 1, 5, 1).Integers("n", length).Node("DFT", ["x", "n"], ["y"], Int("onesided", onesided)).Output("y");
        Near(Transform(Complex(Enumerable.Range(0, length).Select(k => k < 5 ? x[k] : 0)), onesided == 1 ? length / 2 + 1 : length), First(builder, ("x", x)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Complex_signals_are_transformed_both_ways(int inverse)
    {
        var x = Mixed(12, 2);
        Near(Transform(x, 6, inverse == 1), First(new OnnxModelBuilder().Input("x", 1, 6, 2).Node("DFT", ["x"], ["y"], Int("axis", 1), Int("inverse", inverse)).Output("y"), ("x", x)));
    }

    [Fact]
    public void Frames_are_windowed_before_they_are_transformed()
    {
        double[] x = Mixed(10, 3), window = [0.5, 1, 1, 0.25];
        var builder = new OnnxModelBuilder().Input("x", 1, 10, 1).Input("w", 4).Integers("step", 3).Node("STFT", ["x", "step", "w"], ["y"]).Output("y");
        Near([.. Enumerable.Range(0, 3).SelectMany(frame => Transform(Complex(Enumerable.Range(0, 4).Select(k => x[3 * frame + k] * window[k])), 3))], First(builder, ("x", x), ("w", window)));
    }

    [Theory]
    [InlineData("HannWindow", 0.5, 0.5, 0)]
    [InlineData("HammingWindow", 25 / 46.0, 21 / 46.0, 0)]
    [InlineData("BlackmanWindow", 0.42, 0.5, 0.08)]
    public void Windows_are_sums_of_cosines(string type, double a, double b, double c)
    {
        double At(double k, double period) => a - b * Math.Cos(2 * Math.PI * k / period) + c * Math.Cos(4 * Math.PI * k / period);
        Near([.. Enumerable.Range(0, 7).Select(k => At(k, 7))], First(new OnnxModelBuilder().Integers("n", 7).Node(type, ["n"], ["y"]).Output("y")), 1e-12);
        var symmetric = First(new OnnxModelBuilder().Integers("n", 7).Node(type, ["n"], ["y"], Int("periodic", 0)).Output("y"));
        Near([.. Enumerable.Range(0, 7).Select(k => At(k, 6))], symmetric, 1e-12);
        Assert.Equal(symmetric, symmetric.Reverse());
    }

    [Fact]
    public void Turns_are_as_symmetric_as_cosine_and_sine()
    {
        for (var whole = 1; whole < 40; whole++)
        {
            for (var part = 0; part < whole; part++)
            {
                Assert.Equal(Math.Cos(2 * Math.PI * part / whole), Turns.Cosine(part, whole), 12);
                Assert.Equal(Math.Sin(2 * Math.PI * part / whole), Turns.Sine(part, whole), 12);
                Assert.Equal(Turns.Cosine(part, whole), Turns.Cosine(whole - part, whole));
                Assert.Equal(Turns.Sine(part, whole), -Turns.Sine(whole - part, whole));
                Assert.Equal(Turns.Cosine(part, whole), -Turns.Cosine(2 * part + whole, 2 * whole));
            }
        }

        Assert.Equal([1, 0.5, 0, -0.5, -1], [Turns.Cosine(0, 5), Turns.Cosine(2, 12), Turns.Cosine(3, 12), Turns.Cosine(4, 12), Turns.Cosine(7, 14)]);
    }
}
