using CsCheck;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Xunit;

namespace Tiebreak.Tests.Judge;

/// <summary>The judge itself is judged: by answers that are known, and by what exact training does.</summary>
public sealed class JudgeTests
{
    public static TheoryData<string, int[]> Cases => new()
    {
        // parameters, degrees of freedom, stuck, in lockstep, mirrored, last first step
        { "constant-mlp", [46, 10, 0, 44, 0, 1] },
        { "constant-mlp-relu", [46, 10, 0, 44, 0, 1] },
        { "zero-tanh", [46, 2, 44, 0, 0, 1] },
        { "zero-sigmoid", [46, 10, 0, 44, 0, 3] },
        { "zero-last-layer", [46, 46, 0, 0, 0, 2] },
        { "two-zero-layers", [46, 2, 44, 0, 0, 1] },
        { "net2wider", [26, 20, 0, 12, 0, 1] },
        { "sign-flipped-tanh", [20, 14, 0, 12, 12, 1] },
        { "sign-flipped-relu", [20, 20, 0, 0, 0, 1] },
        { "attention", [88, 84, 4, 0, 0, 1] },
        { "attention-equal-heads", [88, 48, 4, 72, 0, 1] },
        { "attention-zero-qk", [88, 48, 40, 0, 0, 1] },
        { "bias-before-batchnorm", [23, 20, 3, 0, 0, 1] },
        { "bias-before-layernorm", [23, 23, 0, 0, 0, 1] },
        { "upcycled-experts-random-router", [69, 69, 0, 0, 0, 2] },
        { "upcycled-experts-zero-router", [69, 20, 9, 60, 0, 1] },
        { "constant-cnn", [175, 32, 0, 173, 0, 1] },
        { "symmetric-bilinear", [9, 6, 0, 6, 0, 1] },
        { "same-seed-ensemble", [52, 26, 0, 52, 0, 1] },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Judge_finds_what_is_known(string name, int[] expected)
    {
        var verdict = ScalarJudge.Judge(Known(name));
        var codes = verdict.Partition.Flat();
        var classes = codes.Where(code => code != 0).GroupBy(Math.Abs).ToArray();
        Assert.True(verdict.IsMonotone);
        int[] found =
        [
            codes.Length,
            classes.Length,
            codes.Count(code => code == 0),
            classes.Where(members => members.Count() > 1).Sum(members => members.Count()),
            classes.Where(members => members.Distinct().Count() > 1).Sum(members => members.Count()),
            verdict.Partition.FirstSteps.Max(),
        ];
        Assert.Equal(expected, found);
    }

    [Fact]
    public void Mirrored_unit_has_the_opposite_sign()
    {
        var verdict = ScalarJudge.Judge(Known("sign-flipped-tanh"));
        Assert.Equal([1, 2, 3, 4, 5, 6, -4, -5, -6], verdict.Partition.Codes[0]);
        Assert.Equal([7, 8, -8], verdict.Partition.Codes[1]);
        Assert.Equal([9, 10, -10, 11, 12, -12], verdict.Partition.Codes[2]);
    }

    [Fact]
    public void Zero_sigmoid_layers_start_one_after_the_other()
    {
        var verdict = ScalarJudge.Judge(Known("zero-sigmoid"));
        Assert.Equal([3, 3, 3, 3, 2, 2, 1, 1, 1, 1], verdict.Partition.FirstSteps.Skip(1));
    }

    [Fact]
    public void Division_by_exact_zero_is_no_verdict()
    {
        var b = new ProgramBuilder();
        b.Output("y", b.Reciprocal(b.Parameter("p", Shape.Scalar)));
        var model = new Model { Program = b.Build(), Parameters = [new ParameterTensor("p", Shape.Scalar, new UniformTensor(1, 0))], OutputIsLoss = false };
        Assert.Throws<DivisionByExactZeroException>(() => ScalarJudge.Judge(model));
    }

    [Fact]
    public void Kink_left_after_the_start_is_told()
    {
        // x·p·gate₁(g) + x·q·gate₀(g) + z·g from zero: the two conventions differ at g = 0 only, so p moves first, and alone; later rounds see no difference.
        var b = new ProgramBuilder();
        var (p, q, g) = (b.Parameter("p", Shape.Scalar), b.Parameter("q", Shape.Scalar), b.Parameter("g", Shape.Scalar));
        Node Gated(Node weight, double atZero) => b.Multiply(b.Multiply(b.Data("x", Shape.Scalar), weight), b.Apply(new ScalarFunction(FunctionKind.Step, atZero), g));
        b.Output("y", b.Add(b.Add(Gated(p, 1), Gated(q, 0)), b.Multiply(b.Data("z", Shape.Scalar), g)));
        var zero = new UniformTensor(1, Rational.Zero);
        var model = new Model
        {
            Program = b.Build(),
            Parameters = [new("p", Shape.Scalar, zero), new("q", Shape.Scalar, zero), new("g", Shape.Scalar, zero)],
            OutputIsLoss = false,
        };
        var verdict = ScalarJudge.Judge(model);
        Assert.False(verdict.IsMonotone);
        Assert.Equal([1, 1, 2], verdict.Partition.Flat()); // what section 3 alone would say
        Assert.Equal([1, 2, 3], GradientDescent.Observe(model, 4, 1, 2).Flat());
    }

    [Fact]
    public void Judge_agrees_with_training_on_expressions() => Agreement.Sample(RandomModels.Scalars, 150, AgreesWithTraining);

    [Fact]
    public void Judge_agrees_with_training_on_networks() => Agreement.Sample(RandomModels.Networks, 30, AgreesWithTraining);

    [Fact]
    public void Judge_agrees_with_training_on_movements() => Agreement.Sample(RandomModels.Movements, 40, AgreesWithTraining);

    [Fact]
    public void Chance_does_not_decide() => Agreement.Sample(RandomModels.Networks, 30, model =>
        ScalarJudge.Judge(model, 2).Partition is var again && ScalarJudge.Judge(model, 1).Partition.SameAs(again) ? (Likeness.Same, again) : (Likeness.Contradiction, again));

    [Fact]
    public void Expressions_are_worth_judging() => AreWorthJudging(RandomModels.Scalars, 300);

    [Fact]
    public void Networks_are_worth_judging() => AreWorthJudging(RandomModels.Networks, 60);

    [Fact]
    public void Movements_are_worth_judging() => AreWorthJudging(RandomModels.Movements, 200);

    /// <summary>Every kind of finding comes up often enough: agreement about models without any would mean little.</summary>
    static void AreWorthJudging(Gen<Model> models, int count)
    {
        var (all, tied, mirrored, stuck, late, parameters) = (0, 0, 0, 0, 0, 0);
        var random = new PCG(1, 1); // always the same models
        while (all < count)
        {
            var model = models.Generate(random, null, out _);
            Partition partition;
            try
            {
                partition = ScalarJudge.Judge(model).Partition;
            }
            catch (DivisionByExactZeroException)
            {
                continue;
            }

            var codes = partition.Flat();
            all++;
            parameters += codes.Length;
            if (codes.Length - partition.Stuck > partition.Classes) tied++;
            if (codes.Any(code => code < 0)) mirrored++;
            if (partition.Stuck > 0) stuck++;
            if (partition.FirstSteps.Max() > 1) late++;
        }

        var summary = $"of {all} models with {parameters} parameters {tied} have ties, {mirrored} mirrored ones, {stuck} stuck ones, {late} late ones";
        TestContext.Current.TestOutputHelper?.WriteLine(summary);
        Assert.True(Math.Min(Math.Min(tied, mirrored), Math.Min(stuck, late)) * 20 > all, summary);
    }

    static (Likeness Likeness, Partition? Other) AgreesWithTraining(Model model)
    {
        var verdict = ScalarJudge.Judge(model);
        if (!verdict.IsMonotone) return (Likeness.RestsOnKink, null);
        var proved = verdict.Partition;
        // A round sees all that training can reach in one step more; some steps beyond the last round leave room for what moves slowly.
        var seen = GradientDescent.Observe(model, verdict.Rounds + 3, 11, 12);
        var (codes, observed) = (proved.Flat(), seen.Flat());
        if (!seen.Keeps(proved)) return (Likeness.Contradiction, seen);
        for (var k = 0; k < codes.Length; k++) // nothing moves before it is said to
            if (observed[k] != 0 && seen.FirstSteps[Math.Abs(observed[k])] < proved.FirstSteps[Math.Abs(codes[k])]) return (Likeness.Contradiction, seen);
        return (proved.SameAs(seen) ? Likeness.Same : Likeness.Looser, seen);
    }

    static Model Known(string name)
    {
        static Node Tanh(ProgramBuilder b, Node x) => b.Apply(FunctionKind.Tanh, x);
        return name switch
        {
            "constant-mlp" => KnownCases.Mlp(Tanh, [0.1, 0.1, 0.1]),
            "constant-mlp-relu" => KnownCases.Mlp(Activations.Relu, [0.1, 0.1, 0.1]),
            "zero-tanh" => KnownCases.Mlp(Tanh, [0, 0, 0]),
            "zero-sigmoid" => KnownCases.Mlp(Activations.Sigmoid, [0, 0, 0]),
            "zero-last-layer" => KnownCases.Mlp(Tanh, [null, null, 0]),
            "two-zero-layers" => KnownCases.Mlp(Tanh, [null, 0, 0]),
            "net2wider" => KnownCases.OneHiddenLayer(Tanh, 4, (2, 3, 1)),
            "sign-flipped-tanh" => KnownCases.OneHiddenLayer(Tanh, 3, (1, 2, -1)),
            "sign-flipped-relu" => KnownCases.OneHiddenLayer(Activations.Relu, 3, (1, 2, -1)),
            "attention" => KnownCases.Attention(),
            "attention-equal-heads" => KnownCases.Attention(equalHeads: true),
            "attention-zero-qk" => KnownCases.Attention(zeroQueriesAndKeys: true),
            "bias-before-batchnorm" => KnownCases.BiasBeforeNormalisation(0),
            "bias-before-layernorm" => KnownCases.BiasBeforeNormalisation(1),
            "upcycled-experts-random-router" => KnownCases.UpcycledExperts(null),
            "upcycled-experts-zero-router" => KnownCases.UpcycledExperts(0),
            "constant-cnn" => KnownCases.ConstantConvolutions(),
            "symmetric-bilinear" => KnownCases.SymmetricBilinear(),
            "same-seed-ensemble" => KnownCases.Ensemble(),
            _ => throw new ArgumentException(name),
        };
    }
}
