using System.CommandLine;
using System.Globalization;
using Tiebreak.Cli.Reports;
using Tiebreak.Findings;
using Tiebreak.Verification;

namespace Tiebreak.Cli.Commands;

/// <summary><c>tiebreak check MODEL</c>: the main job.</summary>
sealed class CheckCommand
{
    readonly Surroundings _surroundings;
    readonly Argument<string> _model = new("MODEL") { Description = "A formula (.tb), an ONNX file (.onnx), or a checkpoint: a folder with config.json and safetensors files" };
    readonly AnalysisOptions _analysis = new();
    readonly Option<string> _format = AnalysisOptions.One("--format", "text|json", "How to report [default: text]");
    readonly Option<string> _output = AnalysisOptions.One("--output", "FILE", "Write the report to a file");
    readonly Option<string> _partition = AnalysisOptions.One("--partition", "FILE", "Write class, sign and first step of every parameter to a file, as json");
    readonly Option<string> _certificate = AnalysisOptions.One("--certificate", "FILE", "Write a certificate of the answer, which `tiebreak verify` checks with code of its own");
    readonly Option<bool> _laws = new("--laws") { Description = "All linear conservation laws of gradient descent, exactly (up to 5,000 parameters)" };
    readonly Option<string> _memory = AnalysisOptions.One("--memory", "SIZE", "Memory to stay within, such as 512M or 4G: what would take more is streamed from the file, as far as it consists of matrices, or refused [default: 2G, or half of the machine's where streaming would say less]");
    readonly Option<string> _tokenizer = AnalysisOptions.One("--tokenizer", "FILE", "The model's tokenizer.json, to name rows of token tables by their tokens [default: numbers alone]");
    readonly Option<bool> _pattern = new("--pattern") { Description = "With --data: what the model ties, what only this data ties, and what is free, side by side" };
    readonly Option<string> _tolerance = AnalysisOptions.One("--tolerance", "T", "Also note units whose incoming numbers agree within T, relatively, though nothing ties them (TB010) [default: not looked for]");
    readonly RuleOptions _rules = new();
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
        _rules.AddTo(Command);
        foreach (var option in new Option[] { _format, _output, _partition, _certificate, _pattern, _laws, _memory, _tolerance, _tokenizer, _failOn, _quiet, _verbose, _noColor }) Command.Add(option);
        Command.SetAction(Run);
    }

    public Command Command { get; }

    int Run(ParseResult parsed)
    {
        var model = parsed.GetValue(_model)!;
        var options = _analysis.Read(parsed);
        var isJson = AnalysisOptions.Word(parsed, _format, "text", "json") == "json";
        var failOn = AnalysisOptions.Word(parsed, _failOn, "error", "warning", "note", "never");
        var filtered = _rules.Read(parsed);
        var (quiet, verbose) = (parsed.GetValue(_quiet), parsed.GetValue(_verbose));
        if (quiet && verbose) throw new TiebreakException("`--quiet` and `--verbose` exclude each other; leave one out");
        var outputs = new Outputs(parsed.GetValue(_output), parsed.GetValue(_partition), parsed.GetValue(_certificate));
        var tokenizer = parsed.GetValue(_tokenizer);
        outputs.Refuse(model, options.Data, tokenizer); // found out now rather than after a long analysis
        var tolerance = AnalysisOptions.Tolerance(parsed, _tolerance);
        var pattern = parsed.GetValue(_pattern);
        if (pattern && options.Data is null) throw new TiebreakException("`--pattern` compares a table with any data; give one with `--data FILE`");
        if (outputs.Certificate is not null && options.Data is not null) throw new TiebreakException("`--certificate` is of what holds for any data; leave out `--data`, or `--certificate`");

        CheckResult result;
        using (var progress = ProgressLine.For(_surroundings, quiet))
            result = _surroundings.Check(model, options with { Memory = parsed.GetValue(_memory) is { } memory ? Bytes(memory) : options.Memory, NeedsCodes = outputs.Partition is not null || outputs.Certificate is not null, Refuses = outputs.Partition is null ? null : PartitionFile.TooMany, Pattern = pattern, Laws = parsed.GetValue(_laws), Tolerance = tolerance, Tokenizer = tokenizer, Progress = progress, Cancellation = _surroundings.Interrupted });
        result = filtered(result);
        Write(result, isJson, outputs, new TextReport.Style(quiet, verbose, Colour: !parsed.GetValue(_noColor) && !_surroundings.IsPlain));
        return failOn != "never" && result.Findings.Any(finding => finding.Level >= Enum.Parse<Level>(failOn, ignoreCase: true)) ? 1 : 0;
    }

    // 1.5G is 1.5 · 2³⁰ bytes.
    static long Bytes(string size)
    {
        var unit = size.Length == 0 ? -1 : "KMGT".IndexOf(char.ToUpperInvariant(size[^1]), StringComparison.Ordinal);
        var number = unit < 0 ? size : size[..^1];
        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value > 0 && value * Math.Pow(1024, unit + 1) < 1L << 50
            ? (long)(value * Math.Pow(1024, unit + 1))
            : throw new TiebreakException($"`--memory {size}` is no size; give a number of bytes, or one with K, M, G or T behind it, such as 2G");
    }

    void Write(CheckResult result, bool isJson, Outputs outputs, TextReport.Style style)
    {
        using var files = new NewFiles();
        if (outputs.Partition is { } partition) files.Write(partition, stream => PartitionFile.Write(result, stream, _surroundings.Interrupted));
        if (outputs.Certificate is { } certificate) files.Write(certificate, stream => CertificateFile.Write(Certify.Of(result, $"tiebreak {CommandLine.Version}"), stream));
        if (outputs.Report is { } output)
        {
            files.WriteText(output, isJson ? JsonReport.Print(result) : TextReport.Print(result, style with { Colour = false }, width: null));
        }

        files.Keep();
        if (outputs.Report is null)
            _surroundings.Output.Write(isJson ? JsonReport.Print(result) : TextReport.Print(result, style, _surroundings.OutputWidth));
    }

    /// <summary>The files that a check writes.</summary>
    sealed record Outputs(string? Report, string? Partition, string? Certificate)
    {
        /// <exception cref="TiebreakException">One cannot be written, is what is read, or is another one.</exception>
        public void Refuse(string model, params ReadOnlySpan<string?> others)
        {
            var named = new (string Option, string? Path)[] { ("--output", Report), ("--partition", Partition), ("--certificate", Certificate) }.Where(output => output.Path is not null).ToArray();
            for (var k = 0; k < named.Length; k++)
            {
                NewFile.Refuse(named[k].Option, named[k].Path!, model);
                foreach (var read in others)
                    if (read is { Length: > 0 }) NewFile.Refuse(named[k].Option, named[k].Path!, read);
                for (var other = 0; other < k; other++)
                    if (Path.GetFullPath(named[k].Path!) == Path.GetFullPath(named[other].Path!)) throw new TiebreakException($"`{named[other].Option}` and `{named[k].Option}` name the same file; give them two");
            }
        }
    }
}
