using Tiebreak.Formats.Layers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Rotary position embedding: pairs of features turn by an angle that grows with the position.</summary>
static class Rotary
{
    /// <summary>ONNX RotaryEmbedding-23.</summary>
    public static void Standard(OperatorCall call)
    {
        var x = call.Node(0);
        var turned = ScaledDotProducts.Heads(call.Builder, x, call.Int("num_heads", 0));
        var positions = call.Has(3) ? call.Input(3) : null;
        Set(call, x, Rotation.Turned(call.Builder, turned, At(call, 1, positions, turned.Shape), At(call, 2, positions, turned.Shape), call.Int("interleaved", 0) != 0, call.Int("rotary_embedding_dim", 0)));
    }

    /// <summary>com.microsoft RotaryEmbedding-1: positions stand before the tables, and one number is where the first position stands.</summary>
    public static void OfRuntime(OperatorCall call)
    {
        if (call.Int("is_packed_batching", 0) != 0) throw call.Fail("it packs its batch, which is not supported; export the model without packing");
        var x = call.Node(0);
        var rotated = call.Int("rotary_embedding_dim", 0);
        var heads = call.Int("num_heads", 0);
        if (heads == 0 && x.Shape.Rank == 3) heads = x.Shape[2] / Math.Max(1, 2 * call.Shape(2)[call.Shape(2).Rank - 1]);
        var turned = ScaledDotProducts.Heads(call.Builder, x, heads);
        var positions = call.Input(1);
        if (positions.Shape.Count == 1 && turned.Shape[0] * turned.Shape[2] > 1)
        {
            var first = call.Integers(1)[0];
            positions = Value.Of(new Shape(1, turned.Shape[2]), [.. Enumerable.Range(0, turned.Shape[2]).Select(k => first + k)]);
        }

        Set(call, x, call.Builder.Scale(Rotation.Turned(call.Builder, turned, At(call, 2, positions, turned.Shape), At(call, 3, positions, turned.Shape), call.Int("interleaved", 0) != 0, rotated), call.Float("scale", 1)));
    }

    static void Set(OperatorCall call, Node x, Node turned) => call.Set(x.Shape.Rank == 3 ? ScaledDotProducts.Joined(call.Builder, turned) : turned);

    /// <summary>The rows of a table of sines or cosines for the positions, [batch or 1, positions, angles].</summary>
    public static Node At(OperatorCall call, int table, Value? positions, Shape x)
    {
        var rows = call.Input(table);
        if (positions is null) return rows.Shape.Rank == 3 ? call.NodeOf(rows) : throw call.Fail($"its table of shape {rows.Shape} has no row for each batch and position; give it positions");
        if (rows.Shape.Rank != 2 || positions.Shape.Rank != 2 || positions.Shape[1] != x[2]) throw call.Fail($"positions of shape {positions.Shape} and a table of shape {rows.Shape} do not fit an input of shape {x}");
        if (positions.Integers is { } constant)
        {
            var picked = ValueMoves.Grid(call, rows, [[.. constant.Select(position => SliceOperators.Row(call, position, rows.Shape[0]))], null]);
            return call.NodeOf(ValueMoves.Reshape(call, picked, new Shape([.. positions.Shape.Sizes, rows.Shape[1]])));
        }

        if (positions.Index is null) throw call.Fail("its positions are computed from data, which is not supported; give them as an input with --outputs, or export the model with constant positions");
        return call.Builder.Contract("bsr", "rk", "bsk", positions.Index(rows.Shape[0]), call.NodeOf(rows));
    }
}
