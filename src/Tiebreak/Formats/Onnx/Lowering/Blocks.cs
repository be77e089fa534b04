using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Blocks of an image become channels, and back.</summary>
static class Blocks
{
    public static void DepthToSpace(OperatorCall call)
    {
        var value = call.Input(0);
        var (n, c, h, w, block) = Sizes(call, value.Shape);
        if (c % (block * block) != 0) throw call.Fail($"{c} channels are no blocks of {block}x{block}");
        var each = c / (block * block);
        var byColumns = call.Text("mode", "DCR") is "CRD";
        var split = ValueMoves.Reshape(call, value, byColumns ? new Shape(n, each, block, block, h, w) : new Shape(n, block, block, each, h, w));
        var moved = ValueMoves.Transpose(call, split, byColumns ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]);
        call.Set(0, ValueMoves.Reshape(call, moved, new Shape(n, each, checked(h * block), checked(w * block))));
    }

    public static void SpaceToDepth(OperatorCall call)
    {
        var value = call.Input(0);
        var (n, c, h, w, block) = Sizes(call, value.Shape);
        if (h % block != 0 || w % block != 0) throw call.Fail($"an image of {h}x{w} does not divide in blocks of {block}x{block}");
        var split = ValueMoves.Reshape(call, value, new Shape(n, c, h / block, block, w / block, block));
        var moved = ValueMoves.Transpose(call, split, [0, 3, 5, 1, 2, 4]);
        call.Set(0, ValueMoves.Reshape(call, moved, new Shape(n, checked(c * block * block), h / block, w / block)));
    }

    static (int N, int C, int H, int W, int Block) Sizes(OperatorCall call, Shape shape)
    {
        var block = (int)Math.Clamp(call.Int("blocksize", 0), 0, 1 << 12);
        if (shape.Rank != 4 || block < 1) throw call.Fail($"blocks of {block}x{block} do not fit an input of shape {shape}");
        return (shape[0], shape[1], shape[2], shape[3], block);
    }
}
