using System.Globalization;
using Tiebreak.Refinement;

namespace Tiebreak.Findings.Rules;

/// <summary>TB010: units within the tolerance of a tie, though not in it; one finding for the units of a tensor. Only where a tolerance was given.</summary>
static class NearTies
{
    public static Rule Rule { get; } = new("TB010", "near-tie", Level.Note, "within --tolerance of a tie, though not in it");

    public static IEnumerable<Draft> Find(Evidence evidence) =>
        evidence.Analysis.NearTies.GroupBy(tie => (tie.Tensor, tie.Axis, tie.SlicesPerUnit)).Select(ties => Of(evidence, [.. ties]));

    static Draft Of(Evidence evidence, NearTie[] ties)
    {
        var first = ties[0];
        var main = IndexOf(evidence, first.Tensor);
        var shape = evidence.Parameters[main].Shape;
        int[] tensors = [.. first.Tensors.Select(name => IndexOf(evidence, name)).Where(tensor => tensor >= 0)];
        var plural = first.SlicesPerUnit > 1 ? $"blocks of {first.SlicesPerUnit:N0}" : Phrases.Plural(evidence.Units.Kind(main, first.Axis), first.Axis, shape.Rank);
        var farthest = ties.Max(tie => tie.Distance) is >= 0.01 and var large ? large.ToString("0.###", CultureInfo.InvariantCulture) : ties.Max(tie => tie.Distance).ToString("0.#e-0", CultureInfo.InvariantCulture);
        var others = tensors.Where(tensor => tensor != main).Select(evidence.Quoted).ToArray();
        var units = ties.Sum(tie => (long)tie.Units.Count);
        return new Draft(
            new Finding
            {
                Rule = Rule.Code,
                Name = Rule.Name,
                Level = Rule.Level,
                Tensor = first.Tensor,
                Tensors = [.. tensors.Select(tensor => evidence.Parameters[tensor].Name)],
                Axis = first.Axis,
                Indices = first.Units,
                Tokens = first.SlicesPerUnit > 1 ? [] : evidence.Tokens.Of(main, first.Axis, first.Units),
                Message = $"{plural} {(first.SlicesPerUnit > 1 ? Phrases.Groups([.. ties.Select(tie => tie.Units)]) : evidence.Tokens.Groups(main, first.Axis, [.. ties.Select(tie => tie.Units)]))} of `{first.Tensor}`{(others.Length > 0 ? $", with {Phrases.List(others)}," : "")} nearly agree: at most {farthest} of their size from {(ties.Length == 1 ? $"{(first.SlicesPerUnit > 1 ? "block " : "")}{first.Center}" : "one of each group")}",
                Because = "the numbers that feed them differ by no more than that share of their size, but they do differ, and nothing keeps them together in training",
                Fix = "`tiebreak reduce MODEL -o OUT --tolerance T` makes one of each group, and measures what that does to the outputs on `--data`; to train on, nothing",
                Certainty = "measured",
            },
            tensors,
            tensors.Sum(tensor => evidence.Parameters[tensor].Shape.Count) / shape[first.Axis] * first.SlicesPerUnit * units,
            null);
    }

    static int IndexOf(Evidence evidence, string name)
    {
        for (var tensor = 0; tensor < evidence.Parameters.Count; tensor++)
            if (evidence.Parameters[tensor].Name == name) return tensor;
        return -1;
    }
}
