using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Findings;

/// <summary>Whole tensors that stay copies of each other.</summary>
/// <param name="Sets">
/// Sets of tensors, each in the model's order: the k-th members of all sets belong together, as the tensors of one expert do.
/// </param>
sealed record CopyFinding(IReadOnlyList<int[]> Sets)
{
    /// <summary>How many copies there are.</summary>
    public int Copies => Sets[0].Length;
}

/// <summary>Finds the tensors of equal shape and equal codes.</summary>
sealed class CopySets
{
    CopySets(IReadOnlyList<CopyFinding> findings, HashSet<int> later)
    {
        Findings = findings;
        Later = later;
    }

    /// <summary>Copies that come together, in order of their first tensors.</summary>
    public IReadOnlyList<CopyFinding> Findings { get; }

    /// <summary>Tensors that are copies of an earlier one: whatever is true inside them was said of that one.</summary>
    public IReadOnlySet<int> Later { get; }

    /// <summary>Groups the tensors; one pass.</summary>
    /// <param name="model">The tensors.</param>
    /// <param name="partition">Their codes.</param>
    /// <param name="others">Sets of tensors without codes that are known to be copies.</param>
    public static CopySets Of(Model model, Partition partition, IReadOnlyList<int[]>? others = null)
    {
        IReadOnlyList<int[]> sets = [.. EqualTensors(model, partition).Concat(others ?? []).OrderBy(set => set[0])];
        var findings = new List<CopyFinding>();
        foreach (var together in sets.GroupBy(set => VaryingPart(model, set), StringComparer.Ordinal))
        {
            // Single numbers are copies only as part of something larger; alone they are a loose tie.
            CopyFinding finding = new([.. together]);
            if (finding.Sets.Any(set => model.Parameters[set[0]].Shape.Count > 1)) findings.Add(finding);
        }

        const int most = 4;
        if (findings.Count > most) // names without a pattern: still one finding for each number of copies
            findings = [.. findings.GroupBy(finding => finding.Copies).Select(same => new CopyFinding([.. same.SelectMany(finding => finding.Sets)]))];
        return new CopySets(findings, [.. findings.SelectMany(finding => finding.Sets).SelectMany(set => set.Skip(1))]);
    }

    static List<int[]> EqualTensors(Model model, Partition partition)
    {
        var byHash = new Dictionary<int, List<List<int>>>();
        var all = new List<List<int>>();
        for (var tensor = 0; tensor < model.Parameters.Count; tensor++)
        {
            var codes = partition.Codes[tensor];
            if (!codes.AsSpan().ContainsAnyExcept(0)) continue;
            var hash = new HashCode();
            hash.Add(model.Parameters[tensor].Shape);
            foreach (var code in codes.AsSpan(0, Math.Min(codes.Length, 1024))) hash.Add(code);
            if (!byHash.TryGetValue(hash.ToHashCode(), out var candidates)) byHash.Add(hash.ToHashCode(), candidates = []);
            var set = candidates.Find(set => model.Parameters[set[0]].Shape == model.Parameters[tensor].Shape && partition.Codes[set[0]].AsSpan().SequenceEqual(codes));
            if (set is null)
            {
                candidates.Add(set = []);
                all.Add(set);
            }

            set.Add(tensor);
        }

        return [.. all.Where(set => set.Count > 1).Select(set => set.ToArray())];
    }

    /// <summary>What differs between the names of a set, for instance <c>0/1/2</c> of <c>expert0.up</c>, <c>expert1.up</c>, <c>expert2.up</c>.</summary>
    static string VaryingPart(Model model, int[] set)
    {
        var names = set.Select(tensor => model.Parameters[tensor].Name).ToArray();
        var (prefix, suffix) = NamePattern.CommonEnds(names);
        return string.Join('\n', names.Select(name => name[prefix..^suffix]));
    }
}

/// <summary>What names have in common.</summary>
static class NamePattern
{
    /// <summary>The lengths of the common start and end of all names, never inside a number.</summary>
    public static (int Prefix, int Suffix) CommonEnds(IReadOnlyList<string> names)
    {
        var first = names[0];
        var shortest = names.Min(name => name.Length);
        var prefix = 0;
        while (prefix < shortest && names.All(name => name[prefix] == first[prefix])) prefix++;
        while (prefix > 0 && char.IsAsciiDigit(first[prefix - 1])) prefix--;
        var suffix = 0;
        while (suffix < shortest - prefix && names.All(name => name[^(suffix + 1)] == first[^(suffix + 1)])) suffix++;
        while (suffix > 0 && char.IsAsciiDigit(first[^suffix])) suffix--;
        return (prefix, suffix);
    }
}
