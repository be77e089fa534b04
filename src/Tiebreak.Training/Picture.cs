using ScottPlot;
using SkiaSharp;

namespace Tiebreak.Training;

/// <summary>The record as a picture: the loss, the parameters (one colour a class, so that those in lockstep are one line), and how far the members of classes are apart.</summary>
static class Picture
{
    const int PanelWidth = 520;
    const int PanelHeight = 380;

    /// <summary>Draws a PNG or SVG.</summary>
    public static byte[] Draw(TrainingResult result, bool isSvg)
    {
        var record = result.Record;
        var steps = record.Steps.Select(step => (double)step.Step).ToArray();
        var panels = new List<Plot>();
        if (record.Steps.Any(step => step.Loss is not null)) panels.Add(Curve("loss", steps, [.. record.Steps.Select(step => step.Loss ?? double.NaN)]));
        if (record.Steps.Any(step => step.Values.Count > 0)) panels.Add(Parameters(record, steps));
        panels.Add(Spread(record, steps));

        var multiplot = new Multiplot();
        multiplot.Reset(panels[0]);
        foreach (var plot in panels.Skip(1)) multiplot.AddPlot(plot);
        multiplot.Layout = new ScottPlot.MultiplotLayouts.Columns();
        var width = PanelWidth * panels.Count;
        if (!isSvg) return multiplot.Render(width, PanelHeight).GetImageBytes(ImageFormat.Png);
        using var bytes = new MemoryStream();
        using (var canvas = SKSvgCanvas.Create(new SKRect(0, 0, width, PanelHeight), bytes)) multiplot.Render(canvas, new PixelRect(0, width, PanelHeight, 0));
        return bytes.ToArray();
    }

    static Plot Curve(string title, double[] steps, double[] values)
    {
        var plot = Panel(title);
        Line(plot, steps, values, Colors.C0, 2);
        return plot;
    }

    static Plot Parameters(TrainingRecord record, double[] steps)
    {
        var colours = new ScottPlot.Palettes.Category20();
        var plot = Panel($"{record.Lines.Count} parameters, {record.Lines.Select(line => line.Class).Distinct().Count()} classes");
        for (var k = 0; k < record.Lines.Count; k++)
            Line(plot, steps, [.. record.Steps.Select(step => (double)step.Values[k])], colours.GetColor(record.Lines[k].Class - 1), 1.3f);
        return plot;
    }

    // On a logarithmic scale; what is exactly equal lies on the floor.
    static Plot Spread(TrainingRecord record, double[] steps)
    {
        const double Floor = 1e-18;
        static double Log(double distance) => Math.Log10(Math.Max(distance, Floor));
        var plot = Panel("largest distance within a class (log10)");
        if (record.LargestSpread == 0) plot.Title("largest distance within a class: 0 at every step");
        Line(plot, steps, [.. record.Steps.Select(step => Log(step.Spread))], Colors.C3, 2);
        if (record.Stuck > 0) Line(plot, steps, [.. record.Steps.Select(step => Log(step.Stuck))], Colors.C1, 2, "stuck: distance from start");
        plot.Axes.SetLimitsY(Log(0) - 1, 1);
        return plot;
    }

    static Plot Panel(string title)
    {
        var plot = new Plot();
        plot.Title(title);
        plot.XLabel("step");
        return plot;
    }

    static void Line(Plot plot, double[] x, double[] y, Color colour, float width, string? legend = null)
    {
        var line = plot.Add.ScatterLine(x, y);
        (line.Color, line.LineWidth) = (colour, width);
        if (legend is not null) line.LegendText = legend;
    }
}
