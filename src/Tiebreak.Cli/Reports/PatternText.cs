using System.Globalization;
using Tiebreak.Findings;
using Tiebreak.Refinement;

namespace Tiebreak.Cli.Reports;

/// <summary>What the report for people says of a table: the pattern (<c>--pattern</c>) and the rows that break ties.</summary>
static class PatternText
{
    const int MostLines = 8;

    /// <summary>The three groups side by side, and what would change them; nothing unless it was asked for.</summary>
    public static IEnumerable<string> Lines(CheckResult result, int width)
    {
        if (!result.Options.Pattern || result.Analysis.Data is not { } data || result.Counts is null) yield break;
        var pattern = DataPattern.Of(result.Analysis);
        var column = (width - 4) / 3;
        string Row(string model, string byData, string free) => $"{Cut(model, column),0}".PadRight(column + 2) + Cut(byData, column).PadRight(column + 2) + Cut(free, column);
        yield return "";
        yield return Row($"by the model: {Number(pattern.ByModel)}", $"by this data only: {Number(pattern.ByData)}", $"free: {Number(pattern.Free)}").TrimEnd();
        yield return Row(new string('-', column), new string('-', column), new string('-', column)).TrimEnd();
        string[][] columns = [Groups(pattern.ModelGroups), Groups(pattern.DataGroups), [.. Packed(pattern.Alone, column)]];
        for (var line = 0; line < Math.Min(MostLines, columns.Max(cells => cells.Length)); line++)
            yield return Row(At(columns[0], line), At(columns[1], line), At(columns[2], line)).TrimEnd();
        if (pattern.StuckByModel + pattern.StuckByData > 0)
            yield return $"stuck: {Number(pattern.StuckByModel)} by the model, {Number(pattern.StuckByData)} by this data only";

        var best = data.Changes.Count > 0 ? data.Changes[0] : null;
        var now = result.Counts.DegreesOfFreedom;
        yield return "";
        yield return best is null
            ? pattern.ByData + pattern.StuckByData == 0 ? "smallest change: none would free more, as only the model ties here" : "smallest change: no single cell frees more; it takes several"
            : $"smallest change: {Change(data, best)} gives {Number(best.DegreesOfFreedom)} degrees of freedom instead of {Number(now)}";
    }

    /// <summary>Rows that alone tell something apart, a sentence each.</summary>
    public static IEnumerable<string> Breaks(CheckResult result)
    {
        if (result.Analysis.Data is not { } data || result.Counts is null) yield break;
        foreach (var row in data.Breaks)
        {
            var opposite = row.Split.One.Negative != row.Split.Other.Negative;
            yield return $"`{DataPattern.Name(data, row.Split.One)}` and {(opposite ? "the negative of " : "")}`{DataPattern.Name(data, row.Split.Other)}` first differ in {data.Samples.PlaceOf(row.Split.Row)}; "
                + $"the rows before it leave {Number(row.DegreesOfFreedom)} {(row.DegreesOfFreedom == 1 ? "degree" : "degrees")} of freedom";
        }
    }

    static string Change(DataVerdict data, DataChange change) =>
        change.Row is { } row ? $"one sample in which `{DataPattern.Name(data, change.Element)}` is {row}" : $"another value of `{DataPattern.Name(data, change.Element)}` in one row";

    static string[] Groups(IReadOnlyList<IReadOnlyList<string>> groups) =>
        [.. groups.Take(MostLines - 1).Select(group => string.Join(" = ", group)), .. groups.Count >= MostLines ? [$"and {Number(groups.Count - MostLines + 1)} more"] : Array.Empty<string>()];

    static List<string> Packed(IReadOnlyList<string> names, int width)
    {
        var lines = new List<string>();
        foreach (var name in names)
        {
            if (lines.Count > 0 && lines[^1].Length + 2 + name.Length <= width) lines[^1] += $", {name}";
            else lines.Add(name);
        }

        if (lines.Count > MostLines) lines[MostLines - 1] = "and more";
        return lines;
    }

    static string At(string[] cells, int line) => line < cells.Length ? cells[line] : "";

    static string Cut(string text, int width) => text.Length <= width ? text : $"{text[..(width - 3)]}...";

    static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
