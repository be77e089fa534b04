using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Refinement;

namespace Tiebreak.Repairs;

/// <summary>A model in repair.</summary>
/// <param name="Model">The model with the start values it has by now.</param>
/// <param name="Partition">The smallest invariant set of those.</param>
sealed record RepairState(Model Model, Partition Partition)
{
    /// <summary>What was done, in order.</summary>
    public IReadOnlyList<TensorRepair> Repairs { get; init; } = [];

    /// <summary>Sentences about choices that were made.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Whether any parameter is stuck or shares a class.</summary>
    public bool HasBound => Partition.Stuck > 0 || Partition.Codes.Sum(codes => (long)codes.Length) > Partition.Classes;

    /// <summary>A model with other start values for some tensors.</summary>
    public static Model With(Model model, IReadOnlyDictionary<int, ExactTensor> starts) =>
        model with { Parameters = [.. model.Parameters.Select((parameter, tensor) => starts.TryGetValue(tensor, out var start) ? parameter with { Start = start } : parameter)] };
}
