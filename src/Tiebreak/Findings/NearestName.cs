namespace Tiebreak.Findings;

/// <summary>Guesses what somebody meant who misspelt a name.</summary>
public static class NearestName
{
    /// <summary>The name with the fewest edits from <paramref name="typed"/>, or null if none is near; the first of equals.</summary>
    public static string? Of(string typed, IEnumerable<string> names)
    {
        string? best = null;
        var fewest = Math.Max(1, Math.Min(typed.Length, 60) / 3) + 1;
        foreach (var name in names)
        {
            var edits = Edits(typed, name);
            if (edits >= fewest) continue;
            fewest = edits;
            best = name;
        }

        return best;
    }

    /// <summary>Levenshtein's distance, whatever the case; texts far longer than the name are not compared letter by letter.</summary>
    static int Edits(string left, string right)
    {
        if (Math.Abs(left.Length - right.Length) > 20) return int.MaxValue;
        var row = new int[right.Length + 1];
        for (var j = 0; j < row.Length; j++) row[j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j < row.Length; j++)
            {
                var same = char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]);
                var edits = Math.Min(diagonal + (same ? 0 : 1), Math.Min(row[j], row[j - 1]) + 1);
                diagonal = row[j];
                row[j] = edits;
            }
        }

        return row[^1];
    }
}
