using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Proofs;
using Tiebreak.Refinement;

namespace Tiebreak.Repairs;

/// <summary>How far the outputs of two models are apart in float64 on the same random data, with the numbers that are stored.</summary>
/// <param name="Absolute">The largest difference of two numbers.</param>
/// <param name="Relative">The largest difference as a share of the larger of the two numbers.</param>
/// <param name="Ulps">The largest difference in units of the last place of the larger of the two.</param>
public sealed record FloatDifference(double Absolute, double Relative, double Ulps)
{
    const double UsualWork = 1L << 32; // multiplications: plain loops need some seconds for these
    const double MostWork = 1L << 36; // for one input, below two minutes
    const int Draws = 4;

    /// <summary>Compares two models with the same data leaves and outputs.</summary>
    /// <param name="before">One.</param>
    /// <param name="after">The other.</param>
    /// <param name="options">Seed, threads, cancellation.</param>
    /// <param name="areEqual">Whether they are known to be equal; else data of other sizes are tried, too, where nothing differs.</param>
    /// <returns>Null where the models are too large for that, or no data gave finite numbers.</returns>
    internal static FloatDifference? Between(Model before, Model after, RefinementOptions options, bool areEqual = true)
    {
        double absolute = double.NaN, relative = double.NaN, ulps = double.NaN;
        var cost = Witness.Cost(before.Program);
        if (cost > MostWork) return null;
        var draws = (int)Math.Clamp(UsualWork / cost, 1, Draws);
        var (one, other) = (Floats(before), Floats(after));

        // A softmax of large scores is finite in every framework, as they shift them first.
        var (large, small) = (ShiftedExponentials.Of(before.Program), ShiftedExponentials.Of(after.Program));
        foreach (var style in new[] { DataStyle.Ones, DataStyle.Positive, DataStyle.Shares, DataStyle.Wide, DataStyle.Far })
        {
            for (var draw = 0; draw < draws; draw++)
            {
                options.Cancellation.ThrowIfCancellationRequested();
                var seed = new RandomFunction(options.Seed, RandomFunction.Purpose("comparison")).Word((ulong)draw);
                double[] Leaf(Node node, IReadOnlyDictionary<string, double[]> values) =>
                    node.Primitive is Primitive.Data data ? RandomData.Draw(data, node.Shape, style, seed) : values[((Primitive.Parameter)node.Primitive).Name];
                var first = FloatEvaluator.Evaluate(large, node => Leaf(node, one), options.Threads);
                var second = FloatEvaluator.Evaluate(small, node => Leaf(node, other), options.Threads);
                for (var output = 0; output < first.Count; output++)
                {
                    for (var k = 0; k < first[output].Values.Length; k++)
                    {
                        var (a, b) = (first[output].Values[k], second[output].Values[k]);
                        if (!double.IsFinite(a) || !double.IsFinite(b)) continue;
                        var (difference, size) = (Math.Abs(a - b), Math.Max(Math.Abs(a), Math.Abs(b)));
                        absolute = Larger(absolute, difference);
                        relative = Larger(relative, size == 0 ? 0 : difference / size);
                        ulps = Larger(ulps, size == 0 ? 0 : difference / (Math.BitIncrement(size) - size));
                    }
                }
            }

            if (absolute > 0 || (absolute == 0 && areEqual)) break;
            if (double.IsNaN(absolute) && style == DataStyle.Shares) break;
        }

        return double.IsNaN(absolute) ? null : new FloatDifference(absolute, relative, ulps);
    }

    static double Larger(double known, double value) => double.IsNaN(known) ? value : Math.Max(known, value);

    /// <summary>The numbers of all weights, as the nearest doubles.</summary>
    internal static Dictionary<string, double[]> Floats(Model model) => model.Parameters.Concat(model.Frozen).ToDictionary(
        parameter => parameter.Name,
        parameter =>
        {
            var values = new double[parameter.Shape.Count];
            parameter.Start.ReadNearest(0, values);
            return values;
        },
        StringComparer.Ordinal);
}
