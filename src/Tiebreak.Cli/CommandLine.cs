using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Reflection;
using Tiebreak.Cli.Commands;
using Tiebreak.Findings;
using Tiebreak.Formats;

namespace Tiebreak.Cli;

/// <summary>The command line: parses, runs a command, and turns every exception into an exit code and one line. 0 fine, 1 findings, 2 error, 130 interrupted.</summary>
public static class CommandLine
{
    const int Failed = 2;
    const int Interrupted = 130;

    /// <summary>The version of this tool.</summary>
    public static string Version { get; } =
        typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";

    /// <summary>Runs the command line on two writers that are no terminals.</summary>
    public static int Run(string[] args, TextWriter output, TextWriter error) => Run(args, new Surroundings { Output = output, Error = error });

    /// <summary>Runs the command line; never throws.</summary>
    public static int Run(string[] args, Surroundings surroundings)
    {
        IReadOnlyList<SettingsFile.Setting> settings = [];
        try
        {
            if (args is ["train", .. var rest] && surroundings.TrainCommand is null) return Companion.Run(surroundings, rest); // its help, too
            var root = Root(surroundings);
            var parsed = root.Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
            var asksOnly = parsed.Action is HelpAction or CommandLineAction { ClearsParseErrors: true };
            if (!asksOnly)
            {
                Refuse(parsed);
                (var all, settings) = SettingsFile.Applied(parsed, args);
                parsed = root.Parse(all, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
                RefuseValues(parsed);
            }

            return parsed.Invoke(new InvocationConfiguration { Output = surroundings.Output, Error = surroundings.Error, EnableDefaultExceptionHandler = false });
        }
        catch (OperationCanceledException) when (surroundings.Interrupted.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (TiebreakException exception)
        {
            var from = settings.FirstOrDefault(setting => setting.IsMeant(exception.Message)).At;
            return Fail(surroundings, args, from is null ? exception.Message : $"{from}: {exception.Message}", exception.Details, exception.InnerException);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Fail(surroundings, args, exception.Message, null, exception);
        }
        catch (OutOfMemoryException exception)
        {
            return Fail(surroundings, args, "not enough memory for this model; give it a machine or a limit with more, or a smaller --batch", null, exception);
        }
        catch (Exception exception)
        {
            var remedy = args.Contains("--verbose", StringComparer.Ordinal) ? "please report it with the lines below" : "run again with --verbose for details";
            return Fail(surroundings, args, $"internal error: {exception.Message}; {remedy}", null, exception);
        }
    }

    static int Fail(Surroundings surroundings, string[] args, string message, string? details, Exception? cause)
    {
        surroundings.Error.WriteLine($"error: {OneLine(message)}");
        if (details is not null) surroundings.Error.WriteLine(details.TrimEnd());
        if (cause is not null && args.Contains("--verbose", StringComparer.Ordinal)) surroundings.Error.WriteLine(cause);
        return Failed;
    }

    static string OneLine(string message) => string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    static Command Root(Surroundings surroundings)
    {
        var root = new Command("tiebreak", "Proves which parameters of a model gradient descent can never pull apart (lockstep), mirror, or move (stuck).");
        var check = new CheckCommand(surroundings).Command;
        var show = new ShowCommand(surroundings).Command;
        root.Add(check);
        root.Add(new WhyCommand(surroundings).Command);
        root.Add(new FixCommand(surroundings).Command);
        root.Add(new ReduceCommand(surroundings).Command);
        root.Add(new VerifyCommand(surroundings).Command);
        root.Add(surroundings.TrainCommand?.Invoke(surroundings) ?? new Command("train", Companion.Description));
        root.Add(show);
        root.Add(new ExplainCommand(surroundings).Command);
        root.Add(RulesCommand.Of(surroundings));
        root.Add(new Option<bool>("--version") { Description = "Print the version", Action = new PrintVersion() });
        var help = new HelpOption("--help", "-h", "-?") { Recursive = true };
        var helpText = (HelpAction)help.Action!;
        helpText.MaxWidth = surroundings.OutputWidth ?? 100;
        help.Action = new HelpWithExamples(helpText);
        root.Add(help);
        return root;
    }

    /// <summary>Says what is wrong with the arguments, in one line.</summary>
    static void Refuse(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        foreach (var token in parsed.Tokens)
        {
            if (token.Type == TokenType.DoubleDash) break;
            // The parser takes an unknown option for the MODEL, or for the value of the option before it. What begins like a number is one: `-3,-1`.
            if (token.Type != TokenType.Argument || !token.Value.StartsWith('-') || token.Value.Length == 1 || char.IsAsciiDigit(token.Value[1]) || token.Value[1] == '.') continue;
            var name = token.Value.Split('=', 2)[0];
            var nearest = NearestName.Find(name, command.Options.Select(option => option.Name));
            throw new TiebreakException($"there is no option `{name}`; {(nearest is null ? $"`{Path(command)} --help` lists all" : $"did you mean `{nearest}`?")}");
        }

        RefuseValues(parsed);
    }

    static void RefuseValues(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        if (command.Subcommands.Count > 0)
        {
            var names = string.Join(", ", command.Subcommands.Select(sub => $"`{sub.Name}`"));
            if (parsed.UnmatchedTokens.Count == 0) throw new TiebreakException($"no command given; the commands are {names} (`tiebreak check MODEL` is the main one)");
            var typed = parsed.UnmatchedTokens[0];
            var nearest = NearestName.Find(typed, command.Subcommands.Select(sub => sub.Name));
            throw new TiebreakException($"there is no command `{typed}`; {(nearest is null ? $"the commands are {names}" : $"did you mean `{nearest}`?")}");
        }

        if (parsed.UnmatchedTokens.Count > 0)
            throw new TiebreakException($"{(command.Arguments.Count > 1 ? $"too many arguments after {command.Arguments[0].Name}" : command.Arguments.FirstOrDefault() is { } one ? $"one {one.Name} at a time" : "no arguments here")}: do not know what to do with `{parsed.UnmatchedTokens[0]}`; see `{Path(command)} --help`");
        if (parsed.Errors.Count == 0) return;
        if (parsed.Errors[0].SymbolResult is OptionResult option)
        {
            var count = option.Tokens.Count;
            throw new TiebreakException(count == 0 ? $"`{option.Option.Name}` needs a value; see `{Path(command)} --help`" : $"`{option.Option.Name}` may be given once, with one value");
        }

        if (parsed.Errors[0].SymbolResult is ArgumentResult or CommandResult && command.Arguments.FirstOrDefault(argument => parsed.GetResult(argument) is null or { Tokens.Count: 0 }) is { } missing)
            throw new TiebreakException($"no {missing.Name} given; try `{Path(command)} {string.Join(' ', command.Arguments.Select(Example))}`");
        throw new TiebreakException(parsed.Errors[0].Message);
    }

    static string Example(Argument argument) => argument.Name switch { "MODEL" => "FILE", "PARAM" => "'W[0,0]'", "RULE" => "TB001", var name => name };

    static string Path(Command command) => command.Subcommands.Count > 0 ? command.Name : $"tiebreak {command.Name}";

    sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine($"tiebreak {Version}");
            return 0;
        }
    }

    sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            help.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output.Write(Examples.Of(parseResult.CommandResult.Command.Name));
            return 0;
        }
    }
}
