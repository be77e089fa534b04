using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Operators that pick, repeat, join and pad elements.</summary>
static class SliceOperators
{
    public static void Concat(OperatorCall call)
    {
        var values = new Value[call.InputCount];
        for (var k = 0; k < values.Length; k++) values[k] = call.Input(k);
        if (values.Length == 0) throw call.Fail("it joins nothing");
        var axis = call.Axis(call.HasAttribute("axis") ? call.Int("axis", 0) : throw call.Fail("its axis is missing; export the model again"), values[0].Shape.Rank);
        call.Set(0, ValueMoves.Concat(call, values, axis));
    }

    public static void Split(OperatorCall call)
    {
        var value = call.Input(0);
        var axis = call.Axis(call.Int("axis", 0), value.Shape.Rank);
        var size = value.Shape[axis];
        var parts = call.Has(1) ? call.Narrow(call.Integers(1), "sizes") : call.Ints("split") ?? Equal(size, (int)call.Int("num_outputs", call.OutputCount));
        if (parts.Sum(part => (long)part) != size || parts.Length < call.OutputCount) throw call.Fail($"parts of sizes {string.Join(", ", parts)} do not make up axis {axis} of {value.Shape}");
        var start = 0;
        for (var k = 0; k < call.OutputCount; k++)
        {
            var positions = new int[]?[value.Shape.Rank];
            positions[axis] = [.. Enumerable.Range(start, parts[k])];
            if (call.HasOutput(k)) call.Set(k, ValueMoves.Grid(call, value, positions));
            start += parts[k];
        }

        int[] Equal(int whole, int count)
        {
            if (count < 1 || count > Math.Max(whole, call.OutputCount)) throw call.Fail($"it splits an axis of size {whole} into {count} parts");
            // Opset 18: where the size does not divide, the last part is smaller.
            var part = (whole + count - 1) / count;
            return [.. Enumerable.Range(0, count).Select(k => Math.Max(0, Math.Min(part, whole - k * part)))];
        }
    }

    public static void Slice(OperatorCall call)
    {
        var value = call.Input(0);
        var byAttribute = call.HasAttribute("starts");
        var starts = byAttribute ? [.. call.Find("starts")!.Ints] : call.Integers(1);
        var ends = byAttribute ? [.. call.Find("ends")!.Ints] : call.Integers(2);
        var axes = byAttribute ? call.Find("axes")?.Ints.ToArray() : call.Has(3) ? call.Integers(3) : null;
        var steps = !byAttribute && call.Has(4) ? call.Integers(4) : null;
        axes ??= [.. Enumerable.Range(0, starts.Length).Select(axis => (long)axis)];
        if (ends.Length != starts.Length || axes.Length != starts.Length || (steps is not null && steps.Length != starts.Length)) throw call.Fail("its starts, ends, axes and steps differ in number");
        var positions = new int[]?[value.Shape.Rank];
        for (var k = 0; k < axes.Length; k++)
        {
            var axis = call.Axis(axes[k], value.Shape.Rank);
            positions[axis] = Positions(call, value.Shape[axis], starts[k], ends[k], steps?[k] ?? 1);
        }

        var cut = Array.FindIndex(positions, list => list is not null);
        if (positions.Count(list => list is not null) == 1 && PositionTables.IsCut(call, value, cut, positions[cut]!, 1, 2))
            call.Set(PositionTables.WithAnyRowLast(call, value, cut, ValueMoves.Grid(call, value, positions).Node!));
        else
            call.Set(0, ValueMoves.Grid(call, value, positions));
    }

    static int[] Positions(OperatorCall call, int size, long start, long end, long step)
    {
        if (step == 0) throw call.Fail("a step is zero");
        if (start < 0) start = Math.Max(start, long.MinValue + size) + size;
        if (end < 0) end = Math.Max(end, long.MinValue + size) + size;
        start = step > 0 ? Math.Clamp(start, 0, size) : Math.Clamp(start, -1, size - 1);
        end = step > 0 ? Math.Clamp(end, 0, size) : Math.Clamp(end, -1, size - 1);
        var positions = new List<int>();
        for (var at = start; step > 0 ? at < end : at > end;)
        {
            positions.Add((int)at);
            if (step > size || step < -size) break;
            at += step;
        }

        return [.. positions];
    }

    public static void Gather(OperatorCall call)
    {
        var value = call.Input(0);
        var indices = IndexData.Of(call, 1);
        var axis = call.Axis(call.Int("axis", 0), value.Shape.Rank);
        if (indices.Integers is { } constant)
        {
            var positions = new int[]?[value.Shape.Rank];
            positions[axis] = [.. constant.Select(index => Row(call, index, value.Shape[axis]))];
            var isCut = PositionTables.IsCut(call, value, axis, positions[axis]!, 1);
            var picked = ValueMoves.Grid(call, value, positions);
            if (isCut) picked = Value.Of(PositionTables.WithAnyRowLast(call, value, axis, picked.Node!));
            call.Set(0, ValueMoves.Reshape(call, picked, new Shape([.. value.Shape.Sizes.Take(axis), .. indices.Shape.Sizes, .. value.Shape.Sizes.Skip(axis + 1)])));
            return;
        }

        if (indices.Index is null) throw call.Fail("its indices are computed from data, which is not supported; leave that part out with --outputs");
        var meanings = new AxisMeaning[value.Shape.Rank];
        meanings[axis] = AxisMeaning.Row;
        for (var k = 0; k < meanings.Length; k++)
            if (k != axis) meanings[k] = AxisMeaning.Output;
        call.UsedAs(0, ParameterRole.LookUp, meanings);
        // theory §4: an index is a random soft distribution, so that it reaches every row.
        var letters = new AxisLetters();
        var table = letters.Take(value.Shape.Rank);
        var places = letters.Take(indices.Shape.Rank);
        call.Set(call.Builder.Contract(places + table[axis], table, table[..axis] + places + table[(axis + 1)..], indices.Index(value.Shape[axis]), call.Node(0)));
    }

    public static void GatherElements(OperatorCall call)
    {
        var value = call.Input(0);
        var indices = IndexData.Of(call, 1);
        var axis = call.Axis(call.Int("axis", 0), value.Shape.Rank);
        if (indices.Shape.Rank != value.Shape.Rank) throw call.Fail($"indices of shape {indices.Shape} do not fit {value.Shape}");
        // Other axes are read from their beginning.
        var positions = new int[]?[value.Shape.Rank];
        for (var k = 0; k < positions.Length; k++)
            if (k != axis) positions[k] = [.. Enumerable.Range(0, indices.Shape[k])];
        var cut = ValueMoves.Grid(call, value, positions);
        if (indices.Integers is { } constant)
        {
            var strides = cut.Shape.Strides();
            var table = GridMap.Positions(new IndexMap.Affine(indices.Shape, indices.Shape, 0, new Axes(indices.Shape.Strides()))).Select(position =>
            {
                var source = 0;
                var rest = position;
                var own = indices.Shape.Strides();
                for (var k = 0; k < own.Length; k++)
                {
                    source += (k == axis ? Row(call, constant[position], cut.Shape[axis]) : rest / own[k]) * strides[k];
                    rest %= own[k];
                }

                return source;
            }).ToArray();
            call.Set(call.Builder.Gather(call.NodeOf(cut), new IndexMap.Table(cut.Shape, indices.Shape, table)));
            return;
        }

        if (indices.Index is null) throw call.Fail("its indices are computed from data, which is not supported; leave that part out with --outputs");
        var letters = new AxisLetters();
        var output = letters.Take(indices.Shape.Rank);
        var row = letters.Take(1);
        call.Set(call.Builder.Contract(output + row, output[..axis] + row + output[(axis + 1)..], output, indices.Index(cut.Shape[axis]), call.NodeOf(cut)));
    }

    /// <summary>An index counted from the end if negative.</summary>
    public static int Row(OperatorCall call, long index, int rows) =>
        index >= -rows && index < rows ? (int)(index < 0 ? index + rows : index) : throw call.Fail($"index {index} lies outside an axis of size {rows}");

    public static void Expand(OperatorCall call)
    {
        var value = call.Input(0);
        call.Set(0, Spread(call, value, ProgramBuilder.CommonShape(value.Shape, new Shape(call.Narrow(call.Integers(1), "sizes")))));
    }

    /// <summary>NumPy's broadcasting of any value.</summary>
    public static Value Spread(OperatorCall call, Value value, Shape target)
    {
        if (value.Shape == target) return value;
        if (value.Node is not null) return Value.Of(call.Builder.BroadcastTo(value.Node, target), value.Kind);
        var ranked = ValueMoves.Reshape(call, value, new Shape([.. Enumerable.Repeat(1, target.Rank - value.Shape.Rank), .. value.Shape.Sizes]));
        var positions = new int[]?[target.Rank];
        for (var axis = 0; axis < target.Rank; axis++)
            if (ranked.Shape[axis] != target[axis]) positions[axis] = new int[target[axis]];
        return ValueMoves.Grid(call, ranked, positions);
    }

    public static void Tile(OperatorCall call)
    {
        var value = call.Input(0);
        var repeats = call.Narrow(call.Integers(1), "repeats");
        if (repeats.Length != value.Shape.Rank || Array.Exists(repeats, count => count < 0)) throw call.Fail($"repeats [{string.Join(",", repeats)}] do not fit {value.Shape}");
        var sizes = new int[repeats.Length];
        for (var axis = 0; axis < sizes.Length; axis++) sizes[axis] = checked(repeats[axis] * value.Shape[axis]);
        if (value.Node is not null)
        {
            // Repeats become axes of their own, so no table is needed.
            var interleaved = new int[2 * sizes.Length];
            for (var axis = 0; axis < sizes.Length; axis++) (interleaved[2 * axis], interleaved[2 * axis + 1]) = (repeats[axis], value.Shape[axis]);
            var repeated = call.Builder.Broadcast(value.Node, new Shape(interleaved), [.. Enumerable.Range(0, sizes.Length).Select(axis => 2 * axis)]);
            call.Set(0, Value.Of(call.Builder.Reshape(repeated, new Shape(sizes)), value.Kind));
            return;
        }

        var positions = new int[]?[sizes.Length];
        for (var axis = 0; axis < sizes.Length; axis++) positions[axis] = [.. Enumerable.Range(0, sizes[axis]).Select(k => k % value.Shape[axis])];
        call.Set(0, ValueMoves.Grid(call, value, positions));
    }

    public static void Pad(OperatorCall call)
    {
        var value = call.Input(0);
        var rank = value.Shape.Rank;
        var pads = call.Has(1) ? call.Integers(1) : [.. call.Find("pads")?.Ints ?? throw call.Fail("its pads are missing; export the model again")];
        var axes = call.Has(3) ? call.Integers(3).Select(axis => call.Axis(axis, rank)).ToArray() : [.. Enumerable.Range(0, rank)];
        if (pads.Length != 2 * axes.Length) throw call.Fail($"{pads.Length} pads do not fit {axes.Length} axes");
        var fill = call.Has(2) ? call.Setting(2) : call.Float("value", 0);
        var mode = call.Text("mode", "constant");
        var positions = new int[]?[rank];
        for (var k = 0; k < axes.Length; k++)
            positions[axes[k]] = PadPositions(call, value.Shape[axes[k]], pads[k], pads[axes.Length + k], mode);
        if (fill.IsZero || mode is not "constant") call.Set(0, ValueMoves.Grid(call, value, positions));
        else if (value.Integers is not null) call.Set(0, ValueMoves.GridOr(call, value, positions, ConstantFolding.Whole(fill)));
        else call.Set(0, Value.Of(PadNode(call, call.NodeOf(value), positions, fill), value.Kind));
    }

    static int[] PadPositions(OperatorCall call, int size, long before, long after, string mode)
    {
        const int most = 1 << 20;
        var length = checked(size + before + after);
        if (length is < 0 or > int.MaxValue || Math.Abs(before) > most || Math.Abs(after) > most) throw call.Fail($"pads of {before} and {after} are out of range");
        var positions = new int[length];
        for (var k = 0; k < length; k++)
        {
            var at = (int)(k - before);
            positions[k] = at >= 0 && at < size ? at : mode switch
            {
                "constant" => -1,
                "edge" => Math.Clamp(at, 0, size - 1),
                "reflect" => Reflected(at, size),
                "wrap" => (at % size + size) % size,
                _ => throw call.Fail($"mode `{mode}` is not known; known are constant, edge, reflect and wrap"),
            };
        }

        return positions;
    }

    static int Reflected(int at, int size)
    {
        if (size == 1) return 0;
        var period = 2 * (size - 1);
        at = (at % period + period) % period;
        return at < size ? at : period - at;
    }

    static Node PadNode(OperatorCall call, Node node, int[]?[] positions, Rational fill)
    {
        var begin = new int[positions.Length];
        var end = new int[positions.Length];
        var cut = new int[]?[positions.Length];
        for (var axis = 0; axis < positions.Length; axis++)
        {
            var list = positions[axis] ?? [.. Enumerable.Range(0, node.Shape[axis])];
            begin[axis] = list.TakeWhile(position => position < 0).Count();
            end[axis] = begin[axis] == list.Length ? 0 : list.Reverse().TakeWhile(position => position < 0).Count();
            cut[axis] = [.. list.Where(position => position >= 0)];
        }

        var inner = call.NodeOf(ValueMoves.Grid(call, Value.Of(node), cut));
        return Windows.Pad(call.Builder, inner, begin, end, fill);
    }
}
