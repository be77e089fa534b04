using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Formats.Formulas;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Tests.Judge;
using Tiebreak.Tests.Programs;
using Xunit;

namespace Tiebreak.Tests.Refinement;

/// <summary>What order decides is true: bounds hold every value, and what is called dead never moves.</summary>
public sealed class GatesByOrderTests
{
    static Model Formula(string text)
    {
        using var file = FormulaReader.Parse(text, "test.tb", ".");
        return file.Lower(new LoweringOptions());
    }

    static Partition Find(string text, Interval? range = null, bool byOrder = true) =>
        SmallestInvariantSet.Find(Formula(text), new RefinementOptions { InputRange = range, ByOrder = byOrder }).Partition!;

    [Theory]
    [InlineData(3, "param w[2] = [0, 1]\nparam b[2] = [-1, 1]\nparam v[2] = [1, 2]\ndata x, y\nloss (y - v @ relu(w * x + b))**2")] // constant and negative
    [InlineData(0, "param w[2] = [0, 1]\nparam b[2] = [1, 1]\nparam v[2] = [1, 2]\ndata x, y\nloss (y - v @ relu(w * x + b))**2")] // constant and positive
    [InlineData(2, "param w = 1\nparam u = -1\nparam b = 0\nparam v = 2\ndata x, y\nloss (y - v * relu(u * relu(w * x)) - b - w)**2")] // u and v behind a relu that meets a negative weight
    [InlineData(3, "param w = 1\nparam u = -1\nparam b = 0\nparam v = 2\ndata x, y\nloss (y - v * relu(u * relu(w * x) + b) - w)**2")] // and a bias of 0
    [InlineData(0, "param w = 1\nparam u = -1\nparam b = 1/8\nparam v = 2\ndata x, y\nloss (y - v * relu(u * relu(w * x) + b) - w)**2")] // the bias opens it
    [InlineData(0, "param w = 1\nparam u = -1\nparam v = 2\ndata x, y\nloss (y - v * relu(u * relu(w * x)) - u)**2")] // u moves otherwise, and may revive it
    [InlineData(0, "param w = 1\nparam u = -1\nparam v = 2\ndata x, y\nloss (y - v * leaky_relu(u * relu(w * x)))**2")] // leaky ones never die
    [InlineData(0, "param w = 1\nparam u = 3\nparam v = 2\ndata x, y\nloss (y - v * maximum(u * relu(w * x) + 1, 0 - relu(w * x)) - w - v)**2")] // the first is always the larger
    [InlineData(13, "param W[3,2] = 1/8\nparam b[3] = 1/8\nparam U[3] = [-1, 1/2, 0]\nparam v = 1\nparam c = 0\ndata x[2], y\nloss (y - v * relu(U @ relu(W @ x + b)) - c)**2")] // -h + h/2 is not positive
    [InlineData(0, "param W[3,2] = 1/8\nparam b[3] = 1/8\nparam U[3] = [-1, 2, 0]\nparam v = 1\nparam c = 0\ndata x[2], y\nloss (y - v * relu(U @ relu(W @ x + b)) - c)**2")] // but -h + 2h is
    [InlineData(2, "param w = -2\nparam v = 1\ndata x, y\nloss (y - v * relu(w * x**2 - 1))**2")] // squares are not negative
    [InlineData(2, "param w = -2\nparam v = 1\ndata x, y\nloss (y - v * relu(w * exp(x)))**2")]
    [InlineData(2, "param w = -2\nparam v = 1\ndata x, y\nloss (y - v * relu(w * sigmoid(x)))**2")]
    [InlineData(2, "param w = -2\nparam v = 1\ndata x, y\nloss (y - v * relu(w * abs(x) - 1/10))**2")]
    [InlineData(0, "param w = -2\nparam v = 1\ndata x, y\nloss (y - v * relu(w * tanh(x)))**2")]
    public void Dead_units_are_found_and_living_ones_are_not_called_dead(long stuck, string text) => Assert.Equal(stuck, Find(text).Stuck);

    // relu(h/2 − h) is dead as long as both are one h. That ends in round 3, in which nothing begins to move: a and b part in round 2, as s has moved, and then w does.
    [Fact]
    public void A_gate_that_equal_terms_close_opens_when_they_part() =>
        Assert.Equal(0, Find("param w[2] = 1\nparam a = 1\nparam b = 1\nparam s = 0\nparam c[2] = [-1, 1/2]\nparam q = 1\ndata x, y, z\nlet h = relu(w * x)\nloss y * (a * h[0] + b * h[1] + q * relu(c @ h)) + s * a * z").Stuck);

    [Fact]
    public void A_range_of_the_data_decides_what_any_data_would_not()
    {
        const string clip = "param w = 3\nparam v = 1\ndata x, y\nloss (y - v * minimum(maximum(w * x, 0), 1) - v * x)**2";
        Assert.Equal(0, Find(clip).Stuck);
        Assert.Equal(1, Find(clip, new Interval(1, 2)).Stuck); // saturated
        Assert.Equal(0, Find(clip, new Interval(-1, 2)).Stuck);
    }

    [Fact]
    public void Bounds_hold_the_values_of_random_programs()
    {
        var checkedValues = 0;
        for (var seed = 0; seed < 300 * Agreement.More; seed++)
        {
            var program = (seed % 2 == 0 ? RandomPrograms.Draw(seed) : RandomMovements.Build(new Draft(new Choices([.. Enumerable.Range(0, 60).Select(k => (seed * 7919 + k * 104729) % 1_000_003)])))).Program;
            if (program.Nodes.Any(node => node.Primitive is Primitive.Apply { Function.Kind: not (FunctionKind.Step or FunctionKind.Sign) })) continue;
            var random = new Random(seed);
            var leaves = program.Nodes.Where(node => node.Primitive is Primitive.Parameter or Primitive.Data)
                .ToDictionary(node => node.Id, node => Enumerable.Range(0, (int)node.Shape.Count).Select(_ => (Low: random.Next(-4, 3), Width: random.Next(3))).ToArray());
            var bounds = new Bounds(program, node => IntervalTensor.Of(node.Shape, Array.ConvertAll(leaves[node.Id], leaf => new Interval(leaf.Low / 2.0, (leaf.Low + leaf.Width) / 2.0))), _ => null, CancellationToken.None);
            var all = program.WithOutputs([.. program.Nodes.Select(node => ($"{node.Id}", node))]);
            for (var draw = 0; draw < 3; draw++)
            {
                try
                {
                    var values = RationalEvaluator.Evaluate(all, node => Array.ConvertAll(leaves[node.Id], leaf => new Rational(2 * leaf.Low + random.Next(2 * leaf.Width + 1), 4)));
                    foreach (var (name, numbers) in values)
                    {
                        var interval = bounds.Of(program.Nodes[int.Parse(name)]);
                        for (var k = 0; k < numbers.Length; k++)
                        {
                            var value = numbers[k].ToDouble();
                            Assert.True(interval[k].Low <= value && value <= interval[k].High, $"seed {seed}: element {k} of {program.Nodes[int.Parse(name)]} is {value}, outside {interval[k]}\n{ProgramPrinter.Print(program)}");
                            checkedValues++;
                        }
                    }
                }
                catch (DivideByZeroException)
                {
                    // Bounds say nothing of what does not exist.
                }
            }
        }

        Assert.True(checkedValues > 5_000, $"only {checkedValues} values were looked at");
    }

    [Fact]
    public void What_is_stuck_by_order_does_not_move_in_real_training()
    {
        int dead = 0, networks = 0;
        for (var seed = 0; seed < 150 * Agreement.More; seed++)
        {
            var random = new Random(seed);
            string Matrix(int rows, int columns, Func<double> draw) => $"[{string.Join(", ", Enumerable.Range(0, rows).Select(_ => $"[{string.Join(", ", Enumerable.Range(0, columns).Select(_ => draw().ToString("0.##", System.Globalization.CultureInfo.InvariantCulture)))}]"))}]";
            string Row(int count, Func<double> draw) => $"[{string.Join(", ", Enumerable.Range(0, count).Select(_ => draw().ToString("0.##", System.Globalization.CultureInfo.InvariantCulture)))}]";
            double Some() => random.Next(3) == 0 ? 0 : random.NextDouble() * 2 - 1;
            var activation = random.Next(3) switch { 0 => "relu", 1 => "leaky_relu", _ => "relu" };
            var model = Formula(
                $"param W[3,2] = {Matrix(3, 2, random.Next(2) == 0 ? Some : () => 0)}\nparam b[3] = {Row(3, Some)}\nparam U[3,3] = {Matrix(3, 3, () => random.Next(4) == 0 ? 0 : -random.NextDouble())}\n"
                + $"param c[3] = {Row(3, () => random.Next(2) == 0 ? 0 : random.NextDouble() - 0.7)}\nparam v[3] = {Row(3, Some)}\ndata x[2], y\nloss (y - v @ relu(U @ {activation}(W @ x + b) + c))**2");
            var partition = SmallestInvariantSet.Find(model, new RefinementOptions()).Partition!;
            networks++;
            if (partition.Stuck > SmallestInvariantSet.Find(model, new RefinementOptions { ByOrder = false }).Partition!.Stuck) dead++;
            Train(model, partition, random);
        }

        Assert.True(dead * 4 > networks, $"only {dead} of {networks} networks have a unit that order kills");
    }

    static void Train(Model model, Partition partition, Random random)
    {
        var gradient = Gradient.Of(model.Program, outputIsLoss: true, model.Parameters.Select(parameter => parameter.Name).ToHashSet());
        var values = model.Parameters.Select(parameter => Enumerable.Range(0, (int)parameter.Shape.Count).Select(k => parameter.Start[k].ToDouble()).ToArray()).ToArray();
        for (var step = 0; step < 12; step++)
        {
            var data = gradient.Nodes.Where(node => node.Primitive is Primitive.Data).ToDictionary(node => node.Id, node => Enumerable.Range(0, (int)node.Shape.Count).Select(_ => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(3))).ToArray());
            var outputs = FloatEvaluator.Evaluate(gradient, node => node.Primitive is Primitive.Parameter parameter ? values[model.Parameters.ToList().FindIndex(other => other.Name == parameter.Name)] : data[node.Id]);
            foreach (var (name, _, numbers) in outputs)
            {
                var tensor = model.Parameters.ToList().FindIndex(parameter => parameter.Name == name);
                for (var k = 0; k < numbers.Length; k++)
                {
                    Assert.True(partition.Codes[tensor][k] != 0 || numbers[k] == 0, $"{name} {k} is called stuck and gets a gradient of {numbers[k]} in step {step}\n{RandomModels.Show(model)}");
                    values[tensor][k] -= 0.01 * Math.Clamp(numbers[k], -10, 10);
                }
            }
        }
    }
}
