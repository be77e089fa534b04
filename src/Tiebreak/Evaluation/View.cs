using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>
/// A tensor as it lies in memory: element i of the shape is buffer[offset + Σ strides[k]·i[k]]. Broadcasts (stride 0), transposes, slices and
/// sliding windows share their operand's buffer. Holds one use of the buffer.
/// </summary>
sealed unsafe class View(NumberBuffer buffer, int offset, Shape shape, int[] strides)
{
    public NumberBuffer Buffer { get; } = buffer;

    public Shape Shape { get; } = shape;

    public int[] Strides { get; } = strides;

    public int Offset { get; } = offset;

    public ulong* Start => Buffer.Numbers + Offset;

    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (var axis = Shape.Rank - 1; axis >= 0; axis--)
            {
                if (Shape[axis] == 1) continue;
                if (Strides[axis] != expected) return false;
                expected *= Shape[axis];
            }

            return true;
        }
    }

    /// <summary>Another look at the same numbers.</summary>
    public View Share(int offset, Shape shape, int[] strides)
    {
        Buffer.Retain();
        return new View(Buffer, offset, shape, strides);
    }

    /// <summary>A stretch of one axis; all of it where the axis is negative.</summary>
    public View Slice(int axis, int first, int count)
    {
        if (axis < 0) return Share(Offset, Shape, Strides);
        var sizes = Shape.Sizes.ToArray();
        sizes[axis] = count;
        return Share(Offset + first * Strides[axis], new Shape(sizes), Strides);
    }

    public View Broadcast(Primitive.Broadcast broadcast)
    {
        var steps = new int[broadcast.Target.Rank];
        for (int axis = 0, source = 0; axis < steps.Length; axis++)
            steps[axis] = broadcast.Axes.Span.Contains(axis) ? 0 : Strides[source++];
        return Share(Offset, broadcast.Target, steps);
    }

    public View Transpose(Primitive.Transpose transpose) =>
        Share(Offset, new Shape([.. transpose.Order.Select(axis => Shape[axis])]), [.. transpose.Order.Select(axis => Strides[axis])]);

    /// <summary>The same elements under another shape, without copying; null where the strides do not allow it.</summary>
    public View? Reshape(Shape target)
    {
        if (IsContiguous) return Share(Offset, target, target.Strides());
        var steps = new int[target.Rank];
        int source = 0, axis = 0;
        while (source < Shape.Rank || axis < target.Rank)
        {
            // Take the shortest runs of axes on both sides that hold equally many elements.
            long have = 1, want = 1;
            int sourceStart = source, axisStart = axis;
            do
            {
                if (have <= want && source < Shape.Rank) have *= Shape[source++];
                else if (axis < target.Rank) want *= target[axis++];
                else if (source < Shape.Rank) have *= Shape[source++];
                else return null;
            }
            while (have != want);

            if (!TryRunStride(sourceStart, source, out var stride)) return null;
            for (var k = axis - 1; k >= axisStart; k--)
            {
                steps[k] = stride;
                stride = checked(stride * target[k]);
            }
        }

        return Share(Offset, target, steps);
    }

    // The stride of the innermost step through axes [from, to) when they are nested without gaps, as one long axis would be.
    bool TryRunStride(int from, int to, out int stride)
    {
        stride = 0;
        var inner = -1;
        for (var axis = to - 1; axis >= from; axis--)
        {
            if (Shape[axis] == 1) continue;
            if (inner < 0) stride = Strides[axis];
            else if (Strides[axis] != (long)Strides[inner] * Shape[inner]) return false;
            inner = axis;
        }

        return true;
    }

    /// <summary>The offset of every element of the given axes, row-major, relative to <see cref="Start"/>.</summary>
    public int[] Offsets(ReadOnlySpan<int> axes)
    {
        var count = 1;
        foreach (var axis in axes) count = checked(count * Shape[axis]);
        var offsets = new int[count];
        var run = 1; // offsets[0..run) are done for the axes inside
        for (var k = axes.Length - 1; k >= 0; k--)
        {
            var (size, stride) = (Shape[axes[k]], Strides[axes[k]]);
            for (var step = 1; step < size; step++)
                for (var i = 0; i < run; i++) offsets[step * run + i] = offsets[i] + step * stride;
            run *= size;
        }

        return offsets;
    }
}
