using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;

namespace Tiebreak.Repairs;

/// <summary>Biases that what follows cancels: which of them can be taken away without changing the function, in training and where a model is used.</summary>
static class RedundantBiases
{
    /// <summary>Whole bias tensors that are stuck because their gradients cancel.</summary>
    static IEnumerable<int> Among(RepairState state, RefinementOptions options)
    {
        var stuckBy = SmallestInvariantSet.StuckCauses(state.Model, state.Partition, options);
        return Enumerable.Range(0, state.Model.Parameters.Count).Where(tensor =>
            state.Model.Parameters[tensor].Role == ParameterRole.Bias && stuckBy[tensor] is { } causes && Array.TrueForAll(causes, cause => cause == StuckCause.Cancellation));
    }

    /// <summary>Takes them away where that keeps the function.</summary>
    /// <param name="state">The model as it is by now.</param>
    /// <param name="setting">Options.</param>
    /// <param name="inference">The model as it is used after training, with start values of its own; null if it cannot be had.</param>
    /// <returns>The state without them, and those that had to stay.</returns>
    public static (RepairState State, IReadOnlyList<string> Dropped, IReadOnlyList<string> Kept) Drop(RepairState state, RepairSetting setting, Model? inference)
    {
        var (dropped, kept) = (new List<string>(), new List<string>());
        var repairs = new List<TensorRepair>(state.Repairs);
        var model = state.Model;
        foreach (var tensor in Among(state, setting.Refinement))
        {
            var parameter = model.Parameters[tensor];
            var without = RepairState.With(model, new Dictionary<int, ExactTensor> { [tensor] = new UniformTensor(parameter.Shape.Count, Rational.Zero) });
            if (!FunctionChange.IsEqual(model, without, setting.Refinement) || inference is null || !IsEqualWithout(inference, parameter.Name, parameter.Shape, setting.Refinement))
            {
                kept.Add(parameter.Name);
                continue;
            }

            model = without;
            dropped.Add(parameter.Name);
            repairs.Add(new TensorRepair(parameter.Name, "drop", "taken away: what follows cancels it", parameter.Shape.Count, parameter.Shape.Count));
        }

        return (state with { Model = model, Repairs = repairs }, dropped, kept);
    }

    static bool IsEqualWithout(Model inference, string name, Shape shape, RefinementOptions options)
    {
        var zero = new UniformTensor(shape.Count, Rational.Zero);
        var without = inference with { Parameters = [.. inference.Parameters.Select(parameter => parameter.Name == name ? parameter with { Start = zero } : parameter)] };
        return FunctionChange.IsEqual(inference, without, options);
    }
}
