namespace Tiebreak.Proofs.Reasons;

/// <summary>Verdicts in a sentence, whoever found them.</summary>
static class VerdictSentences
{
    /// <summary>Of numbers some of which never move.</summary>
    /// <param name="name">What was asked about.</param>
    /// <param name="stuck">How many never move.</param>
    /// <param name="all">Of how many.</param>
    /// <param name="start">Where one starts, if it is one alone.</param>
    /// <param name="whatever">What it does not depend on.</param>
    public static string Stuck(string name, int stuck, int all, string start, string whatever) => all == 1 ? $"`{name}` is stuck at {start}: its gradient is zero at every step, {whatever}"
        : $"{(stuck == all ? "all" : $"{stuck:N0} of the")} {all:N0} numbers of `{name}` are stuck: their gradients are zero at every step, {whatever}";

    /// <summary>Of numbers that all move.</summary>
    /// <param name="name">What was asked about.</param>
    /// <param name="all">How many they are.</param>
    /// <param name="step">The first step at which the last of them moves.</param>
    /// <param name="company">What is in lockstep with one alone (<see cref="Company"/>).</param>
    public static string Moves(string name, int all, int step, string company) =>
        $"`{name}` {(all == 1 ? "moves" : "can move")}, {(step == 1 ? "from step 1 on" : $"{(all == 1 ? "" : "all of it ")}from step {step} on: before that its gradient is zero")}{company}";

    /// <summary>How many others are in lockstep with a number.</summary>
    /// <param name="others">How many.</param>
    /// <param name="example">The first of them.</param>
    /// <param name="with">Among which, if not all were compared; else empty.</param>
    public static string Company(long others, string? example, string with = "") =>
        others == 0 ? $"; nothing {with}is in lockstep with it" : $", in lockstep with {others:N0} {(others == 1 ? "other" : "others")}{(example is null ? "" : $": {(others == 1 ? "" : "for instance ")}`{example}`")}";

    /// <summary>Of two that never move.</summary>
    /// <param name="names">The two.</param>
    /// <param name="areEqual">Whether they start, and so stay, equal.</param>
    /// <param name="starts">Where they start, if they differ and are one number each; else empty.</param>
    /// <param name="whatever">What it does not depend on.</param>
    public static string NeverMove(string[] names, bool areEqual, string starts, string whatever) =>
        $"`{names[0]}` and `{names[1]}` never move, {whatever}: {(areEqual ? "they stay equal only because both stay at their start" : $"they differ from the start{starts}, and stay where they are")}";

    /// <summary>Of two that stay together number by number. Signs are each pair's own.</summary>
    /// <param name="names">The two.</param>
    /// <param name="equal">How many pairs stay equal, but for those that stay at zero.</param>
    /// <param name="opposite">How many stay each other's negative.</param>
    /// <param name="whatever">What it does not depend on.</param>
    public static string Together(string[] names, int equal, int opposite, string whatever) => (equal, opposite) switch
    {
        (_, 0) => $"`{names[0]}` and `{names[1]}` are in lockstep: equal now and after every step, {whatever}",
        (0, _) => $"`{names[0]}` and `{names[1]}` are mirrored: each other's negative now and after every step, {whatever}",
        _ => $"`{names[0]}` and `{names[1]}` are tied number by number, now and after every step: {equal:N0} {(equal == 1 ? "pair is" : "pairs are")} equal and {opposite:N0} {(opposite == 1 ? "is" : "are")} each other's negative, {whatever}",
    };

    /// <summary>What the reason of that comes to.</summary>
    public static string Conclusion(int equal, int opposite) => opposite > 0 && equal > 0
        ? "so the gradients of these are opposite, wherever all this holds, and those of the others equal; and as a step of training keeps it all, it holds for ever"
        : $"so their gradients are {(opposite > 0 ? "opposite" : "equal")}, wherever all this holds; and as a step of training keeps it all, it holds for ever";

    /// <summary>Of two that are not tied.</summary>
    /// <param name="names">The two.</param>
    /// <param name="example">Two numbers of theirs that are not, if they are slices; else null.</param>
    /// <param name="areEqual">Whether those start equal.</param>
    /// <param name="areOpposite">Whether they start as each other's negative, and not equal.</param>
    public static string Apart(string[] names, (string Left, string Right)? example, bool areEqual, bool areOpposite) =>
        $"`{names[0]}` and `{names[1]}` are not in lockstep{(example is var (left, right) ? $", for instance `{left}` and `{right}`" : "")}: {(areOpposite ? "they start as each other's negative, and training can change that" : areEqual ? "they start alike, and training can separate them" : "they start at different values")}";
}
