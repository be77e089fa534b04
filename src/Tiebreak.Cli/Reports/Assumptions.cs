using Tiebreak.Findings;
using Tiebreak.Formats;
using Tiebreak.Proofs;

namespace Tiebreak.Cli.Reports;

/// <summary>What an answer holds under, in the words that all reports use.</summary>
/// <param name="Loss"><c>any</c>, <c>mse</c>, <c>cross-entropy</c> or <c>outputs</c>.</param>
/// <param name="Outputs">What the loss sees.</param>
/// <param name="BatchNorm"><c>training</c> or <c>inference</c>.</param>
/// <param name="Dropout"><c>on</c>, <c>off</c>, or <c>none</c> when the model has none.</param>
/// <param name="Dims">The sizes of free dimensions, and of the batch if it was chosen.</param>
sealed record Assumptions(string Loss, IReadOnlyList<string> Outputs, string BatchNorm, string Dropout, IReadOnlyDictionary<string, int> Dims)
{
    public static Assumptions Of(CheckResult result) => Of(result.Options, result.Analysis.Model);

    public static Assumptions Of(CheckOptions options, Model model)
    {
        var dims = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var (name, size) in model.Dims) dims.Add(name, size);
        if (options.Batch is { } batch) dims.TryAdd("batch", batch);
        return new Assumptions(
            options.Loss switch { LossKind.MeanSquaredError => "mse", LossKind.CrossEntropy => "cross-entropy", _ => model.OutputIsLoss ? "outputs" : "any" },
            model.OutputNames,
            options.BatchNormTraining ? "training" : "inference",
            !options.Dropout ? "off" : model.HasDropout ? "on" : "none",
            dims);
    }
}

/// <summary>Words for values, the same in all reports.</summary>
static class Words
{
    /// <summary><c>1 parameter</c>, <c>1,234 parameters</c>.</summary>
    public static string Count(double number, string one, string? many = null) => $"{number.ToString("N0", System.Globalization.CultureInfo.InvariantCulture)} {(number == 1 ? one : many ?? one + "s")}";

    /// <summary><c>10 splits in 1 run, the last one at step 2; exact</c>.</summary>
    public static string Of(Witness witness)
    {
        var splits = witness.Splits.Count;
        return $"{splits:N0} {(splits == 1 ? "split" : "splits")} in {witness.Runs} {(witness.Runs == 1 ? "run" : "runs")}"
            + (splits == 0 ? "" : $", the last one at step {witness.LastStep}") + (witness.IsExact ? "; exact" : "; in float64");
    }

    /// <summary><c>error</c>, <c>warning</c> or <c>note</c>.</summary>
    public static string Level(Level level) => level switch
    {
        Findings.Level.Error => "error",
        Findings.Level.Warning => "warning",
        _ => "note",
    };
}
