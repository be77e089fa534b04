using Tiebreak.Findings.Rules;
using Tiebreak.Refinement;

namespace Tiebreak.Findings;

/// <summary>The stage from partition to findings: counts, units, and what the rules say of them.</summary>
public static class FindingsBuilder
{
    /// <summary>Puts an analysis into words; linear in the number of parameters.</summary>
    /// <param name="path">The model's path as the user gave it.</param>
    /// <param name="format">The model's format.</param>
    /// <param name="options">The options in force.</param>
    /// <param name="analysis">What the refinement found.</param>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public static CheckResult Build(string path, string format, CheckOptions options, Analysis analysis)
    {
        var result = new CheckResult { Path = path, Format = format, Options = options, Analysis = analysis };
        if (analysis.NonFinite.Count > 0 || analysis.Partition is null) return result with { Findings = [.. NonFinite.Find(analysis)] };

        options.Progress?.Report(new CheckProgress("findings", null));
        var evidence = new Evidence(analysis, options.Cancellation, options.Vocabulary);

        // Given a table, what the model ties whatever the data is said apart from what only this data ties.
        var byModel = analysis.Data is { } data ? new Evidence(data.Any, options.Cancellation, options.Vocabulary) : evidence;
        Func<Evidence, IEnumerable<Draft>>[] ofModel = [LockstepUnits.Find, StuckParameters.Find, MirroredUnits.Find, RedundantBias.Find, IdenticalCopies.Find, BrokenOnlyByNoise.Find];
        Func<Evidence, IEnumerable<Draft>>[] ofAll = [LockstepByData.Find, NeverFed.Find, LateStart.Find, NearTies.Find, EqualButFree.Find];
        var drafts = ofModel.SelectMany(rule => rule(byModel)).Select(draft => Settle(draft, byModel))
            .Concat(ofAll.SelectMany(rule => rule(evidence)).Select(draft => Settle(draft, evidence)));
        return result with
        {
            Counts = evidence.Counts.Model,
            Tensors = evidence.Counts.Tensors,
            Units = [.. evidence.Units.List().Select(evidence.Tokens.Named)],
            // A stable sort: what affects equally many parameters stays in the order of codes, then of tensors.
            Findings = [.. drafts.OrderByDescending(draft => draft.Finding.Level).ThenByDescending(draft => draft.Affected).Select(draft => draft.Finding)],
        };
    }

    /// <summary>Lowers the level of what rests on a kink, or on constants that may not be meant to be trained.</summary>
    static Draft Settle(Draft draft, Evidence evidence)
    {
        var finding = draft.Finding;
        if (evidence.Analysis.AtOtherKinks is { } other && draft.HoldsIn is { } holds && !holds(other))
            finding = finding with { RestsOnKink = true, Certainty = "rests on a kink", Level = AtMostWarning(finding.Level) };
        if (draft.Tensors.Count > 0 && draft.Tensors.All(tensor => evidence.Parameters[tensor].FromElementwiseConstant))
            finding = finding with { Level = AtMostWarning(finding.Level) };
        return draft with { Finding = finding };
    }

    static Level AtMostWarning(Level level) => level > Level.Warning ? Level.Warning : level;
}
