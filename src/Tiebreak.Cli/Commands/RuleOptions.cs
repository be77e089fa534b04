using System.CommandLine;
using Tiebreak.Findings;

namespace Tiebreak.Cli.Commands;

/// <summary>The options that say which findings are shown and how bad they are.</summary>
sealed class RuleOptions
{
    readonly Option<string[]> _select = AnalysisOptions.Many("--select", "RULES", "Only these rules, by code or name, separated by commas (repeatable)");
    readonly Option<string[]> _ignore = AnalysisOptions.Many("--ignore", "RULES", "Not these rules (repeatable)");
    readonly Option<string[]> _level = AnalysisOptions.Many("--level", "RULE=LEVEL", "The level of a rule's findings: off, note, warning or error (repeatable)");

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new[] { _select, _ignore, _level }) command.Add(option);
    }

    /// <summary>What the options make of a result; findings that they leave out are counted.</summary>
    /// <exception cref="TiebreakException">There is no such rule or level.</exception>
    public Func<CheckResult, CheckResult> Read(ParseResult parsed)
    {
        var (selected, ignored, levels) = (Rules(parsed, _select), Rules(parsed, _ignore), Levels(parsed));
        return result =>
        {
            Finding[] shown =
            [
                .. result.Findings.Where(finding => (selected.Count == 0 || selected.Contains(finding.Rule)) && !ignored.Contains(finding.Rule))
                    .Where(finding => !levels.TryGetValue(finding.Rule, out var level) || level is not null)
                    .Select(finding => levels.GetValueOrDefault(finding.Rule) is { } level ? finding with { Level = level } : finding)
                    .OrderByDescending(finding => finding.Level),
            ];
            return result with { Findings = shown, Hidden = result.Hidden + result.Findings.Count - shown.Length };
        };
    }

    static HashSet<string> Rules(ParseResult parsed, Option<string[]> option) =>
        [.. (parsed.GetValue(option) ?? []).SelectMany(rules => rules.Split(',', StringSplitOptions.TrimEntries)).Select(rule => RuleCatalogue.Find(rule).Code)];

    Dictionary<string, Level?> Levels(ParseResult parsed)
    {
        var levels = new Dictionary<string, Level?>(StringComparer.Ordinal);
        foreach (var typed in parsed.GetValue(_level) ?? [])
        {
            var parts = typed.Split('=', 2, StringSplitOptions.TrimEntries);
            if (parts.Length < 2) throw new TiebreakException($"`--level` takes RULE=LEVEL, for instance TB008=off, not `{typed}`");
            var level = parts[1] is "off" or "note" or "warning" or "error" ? parts[1] : throw new TiebreakException($"`--level` knows off, note, warning and error, not `{parts[1]}`");
            levels[RuleCatalogue.Find(parts[0]).Code] = level == "off" ? null : Enum.Parse<Level>(level, ignoreCase: true);
        }

        return levels;
    }
}
