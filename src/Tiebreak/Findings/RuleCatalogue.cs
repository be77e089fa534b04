using Tiebreak.Formats;
using Tiebreak.Findings.Rules;

namespace Tiebreak.Findings;

/// <summary>All rules of this version, by code.</summary>
public static class RuleCatalogue
{
    /// <summary>The rules in order of their codes.</summary>
    public static IReadOnlyList<Rule> All { get; } =
    [
        LockstepUnits.Rule, StuckParameters.Rule, MirroredUnits.Rule, RedundantBias.Rule, LockstepByData.Rule, NeverFed.Rule, IdenticalCopies.Rule, LateStart.Rule,
        BrokenOnlyByNoise.Rule, NearTies.Rule, NonFinite.Rule, EqualButFree.Rule,
    ];

    /// <summary>The page of a rule, in Markdown: what it finds, an example, what to do.</summary>
    /// <exception cref="ArgumentException">It is no rule of this version.</exception>
    public static string Page(Rule rule)
    {
        using var stream = typeof(RuleCatalogue).Assembly.GetManifestResourceStream($"rules/{rule.Code}.md") ?? throw new ArgumentException($"{rule.Code} has no page");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>The rule with a code or name, in any case.</summary>
    /// <exception cref="TiebreakException">There is none; names the nearest.</exception>
    public static Rule Find(string codeOrName)
    {
        foreach (var rule in All)
            if (rule.Code.Equals(codeOrName, StringComparison.OrdinalIgnoreCase) || rule.Name.Equals(codeOrName, StringComparison.OrdinalIgnoreCase)) return rule;
        var nearest = NearestName.Find(codeOrName, All.SelectMany(rule => new[] { rule.Code, rule.Name }));
        throw new TiebreakException($"there is no rule `{codeOrName}`; {(nearest is null ? $"the rules are {string.Join(", ", All.Select(rule => rule.Code))}" : $"did you mean `{nearest}`?")}");
    }
}
