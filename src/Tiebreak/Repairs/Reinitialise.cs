using Tiebreak.Findings;
using Tiebreak.Formats;
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
        var fresh = Reinitialisation.Bound(state.Model, state.Partition).Where(tensor => used.Contains(state.Model.Parameters[tensor].Name)).ToDictionary(tensor => tensor, tensor => FreshWeights.Draw(state, tensor, setting));
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
