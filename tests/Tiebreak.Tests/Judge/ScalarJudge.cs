using System.Numerics;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Refinement;

namespace Tiebreak.Tests.Judge;

/// <summary>
/// Theory §3 done slowly and plainly, one scalar at a time, modulo 2¹²⁷ − 1. Shares with the engine only the program it is given and the form of the answer.
/// </summary>
static class ScalarJudge
{
    /// <exception cref="DivideByZeroException">The model divides by an exact zero.</exception>
    public static Partition Judge(Model model, int seed)
    {
        var scalars = model.Parameters.SelectMany(p => Enumerable.Range(0, (int)p.Shape.Count).Select(i => (p.Name, Index: i, Start: p.Start[i]))).ToArray();
        var position = scalars.Select((scalar, k) => ((scalar.Name, scalar.Index), k)).ToDictionary(pair => pair.Item1, pair => pair.k);
        var classes = new int[scalars.Length]; // 0: stuck
        var signs = new int[scalars.Length];
        var firstSteps = new int[scalars.Length];
        for (var round = 1; ; round++)
        {
            var gradient = Gradient(model, seed * 1000 + round, scalars.Length, k => position[k], k => Image(scalars[k].Start), classes, signs);
            var keys = new Dictionary<(Rational, BigInteger), int>();
            var (nextClasses, nextSigns) = (new int[scalars.Length], new int[scalars.Length]);
            for (var k = 0; k < scalars.Length; k++)
            {
                var g = gradient[k];
                if (classes[k] == 0 && g.IsZero) continue;
                var start = scalars[k].Start;
                var sign = start.IsZero ? (g > Dual.Prime / 2 ? -1 : 1) : start.Sign;
                var key = (start.Magnitude, Dual.Modulo(sign * g));
                if (!keys.TryGetValue(key, out nextClasses[k])) keys.Add(key, nextClasses[k] = keys.Count + 1);
                nextSigns[k] = sign;
                if (classes[k] == 0) firstSteps[k] = round;
            }

            var same = Signature(classes).SequenceEqual(Signature(nextClasses));
            (classes, signs) = (nextClasses, nextSigns);
            if (same) return ToPartition(model, classes, signs, firstSteps);
        }
    }

    // Class numbers by first appearance: equal partitions have equal signatures.
    static IEnumerable<int> Signature(int[] classes)
    {
        var numbers = new Dictionary<int, int> { [0] = 0 };
        return [.. classes.Select(c => numbers.TryGetValue(c, out var known) ? known : numbers[c] = numbers.Count)];
    }

    static BigInteger[] Gradient(
        Model model, int seed, int count, Func<(string, int), int> position, Func<int, BigInteger> start, int[] classes, int[] signs)
    {
        var oracles = new DictionaryOracles(new Random(seed));
        var values = new Dictionary<int, BigInteger>();
        var frozen = model.Frozen.ToDictionary(p => p.Name, StringComparer.Ordinal);
        Dual Parameter(string name, int index)
        {
            if (frozen.TryGetValue(name, out var constant)) return Dual.Constant(Image(constant.Start[index]), count);
            var k = position((name, index));
            if (classes[k] != 0 && !values.ContainsKey(classes[k])) values.Add(classes[k], oracles.Draw());
            var slopes = new BigInteger[count];
            slopes[k] = 1;
            return new Dual(classes[k] == 0 ? start(k) : signs[k] * values[classes[k]], slopes);
        }

        var evaluator = new ScalarEvaluator(model.Program, oracles, count, Parameter);
        var loss = Dual.Constant(0, count);
        foreach (var (_, node) in model.Program.Outputs)
            foreach (var element in evaluator.Output(node))
                loss += model.OutputIsLoss ? element : Dual.Constant(oracles.Draw(), count) * element;
        return loss.Slopes;
    }

    static BigInteger Image(Rational value) => Dual.Modulo(value.Numerator * Dual.Invert(value.Denominator));

    static Partition ToPartition(Model model, int[] classes, int[] signs, int[] firstSteps)
    {
        var numbers = new Dictionary<int, int>(); // signed: what a positive member becomes
        var steps = new List<int> { 0 };
        var codes = new List<int[]>();
        var k = 0;
        foreach (var parameter in model.Parameters)
        {
            var tensor = new int[parameter.Shape.Count];
            for (var i = 0; i < tensor.Length; i++, k++)
            {
                if (classes[k] == 0) continue;
                if (!numbers.TryGetValue(classes[k], out var number))
                {
                    steps.Add(firstSteps[k]);
                    numbers.Add(classes[k], number = signs[k] * (steps.Count - 1));
                }

                tensor[i] = signs[k] * number;
            }

            codes.Add(tensor);
        }

        return new Partition(codes, steps);
    }
}
