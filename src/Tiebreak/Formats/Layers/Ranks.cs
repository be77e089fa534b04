using Tiebreak.Programs;

namespace Tiebreak.Formats.Layers;

/// <summary>Choices of the largest, told apart by rank.</summary>
static class Ranks
{
    /// <summary>For each rank the weights over the places along the last axis: [… ranks, places]. The k-th largest is chosen among k and not among k − 1.</summary>
    public static Node Places(ProgramBuilder builder, Node values, int count)
    {
        var rank = values.Shape.Rank;
        var row = new Shape([.. values.Shape.Sizes.Take(rank - 1), 1, values.Shape[rank - 1]]);
        var ranks = new Node[count];
        Node? before = null;
        for (var k = 0; k < count; k++)
        {
            var chosen = builder.Choose(values, k + 1, TieBreak.First);
            ranks[k] = builder.Reshape(before is null ? chosen : builder.Subtract(chosen, before), row);
            before = chosen;
        }

        return builder.Concat(rank - 1, ranks);
    }
}
