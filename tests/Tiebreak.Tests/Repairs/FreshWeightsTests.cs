using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Repairs;
using Xunit;

namespace Tiebreak.Tests.Repairs;

public sealed class FreshWeightsTests
{
    const AxisMeaning Out = AxisMeaning.Output, In = AxisMeaning.Input, Window = AxisMeaning.Window;

    static readonly ParameterTensor[] Tensors =
    [
        Tensor(ParameterRole.Dense, [60, 250], Out, In), Tensor(ParameterRole.Dense, [250, 60], In, Out), Tensor(ParameterRole.Convolution, [40, 20, 3, 3], Out, In, Window, Window), Tensor(ParameterRole.Other, [80, 90]),
        Tensor(ParameterRole.LookUp, [300, 50], AxisMeaning.Row, AxisMeaning.Other), Tensor(ParameterRole.Dense, [4, 50, 30], AxisMeaning.Other, In, Out),
    ];

    [Fact]
    public void Fans_follow_from_what_axes_mean()
    {
        Assert.Equal([new Fans(250, 60), new Fans(250, 60), new Fans(180, 360), new Fans(90, 80), new Fans(50, 50), new Fans(50, 30)], Tensors.Select(Fans.Of));
        Assert.Equal([new Fans(7, 1), new Fans(1, 1)], [Fans.Of(Tensor(ParameterRole.Dense, [7], In)), Fans.Of(Tensor(ParameterRole.Other, []))]);
    }

    [Theory]
    [InlineData(Initialiser.HeNormal)]
    [InlineData(Initialiser.HeUniform)]
    [InlineData(Initialiser.XavierNormal)]
    [InlineData(Initialiser.XavierUniform)]
    [InlineData(Initialiser.LeCunNormal)]
    [InlineData(Initialiser.LeCunUniform)]
    [InlineData(Initialiser.TruncatedNormal)]
    public void Mean_and_variance_are_those_of_the_name(Initialiser initialiser)
    {
        foreach (var tensor in Tensors)
        {
            var fans = Fans.Of(tensor);
            var variance = initialiser switch
            {
                Initialiser.HeNormal or Initialiser.HeUniform => 2 / fans.In,
                Initialiser.XavierNormal or Initialiser.XavierUniform => 2 / (fans.In + fans.Out),
                _ => 1 / fans.In,
            };
            var values = Draw(tensor, initialiser, FloatFormat.Float32);
            var deviation = Math.Sqrt(variance);
            Assert.InRange(values.Average(), -4 * deviation / Math.Sqrt(values.Length), 4 * deviation / Math.Sqrt(values.Length));
            Assert.InRange(values.Average(value => value * value) / variance, 1 - 6 / Math.Sqrt(values.Length), 1 + 6 / Math.Sqrt(values.Length)); // four deviations of a normal sample's variance
            var most = values.Max(Math.Abs) / deviation;
            if (initialiser is Initialiser.HeUniform or Initialiser.XavierUniform or Initialiser.LeCunUniform) Assert.InRange(most, 1.7, Math.Sqrt(3) + 1e-6);
            else if (initialiser == Initialiser.TruncatedNormal) Assert.InRange(most, 2, 2.28);
            else Assert.InRange(most, 3, 6);
        }
    }

    [Fact]
    public void Orthogonal_means_orthonormal_rows_or_columns()
    {
        foreach (var (tensor, rows, columns, isTurned) in new[] { (Tensors[0], 60, 250, false), (Tensors[1], 60, 250, true), (Tensors[2], 40, 180, false), (Tensors[3], 80, 90, false) })
        {
            var values = Draw(tensor, Initialiser.Orthogonal, FloatFormat.Float64);
            double At(int row, int column) => values[isTurned ? column * rows + row : row * columns + column];
            for (var one = 0; one < rows; one += 7)
                for (var other = 0; other < rows; other += 5)
                    Assert.Equal(one == other ? 1 : 0, Enumerable.Range(0, columns).Sum(k => At(one, k) * At(other, k)), 1e-12);
        }
    }

    [Fact]
    public void Two_orthonormal_rows_have_entries_of_equal_size_and_keep_them()
    {
        for (ulong seed = 0; seed < 20; seed++)
        {
            var (start, _) = FreshWeights.Draw(State(Tensor(ParameterRole.Dense, [2, 2], Out, In), new int[4]), 0, Setting(Initialiser.Orthogonal, seed, FloatFormat.Float64), asNamed: true);
            var w = new double[4];
            start.ReadDoubles(0, w);
            Assert.Equal((1, 1, 0), (Math.Round(w[0] * w[0] + w[1] * w[1], 12), Math.Round(w[2] * w[2] + w[3] * w[3], 12), Math.Abs(Math.Round(w[0] * w[2] + w[1] * w[3], 12))));
        }
    }

    [Fact]
    public void An_orthogonal_repair_is_orthogonal_or_says_by_how_much_it_is_not()
    {
        using var folder = new House.TemporaryFolder();
        var options = new FixOptions { Method = RepairMethod.Reinit, Initialiser = Initialiser.Orthogonal, Force = true };

        File.WriteAllText(folder.File("m.tb"), "param W[2,2] = 0.5\ndata x[2], y\nloss (y - sum(tanh(W @ x)))**2\n");
        var result = Fix.Model(folder.File("m.tb"), folder.File("n.tb"), options);
        var w = result.After.Analysis.Model.Parameters[0].Start;
        for (var row = 0; row < 2; row++) Assert.Equal(1, (w[2 * row] * w[2 * row] + w[2 * row + 1] * w[2 * row + 1]).ToDouble(), 1e-6);
        Assert.Empty(result.Notes);

        // Only the sum of the diagonal counts here, whose entries an orthogonal matrix would leave in lockstep.
        File.WriteAllText(folder.File("m.tb"), "param W[2,2] = 0.5\ndata x, y, z\nloss (y - (W[0,0] + W[1,1])*x - W[0,1]*z - 3*W[1,0]*z*z)**2\n");
        var moved = 0;
        for (ulong seed = 0; seed < 10; seed++)
        {
            result = Fix.Model(folder.File("m.tb"), folder.File("n.tb"), options with { Check = new CheckOptions { Seed = seed } });
            Assert.Equal(4, result.After.Counts!.DegreesOfFreedom);
            if (result.Notes.Any(note => note.StartsWith("the rows of `W` are orthonormal up to an eighth of an entry only", StringComparison.Ordinal))) moved++;
        }

        Assert.InRange(moved, 1, 9); // turned the diagonal is equal, mirrored it is opposite
    }

    [Fact]
    public void Every_format_holds_what_is_drawn_and_small_tensors_have_no_equal_magnitudes()
    {
        foreach (var format in Enum.GetValues<FloatFormat>())
        {
            foreach (var count in format.Size() == 1 ? new[] { 4 } : [4, 40]) // eight bits have no forty magnitudes near one deviation
            {
                var values = Draw(Tensor(ParameterRole.Dense, [count], In), Initialiser.HeNormal, format);
                Assert.All(values, value => Assert.Equal(value, format.Round(value)));
                Assert.Equal(count, values.Select(Math.Abs).Distinct().Count());
                Assert.DoesNotContain(0.0, values);
            }
        }
    }

    [Fact]
    public void Formulas_get_short_decimals()
    {
        var (start, _) = Draw(Tensor(ParameterRole.Dense, [3, 4], Out, In), Initialiser.HeNormal, seed: 3, format: null);
        Assert.All(Enumerable.Range(0, 12), k => Assert.InRange(ExactText.Of(start[k]).Length, 1, 16));
    }

    [Fact]
    public void Seeds_and_names_decide_what_is_drawn()
    {
        var tensor = Tensors[0];
        Assert.Equal(Draw(tensor, Initialiser.HeNormal, FloatFormat.Float32), Draw(tensor, Initialiser.HeNormal, FloatFormat.Float32));
        Assert.NotEqual(Draw(tensor, Initialiser.HeNormal, FloatFormat.Float32), Draw(tensor, Initialiser.HeNormal, FloatFormat.Float32, seed: 1));
        Assert.NotEqual(Draw(tensor, Initialiser.HeNormal, FloatFormat.Float32), Draw(tensor with { Name = "other" }, Initialiser.HeNormal, FloatFormat.Float32));
    }

    [Fact]
    public void What_is_free_stays_and_biases_and_scales_stay_near_what_they_were()
    {
        var weights = Tensor(ParameterRole.Dense, [2, 2], Out, In) with { Start = new DoubleTensor([1, 2, 3, 4]) };
        var (start, drawn) = FreshWeights.Draw(State(weights, 1, 2, 1, 0), 0, Setting(Initialiser.HeNormal, 0, FloatFormat.Float32));
        Assert.Equal(3, drawn);
        Assert.Equal([false, true, false, false], Enumerable.Range(0, 4).Select(k => start[k] == k + 1));

        var scale = Tensor(ParameterRole.Scale, [50], Out) with { Start = new UniformTensor(50, 1) };
        Assert.All(Draw(scale, Initialiser.HeNormal, FloatFormat.Float32), value => Assert.InRange(value, 0.9, 1.1));
    }

    static double[] Draw(ParameterTensor tensor, Initialiser initialiser, FloatFormat format, ulong seed = 0)
    {
        var values = new double[tensor.Shape.Count];
        Draw(tensor, initialiser, seed, format).Values.ReadDoubles(0, values);
        return values;
    }

    static (ExactTensor Values, long Drawn) Draw(ParameterTensor tensor, Initialiser initialiser, ulong seed, FloatFormat? format) =>
        FreshWeights.Draw(State(tensor, new int[tensor.Shape.Count]), 0, Setting(initialiser, seed, format));

    static RepairSetting Setting(Initialiser initialiser, ulong seed, FloatFormat? format) =>
        new(new FixOptions { Initialiser = initialiser, Check = new CheckOptions { Seed = seed } }, new RefinementOptions(), _ => format);

    static RepairState State(ParameterTensor tensor, params int[] codes)
    {
        var builder = new ProgramBuilder();
        builder.Output("y", builder.Parameter(tensor.Name, tensor.Shape));
        return new RepairState(new Model { Program = builder.Build(), Parameters = [tensor], OutputIsLoss = false }, new Partition([codes], new int[codes.Max() + 1]));
    }

    static ParameterTensor Tensor(ParameterRole role, int[] sizes, params AxisMeaning[] meanings) =>
        new("w", new Shape(sizes), new UniformTensor(new Shape(sizes).Count, Rational.Zero)) { Role = role, AxisMeanings = meanings };
}
