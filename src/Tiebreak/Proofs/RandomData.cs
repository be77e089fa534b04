using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Proofs;

/// <summary>Which numbers a training run draws for data.</summary>
enum DataStyle
{
    /// <summary>Of both signs, about 1 in size.</summary>
    Ones,

    /// <summary>Of both signs, 0.3 to 30 in size.</summary>
    Wide,

    /// <summary>Positive, 0.3 to 30 in size, as logarithms and roots need it.</summary>
    Positive,

    /// <summary>Between 0 and 1.</summary>
    Shares,

    /// <summary>Of both signs, 30 to 30,000 in size: what opens gates behind small weights and large biases.</summary>
    Far,
}

/// <summary>Random float64 values for data leaves: what a user could have in a data set.</summary>
static class RandomData
{
    /// <summary>All values of a leaf; one seed gives one set of data.</summary>
    public static double[] Draw(Primitive.Data leaf, Shape shape, DataStyle style, ulong seed)
    {
        var random = new RandomFunction(seed, RandomFunction.Purpose($"{leaf.Kind} {leaf.Name}"));
        var values = new double[shape.Count];
        switch (leaf.Kind)
        {
            case DataKind.Mask: // kept and scaled by 2, or dropped
                for (var k = 0; k < values.Length; k++) values[k] = Unit(random, k) < 0.5 ? 0 : 2;
                break;
            case DataKind.Distribution:
                var width = shape.Count == 0 ? 1 : shape[shape.Rank - 1];
                for (var row = 0; row < values.Length; row += width) FillDistribution(random, row, values.AsSpan(row, width));
                break;
            case DataKind.LossAdjoint:
                for (var k = 0; k < values.Length; k++) values[k] = Signed(random, k);
                break;
            default:
                var size = Unit(random, -1);
                var scale = style switch { DataStyle.Wide or DataStyle.Positive => 0.3 * Math.Pow(100, size), DataStyle.Far => 30 * Math.Pow(1000, size), _ => 1 };
                for (var k = 0; k < values.Length; k++)
                    values[k] = style switch
                    {
                        DataStyle.Shares => Unit(random, k),
                        DataStyle.Positive => scale * (0.05 + Unit(random, k)),
                        _ => scale * Signed(random, k),
                    };
                break;
        }

        return values;
    }

    // An index as often as a mixture: programs take either, and only the first is what a table look-up gets.
    static void FillDistribution(RandomFunction random, int row, Span<double> values)
    {
        if (Unit(random, ~row) < 0.5)
        {
            values[(int)random.Below((ulong)values.Length, (ulong)row)] = 1;
            return;
        }

        var sum = 0.0;
        for (var k = 0; k < values.Length; k++) sum += values[k] = 0.01 + Unit(random, row + k);
        for (var k = 0; k < values.Length; k++) values[k] /= sum;
    }

    static double Unit(RandomFunction random, int place) => (random.Word((ulong)place) >> 11) * (1.0 / (1UL << 53));

    // Away from zero, so that no product of several is lost in rounding.
    static double Signed(RandomFunction random, int place) => Unit(random, place) * 2 - 1 is var value && value < 0 ? value - 0.05 : value + 0.05;
}
