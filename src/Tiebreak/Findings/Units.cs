using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Findings;

/// <summary>
/// The slices of every tensor that a partition keeps equal up to sign: rows, columns, channels, elements of a bias, and blocks of rows such as
/// attention heads. The first two axes of a tensor are looked at, and every axis whose meaning is known.
/// </summary>
sealed class Units
{
    /// <summary>Longer axes are left to <see cref="LooseTies"/>, whose memory does not grow with them.</summary>
    const int LongestAxis = 1 << 20;

    readonly IReadOnlyList<ParameterTensor> _parameters;

    internal Units(IReadOnlyList<ParameterTensor> parameters, IReadOnlyList<IReadOnlyList<SliceGrouping>> groupings)
    {
        _parameters = parameters;
        Groupings = groupings;
    }

    /// <summary>For each tensor the groupings along its axes; axes without a group are left out.</summary>
    public IReadOnlyList<IReadOnlyList<SliceGrouping>> Groupings { get; }

    /// <summary>Groups the slices of all tensors.</summary>
    /// <param name="model">The tensors.</param>
    /// <param name="partition">Their codes.</param>
    /// <param name="counts">The partition's counts: a tensor without parameters in lockstep has no groups and is not read.</param>
    /// <param name="cancellation">Stops it.</param>
    public static Units Of(Model model, Partition partition, VerdictCounter counts, CancellationToken cancellation)
    {
        var groupings = new SliceGrouping[model.Parameters.Count][];
        for (var tensor = 0; tensor < groupings.Length; tensor++)
        {
            cancellation.ThrowIfCancellationRequested();
            var parameter = model.Parameters[tensor];
            var found = new List<SliceGrouping>();
            foreach (var axis in counts.Tensors[tensor].Lockstep == 0 ? [] : Axes(parameter))
            {
                var grouping = SliceGrouping.OfCodes(partition.Codes[tensor], parameter.Shape.Sizes, axis);
                if (grouping.Groups.Count > 0) found.Add(grouping);
            }

            groupings[tensor] = [.. found];
        }

        return new Units(model.Parameters, groupings);
    }

    /// <summary>The units as the result lists them: single slices first, then blocks.</summary>
    public IReadOnlyList<UnitGroups> List()
    {
        var list = new List<UnitGroups>();
        for (var tensor = 0; tensor < Groupings.Count; tensor++)
        {
            foreach (var grouping in Groupings[tensor])
            {
                var name = _parameters[tensor].Name;
                list.Add(new UnitGroups(name, grouping.Axis, Kind(tensor, grouping.Axis), [.. grouping.Groups.Select(group => (IReadOnlyList<int>)group.Members)]));
                if (Blocks(new UnitPlace(tensor, grouping)) is { } blocks)
                    list.Add(new UnitGroups(name, grouping.Axis, "head", blocks.Groups) { SlicesPerUnit = blocks.Length });
            }
        }

        return list;
    }

    /// <summary>Slices that repeat block by block, as heads do; rows that data look up, and tokens, are units of their own.</summary>
    public SliceBlocks? Blocks(UnitPlace place)
    {
        var parameter = _parameters[place.Tensor];
        var axis = place.Grouping.Axis;
        if (parameter.TokenAxis == axis || (axis < parameter.AxisMeanings.Count && parameter.AxisMeanings[axis] == AxisMeaning.Row)) return null;
        return SliceBlocks.In(place.Grouping);
    }

    /// <summary>The axis that runs over the tensor's own units: its outputs, its rows, else the first.</summary>
    public int OwnAxis(int tensor)
    {
        var meanings = _parameters[tensor].AxisMeanings;
        for (var axis = 0; axis < meanings.Count; axis++)
            if (meanings[axis] is AxisMeaning.Output or AxisMeaning.Row) return axis;
        return meanings.Count > 1 && meanings[0] == AxisMeaning.Input ? 1 : 0;
    }

    /// <summary>What a slice of a tensor along an axis is called.</summary>
    public string Kind(int tensor, int axis)
    {
        var parameter = _parameters[tensor];
        if (parameter.Shape.Rank == 1) return VectorKind(tensor);
        var meaning = axis < parameter.AxisMeanings.Count ? parameter.AxisMeanings[axis] : AxisMeaning.Other;
        return (parameter.Role, meaning) switch
        {
            (_, AxisMeaning.Row) => "row",
            (_, AxisMeaning.Input) => "input",
            (ParameterRole.Convolution, AxisMeaning.Output) => "channel",
            (ParameterRole.Dense, AxisMeaning.Output) => "neuron",
            (_, AxisMeaning.Other) when axis == 0 && parameter.Shape.Rank > 2 && parameter.Name.Contains("expert", StringComparison.OrdinalIgnoreCase) => "expert",
            _ => "slice",
        };
    }

    /// <summary>A bias or scale belongs to the units of the layer before it in the file, if the sizes agree.</summary>
    string VectorKind(int tensor)
    {
        if (_parameters[tensor].Role is not (ParameterRole.Bias or ParameterRole.Scale)) return "unit";
        for (var earlier = tensor - 1; earlier >= 0; earlier--)
        {
            var layer = _parameters[earlier];
            if (layer.Role is not (ParameterRole.Dense or ParameterRole.Convolution)) continue;
            if (layer.Shape.Rank < 2 || layer.Shape[OwnAxis(earlier)] != _parameters[tensor].Shape[0]) break;
            return layer.Role == ParameterRole.Dense ? "neuron" : "channel";
        }

        return "unit";
    }

    static IEnumerable<int> Axes(ParameterTensor parameter)
    {
        for (var axis = 0; axis < parameter.Shape.Rank; axis++)
        {
            var known = axis < parameter.AxisMeanings.Count && parameter.AxisMeanings[axis] is AxisMeaning.Output or AxisMeaning.Input or AxisMeaning.Row;
            if ((axis < 2 || known) && parameter.Shape[axis] is > 1 and <= LongestAxis && parameter.Shape.Count > 0) yield return axis;
        }
    }
}
