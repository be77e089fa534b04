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
    /// <summary>What operand <paramref name="slot"/> of an operator is.</summary>
    public static WeightUse Of(string type, int slot) => (type, slot) switch
    {
        ("Conv" or "ConvTranspose" or "InstanceNormalization" or "LayerNormalization" or "GroupNormalization" or "BatchNormalization", 1 or 2) => WeightUse.Parametric,
        ("BatchNormalization", 3 or 4) => WeightUse.Statistics,
        ("Gemm" or "Einsum", _) => WeightUse.Parametric,
        ("MatMul", 0 or 1) => WeightUse.Parametric,
        ("PRelu" or "RMSNormalization", 1) => WeightUse.Parametric,
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
        ("Range" or "QuantizeLinear" or "DequantizeLinear", _) => WeightUse.Setting,
        _ => WeightUse.Other,
    };
}
