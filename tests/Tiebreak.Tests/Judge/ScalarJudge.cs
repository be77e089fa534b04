using System.Numerics;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Refinement;

namespace Tiebreak.Tests.Judge;

/// <summary>What the judge found.</summary>
/// <param name="Partition">The smallest invariant set.</param>
/// <param name="Rounds">Rounds until nothing changed.</param>
/// <param name="IsMonotone">
/// Whether every round only freed and split. It must be so unless a value sits on a kink at the start and leaves it later: then a later round
/// can see a symmetry that the framework's convention broke before, and section 3 alone does not decide.
/// </param>
sealed record Verdict(Partition Partition, int Rounds, bool IsMonotone);

/// <summary>Theory §3, done plainly: the same question as the engine's, by other means.</summary>
static class ScalarJudge
{
    /// <exception cref="DivisionByExactZeroException">The program divides by an exact zero somewhere on the way.</exception>
    public static Verdict Judge(Model model, ulong seed = 1)
    {
        var gradient = new ModelGradient(model);
        var start = gradient.Start;
        var random = new RandomElements(seed);
        var state = SignedClasses.Number(model, new string?[start.Length], new int[start.Length], new int[start.Length]); // everything stuck
        var steps = new int[start.Length];
        var isMonotone = true;
        for (var round = 1; ; round++)
        {
            if (round > 2 * start.Length + 4) throw new InvalidOperationException("the judge does not come to rest");
            var g = gradient.At(DrawPoint(state.Flat(), start, random), new FunctionTables(seed + 1000 * (ulong)round), random);
            var (keys, signs) = (new string?[start.Length], new int[start.Length]);
            var codes = state.Flat();
            for (var k = 0; k < start.Length; k++)
            {
                if (codes[k] == 0 && g[k].IsZero) continue;
                if (steps[k] == 0) steps[k] = round;
                var (magnitude, sign) = start[k].IsZero ? PrimeField.Canonical(g[k]) : (start[k].Sign > 0 ? g[k] : PrimeField.Negate(g[k]), start[k].Sign);
                keys[k] = $"{start[k].Magnitude} {magnitude}";
                signs[k] = sign;
            }

            var next = SignedClasses.Number(model, keys, signs, steps);
            isMonotone &= state.Keeps(next);
            if (next.SameAs(state)) return new Verdict(next, round, isMonotone);
            state = next;
        }
    }

    static BigInteger[] DrawPoint(int[] codes, Rational[] start, RandomElements random)
    {
        var drawn = new Dictionary<int, BigInteger>();
        var point = new BigInteger[codes.Length];
        for (var k = 0; k < codes.Length; k++)
        {
            if (codes[k] == 0)
            {
                point[k] = PrimeField.Image(start[k]);
                continue;
            }

            if (!drawn.TryGetValue(Math.Abs(codes[k]), out var value)) drawn.Add(Math.Abs(codes[k]), value = random.Next());
            point[k] = codes[k] > 0 ? value : PrimeField.Negate(value);
        }

        return point;
    }
}
