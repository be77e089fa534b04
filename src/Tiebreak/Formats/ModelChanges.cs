using Tiebreak.Formats.Safetensors;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats;

/// <summary>What a new model file has otherwise than the one it is made from; all else is kept byte for byte.</summary>
public sealed record ModelChanges
{
    /// <summary>New numbers of tensors, by the name that <see cref="Model"/> has for them.</summary>
    public IReadOnlyDictionary<string, ChangedTensor> Tensors { get; init; } = new Dictionary<string, ChangedTensor>(StringComparer.Ordinal);

    /// <summary>
    /// Biases to take away: the operand of their only user is left out where that is possible, and where it is not they become zeros. What a formula says is kept, so there they always become zeros.
    /// </summary>
    public IReadOnlySet<string> Dropped { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>The new numbers of a tensor of a checkpoint, which has no way to leave a bias out; null where it keeps its own.</summary>
    internal ExactTensor? Of(string name, SafetensorsCheckpoint checkpoint) =>
        Tensors.TryGetValue(name, out var changed) ? changed.Values
        : Dropped.Contains(name) ? new UniformTensor(checkpoint.Find(name)!.Shape.Count, Rational.Zero)
        : null;
}

/// <summary>New numbers for a tensor.</summary>
/// <param name="Values">All of them, row-major; each exactly a number of the format that the file stores it in (<see cref="IModelFile.StoredAs"/>).</param>
public sealed record ChangedTensor(ExactTensor Values)
{
    /// <summary>New sizes; null for those the tensor has.</summary>
    public Shape? Shape { get; init; }
}
