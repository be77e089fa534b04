using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// Moves elements about, whatever a value is: nodes of the program get a primitive, known numbers are moved on the spot, index data is moved
/// once somebody asks for it. Every operator that only rearranges is written in terms of these.
/// </summary>
static class ValueMoves
{
    const int MostKnown = 1 << 24;

    /// <summary>The same elements under another shape.</summary>
    public static Value Reshape(OperatorCall call, Value value, Shape target)
    {
        if (value.Shape.Count != target.Count) throw call.Fail($"{value.Shape} ({value.Shape.Count} elements) cannot take shape {target} ({target.Count} elements)");
        var view = value.Weight is null ? null : ReshapedView(value.Weight, value.Shape, target);
        return With(value, target, node => call.Builder.Reshape(node, target), numbers => numbers, known => known,
            rows => call.Builder.Reshape(value.Index!(rows), new Shape([.. target.Sizes, rows])), view);
    }

    /// <summary>Result axis k is operand axis order[k].</summary>
    public static Value Transpose(OperatorCall call, Value value, int[] order)
    {
        var target = new Shape([.. order.Select(axis => value.Shape[axis])]);
        var strides = value.Shape.Strides();
        var view = value.Weight is null ? null : value.Weight with { Axes = [.. order.Select(axis => value.Weight.Axes[axis])] };
        return With(value, target, node => call.Builder.Transpose(node, order),
            numbers => Pick(numbers, new IndexMap.Affine(value.Shape, target, 0, new Axes([.. order.Select(axis => strides[axis])]))),
            known => Pick(call, known, new IndexMap.Affine(value.Shape, target, 0, new Axes([.. order.Select(axis => strides[axis])]))),
            rows => call.Builder.Transpose(value.Index!(rows), [.. order, order.Length]), view);
    }

    /// <summary>
    /// Reads a grid: along each axis the listed positions, −1 for zero; null keeps the whole axis. Regular grids become views.
    /// </summary>
    public static Value Grid(OperatorCall call, Value value, int[]?[] positions)
    {
        var keeps = true;
        for (var axis = 0; axis < positions.Length; axis++)
        {
            if (positions[axis] is { } list && list.Length == value.Shape[axis] && IsAscending(list)) positions[axis] = null;
            keeps &= positions[axis] is null;
        }

        if (keeps) return value;
        var map = GridMap.Of(value.Shape, positions);
        var view = value.Weight is null ? null : value.Weight with { Axes = [.. value.Weight.Axes.Select((axis, k) => positions[k] is null ? axis : -1)] };
        return With(value, map.Target, node => call.Builder.Gather(node, map), numbers => Pick(numbers, map), known => Pick(call, known, map),
            rows =>
            {
                var operand = value.Index!(rows);
                return call.Builder.Gather(operand, GridMap.Of(operand.Shape, [.. positions, null]));
            }, view);
    }

    /// <summary>Reads a grid of known whole numbers, with another number in place of zero where there is none to read.</summary>
    public static Value GridOr(OperatorCall call, Value value, int[]?[] positions, long otherwise)
    {
        var inside = Grid(call, Value.Of(value.Shape, [.. Enumerable.Repeat(1L, value.Integers!.Length)]), [.. positions]).Integers!;
        var read = Grid(call, value, positions);
        return Value.Of(read.Shape, [.. read.Integers!.Select((number, k) => inside[k] == 0 ? otherwise : number)], value.Kind);
    }

    /// <summary>Reads through any map.</summary>
    public static Value Pick(OperatorCall call, Value value, IndexMap map) =>
        With(value, map.Target, node => call.Builder.Gather(node, map), numbers => Pick(numbers, map), known => Pick(call, known, map),
            rows =>
            {
                var operand = value.Index!(rows);
                return call.Builder.Gather(operand, WithRows(map, rows));
            }, null);

    /// <summary>The same map for elements that are whole rows.</summary>
    static IndexMap.Table WithRows(IndexMap map, int rows)
    {
        var (source, target) = (new Shape([.. map.Source.Sizes, rows]), new Shape([.. map.Target.Sizes, rows]));
        if (target.Count > MostKnown) throw new ArgumentException($"a table of {target.Count} positions is too large");
        return new IndexMap.Table(source, target, [.. GridMap.Positions(map).SelectMany(position => Enumerable.Range(0, rows).Select(row => position < 0 ? -1 : position * rows + row))]);
    }

    /// <summary>Operands one after the other.</summary>
    public static Value Concat(OperatorCall call, Value[] values, int axis)
    {
        values = [.. values.Where((value, k) => value.Shape.Count > 0 || (k == 0 && Array.TrueForAll(values, other => other.Shape.Count == 0)))];
        if (values.Length == 1) return values[0];
        var shapes = Array.ConvertAll(values, value => value.Shape);
        var target = ProgramGrammar.ResultShape(new Primitive.Concat(axis), shapes);
        if (Array.TrueForAll(values, value => value.Integers is not null)) return Value.Of(target, Joined(values, value => value.Integers!, axis, target), values[0].Kind);
        if (Array.TrueForAll(values, value => value is { Node: null, Known: { HasDoubles: true, Count: < MostKnown } }))
            return Value.Of(target, new DoubleTensor(Joined(values, value => Doubles(value.Known!), axis, target)));
        return Value.Of(call.Builder.Concat(axis, [.. values.Select(value => call.NodeOf(value))]));
    }

    static Value With(Value value, Shape target, Func<Node, Node> move, Func<long[], long[]> moveIntegers, Func<ExactTensor, ExactTensor> moveKnown, Func<int, Node> moveIndex, WeightView? view)
    {
        if (value.Node is not null) return new Value { Kind = value.Kind, Shape = target, Node = move(value.Node), Weight = view };
        if (value.Masked is { } masked)
            return new Value { Kind = value.Kind, Shape = target, Masked = new MaskedNumbers(move(masked.Clean), move(masked.Gate)), Numbers = () => move(value.Numbers!()) };
        if (value.Integers is not null) return Value.Of(target, moveIntegers(value.Integers), value.Kind);
        if (value.Known is not null) return Value.Of(target, value.Known is UniformTensor fill ? new UniformTensor(target.Count, fill.Value) : moveKnown(value.Known));
        if (value.Index is null) throw new ArgumentException("a sequence stands in place of a tensor");
        return new Value { Kind = value.Kind, Shape = target, Index = moveIndex, Rows = value.Rows, Numbers = () => move(value.Numbers!()) };
    }

    /// <summary>Sizes of 1 come and go; where the other sizes stay in order, so do the parameter's axes.</summary>
    static WeightView? ReshapedView(WeightView view, Shape from, Shape to)
    {
        var kept = Enumerable.Range(0, from.Rank).Where(axis => from[axis] != 1).ToList();
        var made = Enumerable.Range(0, to.Rank).Where(axis => to[axis] != 1).ToList();
        if (!kept.Select(axis => from[axis]).SequenceEqual(made.Select(axis => to[axis]))) return null;
        var axes = new int[to.Rank];
        Array.Fill(axes, -1);
        for (var k = 0; k < made.Count; k++) axes[made[k]] = view.Axes[kept[k]];
        return view with { Axes = axes };
    }

    static bool IsAscending(int[] list)
    {
        for (var k = 0; k < list.Length; k++)
            if (list[k] != k) return false;
        return true;
    }

    static long[] Pick(long[] numbers, IndexMap map)
    {
        if (map.Target.Count > MostKnown) throw new ArgumentException($"{map.Target.Count} whole numbers are more than are computed with");
        return [.. GridMap.Positions(map).Select(position => position < 0 ? 0 : numbers[position])];
    }

    static ExactTensor Pick(OperatorCall call, ExactTensor known, IndexMap map)
    {
        if (map.Target.Count > MostKnown || known.Count > MostKnown) throw call.Fail($"it rearranges a constant of {known.Count} numbers, which is too large; store it rearranged");
        if (known.HasDoubles)
        {
            var doubles = Doubles(known);
            return new DoubleTensor([.. GridMap.Positions(map).Select(position => position < 0 ? 0 : doubles[position])]);
        }

        return new RationalTensor([.. GridMap.Positions(map).Select(position => position < 0 ? Rational.Zero : known[position])]);
    }

    static double[] Doubles(ExactTensor known)
    {
        var doubles = new double[known.Count];
        known.ReadDoubles(0, doubles);
        return doubles;
    }

    static T[] Joined<T>(Value[] values, Func<Value, T[]> read, int axis, Shape target)
    {
        long outer = 1;
        for (var k = 0; k < axis; k++) outer *= target[k];
        var parts = Array.ConvertAll(values, value => read(value));
        var joined = new T[target.Count];
        var done = 0;
        for (var o = 0; o < outer; o++)
        {
            foreach (var part in parts)
            {
                var length = (int)(part.Length / outer);
                part.AsSpan(o * length, length).CopyTo(joined.AsSpan(done));
                done += length;
            }
        }

        return joined;
    }
}
