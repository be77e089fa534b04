namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>Conformance cases that the lowering does not compute, and why.</summary>
static class ConformanceExceptions
{
    public static IReadOnlyDictionary<string, string> Reasons { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["test_cast_FLOAT_to_BFLOAT16"] = Rounding,
        ["test_castlike_FLOAT_to_BFLOAT16"] = Rounding,
        ["test_castlike_FLOAT_to_BFLOAT16_expanded"] = Rounding,
        ["test_castlike_STRING_to_FLOAT"] = "text is no number",
        ["test_softmax_large_number"] = LargeNumbers,
        ["test_logsoftmax_large_number"] = LargeNumbers,
        ["test_training_dropout"] = RandomMask,
        ["test_training_dropout_default"] = RandomMask,
    };

    const string Rounding = "the analysis is exact: a cast to a narrower format does not round";
    const string LargeNumbers = "exp is not shifted by the maximum, which exact arithmetic does not need and float64 does";
    const string RandomMask = "the expected output holds one random mask";
}
