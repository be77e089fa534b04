using System.Globalization;
using System.Text;
using Tiebreak.Numbers;

namespace Tiebreak.Training;

/// <summary>The record for people: the verdict first, then the loss, and what rounding did.</summary>
static class TrainingText
{
    const int PlainWidth = 80;
    const int MostListed = 4;

    /// <summary>Whether the run did what was proved impossible. Rounding cannot be held against a proof, so only the exact mode can contradict.</summary>
    public static bool Contradicts(TrainingResult result) =>
        result.Options.Numbers == TrainingNumbers.Exact && (result.Record.LargestSpread > 0 || result.Record.StuckMovement > 0 || result.Record.Earlier.Count > 0);

    /// <summary>The report, with a final line break.</summary>
    public static string Print(TrainingResult result, bool isQuiet, int? terminal)
    {
        var width = Math.Clamp(terminal ?? PlainWidth, 60, 120);
        var text = new StringBuilder();
        void Line(string line) => text.Append(line).Append('\n');
        foreach (var line in Wrapped("", Verdict(result), width)) Line(line);
        if (isQuiet) return text.ToString();
        var losses = result.Record.Steps.Where(step => step.Loss is not null).Select(step => step.Loss!.Value).ToArray();
        if (losses.Length > 0)
        {
            Line("");
            Line($"loss {Short(losses[0])} at the first step, {Short(losses[^1])} at the last");
            foreach (var line in LineChart.Lines(losses, width - 2, result.Steps)) Line(line);
        }

        Line("");
        foreach (var (head, said) in Facts(result))
            foreach (var line in Wrapped(head, said, width)) Line(line);
        return text.ToString();
    }

    static string Verdict(TrainingResult result)
    {
        var record = result.Record;
        var options = result.Options;
        var how = $"{Count(result.Steps, "step")} of {Name(options.Optimizer)}{(result.IsInterrupted ? " (interrupted)" : "")} in {Numbers(options.Numbers)}";
        if (Contradicts(result)) return $"{how} contradict the prediction; please report this model";
        var isExact = options.Numbers == TrainingNumbers.Exact;
        var facts = new List<string>();
        if (record.SharedClasses > 0)
            facts.Add($"{Count(record.SharedClasses, "class", "classes")} in lockstep stayed {(isExact ? "exactly equal" : record.LargestSpread == 0 ? "equal to the last bit" : $"equal up to {Short(record.LargestSpread)}")}");
        if (record.Stuck > 0)
            facts.Add($"{Count(record.Stuck, "stuck parameter")} {(record.StuckMovement == 0 ? "never moved" : $"moved by up to {Short(record.StuckMovement)}")}");
        if (facts.Count == 0) facts.Add("all parameters are free, and so they were");
        return $"{how}: {(isExact && record.SharedClasses + record.Stuck > 0 ? "as predicted, " : "")}{string.Join(", ", facts)}";
    }

    static IEnumerable<(string Head, string Text)> Facts(TrainingResult result)
    {
        var record = result.Record;
        var options = result.Options;
        var order = result.RowsPerBatch >= result.Rows ? "all rows in each batch" : $"batches of {Count(result.RowsPerBatch, "row")} {(options.Order == SampleOrder.File ? "in the order of the file" : $"shuffled by seed {options.Seed}")}";
        yield return ("trained:   ", $"{Name(options.Optimizer)}, rate {Text(options.Rate)}{(options.WeightDecay.IsZero ? "" : $", weight decay {Text(options.WeightDecay)}")}; {result.Rows:N0} rows, {order}");
        yield return ("predicted: ", $"{Count(record.Classes, "degree of freedom", "degrees of freedom")} of {record.Model.Parameters.Sum(parameter => parameter.Shape.Count):N0} parameters, {record.Stuck:N0} stuck");

        var (early, late) = (record.Earlier, record.Later);
        if (early.Count == 0 && late.Count == 0) yield return ("moved:     ", "every class at the step predicted");
        if (early.Count > 0) yield return ("moved:     ", $"before the step predicted, by rounding: {Listed(early.Select(number => $"`{record.Name(number)}` at step {record.FirstMoved(number)} instead of {record.Predicted(number)}"))}");
        if (late.Count > 0)
            yield return ("moved:     ", $"later than the first step possible: {Listed(late.Select(number => $"`{record.Name(number)}` {(record.FirstMoved(number) == 0 ? "not in this run" : $"at step {record.FirstMoved(number)}")} instead of {record.Predicted(number)}"))} (its first batches need not hold the samples that move it)");
        var separations = record.Separations;
        if (separations.Count > 0)
        {
            var never = separations.Count(separation => separation.Value == 0);
            var steps = separations.Values.Where(step => step > 0).ToArray();
            yield return ("separated: ", $"{Count(separations.Count, "class", "classes")} started like another: "
                + (steps.Length == 0 ? "none is apart from all others yet" : $"{steps.Length:N0} apart from all others, from step {steps.Min()}{(steps.Max() > steps.Min() ? $" to step {steps.Max()}" : "")}{(never > 0 ? $", {never:N0} not in this run" : "")}")
                + $" ({Listed(separations.OrderBy(separation => separation.Value == 0 ? int.MaxValue : separation.Value).Select(separation => $"`{record.Name(separation.Key)}` {(separation.Value == 0 ? "never" : $"at {separation.Value}")}"))})");
        }

        if (options.Numbers != TrainingNumbers.Exact && record.SharedClasses > 0) yield return ("rounding:  ", Rounding(result));
    }

    static string Rounding(TrainingResult result)
    {
        var record = result.Record;
        var adaptive = result.Options.NeedsReals;
        if (record.FirstDifference is not { } first)
            return "members of a class stayed equal to the last bit: the same numbers were added in the same order. Another kernel, width or batch size may add them in another order";
        const double Visible = 1e-3;
        return $"members of the class of `{record.Name(first.Class)}` first differ after step {first.Step}; the largest distance in the run is {Short(record.LargestSpread)}. "
            + "Exact arithmetic keeps them equal, so what tells them apart is noise of the order of additions, not the data"
            + (adaptive ? ", and this optimiser divides by the gradient's own size, which makes noise grow" : ", and plain gradient descent does not make it grow much")
            + (record.LargestSpread < Visible ? ". That is no cure" : ". Here the noise did break the symmetry, late and by accident: another kernel, width, batch or machine may not, so it is no cure");
    }

    static string Listed(IEnumerable<string> items)
    {
        var all = items.ToArray();
        return string.Join(", ", all.Take(MostListed)) + (all.Length > MostListed ? $" and {all.Length - MostListed:N0} more" : "");
    }

    static string Count(long count, string one, string? many = null) => $"{count:N0} {(count == 1 ? one : many ?? one + "s")}";

    /// <summary>A number as people write it.</summary>
    public static string Short(double value) => value.ToString("G3", CultureInfo.InvariantCulture);

    static string Text(Rational value) => value.TryGetDouble(out _) || value.Denominator % 10 == 0 || value.Denominator % 5 == 0 ? value.ToDouble().ToString("R", CultureInfo.InvariantCulture) : value.ToString();

    /// <summary>The word that the command line has for an optimiser.</summary>
    public static string Name(OptimizerKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>The words for the numbers.</summary>
    public static string Numbers(TrainingNumbers numbers) => numbers switch { TrainingNumbers.Exact => "exact arithmetic", TrainingNumbers.Float32 => "float32", _ => "float64" };

    static IEnumerable<string> Wrapped(string head, string text, int width)
    {
        var line = head;
        var isEmpty = true;
        foreach (var word in text.Split(' '))
        {
            if (!isEmpty && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = new string(' ', head.Length) + word;
                continue;
            }

            line = isEmpty ? head + word : $"{line} {word}";
            isEmpty = false;
        }

        yield return line;
    }
}
