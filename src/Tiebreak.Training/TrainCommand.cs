using System.CommandLine;
using System.Globalization;
using Tiebreak.Cli;
using Tiebreak.Cli.Commands;
using Tiebreak.Cli.Reports;
using Tiebreak.Numbers;

namespace Tiebreak.Training;

/// <summary><c>tiebreak train MODEL --data FILE</c>: real gradient descent from the real start, beside the prediction.</summary>
sealed class TrainCommand
{
    const int MostSteps = 10_000_000;

    static readonly (string Word, OptimizerKind Kind)[] Optimizers =
    [
        ("sgd", OptimizerKind.Sgd), ("momentum", OptimizerKind.Momentum), ("nesterov", OptimizerKind.Nesterov), ("rmsprop", OptimizerKind.RmsProp),
        ("adam", OptimizerKind.Adam), ("adamw", OptimizerKind.AdamW), ("lion", OptimizerKind.Lion),
    ];

    readonly Surroundings _surroundings;
    readonly Argument<string> _model = new("MODEL") { Description = "A formula (.tb), an ONNX file (.onnx), or a checkpoint: a folder with config.json and safetensors files" };
    readonly AnalysisOptions _analysis = new();
    readonly Option<string> _steps = AnalysisOptions.One("--steps", "N", "Steps to take [default: 100]");
    readonly Option<string> _rate = AnalysisOptions.One("--rate", "R", "The learning rate, a decimal or fraction [default: 0.1; adam, adamw, rmsprop, lion: 0.001]");
    readonly Option<string> _momentum = AnalysisOptions.One("--momentum", "M", "The share of the last step that is kept, for momentum and nesterov [default: 0.9]");
    readonly Option<string> _batchRows = AnalysisOptions.One("--batch-rows", "N", "Rows in a batch [default: all]");
    readonly Option<string> _order = AnalysisOptions.One("--order", "shuffled|file", "The order of rows: shuffled anew in each epoch, by --seed, or as in the file [default: shuffled]");
    readonly Option<string> _dtype = AnalysisOptions.One("--dtype", "float64|float32", "The numbers to train with [default: float64]");
    readonly Option<bool> _exact = new("--exact") { Description = "Take the same steps in a finite field, where equality is exact (models of sums, products and quotients)" };
    readonly Option<string> _csv = AnalysisOptions.One("--csv", "FILE", "Write a row for each step");
    readonly Option<string> _plot = AnalysisOptions.One("--plot", "FILE", "Draw a picture, .png or .svg");
    readonly Option<string> _format = AnalysisOptions.One("--format", "text|json", "How to report [default: text]");
    readonly Option<bool> _quiet = new("--quiet") { Description = "Only the verdict, in one line" };
    readonly Option<bool> _verbose = new("--verbose") { Description = "Stack traces of internal errors" };

    public TrainCommand(Surroundings surroundings)
    {
        _surroundings = surroundings;
        Command = new Command("train", Companion.Description);
        Command.Add(_model);
        _analysis.AddTo(Command);
        foreach (var option in new Option[] { _steps, _rate, _momentum, _batchRows, _order, _dtype, _exact, _csv, _plot, _format, _quiet, _verbose }) Command.Add(option);
        Command.SetAction(Run);
    }

    public Command Command { get; }

    int Run(ParseResult parsed)
    {
        var model = parsed.GetValue(_model)!;
        var check = _analysis.Read(parsed);
        var options = Options(parsed, check);
        var isJson = AnalysisOptions.Word(parsed, _format, "text", "json") == "json";
        var (csv, plot, quiet) = (parsed.GetValue(_csv), parsed.GetValue(_plot), parsed.GetValue(_quiet));
        if (csv is not null) Refuse("--csv", csv);
        if (plot is not null) Refuse("--plot", plot);
        if (csv is not null && plot is not null && Path.GetFullPath(csv) == Path.GetFullPath(plot)) throw new TiebreakException("`--csv` and `--plot` name the same file; give them two");
        var isSvg = plot is not null && Path.GetExtension(plot).ToUpperInvariant() switch
        {
            ".SVG" => true,
            ".PNG" => false,
            _ => throw new TiebreakException($"`--plot {plot}`: pictures are .png or .svg"),
        };

        TrainingResult result;
        using (var progress = ProgressLine.For(_surroundings, quiet))
            result = Trainer.Run(model, check, options with { Progress = progress, Cancellation = _surroundings.Interrupted });
        using var files = new NewFiles();
        if (csv is not null) files.WriteText(csv, TrainingCsv.Print(result));
        if (plot is not null) files.Write(plot, stream => stream.Write(Picture.Draw(result, isSvg)));
        files.Keep();
        _surroundings.Output.Write(isJson ? TrainingJson.Print(result) : TrainingText.Print(result, quiet, _surroundings.OutputWidth));
        return result.IsInterrupted ? 130 : TrainingText.Contradicts(result) ? 1 : 0;

        void Refuse(string option, string path)
        {
            NewFile.Refuse(option, path, model);
            if (check.Data is not null) NewFile.Refuse(option, path, check.Data);
        }
    }

    TrainingOptions Options(ParseResult parsed, CheckOptions check)
    {
        var kind = Optimizer(check.Optimizer);
        var isExact = parsed.GetValue(_exact);
        var dtype = AnalysisOptions.Word(parsed, _dtype, "float64", "float32");
        if (isExact && parsed.GetValue(_dtype) is not null) throw new TiebreakException("`--exact` and `--dtype` exclude each other; leave one out");
        var defaults = new TrainingOptions { Optimizer = kind };
        return defaults with
        {
            Rate = Number(parsed, _rate, kind is OptimizerKind.Sgd or OptimizerKind.Momentum or OptimizerKind.Nesterov ? defaults.Rate : new Rational(1, 1000)),
            Momentum = Number(parsed, _momentum, defaults.Momentum),
            WeightDecay = check.WeightDecay,
            Beta2 = kind switch { OptimizerKind.Lion or OptimizerKind.RmsProp => 0.99, _ => defaults.Beta2 },
            Steps = Whole(parsed, _steps, MostSteps) ?? defaults.Steps,
            Batch = Whole(parsed, _batchRows, int.MaxValue),
            Order = AnalysisOptions.Word(parsed, _order, "shuffled", "file") == "file" ? SampleOrder.File : SampleOrder.Shuffled,
            Numbers = isExact ? TrainingNumbers.Exact : dtype == "float32" ? TrainingNumbers.Float32 : TrainingNumbers.Float64,
            Seed = check.Seed,
        };
    }

    static OptimizerKind Optimizer(string word)
    {
        foreach (var (known, kind) in Optimizers)
            if (known == word) return kind;
        throw new TiebreakException($"`--optimizer {word}` can be checked, but not trained; train knows {string.Join(", ", Optimizers.Select(optimizer => optimizer.Word))}");
    }

    static Rational Number(ParseResult parsed, Option<string> option, Rational otherwise)
    {
        if (parsed.GetValue(option) is not { } typed) return otherwise;
        try
        {
            var parts = typed.Split('/', 2);
            var value = parts.Length == 2 ? Rational.Parse(parts[0]) / Rational.Parse(parts[1]) : Rational.Parse(parts[0]);
            if (value.Sign > 0 || (value.IsZero && option.Name != "--rate")) return value;
        }
        catch (Exception error) when (error is FormatException or DivideByZeroException or OverflowException)
        {
            // Said below.
        }

        throw new TiebreakException($"`{option.Name}` takes a positive number, for instance 0.1 or 1/8, not `{typed}`");
    }

    static int? Whole(ParseResult parsed, Option<string> option, int most) =>
        parsed.GetValue(option) is not { } typed ? null
        : int.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= most ? number
        : throw new TiebreakException($"`{option.Name}` takes a whole number from 1 to {most}, not `{typed}`");
}
