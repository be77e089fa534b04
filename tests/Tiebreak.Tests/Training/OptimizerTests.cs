using Tiebreak.Numbers;
using Tiebreak.Training;
using Xunit;

namespace Tiebreak.Tests.Training;

/// <summary>Each optimiser's first two steps, worked out by hand from its paper.</summary>
public sealed class OptimizerTests
{
    const double Rate = 0.5, Decay = 0.25, Value = 2, First = 3, Second = -1;

    static double[] Two(OptimizerKind kind, bool decays)
    {
        var options = new TrainingOptions { Optimizer = kind, Rate = new Rational(1, 2), Momentum = new Rational(1, 2), Beta1 = 0.5, Beta2 = 0.75, Epsilon = 0, WeightDecay = decays ? new Rational(1, 4) : Rational.Zero };
        var optimizer = new Optimizer<double>(options, 1);
        double[] value = [Value];
        optimizer.Step(value, [First]);
        var first = value[0];
        optimizer.Step(value, [Second]);
        return [first, value[0]];
    }

    static void Are(OptimizerKind kind, double first, double second, bool decays = false)
    {
        var steps = Two(kind, decays);
        Assert.Equal(first, steps[0], 1e-12);
        Assert.Equal(second, steps[1], 1e-12);
    }

    [Fact]
    public void Sgd() => Are(OptimizerKind.Sgd, 2 - 1.5, 0.5 + 0.5);

    [Fact]
    public void Sgd_with_weight_decay()
    {
        var first = Value - Rate * (First + Decay * Value);
        Are(OptimizerKind.Sgd, first, first - Rate * (Second + Decay * first), decays: true);
    }

    [Fact]
    public void Momentum() => Are(OptimizerKind.Momentum, 0.5, 0.5 - Rate * (0.5 * 3 - 1));

    [Fact]
    public void Nesterov() => Are(OptimizerKind.Nesterov, 2 - Rate * (3 + 0.5 * 3), 2 - Rate * 4.5 - Rate * (-1 + 0.5 * 0.5));

    [Fact]
    public void RmsProp()
    {
        var first = Value - Rate * First / Math.Sqrt(0.25 * 9);
        Are(OptimizerKind.RmsProp, first, first - Rate * Second / Math.Sqrt(0.75 * 0.25 * 9 + 0.25));
    }

    // Bias correction makes the first step the sign of the gradient.
    [Fact]
    public void Adam()
    {
        var first = Value - Rate;
        var mean = (0.5 * 1.5 - 0.5) / 0.75;
        var square = (0.75 * 0.25 * 9 + 0.25) / (1 - 0.75 * 0.75);
        Are(OptimizerKind.Adam, first, first - Rate * mean / Math.Sqrt(square));
    }

    [Fact]
    public void AdamW_shrinks_apart_from_the_gradient()
    {
        var first = Value * (1 - Rate * Decay) - Rate;
        var mean = (0.5 * 1.5 - 0.5) / 0.75;
        var square = (0.75 * 0.25 * 9 + 0.25) / (1 - 0.75 * 0.75);
        Are(OptimizerKind.AdamW, first, first * (1 - Rate * Decay) - Rate * mean / Math.Sqrt(square), decays: true);
    }

    // The momentum is 0.25·3 after the first step: half of it and half of −1 is negative.
    [Fact]
    public void Lion() => Are(OptimizerKind.Lion, Value - Rate, Value - Rate + Rate);

    [Fact]
    public void What_has_no_gradient_stands_still_under_every_optimiser()
    {
        foreach (var kind in Enum.GetValues<OptimizerKind>())
        {
            var optimizer = new Optimizer<float>(new TrainingOptions { Optimizer = kind }, 1);
            float[] value = [2];
            optimizer.Step(value, [0]);
            Assert.Equal(2, value[0]);
        }
    }
}
