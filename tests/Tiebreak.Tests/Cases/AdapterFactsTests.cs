using Tiebreak.Tests.Formats.Onnx;
using Xunit;

namespace Tiebreak.Tests.Cases;

/// <summary>Facts from the field about what is added to a trained network: low-rank adapters, zero convolutions, prompts.</summary>
public sealed class AdapterFactsTests
{
    [Fact, Trait("where", "nvidia-cosmos/cosmos-predict2.5 pull 15, Guitaricet/relora issue 18, circle-hit/SAPT issue 11")]
    public void An_adapter_with_both_factors_zero_never_trains()
    {
        var outcome = Outcome.OfOnnx(Adapted(new float[8], new float[8]), new CheckOptions { Freeze = ["base.weight"] });
        outcome.IsStuck("zero", "lora_A", "lora_B");
        Assert.Equal(0, outcome.Counts.DegreesOfFreedom);
        outcome.Says(["lora_A[0,0]"], "Stuck", "`lora_B[0,*]` is zero and stays so", "each waits for the other");
        Assert.Contains("all but one of `lora_A` and `lora_B`", outcome.Finding("TB002").Fix, StringComparison.Ordinal);
    }

    [Theory, Trait("where", "microsoft/LoRA issues 98 and 121")]
    [InlineData("lora_A", "lora_B")]
    [InlineData("lora_B", "lora_A")]
    public void An_adapter_with_one_factor_zero_trains_whichever_it_is(string zero, string random)
    {
        float[] values = [0.3f, -0.1f, 0.4f, 0.2f, -0.5f, 0.9f, 0.25f, -0.6f];
        var outcome = Outcome.OfOnnx(Adapted(zero == "lora_A" ? new float[8] : values, zero == "lora_B" ? new float[8] : values), new CheckOptions { Freeze = ["base.weight"] });
        outcome.IsFree(zero, random);
        outcome.Starts(1, zero);
        outcome.Starts(2, random);
        Assert.Equal([random], outcome.Finding("TB008").Tensors);
        outcome.Says([$"{random}[0,0]"], "Moves", $"as `{zero}[", "is zero until step 1 moves it");
    }

    [Fact, Trait("where", "lllyasviel/ControlNet issue 510, ksw0306/FloWaveNet issue 9")]
    public void What_stands_behind_one_zero_convolution_starts_late()
    {
        var outcome = Outcome.OfOnnx(Controlled("zero1"));
        Assert.Equal(0, outcome.Counts.Stuck);
        outcome.Starts(1, "zero1.weight", "zero1.bias");
        outcome.Starts(2, "encoder.weight", "encoder.bias");
        Assert.Equal(["encoder.weight", "encoder.bias"], outcome.Finding("TB008").Tensors);
        outcome.Says(["encoder.weight[0,0,0,0]"], "Moves", "as `zero1.weight[*,0,0,0]` is zero until step 1 moves it");
    }

    [Fact, Trait("where", "lllyasviel/ControlNet issue 510, ksw0306/FloWaveNet issue 9")]
    public void Two_zero_convolutions_in_a_row_are_stuck()
    {
        var outcome = Outcome.OfOnnx(Controlled("zero1", "zero2"));
        outcome.IsStuck("zero", "encoder.weight", "encoder.bias", "zero1.weight", "zero1.bias", "zero2.weight");
        outcome.IsFree("zero2.bias"); // it alone moves: it reads nothing
        outcome.Starts(1, "zero2.bias");
        outcome.Says(["zero1.weight[0,0,0,0]"], "Stuck", "`zero2.weight[*,0,0,0]` is zero and stays so", "each waits for the other");
    }

    [Theory, Trait("where", "zrguo/MPLMM issue 12, yz93/LAVT-RIS issue 25")]
    [InlineData("0", "0", 1, 1)]
    [InlineData("0", "normal(0, 0.02, seed=1)", 1, 2)]
    [InlineData("normal(0, 0.02, seed=1)", "0", 2, 1)]
    public void Two_zero_prompts_multiplied_are_stuck_and_one_random_one_frees_both(string left, string right, int leftStep, int rightStep)
    {
        var outcome = Outcome.OfFormula($"const W[2,4] = uniform(-1, 1, seed=3)\nparam prompt.type[3,2] = {left}\nparam prompt.missing[2,4] = {right}\ndata x[4], y[3]\nloss sum((y - (prompt.type @ prompt.missing) @ tanh(x))**2) + sum((W @ x)**2)");
        if (left == right)
        {
            outcome.IsStuck("zero", "prompt.type", "prompt.missing");
            outcome.Says(["prompt.type[0,0]"], "Stuck", "`prompt.missing[0,*]` is zero and stays so", "each waits for the other");
            return;
        }

        outcome.IsFree("prompt.type", "prompt.missing");
        outcome.Starts(leftStep, "prompt.type");
        outcome.Starts(rightStep, "prompt.missing");
        outcome.Says([leftStep == 2 ? "prompt.type[0,0]" : "prompt.missing[0,0]"], "Moves", "is zero until step 1 moves it");
    }

    [Theory, Trait("where", "zrguo/MPLMM issue 12, yz93/LAVT-RIS issue 25")]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Two_zero_layers_in_series_are_stuck_and_one_random_one_frees_both(bool firstIsZero, bool secondIsZero)
    {
        // A gate on a residual path: linear, relu, linear, tanh, without biases.
        string Start(bool isZero, int seed) => isZero ? "0" : $"normal(0, 0.1, seed={seed})";
        var outcome = Outcome.OfFormula($"param gate.0[3,3] = {Start(firstIsZero, 1)}\nparam gate.2[3,3] = {Start(secondIsZero, 2)}\ndata x[3], y[3]\nloss sum((y - (x + tanh(gate.2 @ tanh(gate.0 @ x)) * x))**2)");
        if (firstIsZero && secondIsZero)
        {
            outcome.IsStuck("zero", "gate.0", "gate.2");
            outcome.Says(["gate.0[0,0]"], "Stuck", "`gate.2[*,0]` is zero and stays so", "each waits for the other");
        }
        else outcome.IsFree("gate.0", "gate.2");
    }

    /// <summary>x W + x A B, with W not trained.</summary>
    static OnnxModelBuilder Adapted(float[] a, float[] b) => new OnnxModelBuilder()
        .Input("x", 2, 4).Weight("base.weight", [4, 4], [.. Enumerable.Range(0, 16).Select(k => 0.1f * k - 0.7f)]).Weight("lora_A", [4, 2], a).Weight("lora_B", [2, 4], b)
        .Node("MatMul", ["x", "base.weight"], ["frozen"]).Node("MatMul", ["x", "lora_A"], ["down"]).Node("MatMul", ["down", "lora_B"], ["up"]).Node("Add", ["frozen", "up"], ["y"]).Output("y");

    /// <summary>A control image goes through a convolution with random weights, then through 1 × 1 convolutions that start at zero, and is added to features.</summary>
    static OnnxModelBuilder Controlled(params string[] zeros)
    {
        var model = new OnnxModelBuilder().Input("features", 1, 2, 3, 3).Input("control", 1, 2, 4, 4)
            .Weight("encoder.weight", [2, 2, 2, 2], [.. Enumerable.Range(0, 16).Select(k => 0.5f * MathF.Sin(k + 1))]).Weight("encoder.bias", [2], 0.1f, 0.2f)
            .Node("Conv", ["control", "encoder.weight", "encoder.bias"], ["e"]).Node("Sigmoid", ["e"], ["h"]);
        var last = "h";
        foreach (var zero in zeros)
        {
            model.Weight($"{zero}.weight", [2, 2, 1, 1], new float[4]).Weight($"{zero}.bias", [2], new float[2]).Node("Conv", [last, $"{zero}.weight", $"{zero}.bias"], [zero]);
            last = zero;
        }

        return model.Node("Add", ["features", last], ["y"]).Output("y");
    }
}
