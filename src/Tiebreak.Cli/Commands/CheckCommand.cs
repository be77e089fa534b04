using System.CommandLine;
using Tiebreak.Cli.Reports;
using Tiebreak.Findings;

namespace Tiebreak.Cli.Commands;

/// <summary><c>tiebreak check MODEL</c>: the main job.</summary>
sealed class CheckCommand
{
    readonly Surroundings _surroundings;
    readonly Argument<string> _model = new("MODEL") { Description = "A formula (.tb) or an ONNX file (.onnx)" };
    readonly AnalysisOptions _analysis = new();
    readonly Option<string> _format = AnalysisOptions.One("--format", "text|json", "How to report [default: text]");
    readonly Option<string> _output = AnalysisOptions.One("--output", "FILE", "Write the report to a file");
    readonly Option<string> _partition = AnalysisOptions.One("--partition", "FILE", "Write class, sign and first step of every parameter to a file, as json");
    readonly Option<bool> _pattern = new("--pattern") { Description = "With --data: what the model ties, what only this data ties, and what is free, side by side" };
    readonly Option<string[]> _select = AnalysisOptions.Many("--select", "RULES", "Only these rules, by code or name, separated by commas (repeatable)");
    readonly Option<string[]> _ignore = AnalysisOptions.Many("--ignore", "RULES", "Not these rules (repeatable)");
    readonly Option<string> _failOn = AnalysisOptions.One("--fail-on", "error|warning|note|never", "The lowest level that makes the exit code 1 [default: error]");
    readonly Option<bool> _quiet = new("--quiet") { Description = "Only the verdict, in one line" };
    readonly Option<bool> _verbose = new("--verbose") { Description = "All findings and tensors; stack traces of internal errors" };
    readonly Option<bool> _noColor = new("--no-color") { Description = "No colours, even on a terminal" };

    public CheckCommand(Surroundings surroundings)
    {
        _surroundings = surroundings;
        Command = new Command("check", "Finds what training can never separate or move, and why");
        Command.Add(_model);
        _analysis.AddTo(Command);
        foreach (var option in new Option[] { _format, _output, _partition, _pattern, _select, _ignore, _failOn, _quiet, _verbose, _noColor }) Command.Add(option);
        Command.SetAction(Run);
    }

    public Command Command { get; }

    int Run(ParseResult parsed)
    {
        var model = parsed.GetValue(_model)!;
        var options = _analysis.Read(parsed);
        var isJson = AnalysisOptions.Word(parsed, _format, "text", "json") == "json";
        var failOn = AnalysisOptions.Word(parsed, _failOn, "error", "warning", "note", "never");
        var selected = Rules(parsed, _select);
        var ignored = Rules(parsed, _ignore);
        var (quiet, verbose) = (parsed.GetValue(_quiet), parsed.GetValue(_verbose));
        if (quiet && verbose) throw new TiebreakException("`--quiet` and `--verbose` exclude each other; leave one out");
        var (output, partition) = (parsed.GetValue(_output), parsed.GetValue(_partition));
        // Found out now rather than after a long analysis.
        if (output is not null) NewFile.Refuse("--output", output, model);
        if (partition is not null) NewFile.Refuse("--partition", partition, model);
        if (output is not null && partition is not null && Path.GetFullPath(output) == Path.GetFullPath(partition))
            throw new TiebreakException("`--output` and `--partition` name the same file; give them two");

        var pattern = parsed.GetValue(_pattern);
        if (pattern && options.Data is null) throw new TiebreakException("`--pattern` compares a table with any data; give one with `--data FILE`");
        if (output is not null && options.Data is not null) NewFile.Refuse("--output", output, options.Data);
        if (partition is not null && options.Data is not null) NewFile.Refuse("--partition", partition, options.Data);

        CheckResult result;
        using (var progress = ProgressLine.For(_surroundings, quiet))
            result = _surroundings.Check(model, options with { Pattern = pattern, Progress = progress, Cancellation = _surroundings.Interrupted });
        result = result with
        {
            Findings = [.. result.Findings.Where(finding => (selected.Count == 0 || selected.Contains(finding.Rule)) && !ignored.Contains(finding.Rule))],
        };

        Write(result, isJson, output, partition, new TextReport.Style(quiet, verbose, Colour: !parsed.GetValue(_noColor) && !_surroundings.IsPlain));
        return failOn != "never" && result.Findings.Any(finding => finding.Level >= Enum.Parse<Level>(failOn, ignoreCase: true)) ? 1 : 0;
    }

    void Write(CheckResult result, bool isJson, string? output, string? partition, TextReport.Style style)
    {
        using var files = new NewFiles();
        if (partition is not null) files.Write(partition, stream => PartitionFile.Write(result, stream, _surroundings.Interrupted));
        if (output is not null)
        {
            files.WriteText(output, isJson ? JsonReport.Print(result) : TextReport.Print(result, style with { Colour = false }, width: null));
        }

        files.Keep();
        if (output is null)
            _surroundings.Output.Write(isJson ? JsonReport.Print(result) : TextReport.Print(result, style, _surroundings.OutputWidth));
    }

    static HashSet<string> Rules(ParseResult parsed, Option<string[]> option) =>
        [.. (parsed.GetValue(option) ?? []).SelectMany(rules => rules.Split(',', StringSplitOptions.TrimEntries)).Select(rule => RuleCatalogue.Find(rule).Code)];
}
