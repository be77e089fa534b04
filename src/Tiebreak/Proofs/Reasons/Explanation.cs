namespace Tiebreak.Proofs.Reasons;

/// <summary>What was found out about the parameters that were asked about.</summary>
public enum ExplainedVerdict
{
    /// <summary>Equal now and after every step.</summary>
    Lockstep,

    /// <summary>Each other's negative now and after every step.</summary>
    Mirrored,

    /// <summary>Never moves.</summary>
    Stuck,

    /// <summary>Different at the start, or free to become so.</summary>
    Apart,

    /// <summary>Moves; no other was named to compare with.</summary>
    Moves,
}

/// <summary>One step of a reason.</summary>
/// <param name="Number">Counts from 1; later steps refer to earlier ones.</param>
/// <param name="Kind"><c>start</c>, <c>forward</c>, <c>backward</c>, <c>gradient</c>, <c>zero</c>, <c>cancellation</c>, <c>difference</c> or <c>source</c>.</param>
/// <param name="Label">A few words for a picture.</param>
/// <param name="Text">A sentence without capital and full stop.</param>
/// <param name="Links">The numbers of the earlier steps that it is about: those it follows from, or, where a reason goes from effects to causes, the one it explains.</param>
public sealed record ReasonStep(int Number, string Kind, string Label, string Text, IReadOnlyList<int> Links);

/// <summary>A training run that shows two parameters apart, or one moved.</summary>
/// <param name="Run">The run, from 1.</param>
/// <param name="Step">The step of it after which it was so.</param>
/// <param name="IsExact">Whether the run was exact, in a prime field; else in float64.</param>
/// <param name="Values">In float64: the values after that step.</param>
/// <param name="Setting">What the run was of: its data, loss and learning rate.</param>
public sealed record ExplainedWitness(int Run, int Step, bool IsExact, IReadOnlyList<double> Values, string Setting);

/// <summary>Why a verdict is as it is: the answer of <c>tiebreak why</c>.</summary>
public sealed record Explanation
{
    /// <summary>The parameters asked about, as they were typed.</summary>
    public required IReadOnlyList<string> Parameters { get; init; }

    /// <summary>The verdict.</summary>
    public required ExplainedVerdict Verdict { get; init; }

    /// <summary>The verdict in a sentence.</summary>
    public required string Headline { get; init; }

    /// <summary>The reason, from what it rests on to what it comes to.</summary>
    public IReadOnlyList<ReasonStep> Steps { get; init; } = [];

    /// <summary>What the steps come to; null where the headline says it all.</summary>
    public string? Conclusion { get; init; }

    /// <summary>The run that shows it, for what is apart or moves; null if none was looked for or found.</summary>
    public ExplainedWitness? Witness { get; init; }

    /// <summary>The chance that the verdict claims a tie that does not hold.</summary>
    public double ErrorBound { get; init; }

    /// <summary>Whether a linear law of gradient descent is the reason, found modulo two primes of its own, and not the analysis.</summary>
    public bool IsByLaw { get; init; }

    /// <summary>The seed of the analysis and of the runs, with which all this is repeated.</summary>
    public ulong Seed { get; init; }

    /// <summary>The assumptions of the analysis that are not the defaults, and what was chosen while reading.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
