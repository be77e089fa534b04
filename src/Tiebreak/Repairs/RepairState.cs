using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Refinement;

namespace Tiebreak.Repairs;

/// <summary>A model in repair.</summary>
/// <param name="Model">The model with the start values it has by now.</param>
/// <param name="Partition">The smallest invariant set of those.</param>
sealed record RepairState(Model Model, Partition Partition)
{
    readonly int[] _members = Members(Partition); // how many parameters each class has; index 0 unused

    /// <summary>What was done, in order.</summary>
    public IReadOnlyList<TensorRepair> Repairs { get; init; } = [];

    /// <summary>Sentences about choices that were made.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Whether any parameter is stuck or shares a class.</summary>
    public bool HasBound => Partition.Stuck > 0 || Array.Exists(_members, members => members > 1);

    /// <summary>Whether a parameter with this code is stuck or has company.</summary>
    public bool IsBound(int code) => code == 0 || _members[Math.Abs(code)] > 1;

    /// <summary>The state after tensors were given other start values.</summary>
    public RepairState After(IReadOnlyDictionary<int, ExactTensor> starts, Partition partition, IEnumerable<TensorRepair> repairs) =>
        new(With(Model, starts), partition) { Repairs = [.. Repairs, .. repairs], Notes = Notes };

    /// <summary>The state with one more sentence.</summary>
    public RepairState Noting(string note) => this with { Notes = [.. Notes, note] };

    /// <summary>A model with other start values for some tensors.</summary>
    public static Model With(Model model, IReadOnlyDictionary<int, ExactTensor> starts) =>
        model with { Parameters = [.. model.Parameters.Select((parameter, tensor) => starts.TryGetValue(tensor, out var start) ? parameter with { Start = start } : parameter)] };

    static int[] Members(Partition partition)
    {
        var members = new int[partition.Classes + 1];
        foreach (var codes in partition.Codes)
            foreach (var code in codes)
                if (code != 0) members[Math.Abs(code)]++;
        return members;
    }
}
