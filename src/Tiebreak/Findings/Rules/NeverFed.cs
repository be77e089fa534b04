using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Findings.Rules;

/// <summary>TB006: parameters that only other data would move.</summary>
static class NeverFed
{
    public static Rule Rule { get; } = new("TB006", "never-fed", Level.Warning, "stuck only because the data given never reaches it");

    public static IEnumerable<Draft> Find(Evidence evidence)
    {
        if (evidence.Analysis.Data is not { Any.Partition: { } any } data) yield break;
        for (var tensor = 0; tensor < evidence.Parameters.Count; tensor++)
        {
            var (codes, others) = (evidence.Partition.Codes[tensor], any.Codes[tensor]);
            var places = Enumerable.Range(0, codes.Length).Where(index => codes[index] == 0 && others[index] != 0).ToArray();
            if (places.Length > 0) yield return Of(evidence, data, tensor, places);
        }
    }

    static Draft Of(Evidence evidence, DataVerdict data, int tensor, int[] places)
    {
        var parameter = evidence.Parameters[tensor];
        var (axis, slices) = Slices(parameter, places);
        var isTable = parameter.Role == ParameterRole.LookUp && axis == 0;
        var what = axis is { } sliced
            ? $"{(slices.Count == 1 ? evidence.Units.Kind(tensor, sliced) : Phrases.Plural(evidence.Units.Kind(tensor, sliced), sliced, parameter.Shape.Rank))} {evidence.Tokens.Indices(tensor, sliced, slices)} of {evidence.Quoted(tensor)}"
            : places.Length == 1 ? evidence.Tokens.Element(tensor, places[0])
            : $"{places.Length:N0} parameters of {evidence.Quoted(tensor)} ({evidence.Tokens.Element(tensor, places[0])} and others)";
        return new Draft(
            new Finding
            {
                Rule = Rule.Code,
                Name = Rule.Name,
                Level = Rule.Level,
                Tensor = parameter.Name,
                Tensors = [parameter.Name],
                Axis = axis,
                Indices = slices,
                Tokens = axis is { } along ? evidence.Tokens.Of(tensor, along, slices) : [],
                Message = $"{what} {(slices.Count == 1 || places.Length == 1 ? "gets" : "get")} no gradient from this data",
                Because = DataPhrases.Silence(data, isTable ? slices : null),
                Fix = isTable ? "add samples that select these rows, or leave them out of the table" : "add samples in which what feeds them is not zero, or drop it",
                StuckBy = "data",
            },
            [tensor],
            places.Length,
            null);
    }

    // Whole slices along the first axis where that is all there is; -1 and none otherwise.
    static (int? Axis, IReadOnlyList<int> Slices) Slices(ParameterTensor parameter, int[] places)
    {
        for (var axis = 0; axis < parameter.Shape.Rank; axis++)
        {
            var stride = parameter.Shape.Strides()[axis];
            var size = parameter.Shape[axis];
            var each = parameter.Shape.Count / size;
            var counts = new long[size];
            foreach (var place in places) counts[place / stride % size]++;
            if (counts.All(count => count == 0 || count == each)) return (axis, [.. Enumerable.Range(0, size).Where(slice => counts[slice] > 0)]);
        }

        return (null, []);
    }
}
