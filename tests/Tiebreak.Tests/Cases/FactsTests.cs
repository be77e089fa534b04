using global::Onnx;
using Google.Protobuf;
using Tiebreak.Conformance;
using Tiebreak.Evaluation;
using Tiebreak.Gradients;
using Tiebreak.Programs;
using Tiebreak.Proofs.Reasons;
using Tiebreak.Tests.Formats.Onnx;
using Tiebreak.Tests.House;
using Tiebreak.Tests.Programs;
using Xunit;

namespace Tiebreak.Tests.Cases;

/// <summary>
/// The facts from the field (shared/cases/README.md) about initial values, copies and biases: each model is built as the incident describes it, and the
/// verdict falls out of the analysis. The trait names the place where people met it; <see cref="FactsTableTests"/> holds the table against the traits.
/// </summary>
public sealed class FactsTests
{
    [Fact, Trait("where", "the seed document of this project")]
    public void Equal_weights_between_two_layers_stay_equal_for_ever()
    {
        var outcome = Outcome.OfFormula("param W[4,3] = 0.1\nparam v[4] = 0.1\ndata x[3], y\nloss (y - v @ tanh(W @ x))**2");
        outcome.StayEqual("W", 0, 0, 1, 2, 3);
        outcome.StayEqual("v", 0, 0, 1, 2, 3);
        Assert.Equal(4, outcome.Counts.DegreesOfFreedom);
        Assert.Equal([0, 1, 2, 3], outcome.Finding("TB001").Indices);
        outcome.Says(["W[0,*]", "W[1,*]"], "Lockstep", "`W[0,*]` = `W[1,*]` at the start", "`v[0]` = `v[1]` at the start", "`(W @ x)[0]` = `(W @ x)[1]`", "what comes back there is equal");
    }

    [Fact, Trait("where", "the seed document of this project")]
    public void Zero_weights_of_a_linear_loss_are_free()
    {
        var outcome = Outcome.OfFormula("param a = 0\nparam b = 0\ndata x0, x1\nloss a*x0 + b*x1");
        outcome.IsFree("a", "b");
        Assert.Empty(outcome.Rules);
        outcome.Says(["a", "b"], "Apart", "`x0` and `x1` are different inputs");
    }

    [Fact, Trait("where", "the seed document of this project")]
    public void Zero_weights_of_a_linear_loss_are_in_lockstep_if_all_data_has_equal_inputs()
    {
        var outcome = Outcome.OfFormula("param a = 0\nparam b = 0\ndata x1\ndata x0 = x1\nloss a*x0 + b*x1");
        outcome.StayCopies("a", "b");
        Assert.Equal("`a` and `b` stay equal for ever", outcome.Finding("TB001").Message);
        outcome.Says(["a", "b"], "Lockstep", "made of the very same numbers");
    }

    [Fact, Trait("where", "srenevey/neuro issue 4")]
    public void Two_hidden_units_initialised_to_one_hundredth_act_as_one()
    {
        var outcome = Outcome.OfFormula(
            "param hidden.W[2,2] = 0.01\nparam hidden.b[2] = 0.01\nparam out.W[1,2] = 0.01\nparam out.b[1] = 0.01\ndata x[2], y[1]\nloss sum((y - sigmoid(out.W @ sigmoid(hidden.W @ x + hidden.b) + out.b))**2)");
        outcome.StayEqual("hidden.W", 0, 0, 1);
        outcome.StayEqual("hidden.b", 0, 0, 1);
        outcome.StayEqual("out.W", 1, 0, 1);
        Assert.Equal(5, outcome.Counts.DegreesOfFreedom); // two inputs, their bias, one weight out and its bias: one unit
        Assert.Equal(["TB001"], outcome.Rules);
        outcome.Says(["hidden.W[0,*]", "hidden.W[1,*]"], "Lockstep", "`hidden.b[0]` = `hidden.b[1]` at the start", "`out.W[0,0]` = `out.W[0,1]` at the start");
    }

    [Fact, Trait("where", "keras stateless initializers; deepregression pull 15")]
    public void Layers_from_one_reused_initializer_stay_copies_where_inputs_and_outputs_match()
    {
        var outcome = Outcome.OfFormula(
            "param left.W[3,3] = uniform(-1, 1, seed=1)\nparam right.W[3,3] = uniform(-1, 1, seed=1)\nparam out[3] = uniform(-1, 1, seed=2)\ndata x[3], y\nloss (y - out @ (tanh(left.W @ x) + tanh(right.W @ x)))**2");
        outcome.StayCopies("left.W", "right.W");
        Assert.Equal(["left.W", "right.W"], outcome.Finding("TB007").Tensors);
        outcome.Says(["left.W", "right.W"], "Lockstep", "`right.W[*,*]` = `left.W[*,*]` at the start");
    }

    [Fact, Trait("where", "keras stateless initializers; deepregression pull 15")]
    public void Layers_from_one_reused_initializer_that_read_different_inputs_come_apart()
    {
        var outcome = Outcome.OfFormula(
            "param left.W[3,3] = uniform(-1, 1, seed=1)\nparam right.W[3,3] = uniform(-1, 1, seed=1)\nparam out[3] = uniform(-1, 1, seed=2)\ndata a[3], b[3], y\nloss (y - out @ (tanh(left.W @ a) + tanh(right.W @ b)))**2");
        outcome.IsFree("left.W", "right.W");
        Assert.Equal(["TB012"], outcome.Rules);
        outcome.Says(["left.W[0,0]", "right.W[0,0]"], "Apart", "`a[0]` and `b[0]` are different inputs");
    }

    [Fact, Trait("where", "netket issue 241")]
    public void Layers_drawn_with_the_same_seed_are_equal_but_free_where_depth_differs()
    {
        var outcome = Outcome.OfFormula(
            "param layer1[3,3] = normal(0, 0.1, seed=9)\nparam layer2[3,3] = normal(0, 0.1, seed=9)\nparam layer3[3,3] = normal(0, 0.1, seed=9)\ndata x[3], y[3]\nloss sum((y - layer3 @ tanh(layer2 @ tanh(layer1 @ x)))**2)");
        outcome.IsFree("layer1", "layer2", "layer3");
        Assert.Equal(["layer1", "layer2", "layer3"], outcome.Finding("TB012").Tensors);
        Assert.Equal(["TB012"], outcome.Rules);
        outcome.Says(["layer1[0,0]", "layer2[0,0]"], "Apart", "from step 1 on", "is the product of");
    }

    [Fact, Trait("where", "soumith/net2net.torch issue 3")]
    public void Units_widened_by_copying_without_noise_stay_in_lockstep()
    {
        // Unit 1 is copied to 3 and 4: the copies read the same, and share the outgoing weight in equal parts.
        var outcome = Outcome.OfFormula(
            "param W[5,2] = [[0.4, -0.1], [0.2, 0.7], [-0.5, 0.3], [0.2, 0.7], [0.2, 0.7]]\nparam b[5] = [0.1, -0.2, 0.3, -0.2, -0.2]\nparam v[1,5] = [[0.6, 0.3, -0.8, 0.3, 0.3]]\ndata x[2], y[1]\nloss sum((y - v @ relu(W @ x + b))**2)");
        outcome.StayEqual("W", 0, 1, 3, 4);
        outcome.StayEqual("b", 0, 1, 3, 4);
        outcome.StayEqual("v", 1, 1, 3, 4);
        Assert.Equal(12, outcome.Counts.DegreesOfFreedom); // as many as the network of three units had
        Assert.Equal([1, 3, 4], outcome.Finding("TB001").Indices);
        outcome.Says(["W[1,*]", "W[3,*]"], "Lockstep", "`v[0,1]` = `v[0,3]` at the start");
    }

    [Fact, Trait("where", "every framework's guide")]
    public void A_bias_before_batch_normalisation_is_stuck()
    {
        var outcome = Outcome.OfOnnx(new OnnxModelBuilder()
            .Input("x", 1, 2, 4, 4).Weight("conv.weight", [3, 2, 3, 3], [.. Enumerable.Range(0, 54).Select(k => 0.3f * MathF.Sin(k + 1))]).Weight("conv.bias", [3], 0.1f, -0.2f, 0.3f)
            .Weight("bn.weight", [3], 1, 1, 1).Weight("bn.bias", [3], 0, 0, 0).Weight("bn.running_mean", [3], 0, 0, 0).Weight("bn.running_var", [3], 1, 1, 1)
            .Node("Conv", ["x", "conv.weight", "conv.bias"], ["c"]).Node("BatchNormalization", ["c", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"], ["n"]).Node("Relu", ["n"], ["y"]).Output("y"));
        outcome.IsStuck("cancellation", "conv.bias");
        outcome.IsFree("conv.weight", "bn.weight", "bn.bias");
        outcome.Says(["conv.bias[0]"], "Stuck", "its terms cancel", "(BatchNormalization) sends back", "sums to zero over axes 0, 2, 3");
        Assert.Equal(["TB004"], outcome.Rules);
    }

    [Fact, Trait("where", "folklore")]
    public void Logit_biases_under_softmax_cross_entropy_are_free_though_they_keep_their_sum()
    {
        var outcome = Outcome.OfFormula("param W[3,2] = uniform(-1, 1, seed=1)\nparam b[3] = [0.1, 0.2, -0.1]\ndata x[2], t[3]\nloss -sum(t * log_softmax(W @ x + b))");
        outcome.IsFree("W", "b");
        Assert.Empty(outcome.Rules);
        KeepsSum(outcome, "b", 1, 1, 1); // check --laws reports it: LinearLawsTests
        outcome.Says(["b[0]"], "Moves");
        outcome.Says(["b[0]", "b[1]"], "Apart", "start at different values, 0.1 and 0.2");
    }

    [Fact, Trait("where", "vislearn/FrEIA issue 92")]
    public void Weights_of_duplicate_input_columns_are_free_though_they_keep_their_difference()
    {
        var outcome = Outcome.OfFormula("param W[2,3] = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]\nparam v[2] = [0.7, -0.8]\ndata x[3], y\ndata x[2] = x[1]\nloss (y - v @ tanh(W @ x))**2");
        outcome.IsFree("W", "v");
        Assert.Empty(outcome.Rules);
        outcome.Says(["W[0,1]", "W[0,2]"], "Apart", "start at different values, 0.2 and 0.3");
        KeepsSum(outcome, "W", 0, 1, -1, 0, 0, 0);
        KeepsSum(outcome, "W", 0, 0, 0, 0, 1, -1);
    }

    [Fact, Trait("where", "vislearn/FrEIA issue 92")]
    public void Weights_of_duplicate_input_columns_that_start_equal_are_in_lockstep()
    {
        var outcome = Outcome.OfFormula("param W[2,3] = [[0.1, 0.2, 0.2], [0.4, 0.5, 0.5]]\nparam v[2] = [0.7, -0.8]\ndata x[3], y\ndata x[2] = x[1]\nloss (y - v @ tanh(W @ x))**2");
        outcome.StayEqual("W", 1, 1, 2);
        outcome.Says(["W[*,1]", "W[*,2]"], "Lockstep", "made of the very same numbers");
        Assert.Equal([1, 2], outcome.Finding("TB001").Indices);
        Assert.Equal(1, outcome.Finding("TB001").Axis);
    }

    [Fact, Trait("where", "pytorch issue 28294")]
    public void An_unused_branch_is_stuck()
    {
        var outcome = Outcome.OfOnnx(new OnnxModelBuilder()
            .Input("x", 2, 3).Weight("used", [3, 2], 1, 2, 3, 4, 5, 6).Weight("unused", [3, 2], 1, 2, 3, 4, 5, 7)
            .Node("MatMul", ["x", "used"], ["y"]).Node("MatMul", ["x", "unused"], ["z"]).Node("Tanh", ["z"], ["aside"]).Output("y"));
        outcome.IsStuck("zero", "unused");
        outcome.IsFree("used");
        Assert.Equal("nothing that the loss sees depends on them", outcome.Finding("TB002").Because);
        outcome.Says(["unused[0,0]"], "Stuck", "no output that the loss sees depends on `unused[0,0]`");
    }

    [Fact, Trait("where", "pytorch issue 28294")]
    public void A_head_that_the_loss_does_not_see_is_stuck()
    {
        var model = new OnnxModelBuilder()
            .Input("x", 2, 3).Weight("trunk", [3, 2], 1, 2, 3, 4, 5, 6).Weight("head", [2, 1], 1, 2).Weight("auxiliary", [2, 1], 3, 4)
            .Node("MatMul", ["x", "trunk"], ["h"]).Node("Tanh", ["h"], ["t"]).Node("MatMul", ["t", "head"], ["main"]).Node("MatMul", ["t", "auxiliary"], ["extra"]).Output("main").Output("extra");
        Outcome.OfOnnx(model).IsFree("trunk", "head", "auxiliary");
        var outcome = Outcome.OfOnnx(model, new CheckOptions { Outputs = ["main"] });
        outcome.IsStuck("zero", "auxiliary");
        outcome.Says(["auxiliary[0,0]"], "Stuck", "no output that the loss sees depends on `auxiliary[0,0]`");
        outcome.IsFree("trunk", "head");
    }

    [Fact, Trait("where", "d2l, numerical stability chapter")]
    public void Dropout_breaks_the_symmetry_that_gradient_descent_keeps()
    {
        var model = new OnnxModelBuilder()
            .Input("x", 2, 3).Weight("W1", [3, 4], [.. Enumerable.Repeat(0.5f, 12)]).Weight("W2", [4, 1], 0.5f, 0.5f, 0.5f, 0.5f)
            .Node("MatMul", ["x", "W1"], ["h"]).Node("Dropout", ["h"], ["d"]).Node("MatMul", ["d", "W2"], ["y"]).Output("y");
        var outcome = Outcome.OfOnnx(model);
        outcome.IsFree("W1", "W2");
        Assert.Equal(["W1", "W2"], outcome.Finding("TB009").Tensors);
        Assert.DoesNotContain("TB001", outcome.Rules);
        outcome.Says(["W1[0,0]", "W1[0,1]"], "Apart", "dropout draws a mask for each", "only dropout separates them");

        var without = Outcome.OfOnnx(model, new CheckOptions { Dropout = false });
        without.StayEqual("W1", 1, 0, 1, 2, 3);
        Assert.Contains("TB001", without.Rules);
        Assert.DoesNotContain("TB009", without.Rules);
    }

    [Fact, Trait("where", "models/light here")]
    public void A_constant_network_has_far_fewer_degrees_of_freedom_than_parameters()
    {
        // DenseNet-121 on images of 64 × 64 in place of 224 × 224, which changes no parameter and no answer; all nine at their own size stand in the README.
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(SharedFolder.Require("models/light/light_densenet121.onnx")));
        foreach (var size in model.Graph.Input.SelectMany(input => input.Type.TensorType.Shape.Dim).Where(size => size.DimValue == 224)) size.DimValue = 64;
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("model.onnx"), model.ToByteArray());
        var result = Check.Model(folder.File("model.onnx"));
        var counts = result.Counts!;
        Assert.Equal((8_062_504, 33_591), (counts.Parameters, counts.DegreesOfFreedom));
        var channels = result.Units.Last(units => units is { Kind: "channel", Axis: 0 });
        var why = Why.Of(folder.File("model.onnx"), $"{channels.Tensor}[{channels.Groups[0][0]},*,*,*]", $"{channels.Tensor}[{channels.Groups[0][1]},*,*,*]");
        Assert.Equal(ExplainedVerdict.Lockstep, why.Verdict);
        Assert.InRange(why.Steps.Count, 3, 1000);
    }

    [Fact, Trait("where", "jthickstun/pytorch_musicnet issue 4, udlbook issue 87")]
    public void A_softmax_regression_may_start_at_zero()
    {
        var outcome = Outcome.OfFormula("param W[3,4] = 0\nparam b[3] = 0\ndata x[4], t[3]\nloss -sum(t * log_softmax(W @ x + b))");
        outcome.IsFree("W", "b");
        outcome.Starts(1, "W", "b");
        outcome.Says(["W[0,0]", "W[1,0]"], "Apart", "start at zero", "from step 1 on", "`t[0]` and `t[1]` are different inputs");
    }

    [Fact, Trait("where", "jthickstun/pytorch_musicnet issue 4, udlbook issue 87")]
    public void Any_linear_classifier_may_start_at_zero()
    {
        // As multi-label spectrogram classifiers are: one linear layer, any loss of its outputs.
        var outcome = Outcome.OfOnnx(new OnnxModelBuilder().Input("x", 2, 4).Weight("weight", [3, 4], new float[12]).Weight("bias", [3], new float[3])
            .Node("Gemm", ["x", "weight", "bias"], ["y"], OnnxModelBuilder.Int("transB", 1)).Output("y"));
        outcome.IsFree("weight", "bias");
        outcome.Says(["weight[0,0]", "weight[1,0]"], "Apart", "start at zero", "`y[0,0]` and `y[0,1]` are different outputs");
    }

    [Theory, Trait("where", "nndl-discussion issue 14")]
    [InlineData("tanh")]
    [InlineData("relu")]
    public void Zero_initialisation_leaves_all_but_the_last_bias_stuck(string activation)
    {
        var outcome = Outcome.OfFormula(Zero(activation));
        outcome.IsStuck("zero", "W", "b", "v");
        outcome.IsFree("c");
        Assert.False(outcome.Finding("TB002").RestsOnKink);
        outcome.Says(["W[0,0]"], "Stuck", "`v[0]` is zero and stays so", "each waits for the other");
    }

    [Fact, Trait("where", "nndl-discussion issue 14")]
    public void Zero_initialisation_with_sigmoid_keeps_all_units_in_lockstep()
    {
        var outcome = Outcome.OfFormula(Zero("sigmoid"));
        Assert.Equal(0, outcome.Counts.Stuck);
        outcome.StayEqual("W", 0, 0, 1, 2, 3);
        outcome.StayEqual("b", 0, 0, 1, 2, 3);
        outcome.Starts(1, "v", "c");
        outcome.Starts(2, "W", "b");
        outcome.Says(["W[0,*]", "W[1,*]"], "Lockstep", "`v[0]` = `v[1]` at the start");
        outcome.Says(["W[0,0]"], "Moves", "`v[0]` is zero until step 1 moves it");
    }

    static string Zero(string activation) => $"param W[4,3] = 0\nparam b[4] = 0\nparam v[4] = 0\nparam c = 0\ndata x[3], y\nloss (y - (v @ {activation}(W @ x + b) + c))**2";

    /// <summary>A linear law of gradient descent: at random points the combined gradient vanishes, though no single one does.</summary>
    static void KeepsSum(Outcome outcome, string tensor, params double[] factors)
    {
        var model = outcome.Result.Analysis.Model;
        var gradient = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet());
        for (var seed = 0; seed < 5; seed++)
        {
            var dice = new Dice(seed);
            var values = FloatEvaluator.Evaluate(gradient, leaf => [.. Enumerable.Range(0, (int)leaf.Shape.Count).Select(_ => dice.Double(-1, 1))]).Single(output => output.Name == tensor).Values;
            Assert.DoesNotContain(0, values);
            Assert.Equal(0, values.Zip(factors, (value, factor) => value * factor).Sum(), 1e-12);
        }
    }
}
