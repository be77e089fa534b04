using Tiebreak.Refinement;

namespace Tiebreak.Findings.Rules;

/// <summary>Says which units of which tensors stay together; shared by TB001 and TB003, which differ in the sign only.</summary>
static class UnitFindings
{
    /// <summary>More findings than this of one pattern become one.</summary>
    const int MostAlike = 4;

    public static IEnumerable<Draft> Find(Evidence evidence, Rule rule, bool mirrored)
    {
        var clusters = evidence.Clusters
            .Select(cluster => new Chosen(cluster, [.. Enumerable.Range(0, cluster.Main.Grouping.Groups.Count).Where(group => cluster.IsMirrored(group) == mirrored)]))
            .Where(chosen => chosen.Groups.Count > 0).ToArray();
        var patterns = new List<Chosen>();
        foreach (var alike in clusters.GroupBy(chosen => Pattern(chosen, patterns)))
        {
            // Equal heads show in queries, keys and values at once.
            var isBlocks = !mirrored && evidence.Units.Blocks(alike.First().Cluster.Main) is not null;
            if (alike.Count() > (isBlocks ? 1 : MostAlike)) yield return Many(evidence, rule, [.. alike], mirrored);
            else
                foreach (var chosen in alike) yield return One(evidence, rule, chosen, mirrored);
        }
    }

    /// <summary>Layers whose units are all alike have one cause; so have layers in which the same units are alike.</summary>
    static int Pattern(Chosen chosen, List<Chosen> patterns)
    {
        var grouping = chosen.Cluster.Main.Grouping;
        var known = patterns.FindIndex(other =>
            (grouping.IsComplete && other.Cluster.Main.Grouping.IsComplete) || (grouping.SamePlaces(other.Cluster.Main.Grouping) && chosen.Groups.SequenceEqual(other.Groups)));
        if (known >= 0) return known;
        patterns.Add(chosen);
        return patterns.Count - 1;
    }

    static Draft One(Evidence evidence, Rule rule, Chosen chosen, bool mirrored)
    {
        var main = chosen.Cluster.Main;
        var others = Distinct(evidence, chosen.Cluster);
        var name = evidence.Quoted(main.Tensor);
        var plural = Plural(evidence, main);
        return new Draft(
            new Finding
            {
                Rule = rule.Code,
                Name = rule.Name,
                Level = rule.Level,
                Tensor = evidence.Parameters[main.Tensor].Name,
                Tensors = Tensors(evidence, [chosen]),
                Axis = main.Grouping.Axis,
                Indices = chosen.Members[0],
                Tokens = evidence.Tokens.Of(main.Tensor, main.Grouping.Axis, chosen.Members[0]),
                Message = $"{Who(evidence, chosen, mirrored)} stay {(mirrored ? "each other's negative" : "equal")} for ever"
                    + (chosen.Groups.Any(group => main.Grouping.Groups[group].HasStuck) ? " wherever they move" : "")
                    + (others.Length > 0 ? $", and so do the same places of {Phrases.List(others)}" : ""),
                Because = mirrored
                    ? "they start as each other's negative, and so are their gradients at every point that training can reach"
                    : $"{Causes.UniformStart(evidence.Parameters[main.Tensor]) ?? "they start equal"}, and the gradients of these {plural} are equal at every point that training can reach",
                Fix = mirrored
                    ? $"give one of each pair random start values of its own in {name}"
                    : $"give them different start values: initialise {name} randomly, or add noise to the copies",
            },
            [.. chosen.Cluster.Places.Select(place => place.Tensor).Distinct()],
            chosen.Affected(evidence),
            other => chosen.HoldsIn(evidence, other));
    }

    static Draft Many(Evidence evidence, Rule rule, Chosen[] alike, bool mirrored)
    {
        var first = alike[0];
        var main = first.Cluster.Main;
        var places = alike.Select(chosen => $"{evidence.Quoted(chosen.Cluster.Main.Tensor)} ({chosen.Members.Sum(group => group.Count):N0})").ToArray();
        var which = main.Grouping.IsComplete ? "all their units"
            : !mirrored && evidence.Units.Blocks(main) is { } blocks ? Blocks(blocks, Plural(evidence, main))
            : $"units {(alike.All(chosen => evidence.Tokens.Has(chosen.Cluster.Main.Tensor, chosen.Cluster.Main.Grouping.Axis)) ? evidence.Tokens.Groups(main.Tensor, main.Grouping.Axis, first.Members) : Phrases.Groups(first.Members))}";
        return new Draft(
            new Finding
            {
                Rule = rule.Code,
                Name = rule.Name,
                Level = rule.Level,
                Tensor = evidence.Parameters[main.Tensor].Name,
                Tensors = Tensors(evidence, alike),
                Axis = main.Grouping.Axis,
                Indices = first.Members[0],
                Tokens = evidence.Tokens.Of(main.Tensor, main.Grouping.Axis, first.Members[0]),
                Message = $"in each of {alike.Length:N0} tensors, {which} stay {(mirrored ? "each other's negative" : "equal")} for ever: {Phrases.List(places)}",
                Because = mirrored
                    ? "they start as each other's negative, and so are their gradients at every point that training can reach"
                    : $"they start equal ({Causes.UniformStart(evidence.Parameters[main.Tensor]) ?? "copies of one another"}), and their gradients are equal at every point that training can reach",
                Fix = mirrored ? "give one of each pair random start values of its own" : "initialise these tensors randomly: no amount of training separates units that start equal and are treated alike",
            },
            [.. alike.SelectMany(chosen => chosen.Cluster.Places).Select(place => place.Tensor).Distinct()],
            alike.Sum(chosen => chosen.Affected(evidence)),
            other => alike.All(chosen => chosen.HoldsIn(evidence, other)));
    }

    /// <summary>For instance <c>units 0, 1, 2, 3 of `fc1.weight`</c>, or <c>heads 0, 1 (blocks of 16 units) of `q.weight`</c>.</summary>
    static string Who(Evidence evidence, Chosen chosen, bool mirrored)
    {
        var main = chosen.Cluster.Main;
        var parameter = evidence.Parameters[main.Tensor];
        var plural = Plural(evidence, main);
        if (!mirrored && evidence.Units.Blocks(main) is { } blocks) return $"{Blocks(blocks, plural)} of `{parameter.Name}`";
        var indices = main.Grouping.IsComplete && main.Grouping.Size > 8 ? $"all {main.Grouping.Size:N0} {plural}" : $"{plural} {evidence.Tokens.Groups(main.Tensor, main.Grouping.Axis, chosen.Members)}";
        return $"{indices} of `{parameter.Name}`";
    }

    static string Blocks(SliceBlocks blocks, string plural) => $"blocks {Phrases.Groups(blocks.Groups)} of {blocks.Length:N0} {plural} each (heads, where this is attention)";

    static string Plural(Evidence evidence, UnitPlace place) =>
        Phrases.Plural(evidence.Units.Kind(place.Tensor, place.Grouping.Axis), place.Grouping.Axis, evidence.Parameters[place.Tensor].Shape.Rank);

    static string[] Distinct(Evidence evidence, UnitCluster cluster) =>
        [.. cluster.Others.Select(place => place.Tensor).Where(tensor => tensor != cluster.Main.Tensor).Distinct().Select(evidence.Quoted)];

    static IReadOnlyList<string> Tensors(Evidence evidence, IEnumerable<Chosen> alike) =>
        [.. alike.SelectMany(chosen => chosen.Cluster.Places).Select(place => evidence.Parameters[place.Tensor].Name).Distinct(StringComparer.Ordinal)];

    /// <summary>A cluster and those of its groups that a rule is about.</summary>
    sealed record Chosen(UnitCluster Cluster, IReadOnlyList<int> Groups)
    {
        public IReadOnlyList<IReadOnlyList<int>> Members { get; } = [.. Groups.Select(group => (IReadOnlyList<int>)Cluster.Main.Grouping.Groups[group].Members)];

        public long Affected(Evidence evidence) =>
            Cluster.Places.Sum(place => evidence.Parameters[place.Tensor].Shape.Count / place.Grouping.Size * Groups.Sum(group => (long)place.Grouping.Groups[group].Members.Length));

        public bool HoldsIn(Evidence evidence, Partition other) => Cluster.Places.All(place => UnitCheck.Holds(evidence, place, Groups, other));
    }
}

/// <summary>Whether units that one partition keeps together are together in another.</summary>
static class UnitCheck
{
    public static bool Holds(Evidence evidence, UnitPlace place, IEnumerable<int> groups, Partition other)
    {
        var layout = new SliceLayout(evidence.Parameters[place.Tensor].Shape.Sizes, place.Grouping.Axis);
        var codes = other.Codes[place.Tensor];
        foreach (var group in groups)
        {
            var (members, negated, _) = place.Grouping.Groups[group];
            if (layout.HoldsOnlyZeros(codes, members[0])) return false;
            for (var k = 1; k < members.Length; k++)
                if (!layout.AreEqual(codes, members[0], members[k], !negated[k])) return false;
        }

        return true;
    }
}
