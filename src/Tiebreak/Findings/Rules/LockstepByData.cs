using Tiebreak.Refinement;

namespace Tiebreak.Findings.Rules;

/// <summary>TB005: what stays equal only because no sample of the data given tells it apart.</summary>
static class LockstepByData
{
    const int MostPairs = 3;

    public static Rule Rule { get; } = new("TB005", "lockstep-by-data", Level.Warning, "in lockstep only because the data given has equal columns");

    public static IEnumerable<Draft> Find(Evidence evidence)
    {
        if (evidence.Analysis.Data is not { Any.Partition: { } any } data) yield break;
        var tied = ByData(evidence.Partition, any);
        if (tied.Count == 0) yield break;

        var units = new List<(UnitPlace Place, int[] Groups)>();
        foreach (var cluster in evidence.Clusters)
        {
            foreach (var place in cluster.Places)
            {
                var groups = Enumerable.Range(0, place.Grouping.Groups.Count).Where(group => !UnitCheck.Holds(evidence, place, [group], any)).ToArray();
                if (groups.Length > 0) units.Add((place, groups));
            }
        }

        yield return units.Count > 0 ? OfUnits(evidence, data, units, tied) : OfNumbers(evidence, data, tied);
    }

    /// <summary>For each class that data alone make, its members: tensor, place and sign.</summary>
    public static IReadOnlyList<IReadOnlyList<(int Tensor, int Index, int Code)>> ByData(Partition partition, Partition any)
    {
        var firsts = new int[partition.Classes + 1]; // the class for any data of its first member, signed; 0 none yet
        var differs = new bool[partition.Classes + 1];
        ForEach((tensor, index, code) =>
        {
            var number = Math.Abs(code);
            var other = code < 0 ? -any.Codes[tensor][index] : any.Codes[tensor][index];
            if (firsts[number] == 0) firsts[number] = other;
            else if (firsts[number] != other) differs[number] = true;
        });
        var members = new Dictionary<int, List<(int, int, int)>>();
        ForEach((tensor, index, code) =>
        {
            if (!differs[Math.Abs(code)]) return;
            if (!members.TryGetValue(Math.Abs(code), out var list)) members.Add(Math.Abs(code), list = []);
            list.Add((tensor, index, code));
        });
        return [.. members.Values];

        void ForEach(Action<int, int, int> visit)
        {
            for (var tensor = 0; tensor < partition.Codes.Count; tensor++)
                for (var index = 0; index < partition.Codes[tensor].Length; index++)
                    if (partition.Codes[tensor][index] is var code && code != 0) visit(tensor, index, code);
        }
    }

    static Draft OfUnits(Evidence evidence, DataVerdict data, List<(UnitPlace Place, int[] Groups)> units, IReadOnlyList<IReadOnlyList<(int Tensor, int Index, int Code)>> tied)
    {
        var (first, groups) = units[0];
        var where = units.DistinctBy(unit => unit.Place.Tensor).Select(unit => evidence.Quoted(unit.Place.Tensor)).ToArray();
        var members = groups.Select(group => (IReadOnlyList<int>)first.Grouping.Groups[group].Members).ToArray();
        var plural = Phrases.Plural(evidence.Units.Kind(first.Tensor, first.Grouping.Axis), first.Grouping.Axis, evidence.Parameters[first.Tensor].Shape.Rank);
        var draft = Make(
            evidence, data, tied,
            $"only this data keeps {plural} {evidence.Tokens.Groups(first.Tensor, first.Grouping.Axis, members)} of {where[0]}{(where.Length > 1 ? $", and units of {Phrases.List([.. where.Skip(1)])}," : "")} in lockstep");
        return draft with { Finding = draft.Finding with { Axis = first.Grouping.Axis, Indices = members[0], Tokens = evidence.Tokens.Of(first.Tensor, first.Grouping.Axis, members[0]) } };
    }

    static Draft OfNumbers(Evidence evidence, DataVerdict data, IReadOnlyList<IReadOnlyList<(int Tensor, int Index, int Code)>> tied)
    {
        string Name((int Tensor, int Index, int Code) member) => evidence.Tokens.Element(member.Tensor, member.Index);
        var shown = tied.Take(MostPairs).Select(members => $"{Name(members[0])} and {(members[0].Code == members[1].Code ? "" : "the negative of ")}{Name(members[1])}").ToArray();
        var more = tied.Sum(members => members.Count) - 2 * shown.Length;
        return Make(evidence, data, tied, $"only this data keeps {string.Join(", and ", shown)} in lockstep{(more > 0 ? $" ({more:N0} more parameters with them)" : "")}");
    }

    static Draft Make(Evidence evidence, DataVerdict data, IReadOnlyList<IReadOnlyList<(int Tensor, int Index, int Code)>> tied, string message)
    {
        int[] tensors = [.. tied.SelectMany(members => members.Select(member => member.Tensor)).Distinct().Order()];
        return new Draft(
            new Finding
            {
                Rule = Rule.Code,
                Name = Rule.Name,
                Level = Rule.Level,
                Tensor = evidence.Parameters[tensors[0]].Name,
                Tensors = [.. tensors.Select(tensor => evidence.Parameters[tensor].Name)],
                Message = message,
                Because = DataPhrases.Ties(data),
                Fix = "add samples that tell them apart, drop the columns that add nothing, or initialise these parameters randomly",
            },
            tensors,
            tied.Sum(members => (long)members.Count),
            null);
    }
}
