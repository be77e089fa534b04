using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Proofs;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>
/// Gives units that stay equal different outgoing weights with the same sum, so that the model computes what it did and training can tell the units apart: what comes back to each is its own from the first step on. The same
/// for copies of whole sub-networks that end in one sum. Each change adds to one weight what it takes from another of its class, exactly in the format of the file; where a class has no outgoing weights of
/// its own (its units go through something that is not linear before they are summed) nothing can be done this way.
/// </summary>
sealed class Split : IRepairMethod
{
    /// <inheritdoc/>
    public RepairState Apply(RepairState state, RepairSetting setting)
    {
        var (changed, together) = Changed(state, setting);
        return Chosen(state, setting, changed, together, "outgoing weights of equal units made unequal, their sums kept");
    }

    /// <summary>The model with as few of the changes as give all degrees of freedom that they can.</summary>
    internal static RepairState Chosen(RepairState state, RepairSetting setting, Dictionary<int, WeightTransfers> changed, IReadOnlyList<(int, int)> together, string words)
    {
        if (changed.Count == 0) return state;
        var choice = MinimalSet.ToFree(state, setting, changed.ToDictionary(entry => entry.Key, entry => entry.Value.Values), new HashSet<int>(), together);
        if (choice.Tensors.Count == 0) return state;
        return new RepairState(RepairState.With(state.Model, choice.Tensors.Where(changed.ContainsKey).ToDictionary(tensor => tensor, tensor => changed[tensor].Values)), choice.Partition)
        {
            Repairs =
            [
                .. state.Repairs,
                .. choice.Tensors.Where(changed.ContainsKey).Select(tensor => new TensorRepair(
                    state.Model.Parameters[tensor].Name, "split", $"{words}: {changed[tensor].Count:N0} of {state.Partition.Codes[tensor].Length:N0} numbers", changed[tensor].Count, state.Partition.Codes[tensor].Length)),
            ],
            Notes = choice.IsMinimal ? state.Notes : [.. state.Notes, "the model is too large to look for the fewest tensors, so all outgoing weights of equal units were split"],
        };
    }

    static (Dictionary<int, WeightTransfers> Changed, IReadOnlyList<(int, int)> Together) Changed(RepairState state, RepairSetting setting)
    {
        setting.Progress("units with equal outputs");
        var (model, refinement) = (state.Model, setting.Refinement);
        var at = State.Of(model, state.Partition);
        var (field, seed) = SameFunction.Draw(refinement, 200);
        var run = new PointRun(model.Program, field, seed, new RandomPoint(at, seed), null, new GatesByOrder(model.Program, refinement).Of(at, null, 1), refinement);
        var merging = UnitMerging.Find(model, run, new MergingOptions(Alike: false, DropDead: false, SumsOfEqualsOnly: true, [], Shrinks: false));
        var transfers = new Dictionary<int, WeightTransfers>();
        WeightTransfers Of(int tensor) => transfers.TryGetValue(tensor, out var known) ? known : transfers[tensor] = new WeightTransfers(model.Parameters[tensor], setting);
        for (var tensor = 0; tensor < model.Parameters.Count; tensor++)
        {
            if (!merging.Folds.TryGetValue(model.Parameters[tensor].Name, out var folds)) continue;
            for (var axis = 0; axis < folds.Length; axis++)
                if (folds[axis] is { IsNeeded: true } fold) Of(tensor).Along(axis, fold);
        }

        var together = new List<(int, int)>();
        foreach (var (first, second, isOpposite) in CopySums.Of(model, run))
        {
            WeightTransfers.Between(Of(first), Of(second), isOpposite);
            together.Add((first, second));
        }

        return (transfers.Where(entry => entry.Value.Count > 0).ToDictionary(), together);
    }
}
