using System.Collections;

namespace Tiebreak.Programs;

/// <summary>An immutable list of integers with value equality: the sizes, axes or strides of a tensor.</summary>
public readonly struct Axes : IEquatable<Axes>, IReadOnlyList<int>
{
    readonly int[]? _values;

    /// <summary>Copies the given integers.</summary>
    public Axes(params ReadOnlySpan<int> values) => _values = values.ToArray();

    /// <summary>The integers as a span.</summary>
    public ReadOnlySpan<int> Span => _values;

    /// <inheritdoc/>
    public int Count => _values?.Length ?? 0;

    /// <inheritdoc/>
    public int this[int index] => _values![index];

    /// <summary>The integers as a new array.</summary>
    public int[] ToArray() => Span.ToArray();

    /// <inheritdoc/>
    public bool Equals(Axes other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Axes other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var value in Span) hash.Add(value);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(",", Span.ToArray());

    /// <inheritdoc/>
    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)(_values ?? [])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Value equality.</summary>
    public static bool operator ==(Axes left, Axes right) => left.Equals(right);

    /// <summary>Value inequality.</summary>
    public static bool operator !=(Axes left, Axes right) => !left.Equals(right);
}

/// <summary>The sizes of a tensor, outermost axis first; values are laid out row-major. A scalar has rank 0.</summary>
public readonly struct Shape : IEquatable<Shape>
{
    /// <summary>Creates a shape from its sizes, each at least 0.</summary>
    public Shape(params ReadOnlySpan<int> sizes) => Sizes = new Axes(sizes);

    /// <summary>The shape of a single number.</summary>
    public static Shape Scalar => default;

    /// <summary>The sizes.</summary>
    public Axes Sizes { get; }

    /// <summary>The number of axes.</summary>
    public int Rank => Sizes.Count;

    /// <summary>The size of one axis.</summary>
    public int this[int axis] => Sizes[axis];

    /// <summary>The number of elements; 1 for a scalar.</summary>
    public long Count
    {
        get
        {
            long count = 1;
            foreach (var size in Sizes.Span) count = checked(count * size);
            return count;
        }
    }

    /// <summary>Row-major strides, in elements.</summary>
    public int[] Strides()
    {
        var strides = new int[Rank];
        long stride = 1;
        for (var axis = Rank - 1; axis >= 0; axis--)
        {
            strides[axis] = checked((int)stride);
            stride *= this[axis];
        }

        return strides;
    }

    /// <summary>The shape without the given axes.</summary>
    public Shape Without(ReadOnlySpan<int> axes)
    {
        var kept = new List<int>(Rank);
        for (var axis = 0; axis < Rank; axis++)
            if (!axes.Contains(axis)) kept.Add(this[axis]);
        return new Shape([.. kept]);
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => Sizes == other.Sizes;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Sizes.GetHashCode();

    /// <summary>For instance <c>[4,3]</c>; a scalar is <c>[]</c>.</summary>
    public override string ToString() => $"[{Sizes}]";

    /// <summary>Value equality.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Value inequality.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);
}
