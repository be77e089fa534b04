namespace Tiebreak.Conformance;

/// <summary>Conformance cases that the lowering does not compute, and why.</summary>
static class KnownExceptions
{
    public static IReadOnlyDictionary<string, string> Reasons { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["test_castlike_STRING_to_FLOAT"] = "text is no number",
        ["test_training_dropout"] = RandomMask,
        ["test_training_dropout_default"] = RandomMask,
    };

    const string RandomMask = "the expected output holds one random mask";
}
