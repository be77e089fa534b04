using Tiebreak.Conformance;
using Tiebreak.Evaluation;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Tests.Formats.Onnx.Writing;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Programs;

/// <summary>Shifted exponentials do not overflow, and mean what they meant.</summary>
public sealed class ShiftedExponentialsTests
{
    [Fact]
    public void Attention_its_loss_and_its_gradient_survive_large_scores()
    {
        var program = Attention();
        double[] Values(Node leaf) => leaf.Primitive is Primitive.Parameter { Name: "q" } ? [.. Written.Values(leaf).Select(value => 1e5 * value)] : Written.Values(leaf);
        Assert.Contains(FloatEvaluator.Evaluate(program, Values), output => output.Values.Any(double.IsNaN));
        Assert.All(FloatEvaluator.Evaluate(ShiftedExponentials.Of(program), Values), output => Assert.All(output.Values, value => Assert.True(double.IsFinite(value))));
    }

    [Fact]
    public void Attention_its_loss_and_its_gradient_mean_what_they_meant() => Same(Attention());

    [Fact]
    public void Random_programs_and_their_gradients_mean_what_they_meant()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var model = RandomPrograms.Draw(seed);
            var gradient = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet());
            Same(gradient.WithOutputs([.. model.Program.Outputs, .. gradient.Outputs]));
        }
    }

    [Fact]
    public void An_exponential_whose_scale_matters_stays()
    {
        var b = new ProgramBuilder();
        var x = b.Data("x", new Shape(2, 3));
        var e = b.Apply(FunctionKind.Exp, x);
        b.Output("sigmoid", b.Reciprocal(b.Offset(e, Rational.One)));
        b.Output("sum", b.ReduceSum(e, 1));
        var program = b.Build();
        Assert.Same(program, ShiftedExponentials.Of(program));
    }

    // softmax(q·k + mask)·v with a cross-entropy of its log-softmax along the first axis.
    static TensorProgram Attention()
    {
        var b = new ProgramBuilder();
        var scores = b.Contract("qd", "kd", "qk", b.Parameter("q", new Shape(3, 4)), b.Parameter("k", new Shape(5, 4)));
        var masked = b.Multiply(b.Constant(new DoubleTensor([.. Enumerable.Range(0, 15).Select(k => k % 5 <= k / 5 + 1 ? 1.0 : 0)]), scores.Shape), b.Apply(FunctionKind.Exp, scores));
        var weights = b.Divide(masked, b.Broadcast(b.ReduceSum(masked, 1), scores.Shape, 1));
        var mixed = b.Contract("qk", "kv", "qv", weights, b.Parameter("v", new Shape(5, 2)));
        var logits = b.Scale(mixed, 1000);
        var logarithms = b.Subtract(logits, b.Broadcast(b.Apply(FunctionKind.Log, b.ReduceSum(b.Apply(FunctionKind.Exp, logits), 0)), logits.Shape, 0));
        b.Output("loss", b.ReduceSum(b.Multiply(logarithms, b.Data("target", logits.Shape)), 0, 1));
        var forward = b.Build();
        var gradient = Gradient.Of(forward, outputIsLoss: true, new HashSet<string> { "q", "k", "v" });
        return gradient.WithOutputs([.. forward.Outputs, .. gradient.Outputs]);
    }

    static void Same(TensorProgram program)
    {
        var expected = FloatEvaluator.Evaluate(program, leaf => Written.Values(leaf));
        if (expected.Any(output => Array.Exists(output.Values, value => !double.IsFinite(value)))) return;
        var actual = FloatEvaluator.Evaluate(ShiftedExponentials.Of(program), leaf => Written.Values(leaf));
        for (var k = 0; k < expected.Count; k++)
            Assert.Equal(expected[k].Values, actual[k].Values, (a, b) => Math.Abs(a - b) <= 1e-8 * (1 + Math.Abs(a)));
    }
}
