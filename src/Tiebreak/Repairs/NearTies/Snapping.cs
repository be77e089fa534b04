using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs.NearTies;

/// <summary>
/// Makes units that nearly agree agree: those of a group get the incoming numbers of the one that stays, so that the exact merging takes them for one. Layers are taken from the input to the output; once units of a layer
/// are one, the next layer is judged by its columns added up. Numbers change only where units then really become one.
/// </summary>
sealed class Snapping
{
    readonly IReadOnlyList<UnitKind> _kinds;
    readonly double _tolerance;
    readonly IReadOnlySet<int> _refused;
    readonly Func<Model, UnitMerging> _merge;
    readonly CancellationToken _cancellation;
    readonly HashSet<int> _settled = []; // units of groups, by place: no number moves twice, or it could come farther than the tolerance

    Snapping(Model model, double tolerance, IReadOnlySet<int> refused, Func<Model, UnitMerging> merge, CancellationToken cancellation) =>
        (_kinds, _tolerance, _refused, _merge, _cancellation) = (UnitSlices.Of(model.Program), tolerance, refused, merge, cancellation);

    /// <summary>Finds groups of units within the tolerance, and the model in which they are equal.</summary>
    /// <param name="model">The model, its weights named.</param>
    /// <param name="tolerance">The largest distance, above 0.</param>
    /// <param name="refused">Units to leave alone, by place.</param>
    /// <param name="merge">What becomes one in a model with other numbers.</param>
    /// <param name="cancellation">Stops it.</param>
    public static (Model Model, IReadOnlyList<SnappedGroup> Groups) Of(Model model, double tolerance, IReadOnlySet<int> refused, Func<Model, UnitMerging> merge, CancellationToken cancellation) =>
        new Snapping(model, tolerance, refused, merge, cancellation).Run(model);

    // Each turn makes units one, or leaves some alone for good, so there is an end.
    (Model Model, IReadOnlyList<SnappedGroup> Groups) Run(Model model)
    {
        var all = new List<SnappedGroup>();
        var alone = _refused.ToHashSet();
        var merging = _merge(model);
        while (true)
        {
            var groups = Next(model, merging, alone);
            if (groups.Count == 0) return (model, all);
            for (var wereOne = false; groups.Count > 0 && !wereOne;)
            {
                var snapped = Snapped(model, groups);
                var after = _merge(snapped);
                var apart = groups.Where(group => group.Units.Select(unit => after.KeptOf(unit.Root)).Distinct().Skip(1).Any()).ToArray();
                alone.UnionWith(apart.SelectMany(group => group.Units).Select(unit => unit.Root));
                groups.RemoveAll(group => apart.Contains(group));
                wereOne = apart.Length == 0;
                if (wereOne) (model, merging) = (snapped, after);
            }

            all.AddRange(groups);
            _settled.UnionWith(groups.SelectMany(group => group.Units).Select(unit => unit.Root));
        }
    }

    // The groups of all kinds that nothing changes before.
    List<SnappedGroup> Next(Model model, UnitMerging merging, HashSet<int> alone)
    {
        var values = new SliceValues(model, merging.Plans());
        var raw = new Lazy<SliceValues>(() => new SliceValues(model, new Dictionary<string, TensorPlan>(StringComparer.Ordinal)));
        var groups = new List<SnappedGroup>();
        var waiting = new HashSet<UnitKind>();
        foreach (var kind in _kinds)
        {
            _cancellation.ThrowIfCancellationRequested();
            if (waiting.Any(earlier => Feeds(earlier, kind)))
            {
                waiting.Add(kind);
                continue;
            }

            var classes = kind.Units.Where(unit => merging.KeptOf(unit.Root) >= 0).GroupBy(unit => merging.KeptOf(unit.Root)).Where(units => units.Any(unit => unit.Root == units.Key) && !alone.Contains(units.Key))
                .Select(units => units.OrderBy(unit => unit.Root != units.Key).ToArray()).ToArray();
            if (classes.Length < 2) continue;
            var candidates = classes.Select(units => new Candidate(values.Rows(kind, units[0]), units.Sum(unit => values.Reach(kind, unit)), MayMove: units.Length == 1 || (!units.Any(unit => _settled.Contains(unit.Root)) && AreCopies(raw.Value, kind, units)))).ToArray();
            var found = NearGroups.Of(candidates, _tolerance, _cancellation);
            if (found.Count > 0) waiting.Add(kind);
            groups.AddRange(found.Select(group => new SnappedGroup(kind, classes[group.Center][0], [.. group.Members.Select(member => classes[member])], group.Distance)));
        }

        return groups;
    }

    // Units that merge as each other's negatives, or only with columns added up, cannot take the numbers of one other unit.
    static bool AreCopies(SliceValues raw, UnitKind kind, Unit[] units)
    {
        var first = raw.Rows(kind, units[0]);
        return units.Skip(1).All(unit => raw.Rows(kind, unit).Zip(first).All(rows => rows.First.AsSpan().SequenceEqual(rows.Second)));
    }

    // Whether a weight that makes the later units has the earlier ones along another axis: it changes with them.
    static bool Feeds(UnitKind earlier, UnitKind later) =>
        later.Incoming.Any(at => earlier.Incoming.Concat(earlier.Outgoing).Any(other => other.Tensor.Id == at.Tensor.Id && other.Axis != at.Axis));

    static Model Snapped(Model model, List<SnappedGroup> groups)
    {
        var copies = groups.SelectMany(group => group.Moved.SelectMany(units => units).SelectMany(unit => Enumerable.Range(0, group.Kind.Incoming.Count).Select(k => (At: group.Kind.Incoming[k], From: group.Stays.Incoming[k], To: unit.Incoming[k]))))
            .ToLookup(copy => copy.At.Name, StringComparer.Ordinal);
        ParameterTensor Of(ParameterTensor tensor) => copies.Contains(tensor.Name) ? tensor with { Start = Copied(tensor.Start, copies[tensor.Name]) } : tensor;
        return model with { Parameters = [.. model.Parameters.Select(Of)], Frozen = [.. model.Frozen.Select(Of)] };
    }

    static ExactTensor Copied(ExactTensor values, IEnumerable<(WeightAxis At, int[] From, int[] To)> copies)
    {
        if (values is UniformTensor) return values;
        if (!values.HasDoubles) return new RationalTensor(Copied(Enumerable.Range(0, checked((int)values.Count)).Select(k => values[k]).ToArray(), copies));
        var doubles = new double[values.Count];
        values.ReadDoubles(0, doubles);
        return new DoubleTensor(Copied(doubles, copies));
    }

    static T[] Copied<T>(T[] values, IEnumerable<(WeightAxis At, int[] From, int[] To)> copies)
    {
        foreach (var (at, from, to) in copies)
        {
            var axis = new SlicedAxis(at);
            for (var k = 0; k < from.Length; k++)
                foreach (var (source, target) in axis.Positions(from[k]).Zip(axis.Positions(to[k]))) values[target] = values[source];
        }

        return values;
    }
}

/// <summary>Units that are made equal.</summary>
/// <param name="Kind">Their kind.</param>
/// <param name="Stays">The one whose numbers all get.</param>
/// <param name="Moved">The others, each with those that were equal to it before, itself first.</param>
/// <param name="Distance">How far the farthest was from the one that stays.</param>
sealed record SnappedGroup(UnitKind Kind, Unit Stays, IReadOnlyList<Unit[]> Moved, double Distance)
{
    /// <summary>All of them.</summary>
    public IEnumerable<Unit> Units => Moved.SelectMany(units => units).Prepend(Stays);

    /// <summary>The group by the names of weights.</summary>
    public NearTie Tie => Kind.Tie(Stays, Moved.Select(units => units[0]), Distance);
}
