using Tiebreak.Formats;

namespace Tiebreak.Refinement;

/// <summary>
/// The answers with and without dropout, for little more than the price of one. Equations that hold under every mask hold under the one that keeps
/// all, so the answer with masks lies within the one without, and refinement can go on from there (where gradients are smooth).
/// </summary>
static class SetUnderNoise
{
    const int MostFirstSteps = 3; // to look at more would be no faster than to begin anew

    /// <summary>Finds both.</summary>
    /// <param name="noisy">The model with masks.</param>
    /// <param name="quiet">The same model without.</param>
    /// <param name="options">Seeds and bounds.</param>
    public static (RefinementResult Result, Partition? WithoutNoise) Find(Model noisy, Model quiet, RefinementOptions options)
    {
        var without = SmallestInvariantSet.Find(quiet, options with { Progress = stage => options.Progress?.Invoke($"without dropout: {stage}") });
        return (Within(without, noisy, options) ?? SmallestInvariantSet.Find(noisy, options), without.Partition);
    }

    /// <summary>The answer under noise, reached from the one without; null where it has to be found from the start.</summary>
    public static RefinementResult? Within(RefinementResult without, Model noisy, RefinementOptions options)
    {
        if (without.Partition is not { } within || without.MetKinks || within.FirstSteps.Max() > MostFirstSteps) return null;
        if (!SmallestInvariantSet.FirstStepsHold(noisy, options, within)) return null;
        var result = SmallestInvariantSet.Find(noisy, options, within);
        if (result.MetKinks || result.Partition?.Stuck != within.Stuck) return null; // of what only noise sets free, the first step is not known
        var rounds = without.Rounds + result.Rounds;
        return result with { Rounds = rounds, ErrorBound = Math.Min(1, rounds * Math.Pow(result.Epsilon, result.Verifications)) };
    }
}
