using System.Globalization;

namespace Tiebreak.Formats;

/// <summary>Parameters that a user names: <c>fc1.weight[2,0]</c>, or a slice <c>fc1.weight[2,*]</c> (contract.md, PARAM).</summary>
/// <param name="Tensor">The number of the tensor among the model's parameters.</param>
/// <param name="Places">The row-major places of its elements.</param>
/// <param name="Name">As it was typed.</param>
public sealed record ParameterSlice(int Tensor, IReadOnlyList<int> Places, string Name)
{
    const int Most = 1 << 22;

    /// <summary>Reads the name of a parameter or of a slice; a tensor's name alone is all of it.</summary>
    /// <exception cref="TiebreakException">There is no such tensor or place; says which there are.</exception>
    public static ParameterSlice Parse(string typed, Model model)
    {
        var (name, indices) = Split(typed, model);
        var tensor = Enumerable.Range(0, model.Parameters.Count).FirstOrDefault(k => model.Parameters[k].Name == name, -1);
        if (tensor < 0) throw new TiebreakException(Unknown(name, typed, model));
        var shape = model.Parameters[tensor].Shape;
        var wanted = indices?.Split(',', StringSplitOptions.TrimEntries) ?? [.. Enumerable.Repeat("*", shape.Rank)];
        if (wanted is [""]) wanted = [];
        if (wanted.Length != shape.Rank)
            throw new TiebreakException($"`{typed}` has {wanted.Length} {(wanted.Length == 1 ? "index" : "indices")}, and `{name}` of shape {shape} has {shape.Rank} axes; write for instance `{name}{Example(shape.Rank)}`");
        if (shape.Count > int.MaxValue) throw new TiebreakException($"`{name}` has {shape.Count:N0} numbers, more than {int.MaxValue:N0}: its parameters cannot be asked about one by one");
        List<int> places = [0];
        for (var axis = 0; axis < wanted.Length; axis++)
        {
            var size = shape[axis];
            var first = 0;
            var isAll = wanted[axis] == "*";
            if (!isAll && (!int.TryParse(wanted[axis], NumberStyles.None, CultureInfo.InvariantCulture, out first) || first >= size))
                throw new TiebreakException($"`{wanted[axis]}` in `{typed}` is no index of axis {axis} of `{name}`, which has {size:N0} (0 to {size - 1:N0}, or `*` for all)");
            if ((long)places.Count * (isAll ? size : 1) > Most) throw new TiebreakException($"`{typed}` has more than {Most:N0} numbers; name a smaller slice");
            places = [.. places.SelectMany(place => Enumerable.Range(first, isAll ? size : 1).Select(index => place * size + index))];
        }

        if (places.Count == 0) throw new TiebreakException($"`{typed}` is empty");
        return new ParameterSlice(tensor, places, typed);
    }

    // A tensor's own name may end in brackets.
    static (string Name, string? Indices) Split(string typed, Model model)
    {
        if (model.Parameters.Any(parameter => parameter.Name == typed)) return (typed, null);
        var open = typed.LastIndexOf('[');
        return open > 0 && typed.EndsWith(']') ? (typed[..open], typed[(open + 1)..^1]) : (typed, null);
    }

    static string Unknown(string name, string typed, Model model)
    {
        if (model.Frozen.Any(frozen => frozen.Name == name)) return $"`{name}` is not trained here, so it never moves; `--trainable {name}` makes it so";
        var nearest = NearestName.Find(name, model.Parameters.Select(parameter => parameter.Name));
        var hint = nearest is not null ? $"did you mean `{nearest}`?"
            : model.Parameters.Count == 0 ? "it has none"
            : $"it has {string.Join(", ", model.Parameters.Take(4).Select(parameter => $"`{parameter.Name}`"))}{(model.Parameters.Count > 4 ? $" and {model.Parameters.Count - 4:N0} more" : "")}";
        return $"the model has no parameter `{name}`{(name == typed ? "" : $" (of `{typed}`)")}; {hint}";
    }

    static string Example(int rank) => rank == 0 ? "" : $"[{string.Join(',', Enumerable.Repeat("0", rank))}]";
}
