using Tiebreak.Formats;
using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>Says why two parameters, or two slices, stay equal, or why they come apart.</summary>
static class PairReason
{
    /// <summary>The reason that pairs of parameters of one class stay equal up to sign.</summary>
    public static IReadOnlyList<ReasonStep> Together(Reasoner reasoner, IReadOnlyList<((int Tensor, int Place) Left, (int Tensor, int Place) Right)> pairs)
    {
        var gradients = new List<(Element, Element)>();
        foreach (var (left, right) in pairs)
            if (reasoner.Gradient(left.Tensor, left.Place) is { } first && reasoner.Gradient(right.Tensor, right.Place) is { } second) gradients.Add((first, second));
        var steps = new ReasonSteps(reasoner.Model, reasoner.Landmarks);
        steps.Say(reasoner.WhyEqual(gradients), fact => WhyZero(reasoner, fact));
        if (steps.All.Count > 0) return steps.All;

        var ((tensor, place), (otherTensor, otherPlace)) = pairs[0];
        string Name(int of, int at) => reasoner.Model.Parameters[of].Name + PlacesText.Of(reasoner.Model.Parameters[of].Shape, at);
        var start = steps.Add(
            "start", $"{Name(tensor, place)}, {Name(otherTensor, otherPlace)}",
            $"`{Name(tensor, place)}` starts at {reasoner.Model.Parameters[tensor].Start[place].ToShortString()} and `{Name(otherTensor, otherPlace)}` at {reasoner.Model.Parameters[otherTensor].Start[otherPlace].ToShortString()}", []);
        var made = gradients.Count > 0 && steps.Making(gradients[0].Item1) != steps.Making(gradients[0].Item2) ? $": the one is {steps.Making(gradients[0].Item1)}, the other {steps.Making(gradients[0].Item2)}" : "";
        steps.Add("gradient", "the same terms", $"both gradients are made of the very same numbers, multiplied and added in another order{made}", [start]);
        return steps.All;
    }

    // What keeps elements at zero that are said to be equal because they are: parameters that are zero and stay so.
    static string? WhyZero(Reasoner reasoner, Fact fact)
    {
        var zeros = reasoner.WhyZero([.. fact.Pairs.SelectMany(pair => new[] { new Element(fact.Left, pair.Left), new Element(fact.Right, pair.Right) }).Distinct()]);
        var names = zeros.Where(zero => zero.Kind == ZeroKind.Parameters).Select(zero => $"`{((Primitive.Parameter)zero.Node.Primitive).Name}{PlacesText.Of(zero.Node.Shape, zero.Places)}`").Distinct(StringComparer.Ordinal).ToList();
        if (names.Count == 0) return zeros.Any(zero => zero.Kind == ZeroKind.Cancels) ? "their terms cancel" : null;
        return $"{string.Join(" and ", names.Take(2))}{(names.Count > 2 ? $" and {names.Count - 2} more" : "")} {(names.Count == 1 ? "is" : "are")} zero and stuck";
    }

    /// <summary>The way on which two parameters come apart, from their gradients to the first difference, and further back where that difference arose in an earlier round.</summary>
    public static IReadOnlyList<ReasonStep> Apart(Reasoner reasoner, (int Tensor, int Place) left, (int Tensor, int Place) right)
    {
        var steps = new ReasonSteps(reasoner.Model, reasoner.Landmarks);
        Apart(reasoner, steps, left, right, int.MaxValue, []);
        return steps.All;
    }

    static void Apart(Reasoner reasoner, ReasonSteps steps, (int Tensor, int Place) left, (int Tensor, int Place) right, int before, int[] consequence)
    {
        var model = reasoner.Model;
        string Name((int Tensor, int Place) parameter) => model.Parameters[parameter.Tensor].Name + PlacesText.Of(model.Parameters[parameter.Tensor].Shape, parameter.Place);
        var (first, second) = (Name(left), Name(right));
        var (start, other) = (model.Parameters[left.Tensor].Start[left.Place], model.Parameters[right.Tensor].Start[right.Place]);
        if (start.Magnitude != other.Magnitude)
        {
            steps.Add("source", $"{first} ≠ {second}", $"`{first}` and `{second}` start at different values, {start.ToShortString()} and {other.ToShortString()}", consequence);
            return;
        }

        var rounds = reasoner.Codes([left, right]);
        var sign = start.Sign == other.Sign ? 1 : -1;
        var apart = Enumerable.Range(1, rounds.Count - 1).FirstOrDefault(round => !IsTogether(rounds[round], sign), before);
        if (apart >= before)
        {
            // Together until then, so that only their sign can have made the difference.
            steps.Add("source", $"{first} = -{second}", $"`{first}` and `{second}` {(sign > 0 ? "are equal" : "are each other's negative")} until then, where the {(sign > 0 ? "negative" : "same")} would be needed", consequence);
            return;
        }

        var (a, b) = (rounds[apart][0], rounds[apart][1]);
        var gradient = (Left: reasoner.Gradient(left.Tensor, left.Place), Right: reasoner.Gradient(right.Tensor, right.Place));
        if (a == 0 || b == 0)
        {
            var (still, moving) = a == 0 ? (left, second) : (right, first);
            var step = steps.Add("difference", $"only one moves at step {apart}", $"`{moving}` moves at step {apart}, when `{Name(still)}` still has gradient zero", consequence);
            StuckReason.Say(reasoner, steps, [still], apart - 1, [step]);
            return;
        }

        if (gradient is not ({ } from, { } to)) return;
        var last = steps.Add(
            "gradient", $"step {apart}: gradients differ",
            $"`{first}` and `{second}` start {(start.IsZero ? "at zero" : sign > 0 ? "equal" : "as each other's negative")}, and their gradients can differ from step {apart} on", consequence);
        if (sign > 0 && start.IsZero && reasoner.WhyDifferent(from, to, 1, apart - 1) is [{ Kind: DifferenceKind.Sign }]) sign = -1;
        foreach (var step in reasoner.WhyDifferent(from, to, sign, apart - 1))
        {
            if (step.Kind == DifferenceKind.Follows)
            {
                if (step.Left == from || step.Right == to) continue;
                if (reasoner.Landmarks.Of(step.Left.Node) is not { } mark || reasoner.Landmarks.Of(step.Right.Node) is null) continue;
                last = steps.Add(mark.IsBackward ? "backward" : "forward", $"{steps.Label(step.Left)} ≠ {steps.Label(step.Right)}", $"as {steps.Phrase(step.Left)} differs from {steps.Phrase(step.Right)}", [last]);
                continue;
            }

            Source(reasoner, steps, step, apart, last);
        }
    }

    static void Source(Reasoner reasoner, ReasonSteps steps, DifferenceStep step, int before, int consequence)
    {
        var (left, right) = (steps.Phrase(step.Left), steps.Phrase(step.Right));
        void Add(string text) => steps.Add("source", $"{steps.Label(step.Left)} ≠ {steps.Label(step.Right)}", text, [consequence]);
        switch (step.Kind)
        {
            case DifferenceKind.Parameters:
                var model = reasoner.Model;
                int Tensor(Node node) => Enumerable.Range(0, model.Parameters.Count).First(k => model.Parameters[k].Name == ((Primitive.Parameter)node.Primitive).Name);
                Apart(reasoner, steps, (Tensor(step.Left.Node), step.Left.Index), (Tensor(step.Right.Node), step.Right.Index), before, [consequence]);
                break;
            case DifferenceKind.Data when step.Left.Node.Primitive is Primitive.Data { Kind: DataKind.LossAdjoint }:
                Add($"as {left} and {right} are different outputs, to which a loss may send back different things");
                break;
            case DifferenceKind.Data when step.Left.Node.Primitive is Primitive.Data { Kind: DataKind.Mask }:
                Add("as dropout draws a mask for each");
                break;
            case DifferenceKind.Data when step.Left.Node.Primitive is Primitive.Data { Kind: DataKind.Distribution }:
                Add($"as data may pick one without the other: {left} or {right}");
                break;
            case DifferenceKind.Data:
                Add($"as {left} and {right} are different inputs, which data may tell apart");
                break;
            case DifferenceKind.Constants:
                Add(step.Left.Node.Primitive is Primitive.Constant ? $"as they meet different constants of {ReasonSteps.Origin(step.Left.Node)}" : $"as {left} and {right} are different weights, which are not trained");
                break;
            case DifferenceKind.Sign:
                Add(step.Left == step.Right
                    ? $"as both meet the same {(left.StartsWith("a ", StringComparison.Ordinal) ? left[2..] : left)}, which is not its own negative"
                    : $"as {left} and {right} see the same up to a sign, and {ReasonSteps.Origin(step.Left.Node)} does not treat both signs alike");
                break;
            default:
                var (made, other) = (steps.MadeBy(step.Left), steps.MadeBy(step.Right));
                var isTold = made is not null && other is not null && made != other;
                Add($"as {left} is {(isTold ? made : steps.Making(step.Left))}, and {right} is {(isTold ? other : steps.Making(step.Right))}");
                break;
        }
    }

    /// <summary>Whether two codes of one round still hold together what starts equal, or opposite.</summary>
    static bool IsTogether(int[] codes, int sign) => codes[0] == sign * codes[1] || (codes[0] == 0 && codes[1] == 0);
}
