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
        Paragraph("", NearTieText.Verdict(result, Sizes(result)));
        text.Append('\n');
        Paragraph("written:   ", result.Output);
        Paragraph("size:      ", $"{Number(before.Parameters)} to {Words.Count(after.Parameters, "parameter")}, {Bytes(before.Bytes)} to {Bytes(after.Bytes)}, {Number(before.Multiplications)} to {Words.Count(after.Multiplications, "multiplication")}");
        foreach (var sentence in NearTieText.Error(result)) Paragraph("error:     ", sentence);
        Paragraph("the same:  ", result.NearTies.Count > 0 ? $"as the model with these units made equal: {Equality(result)}" : Equality(result));
        if (result.Rates is { } rates && rates.Any(rate => !rate.IsOne))
        {
            string[] lines = [.. RateText.Lines(rates)];
            Paragraph("trains:    ", $"step by step like the large model under gradient descent, with {(lines.Length == 1 ? "this factor on the learning rate (it is" : "these factors on the learning rate (they are")} in the file's metadata, too):");
            Listed(text, lines, isVerbose, MostTensors, "           ", "tensor");
            if (rates.Where(rate => rate.IsZero).Select(rate => $"`{rate.Name}`").ToArray() is { Length: > 0 } still)
                Paragraph("freeze:    ", $"{string.Join(", ", still.Take(MostTensors))}{(still.Length > MostTensors ? $" and {still.Length - MostTensors} more" : "")}: never {(still.Length == 1 ? "moves" : "move")} in the large model, and here {(still.Length == 1 ? "it" : "they")} would");
        }
        else if (result.Rates is not null && after.Parameters != before.Parameters)
        {
            Paragraph("trains:    ", "step by step like the large model under gradient descent, at the same learning rate");
        }

        if (result.NearTies.Count > 0)
        {
            text.Append('\n');
            Listed(text, [.. result.NearTies.Select(tie => NearTieText.Line(tie, isVerbose))], isVerbose, MostTensors, "  ", "group");
        }

        if (result.Tensors.Count > 0)
        {
            text.Append('\n');
            Listed(text, [.. result.Tensors.Select(tensor => $"{tensor.Name}  [{string.Join(",", tensor.Before)}] {(tensor.After is { } now ? $"to [{string.Join(",", now)}]" : "goes")}")], isVerbose, MostTensors, "  ", "tensor");
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
        if (!isVerbose && lines.Length > most) text.Append(CultureInfo.InvariantCulture, $"{indent}... {lines.Length - most} more {what}{(lines.Length - most == 1 ? "" : "s")}; all with --verbose\n");
    }

    // What is frozen is no parameter, but may shrink, too.
    static string Sizes(ReduceResult result)
    {
        var (before, after) = (result.Before, result.After);
        if (before.Parameters != after.Parameters) return $"{Words.Count(before.Parameters, "parameter")} became {Number(after.Parameters)}";
        if (result.Tensors.Count > 0) return $"{Words.Count(before.Frozen, "frozen number")} became {Number(after.Frozen)}{(before.Parameters == 0 ? "; nothing is trainable" : $"; {Stay(before.Parameters)}")}";
        return before.Parameters == 0 ? $"nothing to merge{(before.Frozen == 0 ? "" : $": {Words.Count(before.Frozen, "frozen number")} {(before.Frozen == 1 ? "stays" : "stay")}")}; nothing is trainable" : $"nothing to merge: {Stay(before.Parameters)}";
    }

    static string Stay(long parameters) => $"{Words.Count(parameters, "parameter")} {(parameters == 1 ? "stays" : "stay")}";

    static string Equality(ReduceResult result)
    {
        var exactly = $"exactly, at {result.Points} random points of finite fields each for the start{(result.Options.ForTraining ? " and for all that training can reach" : "")}";
        var measured = result.Float is { Absolute: 0 } ? "; in float64 the outputs are the same to the last bit" : result.Float is { } difference ? $"; in float64 the outputs differ by {Small(difference.Absolute)} at most (relatively {Small(difference.Relative)}{(difference.Ulps < 1e6 ? $", {Small(difference.Ulps)} {(difference.Ulps == 1 ? "ulp" : "ulps")}" : "")})" : "; not measured in float64, where it is too large or not finite";
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
        < 10_000 => Words.Count(bytes, "byte"),
        < 10_000_000 => $"{Number(bytes / 1000.0)} kB",
        _ => $"{Number(bytes / 1e6)} MB",
    };
}
