using global::Onnx;
using Tiebreak.Formats.Onnx.Lowering;

namespace Tiebreak.Formats.Onnx;

/// <summary>What an operator does with one of its operands, as far as training is concerned.</summary>
enum WeightUse
{
    /// <summary>It is the operator's weight or bias.</summary>
    Parametric,

    /// <summary>It meets another tensor element by element.</summary>
    Elementwise,

    /// <summary>Running statistics, which training measures and does not descend on.</summary>
    Statistics,

    /// <summary>A setting: bounds, scales, ratios, class weights.</summary>
    Setting,

    /// <summary>Passed on with other axes.</summary>
    ShapeOnly,

    /// <summary>Anything else.</summary>
    Other,
}

/// <summary>The table of operands that are weights, settings or statistics.</summary>
static class WeightUses
{
    /// <summary>What operand <paramref name="slot"/> of a node is.</summary>
    public static WeightUse Of(NodeProto node, int slot) => OnnxGraph.DomainOf(node.Domain) switch
    {
        "" => Of(node.OpType, slot),
        RuntimeOperators.Domain => OfRuntime(node.OpType, slot),
        _ => WeightUse.Other,
    };

    /// <summary>What operand <paramref name="slot"/> of an operator is.</summary>
    public static WeightUse Of(string type, int slot) => (type, slot) switch
    {
        ("Conv" or "ConvTranspose" or "InstanceNormalization" or "LayerNormalization" or "GroupNormalization" or "BatchNormalization", 1 or 2) => WeightUse.Parametric,
        ("BatchNormalization", 3 or 4) => WeightUse.Statistics,
        ("Gemm" or "Einsum", _) => WeightUse.Parametric,
        ("MatMul", 0 or 1) => WeightUse.Parametric,
        ("PRelu" or "RMSNormalization" or "SimplifiedLayerNormalization", 1) => WeightUse.Parametric,
        ("Gather" or "GatherND" or "GatherElements", 0) => WeightUse.Parametric,
        ("LSTM" or "GRU" or "RNN", 1 or 2 or 3) => WeightUse.Parametric,
        ("LSTM", 7) => WeightUse.Parametric,
        ("Add" or "Sub" or "Mul" or "Div" or "Max" or "Min" or "Sum" or "Mean", _) => WeightUse.Elementwise,
        ("Where", 1 or 2) => WeightUse.Elementwise,
        ("Pow", 0) => WeightUse.Elementwise,
        ("Unsqueeze" or "Reshape" or "Transpose" or "Identity" or "Cast" or "Squeeze" or "Flatten", 0) => WeightUse.ShapeOnly,
        ("Pow" or "Dropout" or "OneHot" or "CastLike" or "Upsample", 1) => WeightUse.Setting,
        ("Clip" or "Resize", 1 or 2) => WeightUse.Setting,
        ("Pad" or "OneHot", 2) => WeightUse.Setting,
        ("NegativeLogLikelihoodLoss" or "SoftmaxCrossEntropyLoss", 2) => WeightUse.Setting,
        ("Range" or "QuantizeLinear" or "DequantizeLinear" or "MelWeightMatrix", _) => WeightUse.Setting,
        ("Unique" or "NonZero" or "Bernoulli" or "Multinomial", 0) => WeightUse.Setting,
        ("RotaryEmbedding", 1 or 2) => WeightUse.Setting,
        ("Attention", 3) => WeightUse.Elementwise,
        _ => WeightUse.Other,
    };

    static WeightUse OfRuntime(string type, int slot) => (type, slot) switch
    {
        ("Attention" or "GemmFastGelu" or "FusedConv" or "GroupNorm" or "LayerNormalization", 1 or 2) => WeightUse.Parametric,
        ("BiasGelu" or "FastGelu" or "BiasSplitGelu" or "BiasAdd" or "BiasDropout" or "SimplifiedLayerNormalization", 1) => WeightUse.Parametric,
        ("FusedMatMul" or "TransposeMatMul", 0 or 1) => WeightUse.Parametric,
        ("FusedGemm", _) => WeightUse.Parametric,
        ("SkipLayerNormalization", 2 or 3 or 4) => WeightUse.Parametric,
        ("SkipSimplifiedLayerNormalization", 2 or 3) => WeightUse.Parametric,
        ("EmbedLayerNormalization", >= 2 and <= 6) => WeightUse.Parametric,
        ("MultiHeadAttention", 3) => WeightUse.Parametric,
        ("GatherND", 0) => WeightUse.Parametric,
        ("Attention" or "MultiHeadAttention", 5) => WeightUse.Elementwise,
        ("BiasSoftmax", 1) => WeightUse.Elementwise,
        ("BiasAdd" or "BiasDropout", 2) => WeightUse.Elementwise,
        ("FusedConv", 3) => WeightUse.Elementwise,
        ("GroupQueryAttention", 10) => WeightUse.Elementwise,
        ("SkipLayerNormalization" or "SkipSimplifiedLayerNormalization", 0 or 1) => WeightUse.Elementwise,
        ("RotaryEmbedding", 2 or 3) => WeightUse.Setting,
        ("GroupQueryAttention", 7 or 8) => WeightUse.Setting,
        ("BiasDropout", 3) or ("Range" or "DequantizeLinear", _) => WeightUse.Setting,
        _ => WeightUse.Other,
    };
}
