using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Tests.Judge;
using Tiebreak.Tests.Programs;
using Tiebreak.Verification;
using Xunit;

namespace Tiebreak.Tests.Verification;

/// <summary>The bounds of the verifier, and of the engine, hold the exact values of programs whose numbers doubles cannot hold: too small, too large, and between two doubles.</summary>
public sealed class RangeTests
{
    static readonly string[] Nasty =
        ["0", "0", "1", "2", "-1", "0.3", "-0.7", "0.1", "1e-400", "-1e-400", "3e-324", "-3e-324", "1e-320", "1e-300", "-1e-300", "1e-160", "1e-170", "-1e-165", "1e200", "-1e200", "1e308", "-1e308", "1.7976931348623157e308", "1e309", "-1e400", "9007199254740993", "1.0000000000000001"];

    static Rational Number(Dice dice) => Rational.Parse(dice.Of<string>(Nasty)) * (dice.OneIn(3) ? Rational.FromDouble(dice.Double(-2, 2)) : Rational.One);

    [Fact]
    public void Bounds_hold_the_values_of_programs_with_tiny_and_huge_numbers()
    {
        var looked = 0;
        for (var seed = 0; seed < 2_000 * Agreement.More; seed++)
        {
            var dice = new Dice(seed);
            var program = Draw(dice);
            var start = program.Nodes.Where(node => node.Primitive is Primitive.Parameter).ToDictionary(node => node.Id, node => (ExactTensor)new RationalTensor([.. Enumerable.Range(0, (int)node.Shape.Count).Select(_ => Number(dice))]));
            var plain = new PlainRange[program.Nodes.Count][];
            var ranges = new PlainRanges(program, node => Plain(node, start), CancellationToken.None, (node, of) => plain[node.Id] = of);
            var engine = new Bounds(program, node => node.Primitive is Primitive.Data ? IntervalTensor.Uniform(node.Shape, Interval.Any) : Bounds.Of(start[node.Id], node.Shape), _ => null, CancellationToken.None);
            try
            {
                var all = program.WithOutputs([.. program.Nodes.Select(node => ($"{node.Id}", node))]);
                foreach (var (name, numbers) in RationalEvaluator.Evaluate(all, node => start.TryGetValue(node.Id, out var exact) ? [.. Enumerable.Range(0, (int)exact.Count).Select(k => exact[k])] : [.. Enumerable.Range(0, (int)node.Shape.Count).Select(_ => Number(dice))]))
                {
                    var node = program.Nodes[int.Parse(name)];
                    var intervals = engine.Of(node);
                    for (var k = 0; k < numbers.Length; k++)
                    {
                        looked++;
                        string Message(object bounds) => $"seed {seed}: element {k} of {node} is {numbers[k].ToDouble()}, outside {bounds}\n{ProgramPrinter.Print(program)}";
                        Assert.True(Holds(intervals[k].Low, intervals[k].High, numbers[k]), Message(intervals[k]));
                        if (plain[node.Id] is { } known) Assert.True(Holds(known[k].Low, known[k].High, numbers[k]), Message(known[k]));
                        if (ranges.Known(node)?[k] is { } gate && gate != 2) Assert.True((Rational)gate == numbers[k], Message(gate));
                    }
                }
            }
            catch (DivideByZeroException)
            {
                // Bounds say nothing of what does not exist.
            }
        }

        Assert.InRange(looked, 20_000, int.MaxValue);
    }

    static bool Holds(double low, double high, Rational value) => !double.IsNaN(low) && !double.IsNaN(high)
        && (double.IsNegativeInfinity(low) || (!double.IsPositiveInfinity(low) && Rational.FromDouble(low) <= value)) && (double.IsPositiveInfinity(high) || (!double.IsNegativeInfinity(high) && value <= Rational.FromDouble(high)));

    static PlainRange[] Plain(Node node, Dictionary<int, ExactTensor> start)
    {
        if (node.Primitive is Primitive.Data) return [.. Enumerable.Repeat(PlainRange.Any, (int)node.Shape.Count)];
        var values = node.Primitive is Primitive.Constant constant ? constant.Values : start[node.Id];
        return [.. Enumerable.Range(0, (int)values.Count).Select(k => Verifier.RangeOf(values, k))];
    }

    // Vectors of two, and what the builder makes of relu, abs, maximum, clip, sums and products; a gate sees every one of them.
    static TensorProgram Draw(Dice dice)
    {
        var builder = new ProgramBuilder();
        var shape = new Shape(2);
        List<Node> nodes = [builder.Parameter("a", shape), builder.Data("x", shape), builder.Constant(new RationalTensor([Number(dice), Number(dice)]), shape), builder.Fill(Number(dice), shape)];
        ScalarFunction step = dice.OneIn(2) ? FunctionKind.Step : new ScalarFunction(FunctionKind.Step, 1);
        for (var k = 0; k < 7; k++)
        {
            var (a, b) = (dice.Of<Node>([.. nodes]), dice.Of<Node>([.. nodes]));
            var gate = builder.Apply(step, a);
            Node Mixture(Node u, Node one, Node other) => builder.Apply(step, u) is var open ? builder.Add(builder.Multiply(open, one), builder.Multiply(builder.Subtract(builder.Fill(Rational.One, shape), open), other)) : open;
            nodes.Add(dice.Next(0, 11) switch
            {
                0 => builder.Add(a, b),
                1 => builder.Subtract(a, b),
                2 => builder.Multiply(a, b),
                3 => builder.Multiply(a, a),
                4 => builder.Reciprocal(a),
                5 => builder.Multiply(gate, a),
                6 => builder.Multiply(builder.Apply(FunctionKind.Sign, a), a),
                7 => Mixture(builder.Subtract(a, b), a, b),
                8 => Mixture(builder.Subtract(b, a), a, b),
                9 => builder.Broadcast(builder.Contract("i", "i", "", a, b), shape, 0),
                10 => builder.Broadcast(builder.ReduceSum(a, 0), shape, 0),
                _ => builder.Broadcast(builder.ReduceSum(builder.Multiply(builder.Choose(a, 1, TieBreak.First), a), 0), shape, 0),
            });
        }

        foreach (var (node, k) in nodes.Select((node, k) => (node, k))) builder.Output($"gate {k}", builder.Apply(dice.OneIn(2) ? step : FunctionKind.Sign, node));
        return builder.Build();
    }

    [Theory]
    [InlineData("1e-400", true)] // too small for a double, and positive
    [InlineData("-1e-400", false)]
    [InlineData("0", null)]
    public void A_number_too_small_for_a_double_keeps_its_sign_open(string text, bool? isPositive)
    {
        var range = Verifier.RangeOf(new RationalTensor([Rational.Parse(text)]), 0);
        Assert.Equal(isPositive is null, range == default);
        Assert.True(isPositive is null || (range.Low < 0 && range.High > 0));
    }
}
