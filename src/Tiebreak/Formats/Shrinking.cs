using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats;

/// <summary>How a model is to shrink: which places of its values' axes stay, what its weights become, and which values are another one over again.</summary>
public sealed record Shrinking
{
    /// <summary>The model as it was lowered, with the nodes of the file's values.</summary>
    public required Model Model { get; init; }

    /// <summary>The same file at other sizes of what is free: a size that differs there is no number of the file's.</summary>
    public IReadOnlyList<Model> OtherSizes { get; init; } = [];

    /// <summary>The places of an axis that stay, ascending; null for all.</summary>
    public Func<Node, int, int[]?> Kept { get; init; } = static (_, _) => null;

    /// <summary>New values of weights, by name; exact, to be rounded to what the file stores.</summary>
    public IReadOnlyDictionary<string, (Shape Shape, ExactTensor Values)> Weights { get; init; } = new Dictionary<string, (Shape, ExactTensor)>(StringComparer.Ordinal);

    /// <summary>Values to read in place of others, by name.</summary>
    public IReadOnlyDictionary<string, string> Same { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What is written into the file's metadata.</summary>
    public IReadOnlyList<(string Key, string Value)> Metadata { get; init; } = [];

    /// <summary>The places that stay of an axis of a value; null for all, and for values that are no tensors of the program.</summary>
    public int[]? KeptOf(string value, int axis) => Model.ValueNodes.TryGetValue(value, out var node) && axis < node.Shape.Rank ? Kept(node, axis) : null;

    /// <summary>The shape of a value; null if it is no tensor of the program.</summary>
    public Shape? ShapeOf(string value) => Model.ValueNodes.TryGetValue(value, out var node) ? node.Shape : null;

    /// <summary>The new size of an axis of a value.</summary>
    public int NewSize(string value, int axis) => KeptOf(value, axis)?.Length ?? ShapeOf(value)!.Value[axis];

    /// <summary>Whether any axis of a value shrinks.</summary>
    public bool Shrinks(string value) => ShapeOf(value) is { } shape && Enumerable.Range(0, shape.Rank).Any(axis => KeptOf(value, axis) is not null);

    /// <summary>Whether the size of an axis is another one at other free sizes.</summary>
    public bool IsFree(string value, int axis) =>
        ShapeOf(value) is { } shape && OtherSizes.Any(other => other.ValueNodes.TryGetValue(value, out var node) && node.Shape.Rank == shape.Rank && node.Shape[axis] != shape[axis]);
}
