using Tiebreak.Formats;
using Tiebreak.Proofs;

namespace Tiebreak.Repairs;

/// <summary>Fresh weights for as few of the tensors in lockstep or stuck as give the degrees of freedom that fresh weights for all of them would give.</summary>
sealed class Reinitialise : IRepairMethod
{
    /// <inheritdoc/>
    public RepairState Apply(RepairState state, RepairSetting setting)
    {
        var fresh = Reinitialisation.Bound(state.Model, state.Partition).ToDictionary(tensor => tensor, tensor => FreshWeights.Draw(state.Model.Parameters[tensor], setting));
        var choice = MinimalSet.ToFree(state, setting, fresh, Reluctant(state.Model, fresh.Keys));
        return new RepairState(RepairState.With(state.Model, choice.Tensors.ToDictionary(tensor => tensor, tensor => fresh[tensor])), choice.Partition)
        {
            Repairs =
            [
                .. state.Repairs,
                .. choice.Tensors.Select(tensor => state.Model.Parameters[tensor]).Select(parameter =>
                    new TensorRepair(parameter.Name, "reinit", $"drawn anew: {FreshWeights.Words(parameter, setting)}", parameter.Shape.Count, parameter.Shape.Count)),
            ],
            Notes = choice.IsMinimal ? state.Notes : [.. state.Notes, "the model is too large to look for the fewest tensors, so all that might be needed are drawn anew"],
        };
    }

    /// <summary>Tensors that usually do not start at random: they are touched only where nothing else helps.</summary>
    internal static HashSet<int> Reluctant(Model model, IEnumerable<int> tensors) =>
        [.. tensors.Where(tensor => model.Parameters[tensor] is { Role: ParameterRole.Bias or ParameterRole.Scale } or { FromElementwiseConstant: true })];
}
