using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>Mixtures of experts: a router scores the experts for each place, and the best few are mixed by their shares.</summary>
static class Experts
{
    /// <summary>The mixture.</summary>
    /// <param name="layers">The layers.</param>
    /// <param name="x">The value that is routed.</param>
    /// <param name="router">The router's module.</param>
    /// <param name="number">The layer's number, for the name of the router's scores.</param>
    /// <param name="count">How many experts there are.</param>
    /// <param name="chosen">How many of them each place takes.</param>
    /// <param name="normalises">Whether the shares of those taken are made to sum to 1.</param>
    /// <param name="expert">What one of them makes of a value.</param>
    public static Node Mixed(FamilyLayers layers, Node x, string router, int number, ConfigSize count, ConfigSize chosen, bool normalises, Func<Node, int, Node> expert)
    {
        var builder = layers.Builder;
        if (chosen > count) throw FamilyErrors.Misfit(layers.Config.Path, $"it takes {chosen.Value} of {count.Value} experts");
        var scores = layers.Dense(x, router, layers.Config.Size("hidden_size"), count, hasBias: false);
        var name = $"router_logits.{number}";
        // A loss that keeps the load even sees the scores themselves.
        if (layers.Config.Flag("output_router_logits", false) && layers.Config.Number("router_aux_loss_coef", Rational.Parse("0.001")).Sign != 0) layers.Seen.Add((name, scores));
        else layers.Name(name, scores);
        layers.At(router, "choice");
        var exponentials = builder.Apply(FunctionKind.Exp, scores);
        var shares = builder.Divide(exponentials, builder.Broadcast(builder.ReduceSum(exponentials, 2), scores.Shape, 2));
        if (chosen < count)
        {
            // The largest scores have the largest shares, so either decides; by rank, so that a share that is divided by itself is exactly 1.
            var places = Ranks.Places(builder, scores, chosen);
            var best = builder.Contract("bsre", "bse", "bsr", places, shares);
            if (normalises) best = builder.Divide(best, builder.Broadcast(builder.ReduceSum(best, 2), best.Shape, 2));
            shares = builder.Contract("bsre", "bsr", "bse", places, best);
        }

        Node? sum = null;
        for (var k = 0; k < count; k++)
        {
            var made = expert(x, k);
            layers.At(router, "mixture");
            var share = builder.Broadcast(builder.Reshape(layers.Features(shares, k, 1), new Shape(x.Shape[0], x.Shape[1])), made.Shape, 2);
            var part = builder.Multiply(share, made);
            sum = sum is null ? part : builder.Add(sum, part);
        }

        return sum!;
    }
}
