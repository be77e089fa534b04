using System.CommandLine;
using Tiebreak.Cli.Reports;

namespace Tiebreak.Cli.Commands;

/// <summary><c>tiebreak reduce MODEL -o OUT</c>: the smaller network that computes the same, and trains alike.</summary>
sealed class ReduceCommand
{
    readonly Surroundings _surroundings;
    readonly Argument<string> _model = new("MODEL") { Description = "A formula (.tb) or an ONNX file (.onnx)" };
    readonly Option<string> _output = new("--out", "-o") { HelpName = "OUT", Description = "The smaller model, a file of the same kind (required)" };
    readonly Option<string> _purpose = AnalysisOptions.One("--for", "training|inference", "Whether the smaller model trains like the large one, or need only compute the same now (which leaves less) [default: training]");
    readonly Option<string> _tolerance = AnalysisOptions.One("--tolerance", "T", "Also merge units whose incoming numbers agree within T, relatively, and measure what that does to the outputs; for inference [default: equal ones only]");
    readonly Option<bool> _force = new("--force") { Description = "Replace OUT if it exists" };
    readonly Option<string> _format = AnalysisOptions.One("--format", "text|json", "How to report [default: text]");
    readonly Option<bool> _verbose = new("--verbose") { Description = "All tensors; stack traces of internal errors" };
    readonly AnalysisOptions _analysis = new();

    public ReduceCommand(Surroundings surroundings)
    {
        _surroundings = surroundings;
        Command = new Command("reduce", "Writes the smaller network with the same function: one unit for each class of equal ones");
        Command.Add(_model);
        foreach (var option in new Option[] { _output, _purpose, _tolerance, _force, _format, _verbose }) Command.Add(option);
        _analysis.AddForSmallerTo(Command, "With --tolerance: the table (CSV, Parquet, NPY, NPZ) to measure the error of the outputs on [default: random inputs]");
        Command.SetAction(Run);
    }

    public Command Command { get; }

    int Run(ParseResult parsed)
    {
        var output = parsed.GetValue(_output) ?? throw new TiebreakException($"no OUT given; try `tiebreak reduce {parsed.GetValue(_model)} -o {Path.GetFileNameWithoutExtension(parsed.GetValue(_model))}-small{Path.GetExtension(parsed.GetValue(_model))}`");
        var check = _analysis.Read(parsed);
        var tolerance = AnalysisOptions.Tolerance(parsed, _tolerance);
        var purpose = AnalysisOptions.Word(parsed, _purpose, "training", "inference");
        var isJson = AnalysisOptions.Word(parsed, _format, "text", "json") == "json";
        ReduceResult result;
        using (var progress = ProgressLine.For(_surroundings, quiet: false))
        {
            result = Reduce.Model(parsed.GetValue(_model)!, output, new ReduceOptions
            {
                Check = check with { Progress = progress, Cancellation = _surroundings.Interrupted },
                ForTraining = purpose == "training" && (tolerance is null || parsed.GetValue(_purpose) is not null), // a tolerance implies inference, and contradicts training
                Tolerance = tolerance,
                Force = parsed.GetValue(_force),
            });
        }

        _surroundings.Output.Write(isJson ? ReduceJson.Print(result) : ReduceText.Print(result, parsed.GetValue(_verbose), _surroundings.OutputWidth));
        return 0;
    }
}
