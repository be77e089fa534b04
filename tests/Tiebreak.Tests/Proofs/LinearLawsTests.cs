using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Proofs;
using Tiebreak.Refinement;
using Tiebreak.Tests.Formats.Formulas;
using Tiebreak.Tests.House;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Proofs;

/// <summary>Laws in words, each held against exact training.</summary>
public sealed class LinearLawsTests
{
    [Theory]
    [InlineData("param W[3,2] = [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]\nparam b[3] = [0.1, 0.2, -0.1]\ndata x[2], t[3]\nloss -sum(t * log_softmax(W @ x + b))", "the sum of `b[*]` is constant", "for every j the sum of `W[*,j]` is constant")]
    [InlineData("param a = 0\nparam b = 0\nparam c = 0\ndata x, y\nloss a*x + 2*b*x + c*(b - 2*a)*y", "`c` never moves", "`2*a - b` is constant")]
    [InlineData("param W[2,3] = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]\nparam v[2] = [0.7, -0.8]\ndata x[3], y\ndata x[2] = x[1]\nloss (y - v @ tanh(W @ x))**2", "for every i `W[i,1] - W[i,2]` is constant")]
    [InlineData("param A[2,3] = [[1, 2, 3], [4, 5, 7]]\nparam B[2,2] = [[1, 3], [2, 5]]\ndata x[3], y[2]\nloss sum((y - B @ (A @ x))**2)")]
    [InlineData("param b[3] = [1, 2, 4]\nparam g[3] = [1, 3, 2]\ndata x[3], y[3]\nlet h = x + b\nlet c = h - mean(h)\nloss sum((y - g * (c / sqrt(mean(c**2) + 0.01)))**2)", "the sum of `b[*]` is constant")]
    public void The_laws_are_these_and_no_others(string formula, params string[] sentences)
    {
        var model = Formula.Lower(formula);
        var options = new RefinementOptions();
        var partition = SmallestInvariantSet.Find(model, options).Partition!;
        var laws = LinearLaws.Find(model, partition, options);
        Assert.Equal(0, laws.Unreadable);
        Assert.Equal(sentences.Order(StringComparer.Ordinal), LawSentences.Of(laws.Laws, model).Select(said => said.Sentence).Order(StringComparer.Ordinal));
        Assert.Equal(partition.Classes, laws.Dimension + laws.Laws.Count);
        Keeps(model, partition, laws, seed: 5);
    }

    [Fact]
    public void A_bias_before_layer_normalisation_keeps_its_sum()
    {
        var options = new CheckOptions();
        using var file = Check.Open(Repository.FromShared("cases", "bias-before-layernorm.onnx"), options); // exact training reads start values
        var analysis = Check.Analyse(file, options, Check.Refinement(options));
        var laws = LinearLaws.Find(analysis.Model, analysis.Partition!, new RefinementOptions());
        Assert.Contains("the sum of `fc1.bias[*]` is constant", LawSentences.Of(laws.Laws, analysis.Model).Select(said => said.Sentence));
        Keeps(analysis.Model, analysis.Partition!, laws, seed: 6);
    }

    [Fact]
    public void On_random_programs_every_law_is_kept_by_exact_training()
    {
        var found = 0;
        for (var seed = 0; seed < 120 * Agreement.More; seed++)
        {
            var model = RandomPrograms.Draw(seed);
            var options = new RefinementOptions { Seed = (ulong)seed };
            if (SmallestInvariantSet.Find(model, options).Partition is not { Classes: > 0 } partition) continue;
            var laws = LinearLaws.Find(model, partition, options);
            found += laws.Laws.Count;
            Assert.Equal(partition.Classes, laws.Dimension + laws.Laws.Count + laws.Unreadable);
            Keeps(model, partition, laws, seed);
        }

        Assert.InRange(found, 20, int.MaxValue);
    }

    [Fact]
    public void A_large_model_is_refused_with_what_to_do()
    {
        var model = Formula.Lower("param W[80,80] = 0.1\ndata x[80]\nloss sum((W @ x)**2)");
        var partition = SmallestInvariantSet.Find(model, new RefinementOptions()).Partition!;
        Assert.Contains("--freeze", Assert.Throws<TiebreakException>(() => LinearLaws.Find(model, partition, new RefinementOptions())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 3, -2)]
    [InlineData(-7, 1, 5)]
    public void Fractions_are_recognised_by_their_residues(int a, int b, int c)
    {
        var field = Tiebreak.Numbers.PrimeField.Draw(3);
        var third = field.Inverse(3);
        ulong Of(int number) => number < 0 ? field.Negate((ulong)-number) : (ulong)number;
        long[] expected = a < 0 ? [-a, -b, -c] : [a, b, c];
        Assert.Equal(expected, WholeNumbers.Of(field, [.. new[] { a, b, c }.Select(number => field.Multiply(Of(number), third))]));
    }

    // Gradient descent in a field, from the real start, with fresh data, loss and rate at every step: the value of a law stays the same, to the last digit.
    static void Keeps(Tiebreak.Formats.Model model, Partition partition, LinearLaws laws, int seed)
    {
        var program = Tiebreak.Gradients.Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet());
        using var gradient = new FieldGradient(model, program, new RefinementOptions());
        var random = new RandomFunction((ulong)seed, RandomFunction.Purpose("exact training of laws"));
        var (field, point) = gradient.Begin(random.Word(0));
        ulong Value(LinearLaw law) => law.Terms.Aggregate(0UL, (sum, term) =>
            field.Add(sum, field.Multiply(term.Factor < 0 ? field.Negate((ulong)-term.Factor) : (ulong)term.Factor, point[term.Tensor][term.Place])));
        var before = laws.Laws.Select(Value).ToArray();
        var slopes = gradient.Zeros();
        for (ulong step = 1; step <= 6; step++)
        {
            if (!gradient.TryEvaluate(field, random.Word(2 * step), point, slopes)) continue;
            var rate = random.Below(field.Modulus, (2 * step) + 1);
            for (var tensor = 0; tensor < point.Length; tensor++)
                for (var k = 0; k < point[tensor].Length; k++) point[tensor][k] = field.Subtract(point[tensor][k], field.Multiply(rate, slopes[tensor][k]));
        }

        Assert.Equal(before, laws.Laws.Select(Value));
        Assert.Equal(partition.Codes.Count, point.Length);
    }
}
