using System.Numerics;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Tests.Programs;
using Xunit;

namespace Tiebreak.Tests.Refinement;

/// <summary>Degrees and sizes of coefficients are bounds: held against the polynomials themselves, written out in one variable.</summary>
public sealed class DegreesTests
{
    static readonly BigInteger Whole = (BigInteger.One << 4096) + 1; // one coefficient a digit; none comes near. Odd, as constants are divided by powers of two

    [Fact]
    public void Degrees_and_bits_bound_those_of_the_polynomial()
    {
        for (var seed = 0; seed < 400; seed++)
        {
            var (program, isExact) = Draw(new Dice(seed));
            var degrees = Degrees.Of(program, [new ParameterTensor("w", new Shape(2), new UniformTensor(2, Rational.One))], _ => CoefficientSize.One);
            var variable = new Rational(Whole, 1);
            var values = RationalEvaluator.Evaluate(program, node => [.. Enumerable.Repeat(variable, (int)node.Shape.Count)]).SelectMany(output => output.Values);
            foreach (var value in values)
            {
                // What has reciprocals in it is cleared by the denominator, which takes one more digit for each degree.
                var coefficients = Digits(value.Numerator);
                Assert.True(coefficients.Count - 1 <= degrees.OfGradients, $"seed {seed}: degree {coefficients.Count - 1}, bound {degrees.OfGradients}");
                if (isExact) Assert.All(coefficients, coefficient => Assert.True(coefficient.GetBitLength() <= degrees.BitsOfGradients + 1, $"seed {seed}: {coefficient.GetBitLength()} bits, bound {degrees.BitsOfGradients}"));
            }
        }
    }

    [Fact]
    public void Deep_gated_networks_keep_a_bound_that_products_alone_would_lose()
    {
        var composed = ErrorBound.Of(Degrees.Of(Gated(80, isFused: false), [], _ => CoefficientSize.One), 1e-18);
        var fused = ErrorBound.Of(Degrees.Of(Gated(80, isFused: true), [], _ => CoefficientSize.One), 1e-18);
        Assert.False(composed.Reaches(1e-18));
        Assert.True(fused.Reaches(1e-18));
        Assert.Equal(2, fused.Lanes);
    }

    [Fact]
    public void Degrees_begin_anew_behind_drawn_products()
    {
        // x ← (W·x)², forty times, for two vectors.
        var b = new ProgramBuilder();
        var matrix = b.Parameter("W", new Shape(3, 3));
        var x = b.Data("x", new Shape(2, 3));
        for (var layer = 0; layer < 40; layer++)
        {
            var product = b.Contract("tk", "nk", "tn", x, matrix);
            x = b.Multiply(product, product);
        }

        b.Output("y", x);
        var tensor = new ParameterTensor("W", new Shape(3, 3), new UniformTensor(9, Rational.One));
        var (computed, drawn) = (Degrees.Of(b.Build(), [tensor], _ => CoefficientSize.One), Degrees.Of(b.Build(), [tensor], _ => CoefficientSize.One, hasDrawnProducts: name => name == "W"));
        Assert.True(computed.OfGradients > Math.Pow(2, 40));
        Assert.Equal((2, 2, 80 * 80), (drawn.OfGradients, drawn.OfVectors, drawn.VectorPairs));
        Assert.Equal(0, computed.VectorPairs);
        double With(double vectorPairs) => ErrorBound.With(drawn, 2, ErrorBound.FieldSize).Epsilon / Math.Pow(ErrorBound.With(drawn, 1, ErrorBound.FieldSize).Epsilon / (1 + vectorPairs), 2);
        Assert.Equal(1 + drawn.VectorPairs, With(drawn.VectorPairs), tolerance: 1e-6 * drawn.VectorPairs);
    }

    // x ← x + w·f(x)·x with f(x) = x·(1 + tanh x), as in gated layers.
    static TensorProgram Gated(int layers, bool isFused)
    {
        var b = new ProgramBuilder();
        var x = b.Data("x", new Shape(2));
        for (var layer = 0; layer < layers; layer++)
        {
            var gate = b.Offset(b.Apply(FunctionKind.Tanh, x), 1);
            x = b.Add(x, b.Multiply(b.Multiply(b.Multiply(x, gate), x), b.Data($"w{layer}", new Shape(2))));
        }

        b.Output("y", x);
        return isFused ? SelfGates.Of(b.Build()) : b.Build();
    }

    // Arithmetic of a parameter, data and constants; whether the constants are doubles and nothing is divided.
    static (TensorProgram Program, bool IsExact) Draw(Dice dice)
    {
        var (b, shape, isExact) = (new ProgramBuilder(), new Shape(2), true);
        var nodes = new List<Node> { b.Parameter("w", shape), b.Data("x", shape) };
        Node One() => nodes[dice.Next(0, nodes.Count - 1)];
        for (var k = dice.Next(3, 9); k > 0; k--)
        {
            switch (dice.Next(0, 7))
            {
                case 0:
                    nodes.Add(b.Add(One(), One()));
                    break;
                case 1 or 2:
                    nodes.Add(b.Multiply(One(), One()));
                    break;
                case 3:
                    nodes.Add(b.Constant(new DoubleTensor([dice.Double(-4, 4), Math.ScaleB(dice.Next(-3, 3), dice.Next(-20, 20))]), shape));
                    break;
                case 4:
                    nodes.Add(b.Broadcast(b.Contract("i", "i", "", One(), One()), shape, 0));
                    break;
                case 5:
                    nodes.Add(b.Scale(One(), new Rational(dice.Next(1, 9), 1 << dice.Next(0, 9))));
                    break;
                case 6:
                    nodes.Add(b.Broadcast(b.ReduceSum(One(), 0), shape, 0));
                    break;
                default:
                    isExact = false;
                    nodes.Add(b.Reciprocal(b.Offset(b.Multiply(b.Data($"d{k}", shape), b.Data($"d{k}", shape)), 1)));
                    break;
            }
        }

        b.Output("w", nodes[^1]);
        return (b.Build(), isExact);
    }

    // The coefficients of a polynomial with whole ones, of its value: digits between −half and half.
    static List<BigInteger> Digits(BigInteger value)
    {
        var digits = new List<BigInteger>();
        while (!value.IsZero)
        {
            var digit = value % Whole;
            if (digit > Whole / 2) digit -= Whole;
            if (digit < -Whole / 2) digit += Whole;
            digits.Add(digit);
            value = (value - digit) / Whole;
        }

        return digits;
    }
}
