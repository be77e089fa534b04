using Tiebreak.Formats;

namespace Tiebreak.Refinement;

/// <summary>
/// Chooses sizes for what a file leaves open (theory §5): as small as is still general, and a second, larger set to confirm at. Sizes are tried in
/// ascending order until the model means something.
/// </summary>
sealed class Sizes(IModelFile file, LoweringOptions options)
{
    // Sets that are normalised over need three members; windows need room, networks that halve their input often need powers of two.
    static readonly int[] Ladder = [3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256, 320, 384, 512];

    const int MostWays = 16;
    const int MostOthers = 4;
    const int Patience = 12; // larger sizes that reach no more than smaller ones did

    /// <summary>Whether anything is left to choose.</summary>
    public bool AnyFree => Open.Count > 0;

    HashSet<string> _batches = [.. file.FreeDims.Where(IsBatch)];

    List<string> Open { get; } = [.. file.FreeDims.Where(name => !options.Dims.ContainsKey(name))];

    /// <summary>
    /// The model at the smallest sizes that work and let every kernel reach all its elements, counting from the given step of the ladder; where no size from there on works,
    /// at the largest below. <paramref name="step"/> becomes the one used. Where data decide between branches, all ways, each at sizes of its own.
    /// </summary>
    /// <exception cref="TiebreakException">No size works; the message is that of the smallest one. Or there are too many ways.</exception>
    public Model Smallest(ref int step)
    {
        RefuseUnknown();
        var ways = new List<Model>();
        var open = new Stack<bool[]>([[]]);
        var begin = step;
        while (open.TryPop(out var choices))
        {
            var at = begin;
            var model = AnyFree ? Smallest(options with { Branches = choices }, ref at) : file.Lower(options with { Branches = choices });
            step = Math.Max(step, at);
            ways.Add(model);
            bool[] taken = [.. model.Branches.Select(branch => branch.First)];
            for (var k = taken.Length - 1; k >= choices.Length; k--) open.Push([.. taken[..k], false]);
            if (ways.Count + open.Count > MostWays)
                throw new TiebreakException($"data decide at {string.Join(", ", model.Branches.Take(3).Select(branch => $"`{branch.Node}`"))} and elsewhere, which makes more than {MostWays} ways through the model; export it with fixed branches, or leave that part out with --outputs");
        }

        return Ways.Join(ways);
    }

    // Which sizes are batches is a guess by name; where no size works, some other one may have to go with the batch.
    Model Smallest(LoweringOptions way, ref int step)
    {
        TiebreakException? first = null;
        var guess = _batches;
        foreach (var batches in Guesses(guess))
        {
            _batches = batches;
            if (Climb(way, ref step, ref first) is { } model) return model;
        }

        _batches = guess;
        throw first!;
    }

    IEnumerable<HashSet<string>> Guesses(HashSet<string> guess)
    {
        yield return guess;
        var others = Open.Where(name => !guess.Contains(name)).Take(MostOthers).ToArray();
        for (var subset = 1; subset < 1 << others.Length; subset++)
            yield return [.. guess, .. others.Where((_, k) => (subset >> k & 1) != 0)];
    }

    Model? Climb(LoweringOptions way, ref int step, ref TiebreakException? first)
    {
        Model? best = null;
        for (var (k, patience) = (step, Patience); k < Ladder.Length && patience > 0 && best is not { NeverReached: 0 }; k++)
        {
            if (TryLower(way, k, ref first) is not { } model) continue;
            patience--;
            if (best is null || model.NeverReached < best.NeverReached) (best, step, patience) = (model, k, Patience);
        }

        for (var k = step - 1; k >= 0 && best is null; k--)
        {
            best = TryLower(way, k, ref first);
            if (best is not null) step = k;
        }

        return best;
    }

    Model? TryLower(LoweringOptions way, int step, ref TiebreakException? first)
    {
        try
        {
            return file.Lower(way with { Dims = At(step) });
        }
        catch (TiebreakException error)
        {
            first ??= error;
            return null;
        }
    }

    // Batches stay small whatever room the windows need: samples do not lie inside one another.
    Dictionary<string, int> At(int step)
    {
        var dims = new Dictionary<string, int>(options.Dims, StringComparer.Ordinal);
        foreach (var name in Open) dims[name] = _batches.Contains(name) ? Ladder[Math.Min(step, 2)] : Ladder[step];
        return dims;
    }

    static bool IsBatch(string name) =>
        name.Contains("batch", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".0", StringComparison.Ordinal) || name is "N" or "n" or "B" or "None";

    void RefuseUnknown()
    {
        foreach (var name in options.Dims.Keys)
            if (!file.FreeDims.Contains(name, StringComparer.Ordinal))
                throw new TiebreakException(file.FreeDims.Count == 0
                    ? $"--dim {name}: this model leaves no dimension free"
                    : $"--dim {name}: no free dimension of that name; there are {string.Join(", ", file.FreeDims.Select(free => $"`{free}`"))}");
    }
}
