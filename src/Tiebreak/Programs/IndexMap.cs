namespace Tiebreak.Programs;

/// <summary>
/// Where each element of a target tensor comes from in a source tensor: a row-major position, or nowhere (the element is zero).
/// The constant that <see cref="Primitive.Gather"/> reads through and <see cref="Primitive.ScatterAdd"/> adds through.
/// </summary>
public abstract record IndexMap
{
    IndexMap(Shape source, Shape target)
    {
        Source = source;
        Target = target;
    }

    /// <summary>The shape that is read.</summary>
    public Shape Source { get; }

    /// <summary>The shape that is made.</summary>
    public Shape Target { get; }

    /// <summary>
    /// target[i] = source[offset + Σ strides[k]·i[k]]: slices, flips, diagonals and sliding windows (which overlap). Evaluated as a
    /// view, without copying.
    /// </summary>
    public sealed record Affine : IndexMap
    {
        /// <summary>Creates the map; every position it reaches must lie inside the source.</summary>
        /// <exception cref="ArgumentException">A position lies outside the source.</exception>
        public Affine(Shape source, Shape target, int offset, Axes strides) : base(source, target)
        {
            Offset = offset;
            Strides = strides;
            if (strides.Count != target.Rank) throw new ArgumentException("one stride for each target axis");
            if (target.Count == 0) return;
            long lowest = offset, highest = offset;
            for (var axis = 0; axis < target.Rank; axis++)
            {
                var span = (long)strides[axis] * (target[axis] - 1);
                if (span < 0) lowest += span;
                else highest += span;
            }

            if (lowest < 0 || highest >= source.Count) throw new ArgumentException($"the map reaches outside {source}");
        }

        /// <summary>The source position of the target's first element.</summary>
        public int Offset { get; }

        /// <summary>How far each step along a target axis moves in the source.</summary>
        public Axes Strides { get; }
    }

    /// <summary>target[i] = source[positions[i]], or 0 where the position is −1: padding, nearest-neighbour resizing, constant look-ups.</summary>
    public sealed record Table : IndexMap
    {
        readonly int _hash;

        /// <summary>Creates the map; every position must be −1 or lie inside the source.</summary>
        /// <exception cref="ArgumentException">A position lies outside the source, or their number is not the target's.</exception>
        public Table(Shape source, Shape target, int[] positions) : base(source, target)
        {
            if (positions.LongLength != target.Count) throw new ArgumentException("one position for each target element");
            var hash = new HashCode();
            foreach (var position in positions)
            {
                if (position < -1 || position >= source.Count) throw new ArgumentException($"position {position} is outside {source}");
                hash.Add(position);
            }

            Positions = positions;
            _hash = hash.ToHashCode();
        }

        /// <summary>One source position for each target element, row-major; −1 is zero.</summary>
        public int[] Positions { get; }

        /// <inheritdoc/>
        public bool Equals(Table? other) =>
            other is not null && Source == other.Source && Target == other.Target && Positions.AsSpan().SequenceEqual(other.Positions);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(Source, Target, _hash);
    }
}
