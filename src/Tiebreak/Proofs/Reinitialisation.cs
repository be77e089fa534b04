using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Refinement;

namespace Tiebreak.Proofs;

/// <summary>
/// Which tensor, drawn anew at random and nothing else changed, would give training the most degrees of freedom: each that is tied or stuck is tried, and the set refined again. Where none alone
/// gains anything, pairs are tried: of two factors that are both zero, say, either frees both, but of three in a row two must change.
/// </summary>
public sealed record Reinitialisation
{
    const double MostWork = 1L << 31; // multiplications for all trials: a few seconds
    const int MostPairs = 200;

    /// <summary>The tensors to draw anew: one, or two; empty if nothing of what was tried gains anything.</summary>
    public required IReadOnlyList<string> Tensors { get; init; }

    /// <summary>The degrees of freedom that leaves.</summary>
    public required int DegreesOfFreedom { get; init; }

    /// <summary>Whether every tensor that is tied or stuck was tried, and not only as many as are affordable.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>Tries; null if nothing is tied or stuck, or the model is too large.</summary>
    /// <param name="model">The model.</param>
    /// <param name="partition">Its smallest invariant set.</param>
    /// <param name="options">Seed, threads, cancellation.</param>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static Reinitialisation? Find(Model model, Partition partition, RefinementOptions options)
    {
        var candidates = Bound(model, partition);
        if (candidates.Length == 0) return null;
        var gradient = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
        var trial = Witness.Cost(gradient) * (partition.FirstSteps.Max() + 4);
        var affordable = (int)Math.Min(int.MaxValue, MostWork / Math.Max(1, trial));
        if (affordable == 0) return null;

        var best = (Tensors: Array.Empty<int>(), Degrees: partition.Classes);
        var tried = candidates.Take(affordable).ToArray();
        foreach (var tensor in tried) Try([tensor]);
        affordable -= tried.Length;
        if (best.Tensors.Length == 0)
        {
            foreach (var pair in tried.SelectMany((first, k) => tried.Skip(k + 1).Select(second => new[] { first, second })).Take(Math.Min(MostPairs, affordable))) Try(pair);
        }

        return new Reinitialisation { Tensors = [.. best.Tensors.Select(tensor => model.Parameters[tensor].Name)], DegreesOfFreedom = best.Degrees, IsComplete = tried.Length == candidates.Length };

        void Try(int[] tensors)
        {
            options.Progress?.Invoke($"re-initialising {string.Join(" and ", tensors.Select(tensor => model.Parameters[tensor].Name))}");
            var changed = model with { Parameters = [.. model.Parameters.Select((parameter, k) => tensors.Contains(k) ? parameter with { Start = Drawn(parameter.Shape.Count, options.Seed, k) } : parameter)] };
            if (SmallestInvariantSet.Find(changed, options with { Progress = null }).Partition is { } found && found.Classes > best.Degrees) best = (tensors, found.Classes);
        }
    }

    /// <summary>The tensors with parameters that share a class or never move, those with the most first.</summary>
    internal static int[] Bound(Model model, Partition partition)
    {
        var members = new int[partition.Classes + 1];
        foreach (var codes in partition.Codes)
            foreach (var code in codes) members[Math.Abs(code)]++;
        return
        [
            .. Enumerable.Range(0, model.Parameters.Count).Select(tensor => (Tensor: tensor, Bound: partition.Codes[tensor].LongCount(code => code == 0 || members[Math.Abs(code)] > 1)))
                .Where(tensor => tensor.Bound > 0).OrderByDescending(tensor => tensor.Bound).Select(tensor => tensor.Tensor),
        ];
    }

    // Dyadic numbers of either sign, of which no two have one magnitude but by a chance of 2⁻⁵² a pair.
    static DoubleTensor Drawn(long count, ulong seed, int tensor)
    {
        var random = new RandomFunction(seed, RandomFunction.Purpose($"re-initialise {tensor}"));
        var values = new double[count];
        for (var k = 0; k < values.Length; k++)
        {
            var word = random.Word((ulong)k);
            values[k] = ((word >> 12) + 1) / 4503599627370496.0 * ((word & 1) == 0 ? 1 : -1);
        }

        return new DoubleTensor(values);
    }
}
