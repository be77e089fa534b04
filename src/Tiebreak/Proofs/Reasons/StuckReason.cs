using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>
/// Says why the gradient of parameters is zero: at every step, or until others move. One step for each tensor: what it waits for, and the layers between; then the same for what it waits
/// for, until that is something that never changes, or a circle of tensors that wait for each other.
/// </summary>
sealed class StuckReason
{
    const int MostTensors = 12;
    const int MostNames = 4;

    readonly Reasoner _reasoner;
    readonly ReasonSteps _steps;
    readonly int? _round;
    readonly Dictionary<int, HashSet<int>> _waitsFor = [];

    StuckReason(Reasoner reasoner, ReasonSteps steps, int? round) => (_reasoner, _steps, _round) = (reasoner, steps, round);

    /// <summary>The reason that parameters of one tensor never move.</summary>
    public static IReadOnlyList<ReasonStep> Of(Reasoner reasoner, IReadOnlyList<(int Tensor, int Place)> parameters)
    {
        var steps = new ReasonSteps(reasoner.Model, reasoner.Landmarks);
        Say(reasoner, steps, parameters, round: null, []);
        return steps.All;
    }

    /// <summary>The same for parameters whose gradient is zero at the set after a round.</summary>
    public static void Say(Reasoner reasoner, ReasonSteps steps, IReadOnlyList<(int Tensor, int Place)> parameters, int? round, int[] links)
    {
        var reason = new StuckReason(reasoner, steps, round);
        var waiting = new Queue<(int Tensor, int[] Places, int[] Links)>([(parameters[0].Tensor, [.. parameters.Select(parameter => parameter.Place)], links)]);
        while (waiting.TryDequeue(out var next) && reason._waitsFor.Count < MostTensors)
            if (!reason._waitsFor.ContainsKey(next.Tensor)) reason.Say(next.Tensor, next.Places, next.Links, waiting);
    }

    void Say(int tensor, int[] places, int[] links, Queue<(int Tensor, int[] Places, int[] Links)> waiting)
    {
        var waitsFor = _waitsFor[tensor] = [];
        var parameter = _reasoner.Model.Parameters[tensor];
        var name = $"`{parameter.Name}{PlacesText.Of(parameter.Shape, places)}`";
        if (_reasoner.Gradient(tensor, places[0]) is null)
        {
            if (_reasoner.IsRead(tensor)) _steps.Add("source", $"no derivative reaches {parameter.Name}", $"what the loss sees depends on {name} only through functions and choices whose derivative is zero", links);
            else _steps.Add("source", $"nothing reads {parameter.Name}", $"no output that the loss sees depends on {name}", links);
            return;
        }

        var facts = _reasoner.WhyZero([.. places.Select(place => _reasoner.Gradient(tensor, place)!.Value)], _round).Reverse().ToList();
        // No term at all, or none but of what nobody reads: the elements are cut off from the loss, though the rest of their tensor is not.
        if (facts.Count == 0 || (facts.TrueForAll(fact => fact.Kind is ZeroKind.Unread or ZeroKind.Follows) && facts.Exists(fact => fact.Kind == ZeroKind.Unread)))
        {
            var through = facts.Count == 0 || facts.Exists(fact => fact.Kind == ZeroKind.Unread && _reasoner.Landmarks.Of(fact.Node) is null) ? "" : Between([.. facts.Where(fact => _reasoner.Landmarks.Of(fact.Node) is { IsBackward: true })]);
            _steps.Add("source", $"nothing reads {parameter.Name}{PlacesText.Of(parameter.Shape, places)}", $"no output that the loss sees depends on {name}{through}", links);
            return;
        }

        var zeros = facts.Where(fact => fact.Kind == ZeroKind.Parameters).Select(fact => (Tensor: TensorOf(fact.Node), Places: fact.Places.ToArray())).ToList();
        foreach (var zero in zeros) waitsFor.Add(zero.Tensor);
        var sources = zeros.Select(zero => Zero(zero.Tensor, zero.Places)).Concat(facts.Select(fact => Other(fact, tensor)).OfType<string>().Distinct(StringComparer.Ordinal)).ToList();
        var isCancelled = facts.Exists(fact => fact.Kind == ZeroKind.Cancels);
        var text = $"the gradient of {name} is zero{Between(facts)}{(sources.Count == 0 ? "" : $", as {And(sources)}")}";
        var circle = zeros.Where(zero => _waitsFor.TryGetValue(zero.Tensor, out var theirs) && theirs.Contains(tensor)).Select(zero => _reasoner.Model.Parameters[zero.Tensor].Name).ToList();
        if (circle.Count > 0) text += circle.Contains(parameter.Name) ? ": it waits for itself" : ": each waits for the other";
        var label = zeros.Count > 0 ? $"{parameter.Name} waits for {string.Join(", ", zeros.Select(zero => _reasoner.Model.Parameters[zero.Tensor].Name).Take(2))}" : isCancelled ? $"the gradient of {parameter.Name} cancels" : $"the gradient of {parameter.Name} is zero";
        var step = _steps.Add(isCancelled ? "cancellation" : zeros.Count > 0 ? "zero" : "source", label, text, links);
        foreach (var zero in zeros)
            if (_round is null || IsStillThen(zero.Tensor, zero.Places)) waiting.Enqueue((zero.Tensor, zero.Places, [step]));
    }

    // Of what moves in the next round enough is said.
    bool IsStillThen(int tensor, int[] places) => FirstStep(tensor, places) > _round + 1;

    string Zero(int tensor, int[] places)
    {
        var parameter = _reasoner.Model.Parameters[tensor];
        var step = FirstStep(tensor, places);
        return $"`{parameter.Name}{PlacesText.Of(parameter.Shape, places)}` is zero{(step == int.MaxValue ? " and stays so" : $" until step {step} moves it")}";
    }

    int FirstStep(int tensor, int[] places)
    {
        var codes = _reasoner.Partition.Codes[tensor];
        return places.Min(place => codes[place] == 0 ? int.MaxValue : _reasoner.Partition.FirstSteps[Math.Abs(codes[place])]);
    }

    /// <summary>The layers that a zero passes: what comes back to them is zero, or they are zero themselves.</summary>
    string Between(IReadOnlyList<ZeroFact> facts)
    {
        var (backward, forward) = (new List<string>(), new List<string>());
        foreach (var fact in facts.Where(fact => fact.Kind is ZeroKind.Follows or ZeroKind.Unread))
        {
            if (_reasoner.Landmarks.Of(fact.Node) is not { } mark) continue;
            var places = fact.Places.Select(place => _reasoner.Landmarks.Place(mark, new Element(fact.Node, place))).OfType<int>().ToList();
            if (places.Count > 0) (mark.IsBackward ? backward : forward).Add($"`{mark.Name}{PlacesText.Of(mark.View.Shape, places)}`");
        }

        var text = backward.Count == 0 ? "" : $": nothing comes back to {And(Shortened(backward))}";
        if (forward.Count > 0) text += $"{(text.Length > 0 ? ", and" : ":")} {And(Shortened(forward))} {(forward.Count == 1 ? "is" : "are")} zero";
        return text;
    }

    string? Other(ZeroFact fact, int tensor)
    {
        var origin = ReasonSteps.Origin(fact.Node);
        return fact.Kind switch
        {
            ZeroKind.Constants => fact.Node.Primitive is Primitive.Parameter fixedOne ? $"`{fixedOne.Name}{PlacesText.Of(fact.Node.Shape, fact.Places)}` is zero and is not trained" : null,
            ZeroKind.Data => $"`{((Primitive.Data)fact.Node.Primitive).Name}{PlacesText.Of(fact.Node.Shape, fact.Places)}` is zero in every sample",
            ZeroKind.Closed => $"{origin} lets nothing through here, whatever the data",
            ZeroKind.Cancels => Cancelled(fact, tensor),
            ZeroKind.Unread when _reasoner.Landmarks.Of(fact.Node) is { IsBackward: true } mark && _reasoner.Landmarks.Place(mark, new Element(fact.Node, fact.Places.First())) is { } place => $"nothing reads `{mark.Name}{PlacesText.Of(mark.View.Shape, place)}`",
            _ => null,
        };
    }

    string Cancelled(ZeroFact fact, int tensor)
    {
        if (_reasoner.WhereCancelled(tensor, _round) is not { } where)
            return $"its terms cancel in what comes back through {ReasonSteps.Origin(fact.Node)}{(_reasoner.IsSentBackAlike(fact.Node, _round) ? ", to all of whose results along the last axis the same comes back: what they choose between is equal" : "")}";
        var senders = where.Readers.Select(ReasonSteps.OriginWithKind).Distinct(StringComparer.Ordinal).ToList();
        var mark = _reasoner.Landmarks.Of(where.Operand);
        var axes = where.Axes.Length == 1 ? $"along axis {where.Axes[0]}" : $"over axes {string.Join(", ", where.Axes)}";
        return $"its terms cancel: what {And(Shortened(senders))} {(senders.Count == 1 ? "sends" : "send")} back{(mark is { } named ? $" to `{named.Name}`" : "")} sums to zero {axes}";
    }

    int TensorOf(Node node) => Enumerable.Range(0, _reasoner.Model.Parameters.Count).First(k => _reasoner.Model.Parameters[k].Name == ((Primitive.Parameter)node.Primitive).Name);

    static List<string> Shortened(List<string> names) => names.Count <= MostNames ? names : [.. names.Take(MostNames - 1), $"{names.Count - MostNames + 1} more"];

    static string And(List<string> parts) => parts.Count == 1 ? parts[0] : $"{string.Join(", ", parts.Take(parts.Count - 1))} and {parts[^1]}";
}
