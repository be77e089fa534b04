using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// What stands for one value of the graph while it is lowered. Exactly one of these holds: <see cref="Integers"/> (known whole numbers, for shape
/// arithmetic), <see cref="Known"/> alone (known numbers not yet in the program), <see cref="Node"/>, <see cref="Index"/> (whole numbers that are data),
/// or <see cref="Items"/> (a sequence of values).
/// </summary>
sealed class Value
{
    /// <summary>What the elements are; a Boolean with a node is a gate, 0 or 1.</summary>
    public required ElementKind Kind { get; init; }

    /// <summary>Its sizes.</summary>
    public required Shape Shape { get; init; }

    /// <summary>The program's node.</summary>
    public Node? Node { get; init; }

    /// <summary>Known whole numbers or Booleans.</summary>
    public long[]? Integers { get; init; }

    /// <summary>Known real numbers. With a <see cref="Node"/> beside it: the start values of a parameter, for operators that want a setting.</summary>
    public ExactTensor? Known { get; init; }

    /// <summary>For index data: the soft distribution over the given number of rows, along a last axis of that size.</summary>
    public Func<int, Node>? Index { get; init; }

    /// <summary>For index data that a choice made: the number of rows it chose from.</summary>
    public int? Rows { get; init; }

    /// <summary>For index data: the same numbers as plain data, for casts and comparisons.</summary>
    public Func<Node>? Numbers { get; init; }

    /// <summary>Set where places of the value count as −∞; <see cref="Numbers"/> has the numbers as they are.</summary>
    public MaskedNumbers? Masked { get; init; }

    /// <summary>For a sequence: its values, whose number is always known.</summary>
    public IReadOnlyList<Value>? Items { get; init; }

    /// <summary>Set where the value is a parameter seen through operators that only move its axes.</summary>
    public WeightView? Weight { get; init; }

    /// <summary>A value computed by the program.</summary>
    public static Value Of(Node node, ElementKind kind = ElementKind.Float) => new() { Kind = kind, Shape = node.Shape, Node = node };

    /// <summary>A sequence.</summary>
    public static Value Of(IReadOnlyList<Value> items) => new() { Kind = items.Count > 0 ? items[0].Kind : ElementKind.Float, Shape = Shape.Scalar, Items = items };

    /// <summary>Known whole numbers.</summary>
    public static Value Of(Shape shape, long[] integers, ElementKind kind = ElementKind.Integer) => new() { Kind = kind, Shape = shape, Integers = integers };

    /// <summary>Known whole numbers in a list.</summary>
    public static Value Of(params long[] integers) => Of(new Shape(integers.Length), integers);

    /// <summary>Known real numbers.</summary>
    public static Value Of(Shape shape, ExactTensor known) => new() { Kind = ElementKind.Float, Shape = shape, Known = known };
}

/// <summary>A parameter behind transposes and reshapes: <c>Axes[k]</c> is the parameter's axis that the view's axis k runs over, or −1.</summary>
sealed record WeightView(string Name, int[] Axes);
