using Tiebreak.Findings;
using Tiebreak.Formats;

namespace Tiebreak.Repairs;

/// <summary>
/// Of factors that are all zero none can move: each waits for the others. One that is drawn at random sets them free, and the function at the start is what it was, since another is still zero. So
/// only draws that keep the function are made, as few as free what can be freed.
/// </summary>
sealed class FreeFactors : IRepairMethod
{
    /// <inheritdoc/>
    public RepairState Apply(RepairState state, RepairSetting setting)
    {
        if (state.Partition.Stuck == 0) return state;
        var zeros = Enumerable.Range(0, state.Model.Parameters.Count)
            .Where(tensor => state.Model.Parameters[tensor].Role is not (ParameterRole.Bias or ParameterRole.Scale) && state.Partition.Codes[tensor].AsSpan().Contains(0) && Causes.StartsAtZero(state.Model.Parameters[tensor]))
            .ToDictionary(tensor => tensor, tensor => FreshWeights.Draw(state, tensor, setting, asNamed: true));
        if (zeros.Count == 0) return state;
        var choice = MinimalSet.ToMove(state, setting, zeros.ToDictionary(entry => entry.Key, entry => entry.Value.Values), model => FunctionChange.IsEqual(state.Model, model, setting.Refinement));
        if (!choice.IsMinimal) return state.Noting("the model is too large to look for zero factors that can be drawn without changing the function");
        return state.After(
            choice.Tensors.ToDictionary(tensor => tensor, tensor => zeros[tensor].Values),
            choice.Partition,
            choice.Tensors.Select(tensor => FreshWeights.Repair(state.Model.Parameters[tensor], "factor", "one of several factors that are all zero, given a random start, which keeps the function since another is still zero", zeros[tensor].Drawn, setting)));
    }
}
