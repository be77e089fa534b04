using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Picks blocks by tuples of indices: constant ones by a table, those that are data by one soft distribution for each coordinate.</summary>
static class GatherNd
{
    public static void Lower(OperatorCall call)
    {
        var data = call.Input(0);
        var indices = IndexData.Of(call, 1);
        var batch = (int)Math.Clamp(call.Int("batch_dims", 0), 0, 64);
        var depth = indices.Shape.Rank == 0 ? 0 : indices.Shape[indices.Shape.Rank - 1];
        if (depth < 1 || batch >= indices.Shape.Rank || batch + depth > data.Shape.Rank || !data.Shape.Sizes.Take(batch).SequenceEqual(indices.Shape.Sizes.Take(batch)))
            throw call.Fail($"indices of shape {indices.Shape} behind {batch} batch axes do not fit {data.Shape}");
        var target = new Shape([.. indices.Shape.Sizes.SkipLast(1), .. data.Shape.Sizes.Skip(batch + depth)]);
        if (indices.Integers is { } constant) call.Set(0, ValueMoves.Pick(call, data, new IndexMap.Table(data.Shape, target, Positions(call, data.Shape, indices.Shape, constant, batch, depth))));
        else if (indices.Index is not null) call.Set(Chosen(call, indices, batch, depth));
        else throw call.Fail("its indices are computed from data, which is not supported; leave that part out with --outputs");
    }

    static int[] Positions(OperatorCall call, Shape data, Shape shape, long[] indices, int batch, int depth)
    {
        var strides = data.Strides();
        long block = 1;
        for (var axis = batch + depth; axis < data.Rank; axis++) block *= data[axis];
        var each = indices.Length / shape.Sizes.Take(batch).Aggregate(1, (product, size) => product * size);
        var positions = new int[checked(indices.Length / depth * block)];
        for (var tuple = 0; tuple < indices.Length / depth; tuple++)
        {
            // Batch axes are walked in step.
            var start = batch == 0 ? 0 : tuple * depth / each * strides[batch - 1];
            for (var k = 0; k < depth; k++) start += SliceOperators.Row(call, indices[tuple * depth + k], data[batch + k]) * strides[batch + k];
            for (var k = 0; k < block; k++) positions[tuple * block + k] = start + k;
        }

        return positions;
    }

    static Node Chosen(OperatorCall call, Value indices, int batch, int depth)
    {
        var builder = call.Builder;
        var data = call.Node(0);
        var meanings = new AxisMeaning[data.Shape.Rank];
        for (var axis = batch; axis < meanings.Length; axis++) meanings[axis] = axis < batch + depth ? AxisMeaning.Row : AxisMeaning.Output;
        call.UsedAs(0, ParameterRole.LookUp, meanings);
        var letters = new AxisLetters();
        var places = letters.Take(indices.Shape.Rank - 1);
        var rows = letters.Take(depth);
        var rest = letters.Take(data.Shape.Rank - batch - depth);
        var left = places[..batch] + rows + rest;
        for (var k = 0; k < depth; k++)
        {
            var all = indices.Index!(data.Shape[batch + k]);
            var positions = new int[]?[all.Shape.Rank];
            positions[^2] = [k];
            var one = builder.Gather(all, GridMap.Of(all.Shape, positions));
            one = builder.Reshape(one, all.Shape.Without([all.Shape.Rank - 2]));
            var next = places + rows[(k + 1)..] + rest;
            data = builder.Contract(places + rows[k], left, next, one, data);
            left = next;
        }

        return data;
    }
}
