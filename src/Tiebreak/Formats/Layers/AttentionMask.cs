using Tiebreak.Programs;

namespace Tiebreak.Formats.Layers;

/// <summary>What keeps queries from keys: numbers added to the scores, and gates, 0 or 1, behind the exponential.</summary>
sealed record AttentionMask(Node? Bias, Node? Gate)
{
    /// <summary>Both masks.</summary>
    public AttentionMask With(ProgramBuilder builder, AttentionMask other)
    {
        return new AttentionMask(Both(Bias, other.Bias, builder.Add), Both(Gate, other.Gate, builder.Multiply));

        Node? Both(Node? left, Node? right, Func<Node, Node, Node> join)
        {
            if (left is null || right is null) return left ?? right;
            var shape = ProgramBuilder.CommonShape(left.Shape, right.Shape);
            return join(builder.BroadcastTo(left, shape), builder.BroadcastTo(right, shape));
        }
    }
}
