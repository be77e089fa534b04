using System.Globalization;
using System.Text;
using Tiebreak.Proofs.Reasons;

namespace Tiebreak.Cli.Reports;

/// <summary>A reason as a small picture (SVG): a box a step, in layers from what it begins with down to where it leads, and a line for each link.</summary>
static class WhyPicture
{
    const int MostBoxes = 40;
    const int BoxHeight = 34;
    const int Gap = 22;
    const int LayerHeight = 78;
    const double Letter = 7.3; // of a 12 px monospaced face
    const int LongestLabel = 56;

    /// <summary>The whole picture.</summary>
    public static string Print(Explanation explanation)
    {
        var boxes = Boxes(explanation);
        var layers = boxes.GroupBy(box => box.Layer).OrderBy(layer => layer.Key).Select(layer => layer.ToList()).ToList();
        var width = Math.Max(Width(explanation.Headline) * 0.9, layers.Max(layer => layer.Sum(box => box.Width) + (layer.Count - 1) * Gap)) + 2 * Gap;
        var height = layers.Count * LayerHeight + 70;
        foreach (var layer in layers)
        {
            var at = (width - layer.Sum(box => box.Width) - (layer.Count - 1) * Gap) / 2;
            foreach (var box in layer)
            {
                (box.X, box.Y) = (at, 60 + layers.IndexOf(layer) * LayerHeight);
                at += box.Width + Gap;
            }
        }

        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:0}\" height=\"{height}\" viewBox=\"0 0 {width:0} {height}\" font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"12\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<title>{Escape(explanation.Headline)}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{width / 2:0.#}\" y=\"30\" text-anchor=\"middle\" font-size=\"11\" fill=\"#333333\">{Escape(explanation.Headline.Replace("`", "", StringComparison.Ordinal))}</text>\n");
        foreach (var box in boxes)
            foreach (var link in box.Links)
                svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{link.X + link.Width / 2:0.#},{link.Y + BoxHeight} C{link.X + link.Width / 2:0.#},{link.Y + LayerHeight - 10} {box.X + box.Width / 2:0.#},{box.Y - LayerHeight + BoxHeight + 10} {box.X + box.Width / 2:0.#},{box.Y}\" fill=\"none\" stroke=\"#999999\"/>\n");
        foreach (var box in boxes)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{box.X:0.#}\" y=\"{box.Y}\" width=\"{box.Width:0.#}\" height=\"{BoxHeight}\" rx=\"5\" fill=\"{Fill(box.Kind)}\" stroke=\"#666666\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{box.X + box.Width / 2:0.#}\" y=\"{box.Y + 21}\" text-anchor=\"middle\">{Escape(box.Label)}</text>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    // Of a long reason the middle is one box.
    static List<Box> Boxes(Explanation explanation)
    {
        var count = explanation.Steps.Count;
        var cut = count > MostBoxes ? (First: MostBoxes / 2 + 1, Last: count - MostBoxes / 2) : (First: int.MaxValue, Last: int.MaxValue);
        var byNumber = new Dictionary<int, Box>();
        var boxes = new List<Box>();
        Box? rest = null;
        foreach (var step in explanation.Steps)
        {
            if (step.Number >= cut.First && step.Number <= cut.Last)
            {
                if (rest is null) boxes.Add(rest = new Box("rest", $"{cut.Last - cut.First + 1:N0} more steps"));
                byNumber[step.Number] = rest;
            }
            else
            {
                boxes.Add(byNumber[step.Number] = new Box(step.Kind, step.Label.Length > LongestLabel ? string.Concat(step.Label.AsSpan(0, LongestLabel - 3), "...") : step.Label));
            }

            foreach (var link in step.Links)
                if (byNumber[link] != byNumber[step.Number] && !(byNumber[step.Number] == rest && byNumber[link].Layer >= rest!.Layer && rest.Layer > 0)) byNumber[step.Number].Links.Add(byNumber[link]);
            byNumber[step.Number].Layer = Math.Max(byNumber[step.Number].Layer, byNumber[step.Number].Links.Select(link => link.Layer + 1).DefaultIfEmpty(0).Max());
        }

        var end = new Box("verdict", string.Join(explanation.Verdict is ExplainedVerdict.Lockstep or ExplainedVerdict.Mirrored ? " = " : ", ", explanation.Parameters) + ": " + explanation.Verdict.ToString().ToLowerInvariant());
        if (explanation.Verdict is ExplainedVerdict.Lockstep or ExplainedVerdict.Mirrored || boxes.Count == 0)
        {
            var used = boxes.SelectMany(box => box.Links).ToHashSet();
            end.Links.UnionWith(boxes.Where(box => !used.Contains(box)));
            end.Layer = boxes.Select(box => box.Layer + 1).DefaultIfEmpty(0).Max();
            boxes.Add(end);
            return boxes;
        }

        // From effects to causes: the verdict stands on top.
        foreach (var box in boxes)
        {
            box.Layer++;
            if (box.Links.Count == 0) box.Links.Add(end);
        }

        return [end, .. boxes];
    }

    static double Width(string text) => text.Length * Letter + 18;

    static string Fill(string kind) => kind switch
    {
        "start" or "source" => "#fff3d6",
        "backward" => "#e3ecfb",
        "forward" => "#e4f4e6",
        "cancellation" => "#fbe3e3",
        "verdict" => "#e9e2f6",
        _ => "#f2f2f2",
    };

    static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);

    sealed class Box(string kind, string label)
    {
        public string Kind { get; } = kind;

        public string Label { get; } = label;

        public HashSet<Box> Links { get; } = [];

        public int Layer { get; set; }

        public double Width { get; } = label.Length * Letter + 18;

        public double X { get; set; }

        public int Y { get; set; }
    }
}
