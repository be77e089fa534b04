using Tiebreak.Formats.Layers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>ONNX Attention-23.</summary>
static class Attention
{
    public static void Standard(OperatorCall call)
    {
        var builder = call.Builder;
        var packed = call.Shape(0).Rank == 3;
        var queries = ScaledDotProducts.Heads(call.Builder, call.Node(0), call.Int("q_num_heads", 0));
        var keys = ScaledDotProducts.Heads(call.Builder, call.Node(1), call.Int("kv_num_heads", 0));
        var values = ScaledDotProducts.Heads(call.Builder, call.Node(2), call.Int("kv_num_heads", 0));
        var past = 0;
        if (call.Has(4))
        {
            past = call.Shape(4).Rank == 4 ? call.Shape(4)[2] : 0;
            keys = builder.Concat(2, call.Node(4), keys);
        }

        if (call.Has(5)) values = builder.Concat(2, call.Node(5), values);
        var scale = call.HasAttribute("scale") ? call.Float("scale", 1) : ScaledDotProducts.DefaultScale(queries.Shape[queries.Shape.Rank - 1]);
        var products = new ScaledDotProducts(call.Builder, queries, keys, values)
        {
            Scale = scale,
            Softcap = call.Float("softcap", 0),
            IsCausal = call.Int("is_causal", 0) != 0,
            Offset = past,
            Mask = call.Has(3) ? AttentionMasks.Of(call, 3, keys.Shape[2]) : new AttentionMask(null, null),
        };
        var mixed = products.Mixed();
        call.Set(packed ? ScaledDotProducts.Joined(call.Builder, mixed) : mixed);
        if (call.HasOutput(1)) call.Set(1, Value.Of(keys));
        if (call.HasOutput(2)) call.Set(2, Value.Of(values));
        if (call.HasOutput(3)) call.Set(3, Value.Of(Inner(call, products)));
    }

    /// <summary>The scores as they come, or the shares; what stands between them is −∞ where there is a mask, or has had two meanings.</summary>
    static Node Inner(OperatorCall call, ScaledDotProducts products)
    {
        var mode = call.Int("qk_matmul_output_mode", 0);
        var plain = products.Softcap.Sign <= 0 && !products.IsCausal && products.Mask is { Bias: null, Gate: null };
        if (mode == 3) return products.Shares!;
        if (plain || (mode == 0 && products.Softcap.Sign <= 0)) return products.Scores!;
        throw call.Fail($"its scores are used elsewhere in qk_matmul_output_mode {mode}, which is not supported with a mask or softcap; use mode 3, or leave that part out with --outputs");
    }
}
