using System.Globalization;
using Spectre.Console;
using Tiebreak.Findings;

namespace Tiebreak.Cli.Reports;

/// <summary>The report for people: the verdict, the worst findings, the tensors most affected, and what it all rests on; it fits a screen.</summary>
static class TextReport
{
    const int PlainWidth = 80;
    const int MostFindings = 6;
    const int MostFindingLines = 26;
    const int MostTensors = 12;
    const int ScreenLines = 40;

    /// <summary>How much to say, and whether in colour.</summary>
    /// <param name="Quiet">The verdict only.</param>
    /// <param name="Verbose">All findings and all tensors.</param>
    /// <param name="Colour">Colours are welcome; they come on a terminal only.</param>
    public readonly record struct Style(bool Quiet, bool Verbose, bool Colour);

    /// <summary>The report as text, with a final line break.</summary>
    /// <param name="result">What was found.</param>
    /// <param name="style">How much to say.</param>
    /// <param name="width">The width of the terminal, or null when there is none.</param>
    public static string Print(CheckResult result, Style style, int? width)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var hasColour = style.Colour && width is not null;
        // Said outright: left to itself the library colours piped output under some CI systems.
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(text),
            Ansi = hasColour ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = hasColour ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        console.Profile.Width = Math.Clamp(width ?? PlainWidth, 60, 120);
        console.Profile.Capabilities.Unicode = false;
        new Page(console, result, style).Write();
        return Trimmed(text.ToString());
    }

    /// <summary>Tables are padded to their width; nobody wants that in an issue.</summary>
    static string Trimmed(string text) => string.Join('\n', text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n').Select(line => line.TrimEnd())) + "\n";

    static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    sealed class Page(IAnsiConsole console, CheckResult result, Style style)
    {
        static readonly Spectre.Console.Style Dim = new(decoration: Decoration.Dim);
        static readonly Spectre.Console.Style Bold = new(decoration: Decoration.Bold);

        int _lines;

        public void Write()
        {
            Verdict();
            if (style.Quiet) return;
            var assumptions = AssumptionLines().ToArray();
            Advice();
            Findings();
            foreach (var line in PatternText.Lines(result, console.Profile.Width)) Line(line);
            Tensors(style.Verbose ? int.MaxValue : Math.Clamp(ScreenLines - _lines - assumptions.Length - 4, 4, MostTensors));
            Line("");
            foreach (var line in assumptions) Line(line, Dim);
        }

        void Verdict()
        {
            if (result.Counts is not { } counts)
            {
                Paragraph("", $"no verdict for {result.Path}: its parameters hold, or make, NaN or infinity", Bold);
                return;
            }

            Paragraph(
                "",
                $"{Number(counts.DegreesOfFreedom)} {(counts.DegreesOfFreedom == 1 ? "degree" : "degrees")} of freedom of {Number(counts.Parameters)} {(counts.Parameters == 1 ? "parameter" : "parameters")}: "
                + $"{Number(counts.Lockstep)} in lockstep, {Number(counts.Mirrored)} mirrored, {Number(counts.Stuck)} stuck{HeldByLaw()}{(result.Witness is { Undecided: > 0 } open ? $", {Number(open.Undecided)} undecided" : "")}",
                Bold);
        }

        // What moves as far as patterns show, and does not.
        string HeldByLaw()
        {
            if (result.Analysis.HeldByLaw is not { Count: > 0 } classes) return "";
            var held = classes.ToHashSet();
            return $", {Number(result.Analysis.Partition!.Codes.Sum(codes => codes.LongCount(code => held.Contains(Math.Abs(code)))))} held by a law";
        }

        void Advice()
        {
            if (result.Advice is not { Tensors: { Count: > 0 } tensors } advice) return;
            Line("");
            Paragraph(
                "best single change: ",
                $"initialise {string.Join(" and ", tensors.Select(tensor => $"`{tensor}`"))} randomly: {Number(advice.DegreesOfFreedom)} {(advice.DegreesOfFreedom == 1 ? "degree" : "degrees")} of freedom in place of {Number(result.Counts!.DegreesOfFreedom)}{(advice.IsComplete ? "" : "; not all tensors were tried")}");
        }

        void Findings()
        {
            var shown = 0;
            var start = _lines;
            foreach (var finding in result.Findings)
            {
                if (!style.Verbose && shown > 0 && (shown == MostFindings || _lines - start > MostFindingLines - 7)) break;
                Finding(finding);
                shown++;
            }

            var more = result.Findings.Count - shown;
            if (more == 0) return;
            Line("");
            Line($"and {Number(more)} more {(more == 1 ? "finding" : "findings")}; all with --verbose or --format json", Dim);
        }

        void Finding(Finding finding)
        {
            Line("");
            var level = new Spectre.Console.Style(finding.Level switch { Level.Error => Color.Red, Level.Warning => Color.Yellow, _ => Color.Blue }, decoration: Decoration.Bold);
            console.Write(new Text(Words.Level(finding.Level), level));
            console.Write(new Text($" {finding.Rule} {finding.Name}", Bold));
            console.WriteLine(finding.Certainty == "proved" ? "" : $" ({finding.Certainty})");
            _lines++;
            Paragraph("  ", finding.Message);
            Paragraph("  because: ", finding.Because);
            Paragraph("  fix: ", finding.Fix);
        }

        void Tensors(int most)
        {
            if (result.Tensors.Count == 0) return;
            var hasMirrored = result.Tensors.Any(tensor => tensor.Mirrored > 0);
            var affected = result.Tensors.OrderByDescending(tensor => tensor.Stuck + tensor.Lockstep).ToArray();
            var shown = affected.Length <= most ? affected : affected[..(most - 1)];
            var names = Shortened([.. shown.Select(tensor => tensor.Name)], console.Profile.Width - (hasMirrored ? 58 : 48));
            var table = new Table { Border = TableBorder.None, ShowHeaders = true };
            table.AddColumn(Left("tensor"));
            table.AddColumn(Left("shape"));
            table.AddColumn(Right("classes"));
            table.AddColumn(Right("lockstep"));
            if (hasMirrored) table.AddColumn(Right("mirrored"));
            table.AddColumn(Right("stuck"));
            table.AddColumn(Right("moves from"));
            foreach (var (tensor, name) in shown.Zip(names))
            {
                var steps = tensor.FirstStepMax == 0 ? "never" : tensor.FirstStepMin == tensor.FirstStepMax ? $"step {tensor.FirstStepMin}" : $"step {tensor.FirstStepMin}-{tensor.FirstStepMax}";
                string[] cells =
                [
                    name, Shortened($"[{string.Join(",", tensor.Shape)}]", 16, 8), Number(tensor.Classes), Number(tensor.Lockstep),
                    .. hasMirrored ? [Number(tensor.Mirrored)] : Array.Empty<string>(), Number(tensor.Stuck), steps,
                ];
                table.AddRow(cells.Select(cell => new Text(cell)));
            }

            Line("");
            console.Write(table);
            _lines += shown.Length + 1;
            if (shown.Length < affected.Length) Line($"and {Number(affected.Length - shown.Length)} more tensors", Dim);

            static TableColumn Left(string title) => new TableColumn(new Text(title, Dim)).NoWrap().PadLeft(0).PadRight(1);
            static TableColumn Right(string title) => new TableColumn(new Text(title, Dim)).RightAligned().NoWrap().PadLeft(0).PadRight(1);
        }

        /// <summary>Long names lose a part, at the place where losing it leaves most of them distinct.</summary>
        static string[] Shortened(string[] names, int room)
        {
            int[] heads = [room / 3, room / 2, room * 2 / 3, 0, room - 3];
            return heads.Select(head => names.Select(name => Shortened(name, room, head)).ToArray()).MaxBy(some => some.Distinct(StringComparer.Ordinal).Count())!;
        }

        static string Shortened(string text, int room, int head) => text.Length <= room ? text : $"{text[..head]}...{text[^(room - head - 3)..]}";

        IEnumerable<string> AssumptionLines()
        {
            var assumptions = Assumptions.Of(result);
            var analysis = result.Analysis;
            var outputs = assumptions.Outputs.Count switch
            {
                0 => "no output",
                <= 3 => string.Join(", ", assumptions.Outputs.Select(output => $"`{output}`")),
                _ => $"{assumptions.Outputs.Count} outputs",
            };
            var loss = assumptions.Loss switch { "any" => $"any loss of {outputs}", "outputs" => $"{outputs} is the loss", var named => $"{named} of {outputs} is the loss" };
            List<string> assumed = [loss, analysis.Data is { } data ? $"no data but the {Number(data.Rows)} {(data.Rows == 1 ? "row" : "rows")} of `{Path.GetFileName(data.Samples.Path)}`" : result.Options.InputRange is var (low, high) ? string.Create(CultureInfo.InvariantCulture, $"any data from {low} to {high}") : "any data"];
            if (assumptions.Dims.Count > 0) assumed.Add($"sizes {string.Join(", ", assumptions.Dims.Select(dim => $"{dim.Key}={dim.Value}"))}");
            if (analysis.ConfirmedDims is { Count: > 0 } confirmed)
                assumed.Add($"confirmed at {string.Join(", ", confirmed.OrderBy(dim => dim.Key, StringComparer.Ordinal).Select(dim => $"{dim.Key}={dim.Value}"))}");
            if (analysis.Model.HasBatchNorm) assumed.Add($"batch normalisation as in {assumptions.BatchNorm}");
            if (assumptions.Dropout != "none") assumed.Add($"dropout {assumptions.Dropout}");
            if (analysis.Model.Frozen.Count > 0) assumed.Add($"{analysis.Model.Frozen.Count} frozen {(analysis.Model.Frozen.Count == 1 ? "tensor" : "tensors")}");
            var options = result.Options;
            assumed.Add($"{(options.Optimizer == "sgd" ? "gradient descent" : options.Optimizer)} {(options.WeightDecay.IsZero ? "without weight decay" : $"with weight decay {options.WeightDecay.ToDouble()}")}");
            if (options.Groups.Count > 0) assumed.Add($"learning rates of their own for {string.Join(", ", options.Groups.Select(glob => $"`{glob}`"))}");
            foreach (var line in Wrapped("assumed: ", string.Join("; ", assumed))) yield return line;
            if (result.Counts is not null)
            {
                var chance = analysis.Verifications == 1 ? $"1 verification that errs with chance {analysis.Epsilon:0.#e-0}" : $"{analysis.Verifications} verifications that err with chance {analysis.Epsilon:0.#e-0} each";
                var proved = $"in {analysis.Rounds} {(analysis.Rounds == 1 ? "round" : "rounds")}, {chance}: wrong with chance {analysis.ErrorBound:0.#e-0} at most; seed {result.Options.Seed}";
                foreach (var line in Wrapped("proved:  ", proved)) yield return line;
                if (result.Witness is { } witness)
                    foreach (var line in Wrapped("witnessed: ", Words.Of(witness))) yield return line;
            }

            foreach (var (head, text) in LawReport.Lines(result, style.Verbose))
                foreach (var line in WrappedText.Lines(head, text, console.Profile.Width, head.Length)) yield return line;
            if (options.Optimizer != "sgd")
                foreach (var line in Wrapped("means:   ", $"{options.Optimizer}: {Optimizers.Promise(options.Optimizer)}")) yield return line;
            if (result.Options.Tokenizer is { } tokenizer)
                foreach (var line in Wrapped("tokens:  ", tokenizer)) yield return line;
            if (result.Options.Settings is { } settings)
                foreach (var line in Wrapped("settings: ", settings)) yield return line;
            if (result.Hidden > 0) yield return $"hidden:  {Number(result.Hidden)} {(result.Hidden == 1 ? "finding" : "findings")}, by options";
            string[] notes = [.. analysis.Model.Notes, .. PatternText.Breaks(result)];
            foreach (var note in style.Verbose ? notes : notes.Take(2))
                foreach (var line in Wrapped("note:    ", note)) yield return line;
            if (!style.Verbose && notes.Length > 2) yield return $"and {Number(notes.Length - 2)} more notes; all with --verbose";
        }

        void Paragraph(string head, string text, Spectre.Console.Style? look = null)
        {
            foreach (var line in Wrapped(head, text)) Line(line, look);
        }

        void Line(string line, Spectre.Console.Style? look = null)
        {
            console.Write(new Text(line, look) { Overflow = Overflow.Fold });
            console.WriteLine();
            _lines++;
        }

        IEnumerable<string> Wrapped(string head, string text) => WrappedText.Lines(head, text, console.Profile.Width);
    }
}
