namespace Tiebreak.Findings.Rules;

/// <summary>TB012: slices or whole tensors that are equal now and yet proved able to separate: the frequent false alarm, all in one finding.</summary>
static class EqualButFree
{
    public static Rule Rule { get; } = new("TB012", "equal-but-free", Level.Note, "equal now, and proved able to separate");

    public static IEnumerable<Draft> Find(Evidence evidence)
    {
        if (evidence.Analysis.WithoutNoise is { } quiet && quiet.Classes < evidence.Partition.Classes) yield break; // free by noise only, which TB009 tells
        var values = new EqualStarts(evidence.Parameters, tensor => evidence.Streamed?.Has(tensor) == true);
        var places = new List<(int Tensor, string Text, long Count)>();
        var slices = new List<UnitGroups>();
        for (var tensor = 0; tensor < evidence.Parameters.Count; tensor++)
        {
            evidence.Cancellation.ThrowIfCancellationRequested();
            if (EqualSlices(evidence, values, tensor) is not { Count: > 0 } free) continue;
            places.Add((tensor, Describe(evidence, tensor, free), free.Sum(group => group.Length)));
            var axis = evidence.Units.OwnAxis(tensor);
            slices.Add(evidence.Tokens.Named(new UnitGroups(evidence.Parameters[tensor].Name, axis, evidence.Units.Kind(tensor, axis), free)));
        }

        var clones = Clones(evidence, values);
        foreach (var set in clones) places.Add((set[0], $"{Phrases.List([.. set.Select(evidence.Quoted)])} as wholes", set.Length));
        if (places.Count == 0) yield break;

        var tensors = places.Select(place => place.Tensor).Concat(clones.SelectMany(set => set)).Distinct().Order().ToArray();
        var steps = tensors.Select(tensor => evidence.Counts.Tensors[tensor].FirstStepMin).Where(step => step > 0).DefaultIfEmpty(1).ToArray();
        yield return new Draft(
            new Finding
            {
                Rule = Rule.Code,
                Name = Rule.Name,
                Level = Rule.Level,
                Tensor = evidence.Parameters[tensors[0]].Name,
                Tensors = [.. tensors.Select(tensor => evidence.Parameters[tensor].Name)],
                Places = slices,
                Message = $"equal now but free to separate, moving from {(steps.Min() == steps.Max() ? $"step {steps.Min()}" : $"steps {steps.Min()} to {steps.Max()}")} on: {Phrases.List([.. places.Select(place => place.Text)])}",
                Because = "they start equal, but their gradients differ at a point that training can reach",
                Fix = "nothing: equal start values alone do no harm here",
            },
            tensors,
            places.Sum(place => place.Count),
            null);
    }

    static string Describe(Evidence evidence, int tensor, IReadOnlyList<int[]> groups)
    {
        var axis = evidence.Units.OwnAxis(tensor);
        var shape = evidence.Parameters[tensor].Shape;
        var plural = Phrases.Plural(evidence.Units.Kind(tensor, axis), axis, shape.Rank);
        return groups[0].Length == shape[axis] ? $"all {groups[0].Length:N0} {plural} of {evidence.Quoted(tensor)}" : $"{plural} {evidence.Tokens.Groups(tensor, axis, groups)} of {evidence.Quoted(tensor)}";
    }

    /// <summary>The groups of slices that are equal, and not all tied to each other. Vectors are left out: zero biases and unit scales are everywhere.</summary>
    static IReadOnlyList<int[]> EqualSlices(Evidence evidence, EqualStarts values, int tensor)
    {
        var shape = evidence.Parameters[tensor].Shape;
        if (shape.Rank < 2 || shape.Count == 0) return [];
        var axis = evidence.Units.OwnAxis(tensor);
        if (evidence.Streamed?.EqualButFree(tensor, evidence.Units) is { } known) return known;
        var layout = new SliceLayout(shape.Sizes, axis);
        var codes = evidence.Partition.Codes[tensor];
        var free = new List<int[]>();
        foreach (var members in values.EqualSlices(tensor, axis))
        {
            var moving = members.Where(slice => !layout.HoldsOnlyZeros(codes, slice)).ToArray();
            // Equal to the first one by value: free if not all of them are tied to it.
            if (moving.Length > 1 && moving.Any(slice => !layout.AreEqual(codes, moving[0], slice, sameSign: true))) free.Add(moving);
        }

        return free;
    }

    static List<int[]> Clones(Evidence evidence, EqualStarts values) =>
    [
        .. evidence.Streamed?.EqualButFreeTensors(evidence.Copies) ?? [],
        .. values.EqualTensors()
            .Select(set => set.Where(tensor => evidence.Counts.Tensors[tensor].Stuck < evidence.Parameters[tensor].Shape.Count).ToArray())
            .Where(set => set.Length > 1 && set.Any(tensor => !evidence.Partition.Codes[tensor].AsSpan().SequenceEqual(evidence.Partition.Codes[set[0]]))),
    ];
}
