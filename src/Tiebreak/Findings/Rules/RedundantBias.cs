using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Findings.Rules;

/// <summary>TB004: biases that what follows cancels, all in one finding.</summary>
static class RedundantBias
{
    public static Rule Rule { get; } = new("TB004", "redundant-bias", Level.Warning, "a bias that what follows it cancels (normalisation, softmax over keys)");

    public static IEnumerable<Draft> Find(Evidence evidence)
    {
        var used = Causes.Used(evidence.Analysis.Model.Program);
        var places = StuckPlaces.Of(evidence).Where(place =>
            place.Cause == StuckCause.Cancellation && evidence.Parameters[place.Tensor].Role == ParameterRole.Bias && used.Contains(evidence.Parameters[place.Tensor].Name)).ToArray();
        if (places.Length == 0) yield break;
        yield return StuckPlaces.Draft(
            evidence, Rule, places, "never move", StuckCause.Cancellation,
            "the terms of their gradients cancel exactly: what follows takes away whatever a bias adds; in floating point rounding noise is left, which adaptive optimisers amplify",
            "build these layers without a bias, or freeze it");
    }
}
