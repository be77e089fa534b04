using System.CommandLine;
using Tiebreak.Cli.Reports;

namespace Tiebreak.Cli.Commands;

/// <summary><c>tiebreak why MODEL PARAM [PARAM]</c>: the reason of a verdict.</summary>
sealed class WhyCommand
{
    readonly Surroundings _surroundings;
    readonly Argument<string> _model = new("MODEL") { Description = "A formula (.tb), an ONNX file (.onnx), or a checkpoint: a folder with config.json and safetensors files" };
    readonly Argument<string[]> _parameters = new("PARAM") { Description = "One parameter, or two to compare: name[i,j,...], or a slice with * for whole axes", Arity = new ArgumentArity(1, 2) };
    readonly AnalysisOptions _analysis = new();
    readonly Option<string> _format = AnalysisOptions.One("--format", "text|json|svg", "How to report; svg is a picture of the reason [default: text]");
    readonly Option<string> _output = AnalysisOptions.One("--output", "FILE", "Write the report to a file");
    readonly Option<bool> _verbose = new("--verbose") { Description = "All steps; stack traces of internal errors" };

    public WhyCommand(Surroundings surroundings)
    {
        _surroundings = surroundings;
        Command = new Command("why", "Says why a parameter is stuck, or why two stay equal or come apart");
        Command.Add(_model);
        Command.Add(_parameters);
        _analysis.AddTo(Command);
        foreach (var option in new Option[] { _format, _output, _verbose }) Command.Add(option);
        Command.SetAction(Run);
    }

    public Command Command { get; }

    int Run(ParseResult parsed)
    {
        var model = parsed.GetValue(_model)!;
        var parameters = parsed.GetValue(_parameters)!;
        var format = AnalysisOptions.Word(parsed, _format, "text", "json", "svg");
        var output = parsed.GetValue(_output);
        var options = _analysis.Read(parsed);
        if (output is not null) NewFile.Refuse("--output", output, model);
        if (output is not null && options.Data is not null) NewFile.Refuse("--output", output, options.Data);

        Proofs.Reasons.Explanation explanation;
        using (var progress = ProgressLine.For(_surroundings, quiet: false))
            explanation = Why.Of(model, parameters[0], parameters.ElementAtOrDefault(1), options with { Progress = progress, Cancellation = _surroundings.Interrupted });
        var text = format switch
        {
            "json" => WhyJson.Print(model, explanation),
            "svg" => WhyPicture.Print(explanation),
            _ => WhyText.Print(explanation, parsed.GetValue(_verbose), output is null ? _surroundings.OutputWidth : null),
        };
        if (output is null)
        {
            _surroundings.Output.Write(text);
            return 0;
        }

        using var files = new NewFiles();
        files.WriteText(output, text);
        files.Keep();
        return 0;
    }
}
