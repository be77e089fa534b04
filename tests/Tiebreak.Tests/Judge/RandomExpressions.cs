using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Judge;

/// <summary>Expressions of two to six single parameters and one to three data, built so that several parameters often play one role.</summary>
static class RandomExpressions
{
    public static Model Build(Draft draft)
    {
        var (b, choices) = (draft.Builder, draft.Choices);
        var parameters = Enumerable.Range(0, 2 + choices.Next(5)).Select(k => draft.Parameter($"p{k}")).ToArray();
        if (choices.OneIn(4)) return draft.Finish(Expression(b, choices, parameters));

        // E(p) + E(σp), where σ exchanges some parameters, or some and the negatives of others: they play one role.
        var swapped = parameters.ToArray();
        for (var k = 0; k + 1 < parameters.Length && (k == 0 || choices.Next(2) == 0); k += 2)
        {
            var sign = choices.Of(1, 1, -1);
            (swapped[k], swapped[k + 1]) = sign > 0 ? (parameters[k + 1], parameters[k]) : (b.Negate(parameters[k + 1]), b.Negate(parameters[k]));
            if (choices.Next(4) != 0) draft.CopyTensor($"p{k}", $"p{k + 1}", sign);
        }

        var replay = choices.Replay();
        return draft.Finish(b.Add(Expression(b, choices, parameters), Expression(b, replay, swapped)));
    }

    static Node Expression(ProgramBuilder b, Choices choices, Node[] parameters)
    {
        var data = Enumerable.Range(0, 1 + choices.Next(3)).Select(k => b.Data($"x{k}", Shape.Scalar)).ToArray();
        List<Node> made = [];
        Node Parameter() => choices.Of(parameters);
        Node Data() => choices.Of(data);
        Node Any() => choices.Next(4) switch
        {
            0 => Parameter(),
            1 => Data(),
            2 => b.Fill(choices.Of<Rational>(1, 2, -1, new Rational(1, 2)), Shape.Scalar),
            _ => made.Count == 0 ? Parameter() : made[choices.Next(made.Count)],
        };

        for (var count = 2 + choices.Next(7); count > 0; count--)
        {
            made.Add(choices.Next(14) switch
            {
                0 or 1 => Units(2),
                2 => Units(3),
                3 => b.Add(Any(), Any()),
                4 => b.Subtract(Any(), Any()),
                5 => b.Multiply(Any(), Any()),
                6 => b.Multiply(b.Multiply(Parameter(), Any()), Parameter()),
                7 => b.Negate(Any()),
                8 => b.Any(Any(), choices),
                9 => b.Any(b.Multiply(Parameter(), Data()), choices),
                10 => b.Multiply(b.Multiply(Parameter(), Parameter()), Data()),
                11 => b.Maximum(Any(), Any()),
                12 => b.Reciprocal(b.Offset(b.Square(Any()), Rational.One)),
                _ => choices.OneIn(4) ? b.Reciprocal(Any()) : b.Maximum(b.Multiply(Parameter(), Data()), b.Multiply(Parameter(), Data())),
            });
        }

        var whole = made.Skip(1).Aggregate(made[0], (sum, term) => choices.Next(3) == 0 ? b.Add(sum, b.Multiply(term, Data())) : b.Add(sum, term));
        return choices.OneIn(4) ? b.Multiply(whole, parameters[^1]) : whole; // all of it waits for this one, if it starts at zero

        // Σ ±cₖ·f(aₖ·x + bₖ): a hidden layer, whose units are alike if their numbers are.
        Node Units(int units)
        {
            var (x, hasBias, hasOuter, seed) = (Data(), choices.Next(2) == 1, choices.Next(2) == 1, choices.Next(20));
            Node? sum = null;
            for (var k = 0; k < units; k++)
            {
                var inner = b.Multiply(Parameter(), x);
                if (hasBias) inner = b.Add(inner, Parameter());
                var unit = b.Any(inner, new Choices([seed]));
                if (hasOuter) unit = b.Multiply(unit, Parameter());
                if (choices.OneIn(5)) unit = b.Negate(unit);
                sum = sum is null ? unit : b.Add(sum, unit);
            }

            return sum!;
        }
    }
}
