using System.Globalization;
using System.Text;
using Tiebreak.Proofs.Reasons;

namespace Tiebreak.Cli.Reports;

/// <summary>A reason for people: the verdict, the numbered steps, what they come to, and what was seen.</summary>
static class WhyText
{
    const int FileWidth = 100;
    const int MostSteps = 14;

    /// <summary>The whole text.</summary>
    /// <param name="explanation">What to say.</param>
    /// <param name="isVerbose">Whether to say all steps and notes.</param>
    /// <param name="width">The width of the terminal; null for a file.</param>
    public static string Print(Explanation explanation, bool isVerbose, int? width)
    {
        var text = new StringBuilder();
        void Paragraph(string head, string sentence)
        {
            foreach (var line in WrappedText.Lines(head, sentence, width ?? FileWidth, head.Length)) text.Append(line.TrimEnd()).Append('\n');
        }

        Paragraph("", explanation.Headline);
        if (explanation.Steps.Count > 0) text.Append('\n');
        var isLong = !isVerbose && explanation.Steps.Count > MostSteps;
        foreach (var step in explanation.Steps)
        {
            if (isLong && step.Number == MostSteps / 2 + 1) Paragraph("       ", $"... {explanation.Steps.Count - MostSteps:N0} more steps like these; all with --verbose");
            if (isLong && step.Number > MostSteps / 2 && step.Number <= explanation.Steps.Count - MostSteps / 2) continue;
            Paragraph($"  {step.Number,2}.  ", Sentence(explanation, step));
        }

        if (explanation.Conclusion is { } conclusion) Paragraph("       ", conclusion);
        text.Append('\n');
        if (explanation.Witness is { } witness) Paragraph("seen:    ", $"{Words(explanation, witness)} (seed {explanation.Seed}; {witness.Setting})");
        if (explanation.IsByLaw) Paragraph("proved:  ", "by exact gradients modulo random primes of 61 bits, along random training runs");
        else if (explanation.Verdict is not (ExplainedVerdict.Apart or ExplainedVerdict.Moves)) Paragraph("proved:  ", $"a wrong claim has a chance below {explanation.ErrorBound.ToString("0.#e-0", CultureInfo.InvariantCulture)}");
        foreach (var note in explanation.Notes) Paragraph("note:    ", note);
        return text.ToString().TrimEnd('\n') + "\n";
    }

    /// <summary>A step with the steps that it follows from.</summary>
    static string Sentence(Explanation explanation, ReasonStep step)
    {
        var followsFrom = explanation.Verdict is ExplainedVerdict.Lockstep or ExplainedVerdict.Mirrored && step.Links.Count > 0;
        return followsFrom ? $"so ({(step.Links.Count > 6 ? "by what stands above" : $"by {string.Join(", ", step.Links)}")}) {step.Text}" : step.Text;
    }

    static string Words(Explanation explanation, ExplainedWitness witness)
    {
        var values = witness.Values.Select(value => value.ToString("G9", CultureInfo.InvariantCulture)).ToArray();
        var when = $"after step {witness.Step} of {(witness.Run == 1 ? "a training run" : $"training run {witness.Run}")} from the real start, {(witness.IsExact ? "exact" : "in float64")}";
        if (explanation.Verdict == ExplainedVerdict.Moves) return $"{when}, it has moved{(values.Length > 0 ? $" to {values[0]}" : "")}";
        return $"{when}, they are apart{(values.Length > 1 ? $": {values[0]} and {values[1]}" : "")}";
    }
}
