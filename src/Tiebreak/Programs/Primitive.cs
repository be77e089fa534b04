using Tiebreak.Numbers;

namespace Tiebreak.Programs;

/// <summary>
/// The closed list of what a program can do. Convolution, pooling, normalisation, softmax, attention and losses are lowered to these;
/// a gradient rule exists once for each (Gradients/AdjointRules.cs), so correctness is checked once for each.
/// Shapes: "same" means all operands and the result have one shape.
/// </summary>
public abstract record Primitive
{
    Primitive() { }

    // 1. Leaves.

    /// <summary>A named tensor that may be trained, or is a frozen weight.</summary>
    public sealed record Parameter(string Name) : Primitive;

    /// <summary>Data that differs from sample to sample; two leaves are equal only if they have one name.</summary>
    public sealed record Data(string Name, DataKind Kind) : Primitive;

    /// <summary>Fixed exact numbers.</summary>
    public sealed record Constant(ExactTensor Values) : Primitive;

    // 2. Arithmetic, element by element; same shapes.

    /// <summary>x + y.</summary>
    public sealed record Add : Primitive;

    /// <summary>x · y.</summary>
    public sealed record Multiply : Primitive;

    /// <summary>−x.</summary>
    public sealed record Negate : Primitive;

    /// <summary>1 / x; an exact zero is reported, never silently 0.</summary>
    public sealed record Reciprocal : Primitive;

    // 3. Functions and choices, which the field replaces by random oracles.

    /// <summary>f(x), element by element; same shape.</summary>
    public sealed record Apply(ScalarFunction Function) : Primitive;

    /// <summary>
    /// The weights of a choice along the last axis: 1 at the <paramref name="Count"/> largest elements and 0 elsewhere (same shape; they sum to
    /// Count). Their derivative is zero. max(x) = Σ choose(x)·x. Elements where <paramref name="Allowed"/> is false take no part; its length
    /// divides the number of elements and repeats.
    /// </summary>
    public sealed record Choose(int Count, TieBreak Ties, AllowedElements? Allowed = null) : Primitive;

    // 4. Sums of products.

    /// <summary>
    /// A two-operand einsum over named axes: every matmul, convolution core and inner product. One letter an axis; a letter in both operands and
    /// not in the output is summed; every letter of the output is in an operand; no letter twice in one operand; a letter of one operand only is in the output.
    /// </summary>
    public sealed record Contract(string Left, string Right, string Output) : Primitive;

    // 5. Moving elements about, in pairs of a reading and its adjoint.

    /// <summary>Sums over the given axes (ascending) and drops them. Adjoint of Broadcast.</summary>
    public sealed record ReduceSum(Axes Axes) : Primitive;

    /// <summary>Repeats x along new axes: <paramref name="Axes"/> (ascending) are their places in <paramref name="Target"/>. Adjoint of ReduceSum.</summary>
    public sealed record Broadcast(Shape Target, Axes Axes) : Primitive;

    /// <summary>The same elements in row-major order under another shape.</summary>
    public sealed record Reshape(Shape Target) : Primitive;

    /// <summary>Result axis k is operand axis Order[k].</summary>
    public sealed record Transpose(Axes Order) : Primitive;

    /// <summary>Reads through a constant index map: slice, pad, sliding window, constant look-up. Adjoint of ScatterAdd.</summary>
    public sealed record Gather(IndexMap Map) : Primitive;

    /// <summary>Adds each element of the map's target to its place in the map's source shape. Adjoint of Gather.</summary>
    public sealed record ScatterAdd(IndexMap Map) : Primitive;

    /// <summary>Operands one after the other along an axis; all other sizes equal.</summary>
    public sealed record Concat(int Axis) : Primitive;
}

/// <summary>What a data leaf may hold.</summary>
public enum DataKind
{
    /// <summary>Any numbers.</summary>
    Free,

    /// <summary>A distribution along the last axis: any numbers that sum to 1. Stands for an index, so that it reaches every row.</summary>
    Distribution,

    /// <summary>A fresh mask for every element (dropout).</summary>
    Mask,

    /// <summary>What a loss sends back to an output of the model: any numbers.</summary>
    LossAdjoint,
}

/// <summary>Which of equal largest elements a choice takes (theory §4, Kinks).</summary>
public enum TieBreak
{
    /// <summary>The first one, as max along an axis and max-pooling do.</summary>
    First,

    /// <summary>All, in equal parts, as an elementwise maximum does.</summary>
    Split,
}

/// <summary>A repeating mask of the elements that take part in a choice, with value equality.</summary>
public sealed class AllowedElements(bool[] allowed) : IEquatable<AllowedElements>
{
    /// <summary>One flag an element, row-major, repeating.</summary>
    public bool[] Flags { get; } = allowed;

    /// <inheritdoc/>
    public bool Equals(AllowedElements? other) => other is not null && Flags.AsSpan().SequenceEqual(other.Flags);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AllowedElements);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Flags.Length, Flags.Count(flag => flag));
}
