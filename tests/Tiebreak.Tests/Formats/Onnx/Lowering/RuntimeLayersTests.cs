using global::Onnx;
using Tiebreak.Formats;
using Xunit;
using static Tiebreak.Tests.Formats.Onnx.Lowering.OperatorRun;
using static Tiebreak.Tests.Formats.Onnx.OnnxModelBuilder;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>ONNX Runtime's fused layers against plain arithmetic.</summary>
public sealed class RuntimeLayersTests
{
    const string Domain = "com.microsoft";

    static readonly double[] X = Mixed(12, 1);
    static readonly double[] Skip = Mixed(12, 2);
    static readonly double[] Scale = Mixed(4, 3);
    static readonly double[] Bias = Mixed(4, 4);

    static OnnxModelBuilder Rows() => new OnnxModelBuilder().Input("x", 1, 3, 4).Input("skip", 1, 3, 4).Weight("g", [4], Floats(Scale)).Weight("b", [4], Floats(Bias)).Weight("added", [4], Floats(Bias));

    static double[] Normal(double[] x, bool centred, bool shifted) => [.. x.Chunk(4).SelectMany(row =>
    {
        var mean = centred ? row.Average() : 0;
        var root = Math.Sqrt(row.Average(number => (number - mean) * (number - mean)) + 1e-12);
        return row.Select((number, k) => (number - mean) / root * Scale[k] + (shifted ? Bias[k] : 0));
    })];

    static double[] Sum(params double[][] terms) => [.. Enumerable.Range(0, 12).Select(k => terms.Sum(term => term[k % term.Length]))];

    static double Erf(double x)
    {
        // Simpson's rule on the definition.
        const int steps = 2000;
        var h = x / steps;
        double sum = 1 + Math.Exp(-x * x);
        for (var k = 1; k < steps; k++) sum += (k % 2 == 0 ? 2 : 4) * Math.Exp(-k * h * k * h);
        return 2 / Math.Sqrt(Math.PI) * sum * h / 3;
    }

    static double Gelu(double x) => x / 2 * (1 + Erf(x / Math.Sqrt(2)));

    static double FastGelu(double x) => x / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

    static double Swish(double x, double alpha) => x / (1 + Math.Exp(-alpha * x));

    [Fact]
    public void A_residual_is_added_before_layer_normalisation()
    {
        var all = All(Rows().Node(Domain, "SkipLayerNormalization", ["x", "skip", "g", "b", "added"], ["y", "", "", "sum"]).Output("y").Output("sum"), ("x", X), ("skip", Skip));
        Near(Normal(Sum(X, Skip, Bias), centred: true, shifted: true), all[0].Values);
        Near(Sum(X, Skip, Bias), all[1].Values);
    }

    [Fact]
    public void A_residual_is_added_before_simplified_normalisation() =>
        Near(Normal(Sum(X, Skip), centred: false, shifted: false), First(Rows().Node(Domain, "SkipSimplifiedLayerNormalization", ["x", "skip", "g"], ["y"]).Output("y"), ("x", X), ("skip", Skip)));

    [Fact]
    public void Simplified_normalisation_stands_in_the_default_domain()
    {
        var builder = new OnnxModelBuilder().Opset(12).Input("x", 1, 3, 4).Weight("g", [4], Floats(Scale)).Node("SimplifiedLayerNormalization", ["x", "g"], ["y"], Float("epsilon", 1e-12f)).Output("y");
        Near(Normal(X, centred: false, shifted: false), First(builder, ("x", X)));
        Assert.Equal(ParameterRole.Scale, Assert.Single(builder.Lower().Parameters).Role);
    }

    [Fact]
    public void Embeddings_are_looked_up_added_and_normalised()
    {
        double[] words = Mixed(20, 5), places = Mixed(16, 6), segments = Mixed(8, 7);
        var builder = new OnnxModelBuilder().Input("i", TensorProto.Types.DataType.Int32, 1, 3).Input("s", TensorProto.Types.DataType.Int32, 1, 3).Weight("w", [5, 4], Floats(words)).Weight("p", [4, 4], Floats(places)).Weight("t", [2, 4], Floats(segments))
            .Weight("g", [4], Floats(Scale)).Weight("b", [4], Floats(Bias)).Node(Domain, "EmbedLayerNormalization", ["i", "s", "w", "p", "t", "g", "b"], ["y", "m"]).Output("y");
        double[] Row(double[] table, int row) => [.. table.Skip(4 * row).Take(4)];
        double[] sum = [.. new[] { (4, 0, 1), (1, 1, 0), (4, 2, 1) }.SelectMany(at => Row(words, at.Item1).Zip(Row(places, at.Item2), Row(segments, at.Item3)).Select(row => row.First + row.Second + row.Third))];
        Near(Normal(sum, centred: true, shifted: true), First(builder, ("i", [4, 1, 4]), ("s", [1, 0, 1])));
        Assert.Equal([ParameterRole.LookUp, ParameterRole.LookUp, ParameterRole.LookUp, ParameterRole.Scale, ParameterRole.Bias], builder.Lower().Parameters.Select(tensor => tensor.Role));
    }

    [Theory]
    [InlineData("Gelu", false)]
    [InlineData("BiasGelu", true)]
    [InlineData("FastGelu", false)]
    [InlineData("FastGelu", true)]
    [InlineData("QuickGelu", false)]
    public void Gelus_may_have_a_bias(string type, bool bias)
    {
        Func<double, double> f = type switch { "FastGelu" => FastGelu, "QuickGelu" => x => Swish(x, 1.702f), _ => Gelu };
        var builder = Rows().Node(Domain, type, bias ? ["x", "b"] : ["x"], ["y"]).Output("y");
        Near([.. (bias ? Sum(X, Bias) : X).Select(f)], First(builder, ("x", X), ("skip", Skip)));
    }

    [Fact]
    public void One_half_is_gated_by_the_other() => Near([.. Sum(X, Bias).Chunk(4).SelectMany(row => new[] { row[0] * Gelu(row[2]), row[1] * Gelu(row[3]) })],
        First(Rows().Node(Domain, "BiasSplitGelu", ["x", "b"], ["y"]).Output("y"), ("x", X), ("skip", Skip)));

    [Fact]
    public void Bias_and_residual_surround_a_dropout()
    {
        var builder = Rows().Node(Domain, "BiasDropout", ["x", "b", "skip"], ["y"]).Output("y");
        Near(Sum(X, Bias, Skip), First(builder, ("x", X), ("skip", Skip)));
        Assert.True(builder.Lower().HasDropout);
    }

    [Fact]
    public void A_mask_is_added_before_softmax()
    {
        var mask = new float[] { 0, -1e9f, 1, 0 };
        var builder = new OnnxModelBuilder().Input("x", 1, 3, 4).Weight("m", [1, 1, 4], mask).Node(Domain, "BiasSoftmax", ["x", "m"], ["y"], Int("axis", 2), Int("is_inner_broadcast", 1)).Output("y");
        Near([.. X.Chunk(4).SelectMany(row => row.Select((number, k) => Math.Exp(number + mask[k]) / row.Select((other, j) => Math.Exp(other + mask[j])).Sum()))], First(builder, ("x", X)));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    public void Products_may_be_transposed_and_scaled(int left, int right)
    {
        double[] a = Mixed(6, 1), b = Mixed(12, 2);
        var builder = new OnnxModelBuilder().Input("a", left == 1 ? [3, 2] : [2, 3]).Weight("b", right == 1 ? [4, 3] : [3, 4], Floats(b)).Node(Domain, "FusedMatMul", ["a", "b"], ["y"], Int("transA", left), Int("transB", right), Float("alpha", 0.5f)).Output("y");
        double A(int m, int k) => left == 1 ? a[k * 2 + m] : a[m * 3 + k];
        double B(int k, int n) => right == 1 ? b[n * 3 + k] : b[k * 4 + n];
        Near([.. from m in Enumerable.Range(0, 2) from n in Enumerable.Range(0, 4) select 0.5 * Enumerable.Range(0, 3).Sum(k => A(m, k) * B(k, n))], First(builder, ("a", a)));
        var weight = Assert.Single(builder.Lower().Parameters);
        Assert.Equal(right == 1 ? [AxisMeaning.Output, AxisMeaning.Input] : [AxisMeaning.Input, AxisMeaning.Output], weight.AxisMeanings);
    }

    [Fact]
    public void Products_may_end_in_an_activation()
    {
        double[] w = Mixed(8, 5), b = Mixed(2, 6);
        double[] product = [.. from m in Enumerable.Range(0, 3) from n in Enumerable.Range(0, 2) select b[n] + Enumerable.Range(0, 4).Sum(k => X[m * 4 + k] * w[k * 2 + n])];
        OnnxModelBuilder Builder() => new OnnxModelBuilder().Input("x", 3, 4).Weight("w", [4, 2], Floats(w)).Weight("c", [2], Floats(b));
        Near([.. product.Select(y => y > 0 ? y : 0.25 * y)], First(Builder().Node(Domain, "FusedGemm", ["x", "w", "c"], ["y"], Text("activation", "LeakyRelu"), Float("activation_alpha", 0.25f)).Output("y"), ("x", X)));
        Near([.. product.Select(FastGelu)], First(Builder().Node(Domain, "GemmFastGelu", ["x", "w", "c"], ["y"]).Output("y"), ("x", X)));
    }

    [Fact]
    public void A_convolution_may_add_a_tensor_and_clip()
    {
        var bounds = new AttributeProto { Name = "activation_params", Type = AttributeProto.Types.AttributeType.Floats };
        bounds.Floats.AddRange([0, 6]);
        var builder = new OnnxModelBuilder().Input("x", 1, 1, 3).Input("z", 1, 1, 2).Weight("w", [1, 1, 2], 1, 2).Weight("c", [1], 1).Node(Domain, "FusedConv", ["x", "w", "c", "z"], ["y"], Text("activation", "Clip"), bounds).Output("y");
        Assert.Equal([6, 0], First(builder, ("x", [1, 2, 3]), ("z", [4, -20])));
    }

    [Fact]
    public void Groups_of_channels_that_stand_last_are_normalised()
    {
        var x = Mixed(2 * 2 * 4, 8);
        var builder = new OnnxModelBuilder().Input("x", 1, 2, 2, 4).Weight("g", [4], Floats(Scale)).Weight("b", [4], Floats(Bias)).Node(Domain, "GroupNorm", ["x", "g", "b"], ["y"], Int("groups", 2), Int("activation", 1), Int("channels_last", 1)).Output("y");
        var expected = new double[x.Length];
        for (var group = 0; group < 2; group++)
        {
            int[] members = [.. Enumerable.Range(0, 16).Where(k => k % 4 / 2 == group)];
            var mean = members.Average(k => x[k]);
            var root = Math.Sqrt(members.Average(k => (x[k] - mean) * (x[k] - mean)) + 1e-5f);
            foreach (var k in members) expected[k] = Swish((x[k] - mean) / root * Scale[k % 4] + Bias[k % 4], 1);
        }

        Near(expected, First(builder, ("x", x)));
    }
}
