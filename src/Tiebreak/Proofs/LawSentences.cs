using Tiebreak.Formats;

namespace Tiebreak.Proofs;

/// <summary>Linear laws in words: <c>for every j the sum of `W[*,j]` is constant</c>.</summary>
public static class LawSentences
{
    const int MostTerms = 6;
    const string Letters = "ijklmnop";

    /// <summary>One sentence a law, or one for a family of laws that differ in one index only.</summary>
    public static IReadOnlyList<(string Sentence, IReadOnlyList<LinearLaw> Laws)> Of(IReadOnlyList<LinearLaw> laws, Model model)
    {
        var sentences = new List<(string, IReadOnlyList<LinearLaw>)>();
        var isSaid = new HashSet<LinearLaw>();
        foreach (var law in laws)
        {
            if (isSaid.Contains(law)) continue;
            var (axis, family) = Family(law, laws, model);
            isSaid.UnionWith(family);
            var value = Value(law, model, axis);
            var constant = law.Terms.Count == 1 ? "never moves" : "is constant";
            sentences.Add((axis is { } free ? $"for every {Letters[free]} {value} {constant}" : $"{value} {constant}", family));
        }

        return sentences;
    }

    // All laws that one index of a tensor runs through, if there is one for each.
    static (int? Axis, IReadOnlyList<LinearLaw> Family) Family(LinearLaw law, IReadOnlyList<LinearLaw> laws, Model model)
    {
        var tensor = law.Terms[0].Tensor;
        var shape = model.Parameters[tensor].Shape;
        for (var axis = 0; axis < Math.Min(shape.Rank, Letters.Length); axis++)
        {
            if (Key(law, axis) is not { } key) continue;
            LinearLaw[] family = [.. laws.Where(other => Key(other, axis) == key)];
            if (family.Length > 1 && family.Length == shape[axis]) return (axis, family);
        }

        return (null, [law]);

        string? Key(LinearLaw of, int axis)
        {
            var stride = shape.Strides()[axis];
            int At(int place) => place / stride % shape[axis];
            if (of.Terms.Any(term => term.Tensor != tensor) || of.Terms.Any(term => At(term.Place) != At(of.Terms[0].Place))) return null;
            return string.Join(' ', of.Terms.Select(term => $"{term.Factor}@{term.Place - At(term.Place) * stride}"));
        }
    }

    static string Value(LinearLaw law, Model model, int? free)
    {
        if (Sum(law, model, free) is { } sum) return sum;
        var terms = law.Terms.Take(law.Terms.Count > MostTerms + 1 ? MostTerms : law.Terms.Count)
            .Select((term, k) => $"{(term.Factor < 0 ? (k == 0 ? "-" : " - ") : k == 0 ? "" : " + ")}{(Math.Abs(term.Factor) == 1 ? "" : $"{Math.Abs(term.Factor)}*")}{Name(term, model, free)}");
        return $"`{string.Concat(terms)}`{(law.Terms.Count > MostTerms + 1 ? $" + ... ({law.Terms.Count:N0} terms)" : "")}";
    }

    // All numbers of a box with factor 1.
    static string? Sum(LinearLaw law, Model model, int? free)
    {
        var shape = model.Parameters[law.Terms[0].Tensor].Shape;
        if (law.Terms.Count < 2 || law.Terms.Any(term => term.Factor != 1 || term.Tensor != law.Terms[0].Tensor)) return null;
        var strides = shape.Strides();
        var (count, text) = (1L, new string[shape.Rank]);
        for (var axis = 0; axis < shape.Rank; axis++)
        {
            var seen = law.Terms.Select(term => term.Place / strides[axis] % shape[axis]).Distinct().ToArray();
            if (seen.Length != 1 && seen.Length != shape[axis]) return null;
            count *= seen.Length;
            text[axis] = axis == free ? Letters[axis].ToString() : seen.Length == shape[axis] ? "*" : seen[0].ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return count == law.Terms.Count ? $"the sum of `{model.Parameters[law.Terms[0].Tensor].Name}[{string.Join(',', text)}]`" : null;
    }

    static string Name((int Tensor, int Place, long Factor) term, Model model, int? free)
    {
        var parameter = model.Parameters[term.Tensor];
        if (parameter.Shape.Rank == 0) return parameter.Name;
        return $"{parameter.Name}[{string.Join(',', parameter.Shape.Strides().Select((stride, axis) => axis == free ? Letters[axis].ToString() : $"{term.Place / stride % parameter.Shape[axis]}"))}]";
    }
}
