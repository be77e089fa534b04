namespace Tiebreak.Findings.Rules;

/// <summary>TB009: units that would be in lockstep, were it not for dropout.</summary>
static class BrokenOnlyByNoise
{
    public static Rule Rule { get; } = new("TB009", "broken-only-by-noise", Level.Warning, "would be in lockstep, but for dropout or another declared noise");

    public static IEnumerable<Draft> Find(Evidence evidence)
    {
        if (evidence.Analysis.WithoutNoise is not { } quiet) yield break;
        var units = Units.Of(evidence.Analysis.Model, quiet, VerdictCounter.Count(evidence.Analysis.Model, quiet, evidence.Cancellation), evidence.Cancellation);
        var broken = new List<(UnitPlace Place, int[] Groups)>();
        foreach (var cluster in UnitCluster.Of(evidence.Analysis.Model, units, new HashSet<int>()))
        {
            foreach (var place in cluster.Places)
            {
                var groups = Enumerable.Range(0, place.Grouping.Groups.Count).Where(group => !UnitCheck.Holds(evidence, place, [group], evidence.Partition)).ToArray();
                if (groups.Length > 0) broken.Add((place, groups));
            }
        }

        if (broken.Count == 0 && quiet.Classes >= evidence.Partition.Classes) yield break;
        yield return broken.Count > 0 ? OfUnits(evidence, broken) : OfNumbers(evidence, evidence.Partition.Classes - quiet.Classes);
    }

    static Draft OfUnits(Evidence evidence, List<(UnitPlace Place, int[] Groups)> broken)
    {
        var (first, groups) = broken[0];
        var where = broken.DistinctBy(b => b.Place.Tensor).Select(b => evidence.Quoted(b.Place.Tensor)).ToArray();
        var members = groups.Select(group => (IReadOnlyList<int>)first.Grouping.Groups[group].Members).ToArray();
        var plural = Phrases.Plural(evidence.Units.Kind(first.Tensor, first.Grouping.Axis), first.Grouping.Axis, evidence.Parameters[first.Tensor].Shape.Rank);
        var draft = Make(
            evidence,
            [.. broken.Select(b => b.Place.Tensor).Distinct()],
            $"only dropout separates {plural} {evidence.Tokens.Groups(first.Tensor, first.Grouping.Axis, members)} of {where[0]}{(where.Length > 1 ? $", and units of {Phrases.List([.. where.Skip(1)])}" : "")}",
            broken.Sum(b => b.Groups.Sum(group => (long)b.Place.Grouping.Groups[group].Members.Length)));
        return draft with { Finding = draft.Finding with { Axis = first.Grouping.Axis, Indices = members[0], Tokens = evidence.Tokens.Of(first.Tensor, first.Grouping.Axis, members[0]) } };
    }

    static Draft OfNumbers(Evidence evidence, int count) =>
        Make(evidence, [], $"without dropout there would be {count:N0} degrees of freedom fewer", count);

    static Draft Make(Evidence evidence, IReadOnlyList<int> tensors, string message, long affected) =>
        new(
            new Finding
            {
                Rule = Rule.Code,
                Name = Rule.Name,
                Level = Rule.Level,
                Tensor = tensors.Count > 0 ? evidence.Parameters[tensors[0]].Name : null,
                Tensors = [.. tensors.Select(tensor => evidence.Parameters[tensor].Name)],
                Message = message,
                Because = "they start equal and would get equal gradients at every step, were it not for the random masks",
                Fix = "initialise them randomly, so that they do not depend on dropout (--dropout off shows what is left without it)",
            },
            tensors,
            affected,
            null);
}
