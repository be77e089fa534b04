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

    const int Patience = 12; // larger sizes that reach no more than smaller ones did

    /// <summary>Whether anything is left to choose.</summary>
    public bool AnyFree => Open.Count > 0;

    List<string> Open { get; } = [.. file.FreeDims.Where(name => !options.Dims.ContainsKey(name))];

    /// <summary>
    /// The model at the smallest sizes that work and let every kernel reach all its elements, counting from the given step of the ladder; <paramref name="step"/>
    /// becomes the one used.
    /// </summary>
    /// <exception cref="TiebreakException">No size works; the message is that of the smallest one.</exception>
    public Model Smallest(ref int step)
    {
        RefuseUnknown();
        if (!AnyFree) return file.Lower(options);
        TiebreakException? first = null;
        Model? best = null;
        for (var (k, patience) = (step, Patience); k < Ladder.Length && patience > 0; k++)
        {
            try
            {
                var model = file.Lower(options with { Dims = At(k) });
                patience--;
                if (best is null || model.NeverReached < best.NeverReached) (best, step, patience) = (model, k, Patience);
                if (best.NeverReached == 0) return best;
            }
            catch (TiebreakException error)
            {
                first ??= error;
            }
        }

        return best ?? throw first!;
    }

    // Batches stay small whatever room the windows need: samples do not lie inside one another.
    Dictionary<string, int> At(int step)
    {
        var dims = new Dictionary<string, int>(options.Dims, StringComparer.Ordinal);
        foreach (var name in Open) dims[name] = IsBatch(name) ? Ladder[Math.Min(step, 2)] : Ladder[step];
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
