namespace Tiebreak.Formats;

/// <summary>The known name a mistyped one was probably meant to be, for "did you mean" in messages.</summary>
public static class NearestName
{
    /// <summary>The name with the fewest edits to <paramref name="typed"/>, or null when none is near enough to be worth a guess.</summary>
    public static string? Find(string typed, IEnumerable<string> known)
    {
        if (typed.Length > 100) return null;
        string? nearest = null;
        var fewest = Math.Max(1, typed.Length / 3) + 1;
        foreach (var name in known.Where(name => Math.Abs(name.Length - typed.Length) < fewest).Order(StringComparer.Ordinal))
        {
            var edits = Edits(typed, name);
            if (edits >= fewest) continue;
            fewest = edits;
            nearest = name;
        }

        return nearest;
    }

    /// <summary>The fewest insertions, deletions, replacements and swaps of neighbours between two words; a change of case is free.</summary>
    static int Edits(string left, string right)
    {
        var table = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++)
            for (var j = 0; j <= right.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    table[i, j] = i + j;
                    continue;
                }

                var differs = char.ToUpperInvariant(left[i - 1]) == char.ToUpperInvariant(right[j - 1]) ? 0 : 1;
                var edits = Math.Min(table[i - 1, j - 1] + differs, Math.Min(table[i - 1, j], table[i, j - 1]) + 1);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) edits = Math.Min(edits, table[i - 2, j - 2] + 1);
                table[i, j] = edits;
            }

        return table[left.Length, right.Length];
    }
}
