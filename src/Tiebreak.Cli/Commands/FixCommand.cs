using System.CommandLine;
using System.Globalization;
using Tiebreak.Cli.Reports;
using Tiebreak.Findings;

namespace Tiebreak.Cli.Commands;

/// <summary><c>tiebreak fix MODEL -o OUT</c>: a copy of a model whose start values training can pull apart.</summary>
sealed class FixCommand
{
    readonly Surroundings _surroundings;
    readonly Argument<string> _model = new("MODEL") { Description = "A formula (.tb), an ONNX file (.onnx), or a checkpoint: a folder with config.json and safetensors files" };
    readonly Option<string> _out = new("--out", "-o") { HelpName = "OUT", Description = "The new model, of the same kind: a file, or of a folder a folder (required)" };
    readonly Option<string> _method = AnalysisOptions.One("--method", "auto|split|reinit|noise", "How to pull apart what is in lockstep: outgoing weights made unequal with their sums kept, so that the function stays; fresh weights for as few tensors as will do; noise on copies [default: auto: split where that helps, then reinit]");
    readonly Option<string> _init = AnalysisOptions.One("--init", "NAME", $"What fresh weights are drawn from: {string.Join(", ", Initialisers.Select(known => known.Name))} [default: he]");
    readonly Option<string> _scale = AnalysisOptions.One("--scale", "S", "With --method noise: its deviation as a share of the tensor's [default: 0.01]");
    readonly Option<bool> _dropRedundant = new("--drop-redundant") { Description = "Take away biases that what follows them cancels" };
    readonly Option<bool> _force = new("--force") { Description = "Replace OUT if it exists; of a folder only that of a checkpoint, as a whole" };
    readonly AnalysisOptions _analysis = new();
    readonly Option<string> _format = AnalysisOptions.One("--format", "text|json", "How to report [default: text]");
    readonly Option<bool> _quiet = new("--quiet") { Description = "Only what came of it, in one line" };
    readonly Option<bool> _verbose = new("--verbose") { Description = "All tensors; stack traces of internal errors" };

    static readonly (string Name, Initialiser Initialiser)[] Initialisers =
    [
        ("he", Initialiser.HeNormal), ("he-uniform", Initialiser.HeUniform), ("xavier", Initialiser.XavierNormal), ("xavier-uniform", Initialiser.XavierUniform), ("lecun", Initialiser.LeCunNormal),
        ("lecun-uniform", Initialiser.LeCunUniform), ("orthogonal", Initialiser.Orthogonal), ("truncated-normal", Initialiser.TruncatedNormal),
    ];

    public FixCommand(Surroundings surroundings)
    {
        _surroundings = surroundings;
        Command = new Command("fix", "Writes a repaired model: start values that training can pull apart and move");
        Command.Add(_model);
        foreach (var option in new Option[] { _out, _method, _init, _scale, _dropRedundant, _force }) Command.Add(option);
        _analysis.AddWithoutDataTo(Command);
        foreach (var option in new Option[] { _format, _quiet, _verbose }) Command.Add(option);
        Command.SetAction(Run);
    }

    public Command Command { get; }

    int Run(ParseResult parsed)
    {
        var model = parsed.GetValue(_model)!;
        var output = parsed.GetValue(_out) ?? throw new TiebreakException($"no OUT given; try `tiebreak fix {model} -o {NewName(model)}`");
        var isJson = AnalysisOptions.Word(parsed, _format, "text", "json") == "json";
        var method = AnalysisOptions.Word(parsed, _method, "auto", "split", "reinit", "noise") switch { "split" => RepairMethod.Split, "reinit" => RepairMethod.Reinit, "noise" => RepairMethod.Noise, _ => RepairMethod.Auto };
        if (parsed.GetValue(_scale) is not null && method != RepairMethod.Noise) throw new TiebreakException("`--scale` is of `--method noise`; add that, or leave it out");
        if (parsed.GetResult(_init) is { Implicit: false } && method is RepairMethod.Split or RepairMethod.Noise) throw new TiebreakException("`--init` is of `--method reinit` and `auto`, which draw fresh weights; leave it out");
        var (quiet, verbose) = (parsed.GetValue(_quiet), parsed.GetValue(_verbose));
        if (quiet && verbose) throw new TiebreakException("`--quiet` and `--verbose` exclude each other; leave one out");
        var options = new FixOptions { Method = method, Initialiser = Init(parsed), Scale = Scale(parsed), DropRedundant = parsed.GetValue(_dropRedundant), Force = parsed.GetValue(_force), Check = _analysis.Read(parsed) };

        FixResult result;
        using (var progress = ProgressLine.For(_surroundings, quiet))
            result = Fix.Model(model, output, options with { Check = options.Check with { Progress = progress, Cancellation = _surroundings.Interrupted } });
        _surroundings.Output.Write(isJson ? FixJson.Print(result) : FixText.Print(result, quiet, verbose, _surroundings.OutputWidth));
        return result.After.Findings.Any(finding => finding.Level == Level.Error) ? 1 : 0;
    }

    // A folder may have dots in its name, but has no extension.
    static string NewName(string model) => Directory.Exists(model) ? $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model)))}-fixed" : $"{Path.GetFileNameWithoutExtension(model)}-fixed{Path.GetExtension(model)}";

    /// <summary>The word that the command line has for an initialiser.</summary>
    public static string NameOf(Initialiser initialiser) => Array.Find(Initialisers, known => known.Initialiser == initialiser).Name;

    Initialiser Init(ParseResult parsed) => Array.Find(Initialisers, known => known.Name == AnalysisOptions.Word(parsed, _init, [.. Initialisers.Select(known => known.Name)])).Initialiser;

    double Scale(ParseResult parsed) =>
        parsed.GetValue(_scale) is not { } typed ? new FixOptions().Scale
        : double.TryParse(typed, NumberStyles.Float, CultureInfo.InvariantCulture, out var scale) && scale is > 0 and <= 1e6 ? scale
        : throw new TiebreakException($"`--scale` takes a number above 0 and up to 10⁶, for instance 0.01, not `{typed}`");
}
