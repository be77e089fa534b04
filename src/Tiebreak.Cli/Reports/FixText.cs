using System.Globalization;
using System.Text;
using Tiebreak.Cli.Commands;
using Tiebreak.Findings;

namespace Tiebreak.Cli.Reports;

/// <summary>A repair for people: before and after, what was touched, what it did to the function, and what is left.</summary>
static class FixText
{
    const int FileWidth = 80;
    const int MostTensors = 12;

    /// <summary>The whole text.</summary>
    /// <param name="result">What was done.</param>
    /// <param name="isQuiet">Whether one line is enough.</param>
    /// <param name="isVerbose">Whether to list all tensors.</param>
    /// <param name="width">The width of the terminal; null for a file.</param>
    public static string Print(FixResult result, bool isQuiet, bool isVerbose, int? width)
    {
        var text = new StringBuilder();
        void Paragraph(string head, string sentence)
        {
            foreach (var line in WrappedText.Lines(head, sentence, width ?? FileWidth, head.Length)) text.Append(line.TrimEnd()).Append('\n');
        }

        Paragraph("", Headline(result));
        if (isQuiet) return text.ToString();
        text.Append('\n');
        Paragraph("before:    ", Counts(result.Before));
        Paragraph("after:     ", Counts(result.After));
        foreach (var repair in result.Repairs.Take(isVerbose ? int.MaxValue : MostTensors)) Paragraph("changed:   ", $"`{repair.Tensor}`, {repair.Words}");
        if (!isVerbose && result.Repairs.Count > MostTensors) Paragraph("           ", $"and {result.Repairs.Count - MostTensors:N0} more; all with --verbose");
        Paragraph("function:  ", FixWords.Function(result));
        foreach (var left in result.Unrepaired) Paragraph("left:      ", $"{left.Rule}: {left.Message}; {left.Reason}");
        foreach (var note in result.Notes) Paragraph("note:      ", note);
        if (result.Repairs.Any(repair => repair.How != "drop"))
        {
            var isDrawn = result.Repairs.Any(repair => repair.How is "reinit" or "factor");
            Paragraph("drawn:     ", $"seed {result.Options.Check.Seed}{(isDrawn ? $", --init {FixCommand.NameOf(result.Options.Initialiser)}" : "")}; the same command writes the same file");
        }

        return text.ToString();
    }

    static string Headline(FixResult result)
    {
        if (result.Repairs.Count > 0)
        {
            var (tensors, all) = (result.Repairs.Select(repair => repair.Tensor).Distinct(StringComparer.Ordinal).Count(), result.Before.Tensors.Count);
            return $"{result.Output}: {result.Path} with {(all == 1 ? "its only tensor" : $"{(tensors == 1 ? "one tensor" : $"{tensors:N0} tensors")} of {all:N0}")} changed";
        }

        // There is a file all the same, so that a script need not ask.
        var copy = $"{result.Output} is a copy of {result.Path}";
        if (result.Before.Tensors.Count == 0) return $"nothing is trainable{(result.Before.Analysis.Model.Frozen.Count > 0 ? ", all tensors are frozen" : "")}, so there is nothing to repair: {copy}";
        return result.Unrepaired.Any(left => left.Rule != "TB004") ? $"nothing could be repaired: {copy}" : $"nothing to repair: {copy}";
    }

    static string Counts(CheckResult check)
    {
        if (check.Counts is not { } counts) return "no verdict: NaN or infinity at the start";
        var rules = FixWords.ByRule(check).Select(rule => $"{rule.Rule} {rule.Count.ToString(CultureInfo.InvariantCulture)}").ToArray();
        return $"{counts.DegreesOfFreedom:N0} {(counts.DegreesOfFreedom == 1 ? "degree" : "degrees")} of freedom of {counts.Parameters:N0}, {counts.Lockstep:N0} in lockstep, {counts.Mirrored:N0} mirrored, {counts.Stuck:N0} stuck"
            + (rules.Length == 0 ? "; no findings" : $"; {string.Join(", ", rules)}");
    }
}

/// <summary>Words and numbers that both reports of a repair use.</summary>
static class FixWords
{
    /// <summary>How many findings each rule has, notes left out.</summary>
    public static IEnumerable<(string Rule, int Count)> ByRule(CheckResult check) =>
        check.Findings.Where(finding => finding.Level > Level.Note).GroupBy(finding => finding.Rule, StringComparer.Ordinal).OrderBy(rule => rule.Key, StringComparer.Ordinal).Select(rule => (rule.Key, rule.Count()));

    /// <summary>What a repair did to the function at the start.</summary>
    public static string Function(FixResult result)
    {
        var change = result.Function;
        if (result.Repairs.Count == 0) return "the same: no number was changed";
        var measured = double.IsNaN(change.Absolute) ? "not measured in float64"
            : change.Absolute == 0 ? "no difference in float64"
            : $"in float64 on random data the outputs differ by at most {Number(change.Absolute)} (relatively {Number(change.Relative)}{(change.Ulps < 1e6 ? $", {Number(change.Ulps)} {(change.Ulps == 1 ? "ulp" : "ulps")}" : "")})";
        return change.IsKept ? $"the same at the start, exactly (in a finite field at random data); {measured}" : $"another one at the start; {measured}";
    }

    static string Number(double value) => value.ToString("0.###e-0", CultureInfo.InvariantCulture) is var text && value is >= 0.001 and < 1000 ? value.ToString("G4", CultureInfo.InvariantCulture) : text;
}
