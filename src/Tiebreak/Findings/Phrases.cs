using System.Globalization;
using Tiebreak.Formats;

namespace Tiebreak.Findings;

/// <summary>Puts lists into words that stay short however long the list is.</summary>
static class Phrases
{
    const int Most = 4;
    const int Shown = 3; // groups

    /// <summary><c>a, b and c</c>, or <c>a, b, c, d and 12 more</c>.</summary>
    public static string List(IReadOnlyList<string> items, int most = Most)
    {
        if (items.Count == 1) return items[0];
        if (items.Count > most) return $"{string.Join(", ", items.Take(most))} and {items.Count - most:N0} more";
        return $"{string.Join(", ", items.Take(items.Count - 1))} and {items[^1]}";
    }

    /// <summary><c>it</c> or <c>them</c>.</summary>
    public static string Them(long count) => count == 1 ? "it" : "them";

    /// <summary><c>its</c> or <c>their</c>.</summary>
    public static string Their(long count) => count == 1 ? "its" : "their";

    /// <summary><c>it is</c> or <c>they are</c>.</summary>
    public static string They(long count) => count == 1 ? "it is" : "they are";

    /// <summary><c>0, 1, 2</c>, or <c>0, 1, 2, 3, ... (64 in all)</c>; each number in the words of <paramref name="named"/>, if that is given.</summary>
    public static string Indices(IReadOnlyList<int> indices, Func<int, string>? named = null)
    {
        named ??= index => index.ToString(CultureInfo.InvariantCulture);
        return indices.Count <= 8 ? string.Join(", ", indices.Select(named)) : $"{string.Join(", ", indices.Take(Most).Select(named))}, ... ({indices.Count:N0} in all)";
    }

    /// <summary>A few groups of indices: <c>0, 2</c>, or <c>{0, 2} and {1, 3}</c>.</summary>
    public static string Groups(IReadOnlyList<IReadOnlyList<int>> groups, Func<int, string>? named = null) =>
        groups.Count == 1 ? Indices(groups[0], named) : List([.. groups.Take(Shown + 1).Select(group => $"{{{Indices(group, named)}}}"), .. groups.Skip(Shown + 1).Select(_ => "")], Shown);

    /// <summary>What slices of a kind are called, in the plural.</summary>
    public static string Plural(string kind, int axis, int rank) => kind switch
    {
        "neuron" => "units",
        "slice" when rank == 2 => axis == 0 ? "rows" : "columns",
        "unit" => "elements",
        _ => kind + "s",
    };

    /// <summary>For instance <c>`W[0,1]`</c>, or <c>`a`</c> for a scalar.</summary>
    public static string Element(ParameterTensor parameter, int index)
    {
        if (parameter.Shape.Rank == 0) return $"`{parameter.Name}`";
        var strides = parameter.Shape.Strides();
        var places = strides.Select((stride, axis) => index / stride % parameter.Shape[axis]);
        return $"`{parameter.Name}[{string.Join(",", places)}]`";
    }

    /// <summary><c>all 12</c> or <c>3 of 12</c>.</summary>
    public static string Share(long part, long whole) => part == whole ? whole == 1 ? "its only number" : $"all {whole:N0}" : $"{part:N0} of {whole:N0}";
}
