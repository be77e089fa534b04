namespace Tiebreak.Formats;

/// <summary>Patterns over tensor names, as <c>--freeze</c> and <c>--trainable</c> take them: <c>*</c> is any run of characters, <c>?</c> any one.</summary>
public static class NameGlob
{
    /// <summary>Whether the whole name fits the pattern; case counts.</summary>
    public static bool Matches(string glob, string name)
    {
        // Greedy with one point to return to: at the last star, take one character more.
        int g = 0, n = 0, star = -1, resume = 0;
        while (n < name.Length)
        {
            if (g < glob.Length && glob[g] == '*')
            {
                star = g++;
                resume = n;
            }
            else if (g < glob.Length && (glob[g] == '?' || glob[g] == name[n]))
            {
                g++;
                n++;
            }
            else if (star >= 0)
            {
                g = star + 1;
                n = ++resume;
            }
            else
            {
                return false;
            }
        }

        while (g < glob.Length && glob[g] == '*') g++;
        return g == glob.Length;
    }

    /// <summary>Whether the name fits one of the patterns.</summary>
    public static bool MatchesAny(IReadOnlyList<string> globs, string name) => globs.Any(glob => Matches(glob, name));

    /// <summary>Refuses patterns that no name fits: most often a typing error that would silently change the question.</summary>
    /// <param name="globs">The patterns.</param>
    /// <param name="names">The names they may fit.</param>
    /// <param name="option">The option they came from, for the message.</param>
    /// <exception cref="TiebreakException">A pattern fits no name.</exception>
    public static void RequireHits(IReadOnlyList<string> globs, IReadOnlyList<string> names, string option)
    {
        foreach (var glob in globs)
        {
            if (names.Any(name => Matches(glob, name))) continue;
            var nearest = NearestName.Find(glob.Trim('*', '?'), names);
            var remedy = nearest is not null ? $"did you mean `{nearest}`?"
                : names.Count == 0 ? "the model has no such tensors"
                : $"the names are {string.Join(", ", names.Take(5).Select(name => $"`{name}`"))}{(names.Count > 5 ? ", …" : "")}";
            throw new TiebreakException($"{option} {glob}: no tensor has such a name; {remedy}");
        }
    }
}
