namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Operators that are not lowered for a reason of their own, which the error gives.</summary>
static class RefusedOperators
{
    const string Quantised = "its numbers are quantised, and quantised weights have no gradient; give the model it was quantised from";
    const string Text = "it works on text; give the model behind its text preprocessing";
    const string Boxes = "what it picks depends on comparing data in a loop, which has no gradient; leave that part out with --outputs";

    /// <summary>Why, and what to do instead; null where nothing is known of the operator.</summary>
    public static string? ReasonFor(string domain, string type) => (domain, type) switch
    {
        ("", "QuantizeLinear" or "DynamicQuantizeLinear" or "QLinearConv" or "QLinearMatMul" or "MatMulInteger" or "ConvInteger") => Quantised,
        ("com.microsoft", "MatMulNBits" or "MatMulBnb4" or "MatMulFpQ4" or "MatMulIntegerToFloat" or "MatMulInteger16" or "DynamicQuantizeMatMul" or "DynamicQuantizeLSTM" or "QAttention" or "QGemm" or "QMoE"
            or "QEmbedLayerNormalization" or "GatherBlockQuantized" or "QuantizeLinear" or "DequantizeBFP" or "QuantizeBFP" or "GemmFloat8" or "MulInteger" or "ReduceSumInteger") => Quantised,
        ("com.microsoft", _) when type.StartsWith("QLinear", StringComparison.Ordinal) || type.StartsWith("QOrdered", StringComparison.Ordinal) => Quantised,
        ("", "StringNormalizer" or "StringConcat" or "StringSplit" or "RegexFullMatch" or "TfIdfVectorizer") or ("ai.onnx.ml", "CategoryMapper" or "LabelEncoder") or ("com.microsoft", "Tokenizer") => Text,
        ("", "NonMaxSuppression" or "MaxRoiPool") => Boxes,
        ("", "ImageDecoder") => "it decodes image files; give the model decoded images",
        ("", "DeformConv") => "it reads at places that data moves, between the pixels; leave that part out with --outputs",
        ("ai.onnx.preview.training" or "ai.onnx.training", _) => "it is a step of training itself; give the model that is trained",
        _ => null,
    };
}
