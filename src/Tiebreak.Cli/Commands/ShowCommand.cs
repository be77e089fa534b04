using System.CommandLine;
using Tiebreak.Programs;

namespace Tiebreak.Cli.Commands;

/// <summary><c>tiebreak show MODEL --program</c>: what a stage made of the model.</summary>
sealed class ShowCommand
{
    readonly Surroundings _surroundings;
    readonly Argument<string> _model = new("MODEL") { Description = "A formula (.tb), an ONNX file (.onnx), or a checkpoint: a folder with config.json and safetensors files" };
    readonly AnalysisOptions _analysis = new();
    readonly Option<bool> _program = new("--program") { Description = "The tensor program, one line a node" };
    readonly Option<bool> _verbose = new("--verbose") { Description = "Stack traces of internal errors" };

    public ShowCommand(Surroundings surroundings)
    {
        _surroundings = surroundings;
        Command = new Command("show", "Prints what each stage made of the model");
        Command.Add(_model);
        Command.Add(_program);
        Command.Add(_verbose);
        _analysis.AddTo(Command);
        Command.SetAction(Run);
    }

    public Command Command { get; }

    int Run(ParseResult parsed)
    {
        var options = _analysis.Read(parsed) with { Cancellation = _surroundings.Interrupted };
        if (!parsed.GetValue(_program)) throw new TiebreakException("nothing to show; say which stage: `--program`");
        _surroundings.Output.Write(ProgramPrinter.Print(Check.Read(parsed.GetValue(_model)!, options).Program));
        return 0;
    }
}
