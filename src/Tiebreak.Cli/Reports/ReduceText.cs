using System.Globalization;
using System.Text;
using Tiebreak.Repairs;

namespace Tiebreak.Cli.Reports;

/// <summary>What a reduction did, for people: sizes, tensors, how equality is known, rates, and what stays.</summary>
static class ReduceText
{
    const int FileWidth = 100;
    const int MostTensors = 20;
    const int MostLeft = 6;

    /// <summary>The whole text.</summary>
    public static string Print(ReduceResult result, bool isVerbose, int? width)
    {
        var text = new StringBuilder();
        void Paragraph(string head, string sentence)
        {
            foreach (var line in WrappedText.Lines(head, sentence, width ?? FileWidth, head.Length)) text.Append(line.TrimEnd()).Append('\n');
        }

        var (before, after) = (result.Before, result.After);
        Paragraph("", NearTieText.Verdict(result, after.Parameters == before.Parameters ? $"nothing to merge: {Number(before.Parameters)} parameters stay" : $"{Number(before.Parameters)} parameters became {Number(after.Parameters)}"));
        text.Append('\n');
        Paragraph("written:   ", result.Output);
        Paragraph("size:      ", $"{Number(before.Parameters)} to {Number(after.Parameters)} parameters, {Bytes(before.Bytes)} to {Bytes(after.Bytes)}, {Number(before.Multiplications)} to {Number(after.Multiplications)} multiplications");
        foreach (var sentence in NearTieText.Error(result)) Paragraph("error:     ", sentence);
        Paragraph("the same:  ", result.NearTies.Count > 0 ? $"as the model with these units made equal: {Equality(result)}" : Equality(result));
        if (result.Rates is { } rates && rates.Any(rate => !rate.IsOne))
        {
            Paragraph("trains:    ", "step by step like the large model under gradient descent, with these factors on the learning rate (they are in the file's metadata, too):");
            Listed(text, [.. RateText.Lines(rates)], isVerbose, MostTensors, "           ", "tensors");
        }
        else if (result.Rates is not null && after.Parameters != before.Parameters)
        {
            Paragraph("trains:    ", "step by step like the large model under gradient descent, at the same learning rate");
        }

        if (result.NearTies.Count > 0)
        {
            text.Append('\n');
            Listed(text, [.. result.NearTies.Select(tie => NearTieText.Line(tie, isVerbose))], isVerbose, MostTensors, "  ", "groups");
        }

        if (result.Tensors.Count > 0)
        {
            text.Append('\n');
            Listed(text, [.. result.Tensors.Select(tensor => $"{tensor.Name}  [{string.Join(",", tensor.Before)}] {(tensor.After is { } now ? $"to [{string.Join(",", now)}]" : "goes")}")], isVerbose, MostTensors, "  ", "tensors");
        }

        if (result.Left.Count > 0) text.Append('\n');
        foreach (var left in isVerbose ? result.Left : result.Left.Take(MostLeft)) Paragraph("left:      ", left);
        if (!isVerbose && result.Left.Count > MostLeft) Paragraph("left:      ", $"and {result.Left.Count - MostLeft} more; all with --verbose");
        foreach (var note in result.Notes) Paragraph("note:      ", note);
        return text.ToString();
    }

    static void Listed(StringBuilder text, string[] lines, bool isVerbose, int most, string indent, string what)
    {
        foreach (var line in isVerbose ? lines : lines.Take(most)) text.Append(indent).Append(line).Append('\n');
        if (!isVerbose && lines.Length > most) text.Append(CultureInfo.InvariantCulture, $"{indent}... {lines.Length - most} more {what}; all with --verbose\n");
    }

    static string Equality(ReduceResult result)
    {
        var exactly = $"exactly, at {result.Points} random points of finite fields each for the start{(result.Options.ForTraining ? " and for all that training can reach" : "")}";
        var measured = result.Float is { } difference ? $"; in float64 the outputs differ by {Small(difference.Absolute)} at most (relatively {Small(difference.Relative)}, {Small(difference.Ulps)} ulps)" : "; not measured in float64, where it is too large or not finite";
        if (result.Rounded == 0) return exactly + measured;
        var rounded = result.Rounded == 1 ? "1 sum of weights is no number of the file's format and was rounded" : $"{Number(result.Rounded)} sums of weights are no numbers of the file's format and were rounded";
        return $"but for rounding: {rounded}{measured}; with the sums as they are it would be the same {exactly}";
    }

    /// <summary>A number of any size in a few characters.</summary>
    public static string Small(double value) => value is 0 or >= 0.01 and < 10000 ? value.ToString("0.###", CultureInfo.InvariantCulture) : value.ToString("0.#e-0", CultureInfo.InvariantCulture);

    /// <summary>A count.</summary>
    public static string Number(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    static string Bytes(long bytes) => bytes switch
    {
        < 10_000 => $"{Number(bytes)} bytes",
        < 10_000_000 => $"{Number(bytes / 1000.0)} kB",
        _ => $"{Number(bytes / 1e6)} MB",
    };
}
