using System.Globalization;

namespace Tiebreak.Training;

/// <summary>A curve in characters, for terminals and issues.</summary>
static class LineChart
{
    const int Height = 8;

    /// <summary>The lines of the chart, highest first; none if there is nothing to show.</summary>
    /// <param name="values">The curve, evenly spaced from step 1 on.</param>
    /// <param name="width">The room.</param>
    /// <param name="last">The step of the last value.</param>
    public static IEnumerable<string> Lines(IReadOnlyList<double> values, int width, int last)
    {
        var finite = values.Where(double.IsFinite).ToArray();
        if (finite.Length < 2) yield break;
        var (low, high) = (finite.Min(), finite.Max());
        var labels = new[] { Label(high), Label(low) };
        var margin = labels.Max(label => label.Length) + 1;
        var columns = Math.Max(8, Math.Min(width - margin - 1, values.Count));
        var rows = new char[Height][];
        for (var row = 0; row < Height; row++) rows[row] = [.. Enumerable.Repeat(' ', columns)];
        for (var column = 0; column < columns; column++)
        {
            var from = column * values.Count / columns;
            var to = Math.Max(from + 1, (column + 1) * values.Count / columns);
            var mean = Enumerable.Range(from, to - from).Select(k => values[k]).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();
            if (double.IsNaN(mean)) continue;
            var row = high > low ? (int)Math.Round((high - mean) / (high - low) * (Height - 1)) : Height - 1;
            rows[row][column] = '*';
        }

        for (var row = 0; row < Height; row++)
            yield return $"{(row == 0 ? labels[0] : row == Height - 1 ? labels[1] : "").PadLeft(margin - 1)} |{new string(rows[row]).TrimEnd()}".TrimEnd();
        yield return $"{new string(' ', margin)}+{new string('-', columns)}";
        yield return $"{new string(' ', margin + 1)}1{last.ToString(CultureInfo.InvariantCulture).PadLeft(columns - 1)}";
    }

    static string Label(double value) => value.ToString("G3", CultureInfo.InvariantCulture);
}
