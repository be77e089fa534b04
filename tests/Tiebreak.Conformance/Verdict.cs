namespace Tiebreak.Conformance;

/// <summary>What became of a case.</summary>
public enum Outcome
{
    Passed,
    Failed,

    /// <summary>Not decided, for a reason that is stated.</summary>
    Skipped,
}

/// <summary>What became of a case, and why; a case that passes needs no reason.</summary>
public readonly record struct Verdict(Outcome Outcome, string Reason = "")
{
    public static Verdict Passed => new(Outcome.Passed);

    public static Verdict Failed(string reason) => new(Outcome.Failed, reason);

    public static Verdict Skipped(string reason) => new(Outcome.Skipped, reason);
}
