namespace Tiebreak.Findings;

/// <summary>One kind of finding.</summary>
/// <param name="Code">For instance <c>TB001</c>; never reused.</param>
/// <param name="Name">Reads after <em>allow</em>: <c>lockstep-units</c>.</param>
/// <param name="Level">How bad its findings are at most.</param>
/// <param name="Summary">What it says, in one line.</param>
public sealed record Rule(string Code, string Name, Level Level, string Summary);
