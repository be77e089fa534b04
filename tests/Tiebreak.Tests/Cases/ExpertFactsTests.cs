using Tiebreak.Conformance;
using Tiebreak.Evaluation;
using Tiebreak.Findings;
using Tiebreak.Gradients;
using Tiebreak.Tests.Formats.Onnx;
using Tiebreak.Tests.Programs;
using Xunit;

namespace Tiebreak.Tests.Cases;

/// <summary>Facts from the field about experts, routers, critics: several copies of one network and who chooses among them.</summary>
public sealed class ExpertFactsTests
{
    const int Experts = 4, Width = 3, Answers = 2, Tokens = 3;

    static readonly float[] RandomRouter = [.. Enumerable.Range(0, Width * Experts).Select(k => 0.5f * MathF.Sin(3 * k + 1))];
    static readonly float[] ZeroRouter = new float[Width * Experts];
    static readonly float[] RandomExperts = [.. Enumerable.Range(0, Experts * Width * Answers).Select(k => 0.5f * MathF.Cos(2 * k + 1))];
    static readonly float[] CopiedExperts = [.. Enumerable.Range(0, Experts).SelectMany(_ => RandomExperts[..(Width * Answers)])];

    [Fact, Trait("where", "jingyaogong/minimind issue 858")]
    public void Top_1_routing_with_renormalised_weights_leaves_the_router_stuck()
    {
        var outcome = Outcome.OfOnnx(Routed(RandomRouter, RandomExperts, top: 1));
        outcome.IsStuck("cancellation", "router"); // a weight divided by itself is 1
        outcome.IsFree("experts");
        outcome.Says(["router[0,0]"], "Stuck", "its terms cancel");
    }

    [Fact, Trait("where", "the same")]
    public void Top_2_of_4_routing_with_renormalised_weights_trains_the_router()
    {
        var outcome = Outcome.OfOnnx(Routed(RandomRouter, RandomExperts, top: 2));
        outcome.IsFree("router", "experts");
        Assert.Equal(0, outcome.Counts.Stuck);
        outcome.Says(["router[0,0]"], "Moves");
    }

    [Fact, Trait("where", "laekov/fastmoe pull 4")]
    public void Experts_that_share_a_seed_come_apart_under_a_random_router()
    {
        foreach (var top in new int?[] { null, 2 })
        {
            var outcome = Outcome.OfOnnx(Routed(RandomRouter, CopiedExperts, top));
            outcome.IsFree("experts", "router");
            outcome.Starts(1, "experts");
            outcome.Says(["experts[0,0,0]", "experts[1,0,0]"], "Apart", "`router[0,0]` and `router[0,1]` start at different values");
            Assert.DoesNotContain("TB001", outcome.Rules);
        }
    }

    [Fact, Trait("where", "laekov/fastmoe pull 4")]
    public void Experts_that_share_a_seed_stay_in_lockstep_under_a_zero_router_with_a_dense_gate()
    {
        var outcome = Outcome.OfOnnx(Routed(ZeroRouter, CopiedExperts, top: null));
        outcome.StayEqual("experts", 0, 0, 1, 2, 3);
        outcome.IsStuck("cancellation", "router");
        outcome.Says(["router[0,0]"], "Stuck", "its terms cancel");
        outcome.Says(["experts[0,*,*]", "experts[1,*,*]"], "Lockstep", "`experts[0,*,*]` = `experts[1,*,*]` at the start");
    }

    [Fact, Trait("where", "laekov/fastmoe pull 4")]
    public void Experts_that_share_a_seed_under_a_zero_router_with_a_top_2_gate_are_what_the_tie_break_decides()
    {
        // All four weights are 1/4: whoever takes the first two trains these two alike and leaves the rest, but nothing in the model says so.
        var outcome = Outcome.OfOnnx(Routed(ZeroRouter, CopiedExperts, top: 2));
        outcome.StayEqual("experts", 0, 0, 1);
        outcome.Says(["experts[0,0,0]", "experts[1,0,0]"], "Lockstep", "rests on a kink");
        Assert.Equal((12L, 12L), (outcome.Codes("router").Count(code => code == 0), outcome.Codes("experts").Count(code => code == 0)));
        Assert.NotNull(outcome.Result.Analysis.AtOtherKinks);
        var onKink = outcome.Result.Findings.Where(finding => finding.RestsOnKink).ToArray();
        Assert.NotEmpty(onKink);
        Assert.All(onKink, finding => Assert.NotEqual(Level.Error, finding.Level));
    }

    [Fact, Trait("where", "EdanToledo/Stoix issue 72")]
    public void Twin_critics_built_from_one_initialisation_stay_copies()
    {
        var outcome = Outcome.OfFormula(TwinCritics);
        outcome.StayCopies("q1.W", "q2.W");
        outcome.StayCopies("q1.v", "q2.v");
        outcome.Says(["q1.W", "q2.W"], "Lockstep", "`q2.v[*]` = `q1.v[*]` at the start");
        Assert.Equal(["q1.W", "q1.v", "q2.W", "q2.v"], outcome.Finding("TB007").Tensors);
        Assert.Equal(["TB007"], outcome.Rules);
    }

    [Fact, Trait("where", "EdanToledo/Stoix issue 72")]
    public void Twin_critics_stay_copies_under_Adam_too()
    {
        var model = Outcome.OfFormula(TwinCritics).Result.Analysis.Model;
        var gradient = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet());
        var dice = new Dice(1);
        var values = model.Parameters.ToDictionary(parameter => parameter.Name, parameter => Enumerable.Range(0, (int)parameter.Shape.Count).Select(k => parameter.Start[k].ToDouble()).ToArray());
        var start = values["q1.W"].ToArray();
        var (first, second) = (values.ToDictionary(pair => pair.Key, pair => new double[pair.Value.Length]), values.ToDictionary(pair => pair.Key, pair => new double[pair.Value.Length]));
        for (var step = 1; step <= 50; step++)
        {
            var gradients = FloatEvaluator.Evaluate(gradient, leaf => leaf.Primitive is Tiebreak.Programs.Primitive.Parameter parameter ? values[parameter.Name] : [.. Enumerable.Range(0, (int)leaf.Shape.Count).Select(_ => dice.Double(-1, 1))]);
            foreach (var (name, _, slopes) in gradients)
            {
                for (var k = 0; k < slopes.Length; k++)
                {
                    first[name][k] = 0.9 * first[name][k] + 0.1 * slopes[k];
                    second[name][k] = 0.999 * second[name][k] + 0.001 * slopes[k] * slopes[k];
                    values[name][k] -= 0.01 * first[name][k] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(second[name][k] / (1 - Math.Pow(0.999, step))) + 1e-8);
                }
            }
        }

        Assert.NotEqual(start, values["q1.W"]);
        Assert.Equal(values["q1.W"], values["q2.W"]);
        Assert.Equal(values["q1.v"], values["q2.v"]);
    }

    const string TwinCritics = """
        param q1.W[4,3] = uniform(-1, 1, seed=7)
        param q1.v[4] = uniform(-1, 1, seed=8)
        param q2.W[4,3] = uniform(-1, 1, seed=7)
        param q2.v[4] = uniform(-1, 1, seed=8)
        data state[3], target
        loss (target - q1.v @ tanh(q1.W @ state))**2 + (target - q2.v @ tanh(q2.W @ state))**2
        """;

    /// <summary>
    /// Softmax over four experts; with <paramref name="top"/> only so many of them count, their weights divided by their sum, as mixture layers do.
    /// </summary>
    static OnnxModelBuilder Routed(float[] router, float[] experts, int? top)
    {
        var model = new OnnxModelBuilder().Input("x", Tokens, Width).Weight("router", [Width, Experts], router).Weight("experts", [Experts, Width, Answers], experts)
            .Node("MatMul", ["x", "router"], ["logits"]).Node("Softmax", ["logits"], ["probabilities"]);
        var gates = "probabilities";
        if (top is { } count)
        {
            model.Integers("count", count).Integers("last", -1).Integers("gate.shape", Tokens, Experts).Node("ConstantOfShape", ["gate.shape"], ["closed"])
                .Node("TopK", ["probabilities", "count"], ["best", "chosen"]).Node("ReduceSum", ["best", "last"], ["total"]).Node("Div", ["best", "total"], ["weights"])
                .Node("ScatterElements", ["closed", "chosen", "weights"], ["gates"], OnnxModelBuilder.Int("axis", 1));
            gates = "gates";
        }

        // Each token through each expert, then the gates' weighted sum.
        return model.Node("MatMul", ["x", "experts"], ["h"]).Node("Tanh", ["h"], ["t"]).Node("Einsum", [gates, "t"], ["y"], Equation("ne,eno->no")).Output("y");
    }

    static global::Onnx.AttributeProto Equation(string text) =>
        new() { Name = "equation", Type = global::Onnx.AttributeProto.Types.AttributeType.String, S = Google.Protobuf.ByteString.CopyFromUtf8(text) };
}
