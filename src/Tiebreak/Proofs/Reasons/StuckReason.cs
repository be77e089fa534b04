using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>Says why the gradient of parameters is zero: at every step, or until others move.</summary>
static class StuckReason
{
    const int MostChained = 6;

    /// <summary>The reason that parameters of one tensor never move.</summary>
    public static IReadOnlyList<ReasonStep> Of(Reasoner reasoner, IReadOnlyList<(int Tensor, int Place)> parameters)
    {
        var steps = new ReasonSteps(reasoner.Model, reasoner.Landmarks);
        Say(reasoner, steps, parameters, round: null, []);
        return steps.All;
    }

    /// <summary>The same for parameters that do not move up to a round.</summary>
    public static void Say(Reasoner reasoner, ReasonSteps steps, IReadOnlyList<(int Tensor, int Place)> parameters, int? round, int[] consequence) =>
        Say(reasoner, steps, parameters, round, consequence, []);

    static void Say(Reasoner reasoner, ReasonSteps steps, IReadOnlyList<(int Tensor, int Place)> parameters, int? round, int[] consequence, HashSet<int> asked)
    {
        var model = reasoner.Model;
        var name = model.Parameters[parameters[0].Tensor].Name;
        asked.Add(parameters[0].Tensor);
        var gradients = parameters.Select(parameter => reasoner.Gradient(parameter.Tensor, parameter.Place)).OfType<Element>().ToList();
        if (gradients.Count == 0)
        {
            steps.Add("source", $"nothing reads {name}", $"no output that the loss sees depends on `{name}`", consequence);
            return;
        }

        foreach (var fact in reasoner.WhyZero(gradients, round).Reverse())
        {
            if (fact.Kind == ZeroKind.Follows)
            {
                if (reasoner.Landmarks.Of(fact.Node) is not { } mark) continue;
                var places = fact.Places.Select(place => reasoner.Landmarks.Place(mark, new Element(fact.Node, place))).OfType<int>().ToList();
                var at = $"{mark.Name}{PlacesText.Of(mark.View.Shape, places)}";
                steps.Add("zero", $"{(mark.IsBackward ? "d loss / d " : "")}{at} = 0", mark.IsBackward ? $"what comes back to `{at}` is zero" : $"`{at}` is zero", consequence);
                continue;
            }

            Source(reasoner, steps, fact, name, round, consequence, asked);
        }
    }

    static void Source(Reasoner reasoner, ReasonSteps steps, ZeroFact fact, string name, int? round, int[] consequence, HashSet<int> asked)
    {
        var origin = ReasonSteps.Origin(fact.Node);
        switch (fact.Kind)
        {
            case ZeroKind.Parameters:
                var parameter = ((Primitive.Parameter)fact.Node.Primitive).Name;
                var slice = parameter + PlacesText.Of(fact.Node.Shape, fact.Places);
                var tensor = Enumerable.Range(0, reasoner.Model.Parameters.Count).First(k => reasoner.Model.Parameters[k].Name == parameter);
                if (asked.Contains(tensor))
                {
                    steps.Add("source", $"{slice} = 0", $"`{slice}` is zero in turn: each waits for the other", consequence);
                    break;
                }

                var step = steps.Add("source", $"{slice} = 0", $"`{slice}` is zero{(round is null ? " and stays so" : " until then")}, and the gradient of `{name}` is multiplied by it", consequence);
                if (round is null && asked.Count < MostChained) Say(reasoner, steps, [.. fact.Places.Select(place => (tensor, place))], round, [step], asked);
                break;
            case ZeroKind.Constants:
                steps.Add("source", "a zero that is not trained", $"{(fact.Node.Primitive is Primitive.Parameter fixedOne ? $"`{fixedOne.Name}{PlacesText.Of(fact.Node.Shape, fact.Places)}`" : $"a constant of {origin}")} is zero and is not trained", consequence);
                break;
            case ZeroKind.Data:
                steps.Add("source", "zero data", $"`{((Primitive.Data)fact.Node.Primitive).Name}{PlacesText.Of(fact.Node.Shape, fact.Places)}` is zero in every sample", consequence);
                break;
            case ZeroKind.Closed:
                steps.Add("source", $"closed: {origin.Trim('`')}", $"{origin} is closed here, whatever the data: what it lets through is zero", consequence);
                break;
            default:
                steps.Add("cancellation", $"cancels at {origin.Trim('`')}", $"the terms of its gradient cancel at {origin}", consequence);
                break;
        }
    }
}
