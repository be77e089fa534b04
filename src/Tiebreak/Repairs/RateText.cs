using System.Text;
using Tiebreak.Numbers;

namespace Tiebreak.Repairs;

/// <summary>Learning-rate factors in words, and as the json of a file's metadata.</summary>
public static class RateText
{
    /// <summary>One line a tensor that needs another rate: <c>fc2.weight: 4</c>, or factors along its axes.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<TensorRates> rates) => rates.Where(rate => !rate.IsOne).Select(rate => $"{rate.Name}: {Words(rate)}");

    /// <summary>All factors that are not one, as texts of exact fractions: by tensor <c>"1/4"</c>, or <c>{"scale": "1", "axes": [["4", "2"], …]}</c> (an axis that makes no difference has one factor), or a list of all.</summary>
    public static string Json(IReadOnlyList<TensorRates> rates)
    {
        var text = new StringBuilder("{");
        foreach (var rate in rates.Where(rate => !rate.IsOne))
        {
            if (text.Length > 1) text.Append(", ");
            text.Append(System.Text.Json.JsonEncodedText.Encode(rate.Name) is var name ? $"\"{name}\": " : "");
            if (rate.Other is { } all) text.Append($"[{string.Join(", ", all.Select(Number))}]");
            else if (rate.Axes.All(axis => axis.Count == 1)) text.Append(Number(rate.Scale));
            else text.Append($"{{\"scale\": {Number(rate.Scale)}, \"axes\": [{string.Join(", ", rate.Axes.Select(axis => $"[{string.Join(", ", axis.Select(Number))}]"))}]}}");
        }

        return text.Append('}').ToString();
    }

    static string Words(TensorRates rate)
    {
        if (rate.Other is { } all) return $"{Several([.. all])}";
        if (rate.Axes.All(axis => axis.Count == 1)) return rate.Scale.ToString();
        var axes = rate.Axes.Select((axis, k) => (axis, k)).Where(entry => entry.axis.Count > 1).Select(entry => $"{Several(entry.axis)} along axis {entry.k}");
        return $"{(rate.Scale == Rational.One ? "" : $"{rate.Scale} times ")}{string.Join(" times ", axes)}";
    }

    static string Several(IReadOnlyList<Rational> factors)
    {
        const int Most = 8;
        return factors.Count <= Most ? $"[{string.Join(", ", factors)}]" : $"[{string.Join(", ", factors.Take(Most))}, ... {factors.Count - Most} more]";
    }

    // Fractions are exact as text; whole numbers are text, too, so that who reads one kind can read all.
    static string Number(Rational factor) => $"\"{factor}\"";
}
