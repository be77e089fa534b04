using Tiebreak.Refinement;

namespace Tiebreak.Findings;

/// <summary>What the columns of a table have to do with a verdict, in words.</summary>
static class DataPhrases
{
    const int Most = 3;

    /// <summary>Why parameters stay equal.</summary>
    public static string Ties(DataVerdict data)
    {
        var facts = Groups(data).Take(Most).ToList();
        if (facts.Count < Most) facts.AddRange(Constants(data).Take(Most - facts.Count));
        return facts.Count > 0 ? string.Join("; ", facts) : $"each of the {data.Rows:N0} samples gives them equal gradients";
    }

    /// <summary>Why parameters never move.</summary>
    /// <param name="data">The verdict.</param>
    /// <param name="rows">The rows of a table of look-ups, if it is one.</param>
    public static string Silence(DataVerdict data, IReadOnlyList<int>? rows)
    {
        if (rows is not null && data.Columns.Picked.Values.Any(picked => rows.All(row => row < picked.Length && !picked[row])))
            return $"no sample selects {(rows.Count == 1 ? "this row" : "these rows")}";
        var zero = data.Columns.Zero.Select(element => $"`{Name(data, element)}`").Distinct(StringComparer.Ordinal).ToArray();
        return zero.Length > 0 ? $"{Phrases.List(zero)} {(zero.Length == 1 ? "is" : "are")} zero in {Rows(data)}" : $"each of the {data.Rows:N0} samples gives them a gradient that is exactly zero";
    }

    /// <summary>Columns that are equal up to sign, a sentence a group.</summary>
    public static IEnumerable<string> Groups(DataVerdict data)
    {
        foreach (var group in data.Columns.Equal)
        {
            if (data.Columns.Zero.Contains(group[0])) continue; // zero, which is said elsewhere
            var same = group.Where(element => element.Negative == group[0].Negative).Select(element => $"`{Name(data, element)}`").ToArray();
            var opposite = group.Where(element => element.Negative != group[0].Negative).Select(element => $"`{Name(data, element)}`").ToArray();
            if (same.Length > 1) yield return $"{Phrases.List(same)} are equal in {Rows(data)}";
            if (opposite.Length > 0) yield return $"{Phrases.List(opposite)} {(opposite.Length == 1 ? "is" : "are")} the negative of {same[0]} in {Rows(data)}";
        }
    }

    /// <summary>The name of the column that supplies an element.</summary>
    public static string Name(DataVerdict data, ColumnElement element) => data.Samples.ColumnOf(element.Leaf, element.Index);

    static IEnumerable<string> Constants(DataVerdict data)
    {
        var constant = data.Columns.Constant.Concat(data.Columns.Zero).Select(element => $"`{Name(data, element)}`").ToArray();
        if (constant.Length > 0) yield return $"{Phrases.List(constant)} {(constant.Length == 1 ? "has" : "have")} one value in {Rows(data)}";
    }

    static string Rows(DataVerdict data) => data.Rows == 1 ? "the only row" : $"all {data.Rows:N0} rows";
}
