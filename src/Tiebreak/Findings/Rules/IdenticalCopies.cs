using Tiebreak.Refinement;

namespace Tiebreak.Findings.Rules;

/// <summary>TB007: whole tensors, such as those of experts or ensemble members, that stay copies.</summary>
static class IdenticalCopies
{
    public static Rule Rule { get; } = new("TB007", "identical-copies", Level.Error, "whole sub-networks (experts, ensemble members, layers) that stay copies");

    public static IEnumerable<Draft> Find(Evidence evidence)
    {
        foreach (var copies in evidence.Copies.Findings)
        {
            var first = copies.Sets[0];
            var sets = copies.Sets.Count;
            var numbers = copies.Sets.Sum(set => evidence.Parameters[set[0]].Shape.Count);
            var names = Phrases.List([.. first.Select(evidence.Quoted)]);
            yield return new Draft(
                new Finding
                {
                    Rule = Rule.Code,
                    Name = Rule.Name,
                    Level = Rule.Level,
                    Tensor = evidence.Parameters[first[0]].Name,
                    Tensors = [.. copies.Sets.SelectMany(set => set).Order().Select(tensor => evidence.Parameters[tensor].Name)],
                    Message = sets == 1
                        ? $"{names} stay equal for ever"
                        : $"{copies.Copies:N0} copies of {sets:N0} tensors ({numbers:N0} numbers each) stay equal for ever: {names}, and likewise those of {Phrases.List([.. copies.Sets.Skip(1).Select(set => evidence.Quoted(set[0]))])}",
                    Because = "they start as copies of each other, and their gradients are equal at every point that training can reach",
                    Fix = "give each copy its own random start, or its own noise; if they are meant to be one, share the tensor",
                },
                [.. copies.Sets.SelectMany(set => set)],
                numbers * copies.Copies,
                other => copies.Sets.All(set => AreCopies(set, other)));
        }
    }

    static bool AreCopies(int[] set, Partition partition) =>
        partition.Codes[set[0]].AsSpan().ContainsAnyExcept(0) && set.All(tensor => partition.Codes[tensor].AsSpan().SequenceEqual(partition.Codes[set[0]]));
}
