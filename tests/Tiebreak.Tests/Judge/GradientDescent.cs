using System.Numerics;
using System.Text;
using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Tests.Judge;

/// <summary>
/// The other judge: it knows nothing of invariant sets. It trains the model from θ⁰, exactly, and looks at what happens: fresh data, fresh
/// loss and a fresh learning rate at every step, the functions fixed over a run. What stays together in all runs is reported.
/// </summary>
static class GradientDescent
{
    /// <exception cref="DivisionByExactZeroException">The program divides by an exact zero somewhere on the way.</exception>
    public static Partition Observe(Model model, int steps, params ReadOnlySpan<ulong> seeds)
    {
        var gradient = new ModelGradient(model);
        var start = gradient.Start;
        var image = Array.ConvertAll(start, PrimeField.Image);
        var firstMoves = new int[start.Length];
        var signs = Array.ConvertAll(start, value => value.Sign);
        var histories = Array.ConvertAll(start, value => new StringBuilder(value.Magnitude.ToString()));
        foreach (var seed in seeds)
        {
            var (functions, random) = (new FunctionTables(seed), new RandomElements(seed + 1_000_000));
            var point = image;
            for (var step = 1; step <= steps; step++)
            {
                var rate = random.Next();
                var g = gradient.At(point, functions, random);
                point = [.. point.Zip(g, (value, slope) => PrimeField.Subtract(value, PrimeField.Multiply(rate, slope)))];
                for (var k = 0; k < start.Length; k++)
                {
                    if (point[k] != image[k] && (firstMoves[k] == 0 || step < firstMoves[k])) firstMoves[k] = step;
                    if (signs[k] == 0) signs[k] = PrimeField.Canonical(point[k]) is var (magnitude, sign) && !magnitude.IsZero ? sign : 0;
                    histories[k].Append(' ').Append(signs[k] < 0 ? PrimeField.Negate(point[k]) : point[k]);
                }
            }
        }

        return SignedClasses.Number(model, [.. histories.Select((history, k) => firstMoves[k] == 0 ? null : history.ToString())], signs, firstMoves);
    }
}
