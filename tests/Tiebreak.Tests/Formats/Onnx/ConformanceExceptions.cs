namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>Conformance cases that the lowering does not compute, and why.</summary>
static class ConformanceExceptions
{
    public static IReadOnlyDictionary<string, string> Reasons { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
    };
}
