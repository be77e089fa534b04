using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Findings.Rules;

/// <summary>TB004: biases that what follows cancels, one finding for each kind of operation that does.</summary>
static class RedundantBias
{
    public static Rule Rule { get; } = new("TB004", "redundant-bias", Level.Warning, "a bias that what follows it cancels (normalisation, softmax over keys)");

    public static IEnumerable<Draft> Find(Evidence evidence)
    {
        var used = Causes.Used(evidence.Analysis.Model.Program);
        var places = StuckPlaces.Of(evidence).Where(place =>
            place.Cause == StuckCause.Cancellation && evidence.Parameters[place.Tensor].Role == ParameterRole.Bias && used.Contains(evidence.Parameters[place.Tensor].Name)).ToArray();
        foreach (var alike in places.GroupBy(place => evidence.CancelledBy(place.Tensor), StringComparer.Ordinal))
        {
            var who = alike.Key is { } kind ? $"what {kind} sends back to them sums to zero, as it takes away whatever a bias adds" : "what follows takes away whatever a bias adds";
            yield return StuckPlaces.Draft(
                evidence, Rule, [.. alike], "never move", StuckCause.Cancellation,
                $"the terms of their gradients cancel exactly: {who}; in floating point rounding noise is left, which adaptive optimisers amplify",
                "build these layers without a bias, or freeze it");
        }
    }
}
