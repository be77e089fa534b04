using System.Globalization;
using Tiebreak.Formats;
using Tiebreak.Formats.Tokenizers;

namespace Tiebreak.Findings;

/// <summary>Names rows of a vocabulary's tables by their tokens; without a vocabulary, and elsewhere, numbers stay numbers.</summary>
sealed class TokenNames
{
    readonly IReadOnlyList<ParameterTensor> _parameters;
    readonly Vocabulary? _vocabulary;
    readonly IReadOnlyDictionary<string, int> _axes;

    /// <summary>Finds the axes of tokens.</summary>
    public TokenNames(Model model, Vocabulary? vocabulary)
    {
        (_parameters, _vocabulary) = (model.Parameters, vocabulary);
        _axes = vocabulary is null ? new Dictionary<string, int>(StringComparer.Ordinal) : TokenAxes.Of(model, vocabulary);
    }

    /// <summary>Whether the slices of a tensor along an axis are named.</summary>
    public bool Has(int tensor, int axis) => Has(_parameters[tensor].Name, axis);

    /// <summary>Slices in words: <c>7, 9</c>, or <c>7 " the", 9 "a"</c>.</summary>
    public string Indices(int tensor, int axis, IReadOnlyList<int> indices) => Phrases.Indices(indices, Named(tensor, axis));

    /// <summary>The same for groups of them.</summary>
    public string Groups(int tensor, int axis, IReadOnlyList<IReadOnlyList<int>> groups) => Phrases.Groups(groups, Named(tensor, axis));

    /// <summary>One number of a tensor: <c>`W[7,1]`</c>, or <c>`W[7,1]` (" the")</c>.</summary>
    public string Element(int tensor, int index)
    {
        var parameter = _parameters[tensor];
        var element = Phrases.Element(parameter, index);
        if (!_axes.TryGetValue(parameter.Name, out var axis)) return element;
        return _vocabulary![index / parameter.Shape.Strides()[axis] % parameter.Shape[axis]] is { } token ? $"{element} ({TokenText.Quoted(token)})" : element;
    }

    /// <summary>The tokens of slices, null for one that has none; empty where the axis is not one of tokens.</summary>
    public IReadOnlyList<string?> Of(int tensor, int axis, IReadOnlyList<int> indices) => Of(_parameters[tensor].Name, axis, indices);

    /// <summary>The same units with their tokens; blocks of slices have none.</summary>
    public UnitGroups Named(UnitGroups units) =>
        units.SlicesPerUnit == 1 && Has(units.Tensor, units.Axis) ? units with { Tokens = [.. units.Groups.Select(group => Of(units.Tensor, units.Axis, group))] } : units;

    bool Has(string tensor, int axis) => _axes.TryGetValue(tensor, out var known) && known == axis;

    IReadOnlyList<string?> Of(string tensor, int axis, IReadOnlyList<int> indices) => Has(tensor, axis) ? [.. indices.Select(index => _vocabulary![index])] : [];

    Func<int, string>? Named(int tensor, int axis) => !Has(tensor, axis) ? null
        : index => string.Create(CultureInfo.InvariantCulture, $"{index}{(_vocabulary![index] is { } token ? " " + TokenText.Quoted(token) : "")}");
}
