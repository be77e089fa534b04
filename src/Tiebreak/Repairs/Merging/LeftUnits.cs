using Tiebreak.Formats;
using Tiebreak.Programs;

namespace Tiebreak.Repairs.Merging;

/// <summary>The units of a model that are equal and still stay, and what keeps them. Found like those that go, but for what must stay.</summary>
sealed class LeftUnits
{
    const int MostGroups = 3;
    const int MostMembers = 4;

    readonly UnitMerging _merging;
    readonly Dictionary<string, Node> _parameters;

    LeftUnits(UnitMerging merging, Dictionary<string, Node> parameters) => (_merging, _parameters) = (merging, parameters);

    /// <summary>Units that stay, an entry an axis.</summary>
    public IReadOnlyList<LeftUnit> Units { get; private init; } = [];

    /// <summary>Looks for them.</summary>
    /// <param name="model">The small model.</param>
    /// <param name="run">A random point of it.</param>
    /// <param name="isForTraining">Whether terms of plain sums must be equal.</param>
    public static LeftUnits Of(Model model, PointRun run, bool isForTraining)
    {
        var merging = UnitMerging.Find(model, run, new MergingOptions(Alike: false, DropDead: false, SumsOfEqualsOnly: isForTraining, []));
        var parameters = model.Program.Nodes.Where(node => node.Primitive is Primitive.Parameter && merging.Coordinates.IsNeeded[node.Id]).ToDictionary(node => ((Primitive.Parameter)node.Primitive).Name, StringComparer.Ordinal);
        var tensors = model.Parameters.Concat(model.Frozen).ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        var equal = UnitMerging.EqualPlaces(merging, run);
        var units = new List<LeftUnit>();
        var told = new HashSet<int>();

        // Units are named by the tensor whose output they are, or else by one that reads them.
        foreach (var (node, axis, places) in merging.Coordinates.Axes().OrderBy(at => Rank(at.Node, at.Axis)).ThenBy(at => at.Node.Shape.Rank > 1 ? 0 : 1).ThenBy(at => at.Node.Id))
        {
            if (Rank(node, axis) > 1) continue;
            var name = ((Primitive.Parameter)node.Primitive).Name;
            var groups = Enumerable.Range(0, places.Length).Where(k => equal[merging.Coordinates.Find(places[k])] >= 0).GroupBy(k => equal[merging.Coordinates.Find(places[k])])
                .Select(group => group.DistinctBy(k => merging.KeptOf(places[k])).ToArray()).Where(group => group.Length > 1).ToArray();
            groups = [.. groups.Where(group => told.Add(equal[merging.Coordinates.Find(places[group[0]])]))];
            foreach (var same in groups.GroupBy(group => group.Select(k => merging.WhyKept(places[k])).FirstOrDefault(why => why is not null) ?? PinReasons.Unknown, StringComparer.Ordinal))
                units.Add(new LeftUnit(name, axis, [.. same], same.Key));
        }

        if (!isForTraining) units.AddRange(TakenApart(units));
        return new LeftUnits(merging, parameters) { Units = units };

        // Units of an axis that a reshape makes into several (a pixel shuffle, heads): equal rows that are no whole slices of those.
        IEnumerable<LeftUnit> TakenApart(List<LeftUnit> known)
        {
            var coordinates = merging.Coordinates;
            var flat = coordinates.Products.SelectMany(product => product.Flat).Select(coordinates.Find).ToHashSet();
            var axes = coordinates.Axes().Where(at => at.Node.Primitive is Primitive.Parameter && at.Places.Length > 1 && flat.Contains(coordinates.Find(at.Places[0]))).ToArray();
            var prints = new Fingerprints(run);
            prints.Need(axes.Select(at => new NodeAxis(at.Node, at.Axis)));
            foreach (var together in axes.GroupBy(at => coordinates.Find(at.Places[0])))
            {
                // Weights and bias of a unit; the weights name it.
                if (together.FirstOrDefault(at => Rank(at.Node, at.Axis) == 0 && at.Node.Shape.Rank > 1) is not { Node: { } node, Axis: var axis, Places: var places }) continue;
                var name = ((Primitive.Parameter)node.Primitive).Name;
                if (known.Exists(unit => unit.Tensor == name && unit.Axis == axis)) continue;
                int[][] groups = [.. Enumerable.Range(0, places.Length).Where(k => prints[new NodeAxis(node, axis)][k] != 0)
                    .GroupBy(k => string.Join(' ', together.Select(at => prints[new NodeAxis(at.Node, at.Axis)][k])), StringComparer.Ordinal)
                    .Select(group => group.DistinctBy(k => merging.KeptOf(places[k])).ToArray()).Where(group => group.Length > 1)];
                if (groups.Length > 0) yield return new LeftUnit(name, axis, groups, PinReasons.TakenApart);
            }
        }

        int Rank(Node node, int axis)
        {
            if (node.Primitive is not Primitive.Parameter { Name: var name } || !tensors.TryGetValue(name, out var tensor) || node.Shape[axis] < 2) return 9;
            var meaning = axis < tensor.AxisMeanings.Count ? tensor.AxisMeanings[axis] : AxisMeaning.Other;
            return meaning switch { AxisMeaning.Output => 0, AxisMeaning.Window => 9, _ => 1 };
        }
    }

    /// <summary>What keeps slices of a tensor; null if that is not known.</summary>
    public string? Reason(string tensor, int axis, IReadOnlyList<int> slices) =>
        _parameters.TryGetValue(tensor, out var node) && axis < node.Shape.Rank && _merging.Coordinates.Of(node, axis) is { } places
            ? slices.Where(slice => slice < places.Length).Select(slice => _merging.WhyKept(places[slice])).FirstOrDefault(why => why is not null)
            : null;

    /// <summary>Some indices in braces, a few of many.</summary>
    public static string Words(IReadOnlyList<IReadOnlyList<int>> groups)
    {
        static string Members(IReadOnlyList<int> group) => group.Count <= 2 * MostMembers ? string.Join(", ", group) : $"{string.Join(", ", group.Take(MostMembers))}, ... ({group.Count:N0} in all)";
        if (groups.Count == 1) return Members(groups[0]);
        return string.Join(", ", groups.Take(MostGroups).Select(group => $"{{{Members(group)}}}")) + (groups.Count > MostGroups ? $" and {groups.Count - MostGroups:N0} more" : "");
    }
}

/// <summary>Equal units that stay.</summary>
/// <param name="Tensor">A tensor that names them.</param>
/// <param name="Axis">Its axis.</param>
/// <param name="Groups">Its slices, each group equal up to sign.</param>
/// <param name="Reason">What keeps them, the end of a sentence.</param>
sealed record LeftUnit(string Tensor, int Axis, IReadOnlyList<IReadOnlyList<int>> Groups, string Reason)
{
    /// <summary>The sentence.</summary>
    public override string ToString() => $"units {LeftUnits.Words(Groups)} along axis {Axis} of `{Tensor}` are equal and stay: {Reason}";
}
