namespace Tiebreak.Formats;

/// <summary>What the options of an analysis may be, for all that read them: the command line, settings, and certificates.</summary>
public static class OptionValues
{
    /// <summary>The largest size of a dimension or batch that can be chosen.</summary>
    public const int LargestSize = 1 << 20;

    /// <summary>What can be known of the loss; the first is the default.</summary>
    public static IReadOnlyList<string> Losses { get; } = ["any", "mse", "cross-entropy", "outputs"];

    /// <summary>Whose statistics a batch normalisation takes; the first is the default.</summary>
    public static IReadOnlyList<string> BatchNorms { get; } = ["training", "inference"];

    /// <summary>Whether a number can be the size of a dimension.</summary>
    public static bool IsSize(long size) => size is > 0 and <= LargestSize;

    /// <summary>Whether two numbers can be the least and the largest of the data.</summary>
    public static bool IsRange(double low, double high) => double.IsFinite(low) && double.IsFinite(high) && low <= high;

    /// <summary>Whether a number can be the distance up to which units count as nearly equal: a share of their size.</summary>
    public static bool IsTolerance(double tolerance) => tolerance is >= 0 and < 1;

    /// <summary>Whether a number can be asked for as the largest chance of a wrong claim.</summary>
    public static bool IsErrorBound(double bound) => bound is >= 1e-100 and <= 0.1;
}
