using Tiebreak.Formats;

namespace Tiebreak;

/// <summary>What each optimiser can and cannot promise (theory §5).</summary>
public static class Optimizers
{
    static readonly (string Name, string Promise)[] Known =
    [
        ("sgd", "lockstep, mirrored and stuck hold for it in exact arithmetic, and apart does too"),
        ("momentum", "lockstep, mirrored and stuck hold for it in exact arithmetic, and apart does too"),
        ("nesterov", "lockstep, mirrored and stuck hold for it in exact arithmetic, and apart does too"),
        ("rmsprop", Adaptive),
        ("adam", Adaptive),
        ("adamw", Adaptive),
        ("lion", "lockstep, mirrored and stuck hold for it in exact arithmetic; apart does not always: it steps by the sign alone, and keeps together what always has gradients of one sign"),
        ("lars", ByTensor),
        ("lamb", ByTensor),
    ];

    const string Adaptive =
        "lockstep, mirrored and stuck hold for it in exact arithmetic, but rounding noise grows under it, as it divides by the gradient's own size; apart is proved of gradient descent: with a vanishing epsilon it can keep together what always has proportional gradients";

    const string ByTensor = "lockstep, mirrored and stuck hold for it within a tensor; between tensors each has a rate of its own, so nothing is claimed";

    static readonly string[] Unproven = ["muon", "shampoo", "adafactor", "soap", "sophia"];

    /// <summary>The names, as the command line has them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Known.Select(optimizer => optimizer.Name)];

    /// <summary>What the answer means for an optimiser: one sentence.</summary>
    /// <exception cref="TiebreakException">Nothing is proved of it, or it is not known.</exception>
    public static string Promise(string name)
    {
        foreach (var (known, promise) in Known)
            if (known == name) return promise;
        if (Unproven.Contains(name, StringComparer.Ordinal))
            throw new TiebreakException($"`--optimizer {name}`: it mixes the parameters of a tensor, and what it keeps together is not proven; leave the option out for the answer of gradient descent");
        var nearest = NearestName.Find(name, Names);
        throw new TiebreakException($"`--optimizer {name}` is not known; {(nearest is null ? $"known are {string.Join(", ", Names)}" : $"did you mean `{nearest}`?")}");
    }

    /// <summary>The group of each tensor: those of <c>--group</c> from 1 on; under an optimiser with a rate for each tensor, one for each.</summary>
    /// <exception cref="TiebreakException">As for <see cref="Promise"/>.</exception>
    internal static Func<string, int> Groups(CheckOptions options)
    {
        Promise(options.Optimizer);
        var globs = options.Groups;
        var byTensor = options.Optimizer is "lars" or "lamb";
        if (globs.Count == 0 && !byTensor) return static _ => 0;
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        return name =>
        {
            var group = globs.TakeWhile(glob => !NameGlob.MatchesAny([glob], name)).Count() + 1;
            if (!byTensor) return group > globs.Count ? 0 : group;
            if (!numbers.TryGetValue(name, out var number)) numbers.Add(name, number = numbers.Count + 1);
            return number;
        };
    }
}
