using Tiebreak.Formats;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs.NearTies;

/// <summary>Units of a model, as it is, that nearly agree: for a note, where nothing is to change.</summary>
static class NearUnits
{
    /// <summary>Finds groups in which some unit is neither equal to the one it is near, nor in lockstep with it.</summary>
    /// <param name="model">The model, its weights named.</param>
    /// <param name="trained">The tensors that train.</param>
    /// <param name="partition">Which of their numbers stay together.</param>
    /// <param name="tolerance">The largest distance.</param>
    /// <param name="cancellation">Stops it.</param>
    public static IReadOnlyList<NearTie> Find(Model model, IReadOnlyList<ParameterTensor> trained, Partition partition, double tolerance, CancellationToken cancellation)
    {
        var values = new SliceValues(model, new Dictionary<string, TensorPlan>(StringComparer.Ordinal));
        var codes = trained.Select((tensor, k) => (tensor.Name, Codes: partition.Codes[k])).ToDictionary(tensor => tensor.Name, tensor => tensor.Codes, StringComparer.Ordinal);
        var ties = new List<NearTie>();
        foreach (var kind in UnitSlices.Of(model.Program))
        {
            if (!codes.ContainsKey(kind.Incoming[kind.Main].Name)) continue;
            Candidate[] candidates = [.. kind.Units.Select(unit => new Candidate(values.Rows(kind, unit), values.Reach(kind, unit), MayMove: true))];
            foreach (var group in NearGroups.Of(candidates, tolerance, cancellation))
            {
                var center = kind.Units[group.Center];
                var others = group.Members.Select(member => kind.Units[member]).Where(unit => !AreTied(kind, unit, center, codes)).ToArray();
                if (group.Distance > 0 && others.Length > 0) ties.Add(kind.Tie(center, others, group.Distance));
            }
        }

        return ties;
    }

    static bool AreTied(UnitKind kind, Unit one, Unit other, Dictionary<string, int[]> codes)
    {
        for (var k = 0; k < kind.Incoming.Count; k++)
        {
            if (!codes.TryGetValue(kind.Incoming[k].Name, out var of)) continue;
            var axis = new SlicedAxis(kind.Incoming[k]);
            IEnumerable<int> Codes(Unit unit) => unit.Incoming[k].SelectMany(slice => axis.Positions(slice)).Select(position => of[position]);
            if (!Codes(one).SequenceEqual(Codes(other))) return false;
        }

        return true;
    }
}
