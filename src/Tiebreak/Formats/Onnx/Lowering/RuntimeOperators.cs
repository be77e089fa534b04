namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>The supported operators of ONNX Runtime's own domain, com.microsoft, which its optimisers write in place of standard ones.</summary>
static class RuntimeOperators
{
    /// <summary>As files name it.</summary>
    public const string Domain = "com.microsoft";

    /// <summary>One rule an operator; the domain has had one version so far.</summary>
    public static OperatorRule[] All { get; } =
    [
        Rule("Attention", RuntimeAttention.Attention),
        Rule("MultiHeadAttention", RuntimeAttention.MultiHead),
        Rule("GroupQueryAttention", RuntimeAttention.GroupQuery),
        Rule("RotaryEmbedding", Rotary.OfRuntime),

        Rule("SkipLayerNormalization", FusedNormalizations.SkipLayer),
        Rule("SkipSimplifiedLayerNormalization", FusedNormalizations.SkipSimplified),
        Rule("SimplifiedLayerNormalization", Normalizations.RmsNormalization),
        Rule("EmbedLayerNormalization", FusedNormalizations.Embedding),
        Rule("LayerNormalization", Normalizations.LayerNormalization),
        Rule("GroupNorm", FusedNormalizations.Group),

        Rule("Gelu", FusedActivations.Gelu),
        Rule("FastGelu", FusedActivations.FastGelu),
        Rule("BiasGelu", FusedActivations.BiasGelu),
        Rule("QuickGelu", FusedActivations.QuickGelu),
        Rule("BiasSplitGelu", FusedActivations.BiasSplitGelu),
        Rule("BiasAdd", FusedActivations.BiasAdd),
        Rule("BiasSoftmax", FusedActivations.BiasSoftmax),
        Rule("BiasDropout", FusedActivations.BiasDropout),

        Rule("FusedMatMul", FusedLayers.MatMul),
        Rule("TransposeMatMul", FusedLayers.MatMul),
        Rule("FusedGemm", FusedLayers.Gemm),
        Rule("FusedConv", FusedLayers.Conv),
        Rule("GemmFastGelu", FusedLayers.GemmFastGelu),

        Rule("DequantizeLinear", Quantized.DequantizeLinear),
        Rule("GatherND", GatherNd.Lower),
        Rule("GridSample", Interpolation.GridSample),
        Rule("Trilu", Scattering.Trilu),
        Rule("Unique", KnownSets.Unique),
        Rule("Range", ShapeOperators.Range),
    ];

    static OperatorRule Rule(string type, Action<OperatorCall> lower) => new(Domain, type, 1, OnnxReader.HighestOpset, lower);
}
