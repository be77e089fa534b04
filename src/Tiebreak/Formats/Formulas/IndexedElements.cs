using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas;

/// <summary>What <c>x[…]</c> reads, by NumPy's rules for whole numbers and slices.</summary>
internal sealed class IndexedElements(FormulaErrors errors)
{
    readonly ExactArithmetic _exact = new(errors);

    /// <summary>The map from a tensor of the given shape to the elements the subscripts name.</summary>
    public IndexMap.Affine Map(Shape source, Subscript[] subscripts)
    {
        if (subscripts.Length > source.Rank)
            throw errors.At(subscripts[source.Rank].Place, $"{subscripts.Length} subscripts for shape {source}; {(source.Rank == 0 ? "a single number has none" : $"it has {source.Rank}")}");
        var strides = source.Strides();
        var offset = 0;
        var sizes = new List<int>();
        var steps = new List<int>();
        for (var axis = 0; axis < source.Rank; axis++)
        {
            var (start, count, step) = axis < subscripts.Length ? Range(subscripts[axis], source[axis], source) : (0, source[axis], 1);
            offset += start * strides[axis];
            if (axis < subscripts.Length && !subscripts[axis].IsSlice) continue;
            sizes.Add(count);
            steps.Add(count == 1 ? 0 : strides[axis] * step);
        }

        return new IndexMap.Affine(source, new Shape([.. sizes]), offset, new Axes([.. steps]));
    }

    /// <summary>The row-major positions a map reads, in the order of its target.</summary>
    public static int[] Positions(IndexMap.Affine map)
    {
        var positions = new int[map.Target.Count];
        for (var k = 0; k < positions.Length; k++)
        {
            var position = map.Offset;
            var rest = k;
            for (var axis = map.Target.Rank - 1; axis >= 0; axis--)
            {
                position += rest % map.Target[axis] * map.Strides[axis];
                rest /= map.Target[axis];
            }

            positions[k] = position;
        }

        return positions;
    }

    (int Start, int Count, int Step) Range(Subscript subscript, int size, Shape shape)
    {
        if (!subscript.IsSlice)
        {
            var index = _exact.Whole(subscript.Start!, "an index");
            if (index < -size || index >= size) throw errors.At(subscript.Place, $"index {index} is outside an axis of size {size} (shape {shape}); indices run from 0 to {size - 1}");
            return (index < 0 ? index + size : index, 1, 1);
        }

        var step = subscript.Step is null ? 1 : _exact.Whole(subscript.Step, "a step");
        if (step == 0) throw errors.At(subscript.Step!.Place, "a step must not be 0");
        var start = subscript.Start is null ? (step > 0 ? 0 : size - 1) : Clip(subscript.Start, step);
        var stop = subscript.Stop is null ? (step > 0 ? size : -1) : Clip(subscript.Stop, step);
        var count = step > 0 ? (stop - start + (step - 1)) / step : (start - stop + (-step - 1)) / -step;
        return count > 0 ? (start, count, step) : throw errors.At(subscript.Place, $"an empty slice of an axis of size {size} (shape {shape}); it must hold at least one element");

        int Clip(Expression expression, int direction)
        {
            var bound = _exact.Whole(expression, "a bound of a slice");
            if (bound < 0) bound += size;
            return direction > 0 ? Math.Clamp(bound, 0, size) : Math.Clamp(bound, -1, size - 1);
        }
    }
}
