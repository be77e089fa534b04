using System.CommandLine;
using Tiebreak.Findings;

namespace Tiebreak.Cli.Commands;

/// <summary><c>tiebreak explain RULE</c>: the page of a rule.</summary>
sealed class ExplainCommand
{
    readonly Argument<string> _rule = new("RULE") { Description = "A code (TB001) or name (lockstep-units)" };

    public ExplainCommand(Surroundings surroundings)
    {
        Command = new Command("explain", "Prints the page of a rule: what it finds, an example, what to do");
        Command.Add(_rule);
        Command.SetAction(parsed => surroundings.Output.Write(RuleCatalogue.Page(RuleCatalogue.Find(parsed.GetValue(_rule)!))));
    }

    public Command Command { get; }
}

/// <summary><c>tiebreak rules</c>: all rules, a line each.</summary>
static class RulesCommand
{
    public static Command Of(Surroundings surroundings)
    {
        var command = new Command("rules", "Lists all rules");
        command.SetAction(_ =>
        {
            var width = RuleCatalogue.All.Max(rule => rule.Name.Length);
            foreach (var rule in RuleCatalogue.All)
                surroundings.Output.WriteLine($"{rule.Code} {rule.Name.PadRight(width)} {Reports.Words.Level(rule.Level),-7} {rule.Summary}");
        });
        return command;
    }
}
