namespace Tiebreak.Verification;

/// <summary>What a verification came to.</summary>
/// <param name="Violation">What contradicts the claim, or could not be confirmed, naming a parameter; null if nothing does.</param>
/// <param name="Points">Random points at which it was checked.</param>
/// <param name="ErrorBound">The chance that these overlook a false equation of the claim.</param>
/// <param name="Classes">How many classes were checked.</param>
/// <param name="AllClasses">How many there are.</param>
/// <param name="Stuck">How many stuck parameters were checked.</param>
/// <param name="AllStuck">How many there are.</param>
/// <param name="Rounds">The rounds that found the smallest set and its first steps again; null if that was too much work.</param>
public sealed record Verdict(string? Violation, int Points, double ErrorBound, long Classes, long AllClasses, long Stuck, long AllStuck, int? Rounds)
{
    /// <summary>Whether all that is claimed was checked and holds: every class, every stuck parameter, that no smaller set would do, and every first step.</summary>
    public bool IsProved => Violation is null && IsComplete;

    /// <summary>Whether nothing was left out for being too much work.</summary>
    public bool IsComplete => Classes == AllClasses && Stuck == AllStuck && Rounds is not null;

    /// <summary>Whether a kink was met where only a convention says what the gradient is (relu′(0), the first of equal largest elements): the claim then rests on the frameworks' choice.</summary>
    public bool MetKinks { get; init; }

    /// <summary>What the claim holds under; null if it was refused before that was known.</summary>
    public VerifiedAssumptions? Assumptions { get; init; }
}

/// <summary>What a claim holds under, as the certificate says and the model was read.</summary>
/// <param name="Loss"><c>any</c>, <c>mse</c>, <c>cross-entropy</c> or <c>outputs</c>.</param>
/// <param name="Outputs">What the loss sees.</param>
/// <param name="Frozen">Tensors that are not trained.</param>
/// <param name="Opaque">Operators taken as unknown functions.</param>
/// <param name="BatchNorm"><c>training</c>, <c>inference</c>, or <c>none</c> when the model has none.</param>
/// <param name="Dropout"><c>on</c>, <c>off</c>, or <c>none</c> when the model has none that is active.</param>
/// <param name="Dims">The sizes of free dimensions, and of the batch if it was chosen.</param>
/// <param name="Ways">How many ways through branches that data decide are covered.</param>
/// <param name="Optimizer">The optimiser.</param>
/// <param name="Decays">Whether there is weight decay.</param>
/// <param name="Groups">Globs of tensors with a learning rate of their own.</param>
/// <param name="InputRange">What all numbers of the data lie in; null for anything.</param>
/// <param name="Kinks">The convention at kinks: <c>frameworks</c>.</param>
public sealed record VerifiedAssumptions(
    string Loss, IReadOnlyList<string> Outputs, IReadOnlyList<string> Frozen, IReadOnlyList<string> Opaque, string BatchNorm, string Dropout, IReadOnlyDictionary<string, int> Dims, int Ways, string Optimizer, bool Decays,
    IReadOnlyList<string> Groups, (double Low, double High)? InputRange, string Kinks);
