using Tiebreak.Findings;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Proofs;

namespace Tiebreak.Repairs;

/// <summary>Fresh weights for as few of the tensors in lockstep or stuck as give the degrees of freedom that fresh weights for all of them would give.</summary>
sealed class Reinitialise : IRepairMethod
{
    /// <inheritdoc/>
    public RepairState Apply(RepairState state, RepairSetting setting)
    {
        if (!state.HasBound) return state;
        var used = Causes.Used(state.Model.Program); // what nothing depends on stays stuck whatever it is
        int[] tensors = [.. Reinitialisation.Bound(state.Model, state.Partition).Where(tensor => used.Contains(state.Model.Parameters[tensor].Name))];
        var asNamed = Fresh(state, setting, tensors, asNamed: true);
        var repaired = Drawn(state, setting, asNamed);
        if (!repaired.HasBound || !Array.Exists(tensors, tensor => FreshWeights.IsOrthogonal(state.Model.Parameters[tensor], setting))) return repaired;

        // Equal entries of orthogonal matrices may be what is tied now.
        var apart = Fresh(state, setting, tensors, asNamed: false);
        var moved = tensors.Where(tensor => !Enumerable.Range(0, (int)apart[tensor].Values.Count).All(k => apart[tensor].Values[k] == asNamed[tensor].Values[k])).Select(tensor => state.Model.Parameters[tensor].Name).ToHashSet(StringComparer.Ordinal);
        if (moved.Count == 0) return repaired;
        var other = Drawn(state, setting, apart);
        if ((other.Partition.Classes, -other.Partition.Stuck).CompareTo((repaired.Partition.Classes, -repaired.Partition.Stuck)) <= 0) return repaired;
        var names = string.Join(", ", other.Repairs.Skip(state.Repairs.Count).Select(repair => repair.Tensor).Where(moved.Contains).Select(name => $"`{name}`"));
        return other.Noting($"the rows of {names} are orthonormal up to an eighth of an entry only: entries of equal size were moved apart, as they would be in lockstep");
    }

    static Dictionary<int, (ExactTensor Values, long Drawn)> Fresh(RepairState state, RepairSetting setting, int[] tensors, bool asNamed) => tensors.ToDictionary(tensor => tensor, tensor => FreshWeights.Draw(state, tensor, setting, asNamed));

    static RepairState Drawn(RepairState state, RepairSetting setting, Dictionary<int, (ExactTensor Values, long Drawn)> fresh)
    {
        var choice = MinimalSet.ToFree(state, setting, fresh.ToDictionary(entry => entry.Key, entry => entry.Value.Values), Reluctant(state.Model, fresh.Keys));
        var repaired = state.After(
            choice.Tensors.ToDictionary(tensor => tensor, tensor => fresh[tensor].Values),
            choice.Partition,
            choice.Tensors.Select(tensor => FreshWeights.Repair(state.Model.Parameters[tensor], "reinit", "drawn anew", fresh[tensor].Drawn, setting)));
        return choice.IsMinimal ? repaired : repaired.Noting("the model is too large to look for the fewest tensors, so all that might be needed are drawn anew");
    }

    /// <summary>Tensors that usually do not start at random: they are touched only where nothing else helps.</summary>
    internal static HashSet<int> Reluctant(Model model, IEnumerable<int> tensors) =>
        [.. tensors.Where(tensor => model.Parameters[tensor] is { Role: ParameterRole.Bias or ParameterRole.Scale } or { FromElementwiseConstant: true })];
}
