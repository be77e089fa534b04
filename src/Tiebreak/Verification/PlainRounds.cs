using Tiebreak.Numbers;

namespace Tiebreak.Verification;

/// <summary>
/// The optimistic rounds of theory §3, in the plainest form: everything starts stuck; the gradient at a random point of the current set decides the next one, until nothing changes. What is
/// left is the smallest set, with the first steps.
/// </summary>
static class PlainRounds
{
    /// <summary>Runs all rounds; null if they do not come to an end in as many as may be.</summary>
    /// <param name="mostRounds">The most rounds to run.</param>
    /// <param name="start">The start values, tensor by tensor.</param>
    /// <param name="group">The parameter group of each tensor.</param>
    /// <param name="decays">Whether weight decay moves what is not zero.</param>
    /// <param name="gradient">The gradient at a random point of a set: one number an element of each tensor.</param>
    /// <param name="isNegative">Which of v and −v counts as negative.</param>
    /// <param name="negate">−v.</param>
    public static (Claim Claim, int Rounds)? Run(
        int mostRounds, IReadOnlyList<Rational[]> start, IReadOnlyList<int> group, bool decays, Func<int[][], int, UInt128[][]> gradient, Func<UInt128, bool> isNegative, Func<UInt128, UInt128> negate)
    {
        var codes = start.Select(tensor => new int[tensor.Length]).ToArray();
        List<int> firstSteps = [0];
        if (decays) Decaying(start, group, codes, firstSteps);
        for (var round = 1; round <= mostRounds; round++)
        {
            var slopes = gradient(codes, round);
            var numbers = new Dictionary<(int Was, Rational Start, UInt128 Slope, int Group), int>();
            List<int> steps = [0];
            var next = codes.Select(tensor => new int[tensor.Length]).ToArray();
            var hasChanged = false;
            var firstOf = new Dictionary<int, int>(); // of each class before the number it has now
            for (var tensor = 0; tensor < codes.Length; tensor++)
            {
                for (var k = 0; k < codes[tensor].Length; k++)
                {
                    var (was, slope, value) = (codes[tensor][k], slopes[tensor][k], start[tensor][k]);
                    if (was == 0 && slope == 0) continue;
                    var negative = was != 0 ? was < 0 : value.IsZero ? isNegative(slope) : value.Sign < 0;
                    if (negative) slope = negate(slope);
                    var key = was != 0 ? (Math.Abs(was), Rational.Zero, slope, 0) : (0, value.Magnitude, slope, group[tensor]);
                    if (!numbers.TryGetValue(key, out var number))
                    {
                        numbers.Add(key, number = steps.Count);
                        steps.Add(was == 0 ? round : firstSteps[Math.Abs(was)]);
                    }

                    next[tensor][k] = negative ? -number : number;
                    hasChanged |= was == 0 || firstOf.TryAdd(Math.Abs(was), number) is false && firstOf[Math.Abs(was)] != number;
                }
            }

            (codes, firstSteps) = (next, steps);
            if (!hasChanged) return (Numbered(codes, firstSteps), round);
        }

        return null;
    }

    static void Decaying(IReadOnlyList<Rational[]> start, IReadOnlyList<int> group, int[][] codes, List<int> firstSteps)
    {
        var numbers = new Dictionary<(int, Rational), int>();
        for (var tensor = 0; tensor < codes.Length; tensor++)
        {
            for (var k = 0; k < codes[tensor].Length; k++)
            {
                var value = start[tensor][k];
                if (value.IsZero) continue;
                if (!numbers.TryGetValue((group[tensor], value.Magnitude), out var number))
                {
                    numbers.Add((group[tensor], value.Magnitude), number = firstSteps.Count);
                    firstSteps.Add(1);
                }

                codes[tensor][k] = value.Sign < 0 ? -number : number;
            }
        }
    }

    // By first appearance, the first member positive.
    static Claim Numbered(int[][] codes, List<int> firstSteps)
    {
        var names = new Dictionary<int, int>();
        List<int> steps = [0];
        foreach (var tensor in codes)
        {
            for (var k = 0; k < tensor.Length; k++)
            {
                if (tensor[k] == 0) continue;
                var number = Math.Abs(tensor[k]);
                if (!names.TryGetValue(number, out var name))
                {
                    name = tensor[k] > 0 ? steps.Count : -steps.Count;
                    names.Add(number, name);
                    steps.Add(firstSteps[number]);
                }

                tensor[k] = tensor[k] > 0 ? name : -name;
            }
        }

        return new Claim(codes, steps);
    }
}
