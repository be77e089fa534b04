using Tiebreak.Refinement;
using Tiebreak.Repairs.NearTies;

namespace Tiebreak.Cli.Reports;

/// <summary>What merging units that are only nearly equal did, for people: the verdict with the error first, then each output and each group.</summary>
static class NearTieText
{
    const double Large = 0.01; // of an output's size: nobody would call the models the same

    /// <summary>The verdict of a reduction; with a tolerance it says what became of the outputs.</summary>
    /// <param name="result">The reduction.</param>
    /// <param name="sizes">What it says without one.</param>
    public static string Verdict(ReduceResult result, string sizes)
    {
        if (result.Options.Tolerance is not { } tolerance) return sizes;
        if (result.NearTies.Count == 0) return $"{sizes}; {(tolerance == 0 ? "a tolerance of 0 is for equal units alone" : $"no units that differ could be merged within {ReduceText.Small(tolerance)}")}";
        var merged = result.NearTies.Sum(tie => tie.Others.Count);
        var what = $"{sizes}: {ReduceText.Number(merged)} {(merged == 1 ? "unit" : "units")} merged within {ReduceText.Small(tolerance)} of another";
        if (result.Error is not { } error) return $"{what}; what that does to the outputs was not measured";
        var worst = error.Worst;
        var change = worst.Broken > 0 ? $"`{worst.Name}` is finite in one of the models only"
            : worst.Compared == 0 ? $"`{worst.Name}` is never finite, so its error is not known"
            : double.IsFinite(worst.Relative) ? $"outputs change by {ReduceText.Small(worst.Relative)} of their size at most" : $"`{worst.Name}` was zero and is not any more";
        var isLarge = worst.Broken > 0 || worst.Relative > Large;
        return $"{what}, {change} ({On(error)}){(isLarge ? "; that is a large change: use a smaller --tolerance, or train on from here" : "")}";
    }

    /// <summary>A sentence an output, the one that changes most first.</summary>
    public static IEnumerable<string> Error(ReduceResult result)
    {
        const int Most = 6;
        if (result.Error is not { } error)
        {
            if (result.NearTies.Count == 0) yield break;
            yield return "not measured: the model is too large to be evaluated on random inputs here, or gives no finite numbers on them; `--data FILE` measures it";
            yield break;
        }

        foreach (var output in error.Outputs.OrderByDescending(output => output.IsWhole ? output.Relative : double.PositiveInfinity).Take(Most)) yield return Sentence(output, error);
        if (error.Outputs.Count > Most) yield return error.Outputs.Count - Most == 1 ? "and one output more, which changes less" : $"and {error.Outputs.Count - Most} outputs more, which change less";
    }

    static string Sentence(OutputError output, OutputErrors error)
    {
        var measured = output.Compared == 0 ? $"`{output.Name}` has no number that is finite in both models"
            : $"`{output.Name}` differs by {ReduceText.Small(output.Largest)} at most ({ReduceText.Small(output.Relative)} of its largest number, {ReduceText.Small(output.Size)}) and {ReduceText.Small(output.Mean)} on average";
        var broken = output.Broken > 0 ? $"; {ReduceText.Number(output.Broken)} of its numbers {(output.Broken == 1 ? "is" : "are")} finite in one of the models only" : "";
        var skipped = output.Skipped > 0 ? $"; {ReduceText.Number(output.Skipped)} {(output.Skipped == 1 ? "is" : "are")} finite in neither and left out" : "";
        return $"{measured}, {On(error)}{broken}{skipped}";
    }

    /// <summary>One group: its units, the one whose numbers they got, and how far they were from it.</summary>
    public static string Line(NearTie tie, bool isVerbose)
    {
        const int Most = 8;
        var others = tie.Others.Count <= Most || isVerbose ? string.Join(", ", tie.Others) : $"{string.Join(", ", tie.Others.Take(Most / 2))}, ... ({ReduceText.Number(tie.Others.Count)} in all)";
        return $"{tie.Tensor}  {(tie.SlicesPerUnit > 1 ? $"blocks of {tie.SlicesPerUnit} along axis {tie.Axis}" : $"axis {tie.Axis}")}: {others} became {tie.Center}, {ReduceText.Small(tie.Distance)} apart";
    }

    static string On(OutputErrors error) => error.Data is { } data ? $"measured on {(error.Samples == 1 ? "the only row" : $"all {ReduceText.Number(error.Samples)} rows")} of {data}" : $"measured on {ReduceText.Number(error.Samples)} random {(error.Samples == 1 ? "input" : "inputs")}, not on data";
}
