using Tiebreak.Findings;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Findings;

/// <summary>Findings are grouped by cause, and the best single change is computed.</summary>
public sealed class CauseTests
{
    [Fact]
    public void Twelve_attention_layers_have_one_finding_about_their_key_biases()
    {
        var result = Of(Encoder(layers: 12));
        var finding = Assert.Single(result.Findings, finding => finding.Rule == "TB004");
        Assert.Equal(Enumerable.Range(0, 12).Select(layer => $"layers.{layer}.k.bias"), finding.Tensors);
        Assert.Contains("what softmax sends back", finding.Because, StringComparison.Ordinal);
        Assert.DoesNotContain(result.Findings, other => other.Rule == "TB002");
    }

    [Fact]
    public void Biases_that_different_operations_cancel_are_different_findings()
    {
        var model = Encoder(layers: 2)
            .Replace("data x", "param before[2] = [0.1, 0.2]\ndata x", StringComparison.Ordinal)
            .Replace("loss sum((y - h2)**2)", "let z = h2 + before\nloss sum((y - tanh(z - mean(z, axis=0)))**2)", StringComparison.Ordinal);
        var findings = Of(model).Findings.Where(finding => finding.StuckBy == "cancellation").ToArray();
        Assert.Equal(2, findings.Length); // centring takes away what is added to all rows, the last layer's value bias included
        Assert.Contains(findings, finding => finding.Tensors.SequenceEqual(["layers.0.k.bias", "layers.1.k.bias"]) && finding.Because.Contains("softmax", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding.Tensors.Contains("before") && finding.Because.Contains("mean", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("constant-mlp", 46, "fc2.weight")]
    [InlineData("two-zero-layers", 46, "fc2.weight", "fc3.weight")]
    [InlineData("attention-zero-qk", 84, "q.weight", "k.weight")]
    [InlineData("upcycled-experts-zero-router", 69, "router.weight")]
    public void The_best_single_re_initialisation_is_computed(string name, int degreesOfFreedom, params string[] oneOf)
    {
        var path = Repository.FromShared("cases", name + ".onnx");
        var advice = Check.Model(path).Advice!;
        Assert.Equal(degreesOfFreedom, advice.DegreesOfFreedom);
        Assert.Contains(Assert.Single(advice.Tensors), oneOf);
        Assert.True(advice.IsComplete);
    }

    [Fact]
    public void Where_one_tensor_gains_nothing_two_are_tried()
    {
        var advice = Of("param a = 0\nparam b = 0\nparam c = 0\ndata x, y\nloss (y - a*b*c*x)**2").Advice!;
        Assert.Equal((2, 3), (advice.Tensors.Count, advice.DegreesOfFreedom));
    }

    [Theory]
    [InlineData("attention")] // a key bias does nothing wherever it starts
    [InlineData("random-mlp")]
    public void Where_nothing_helps_nothing_is_advised(string name) =>
        Assert.False(Check.Model(Repository.FromShared("cases", name + ".onnx")).Advice is { Tensors.Count: > 0 });

    static CheckResult Of(string formula)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), formula);
        return Check.Model(folder.File("model.tb"));
    }

    static string Encoder(int layers)
    {
        var (parameters, lets) = ("", "let h0 = x\n");
        for (var k = 0; k < layers; k++)
        {
            string Layer(string name) => $"layers.{k}.{name}";
            foreach (var name in new[] { "q", "k", "v" }) parameters += $"param {Layer(name)}.weight[2,2] = normal(0, 0.5, seed={10 * k + name[0]})\nparam {Layer(name)}.bias[2] = normal(0, 0.5, seed={1000 + 10 * k + name[0]})\n";
            string Projected(string name) => $"(h{k} @ {Layer(name)}.weight + {Layer(name)}.bias)";
            lets += $"let h{k + 1} = h{k} + softmax({Projected("q")} @ {Projected("k")}.T) @ {Projected("v")}\n";
        }

        return $"{parameters}data x[3,2], y[3,2]\n{lets}loss sum((y - h{layers})**2)";
    }
}
