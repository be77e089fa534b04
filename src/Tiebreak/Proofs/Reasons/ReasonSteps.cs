using Tiebreak.Formats;
using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>Collects the steps of a reason and numbers them.</summary>
sealed class ReasonSteps(Model model, Landmarks landmarks)
{
    readonly List<ReasonStep> _steps = [];

    public IReadOnlyList<ReasonStep> All => _steps;

    public int Add(string kind, string label, string text, IEnumerable<int> links)
    {
        _steps.Add(new ReasonStep(_steps.Count + 1, kind, label, text, [.. links.Distinct().Order()]));
        return _steps.Count;
    }

    /// <summary>Says why elements are equal: what starts equal, what is therefore equal forwards, and what therefore comes back equal.</summary>
    /// <returns>The numbers of the steps on which the last facts rest.</returns>
    /// <param name="facts">The facts, those nearest to the leaves first.</param>
    /// <param name="whyZero">What keeps elements at zero that are equal because both are; null where that is not known.</param>
    public IReadOnlyList<int> Say(IReadOnlyList<Fact> facts, Func<Fact, string?> whyZero)
    {
        var numbers = new Dictionary<Fact, IReadOnlyList<int>>();
        foreach (var fact in facts)
        {
            var because = fact.Because.Where(numbers.ContainsKey).SelectMany(reason => numbers[reason]).Distinct().Order().ToArray();
            var said = Sentence(fact, because.Length > 0, whyZero);
            numbers[fact] = said is var (kind, label, text) ? [Add(kind, label, text, because)] : because;
        }

        return facts.Count == 0 ? [] : numbers[facts[^1]];
    }

    /// <summary>An element in a sentence: <c>`fc1.weight[2,0]`</c>, <c>what comes back to `/tanh[0,2]`</c>, or the part of the model that makes it.</summary>
    public string Phrase(Element element) => element.Node.Primitive switch
    {
        Primitive.Data { Kind: DataKind.Distribution } choice => $"{element.Index % element.Node.Shape[element.Node.Shape.Rank - 1]} in `{choice.Name.Split(" among ")[0]}`",
        Primitive.Constant => $"a constant of {Origin(element.Node)}",
        _ => Leaf(element) is { } leaf ? $"`{leaf}`"
            : Mark(element) is var (mark, place) ? $"{(mark.IsBackward ? "what comes back to " : "")}`{mark.Name}{PlacesText.Of(mark.View.Shape, place)}`" : $"a part of {Origin(element.Node)}",
    };

    /// <summary>The kind of what makes an element, where it is a leaf or the result of a node of the user's graph; null for parts of one, and for what comes back.</summary>
    public string? MadeBy(Element element) =>
        Leaf(element) is not null ? Making(element) : Mark(element) is ({ IsBackward: false, View: var view }, _) && view.Origin?.Split(" (", 2) is [_, var kind] ? $"the result of a {kind.TrimEnd(')')}" : null;

    /// <summary>What makes an element, in words: <c>an input</c>, <c>a relu</c>, <c>the product of `w` and `x`</c>, <c>a sum of 4 terms</c>.</summary>
    public string Making(Element element)
    {
        if (Recipe.Source(element) is not { } source) return "zero, as nothing is there";
        string Factor(Element factor) => Recipe.Source(factor) is { } of ? of.Node.Primitive is Primitive.Constant { Values: var values } ? values[of.Index].ToShortString() : Phrase(of) : "zero";
        switch (source.Node.Primitive)
        {
            case Primitive.Parameter: return "a parameter";
            case Primitive.Data { Kind: DataKind.LossAdjoint }: return "what the loss sends back";
            case Primitive.Data: return "an input";
            case Primitive.Constant { Values: var values }: return $"the constant {values[source.Index].ToShortString()}";
            case Primitive.Apply apply: return $"{Article(apply.Function.ToString())} of {Factor(new Element(source.Node.Operands[0], source.Index))}";
            case Primitive.Reciprocal: return $"1 over {Factor(new Element(source.Node.Operands[0], source.Index))}";
            case Primitive.Choose: return "a choice among the elements of its row";
        }

        return Recipe.Of(source).Terms switch
        {
            [] => "zero, as nothing is added up there",
            [{ Second: { } second } only] => $"{(only.IsNegative ? "minus " : "")}the product of {Factor(only.First)} and {Factor(second)}",
            [var only] => $"{(only.IsNegative ? "minus " : "")}{Factor(only.First)}",
            var terms => $"a sum of {terms.Count:N0} {(terms.All(term => term.Second is null) ? "terms" : "products")}",
        };

        static string Article(string name) => $"{(name.Length > 0 && "aeiou".Contains(name[0]) ? "an" : "a")} {name}";
    }

    /// <summary>An element in a picture: <c>fc1.weight[2,0]</c>, <c>∂/tanh[0,2]</c>.</summary>
    public string Label(Element element) =>
        Leaf(element) ?? (Mark(element) is var (mark, place) ? $"{(mark.IsBackward ? "∂" : "")}{mark.Name}{PlacesText.Of(mark.View.Shape, place)}" : $"a part of {Origin(element.Node).Trim('`')}");

    (Landmark Mark, int Place)? Mark(Element element) => landmarks.Of(element.Node) is { } mark && landmarks.Place(mark, element) is { } place ? (mark, place) : null;

    static string? Leaf(Element element) => element.Node.Primitive switch
    {
        Primitive.Parameter parameter => parameter.Name + PlacesText.Of(element.Node.Shape, element.Index),
        Primitive.Data { Kind: DataKind.LossAdjoint } adjoint => adjoint.Name["loss adjoint of ".Length..] + PlacesText.Of(element.Node.Shape, element.Index),
        Primitive.Data data => data.Name + PlacesText.Of(element.Node.Shape, element.Index),
        _ => null,
    };

    /// <summary>Where a node comes from, for nodes that are no landmark.</summary>
    public static string Origin(Node node) => node.Origin is not { } origin ? "the model" : origin.StartsWith("node ", StringComparison.Ordinal) ? $"`{origin["node ".Length..].Split(" (", 2)[0]}`" : origin;

    /// <summary>The same with the kind of the graph's node: <c>`/attn/Softmax` (Softmax)</c>.</summary>
    public static string OriginWithKind(Node node) => node.Origin?.Split(" (", 2) is [_, var kind] ? $"{Origin(node)} ({kind}" : Origin(node);

    /// <summary>The start value of a parameter, in short.</summary>
    public string Start(string name, int place) =>
        model.Parameters.Concat(model.Frozen).First(parameter => parameter.Name == name).Start[place].ToShortString();

    (string Kind, string Label, string Text)? Sentence(Fact fact, bool hasReasons, Func<Fact, string?> whyZero)
    {
        if (fact.Kind == FactKind.Parameters)
        {
            var text = Equal(fact, ((Primitive.Parameter)fact.Left.Primitive).Name, fact.Left.Shape, ((Primitive.Parameter)fact.Right.Primitive).Name, fact.Right.Shape, fact.Pairs);
            return ("start", text.Label, $"{text.Text} at the start");
        }

        if (fact.Kind == FactKind.Data)
        {
            var text = Equal(fact, ((Primitive.Data)fact.Left.Primitive).Name, fact.Left.Shape, ((Primitive.Data)fact.Right.Primitive).Name, fact.Right.Shape, fact.Pairs);
            return ("start", text.Label, $"{text.Text} in every sample");
        }

        if (fact.Kind == FactKind.Constants) return null;
        if (landmarks.Of(fact.Left) is not { } left || landmarks.Of(fact.Right) is not { } right || left.IsBackward != right.IsBackward)
            return fact.Kind == FactKind.AsWhole && !hasReasons ? ("forward", "equal as a whole", $"two parts of {Origin(fact.Left)} are equal at every point of the set, though not term by term") : null;

        var pairs = fact.Pairs.Select(pair => (Left: landmarks.Place(left, new Element(fact.Left, pair.Left)), Right: landmarks.Place(right, new Element(fact.Right, pair.Right))))
            .Where(pair => pair.Left is not null && pair.Right is not null).Select(pair => (pair.Left!.Value, pair.Right!.Value)).ToList();
        if (pairs.Count == 0) return null;
        var (label, sentence) = Equal(fact, left.Name, left.View.Shape, right.Name, right.View.Shape, pairs);
        var how = fact.Kind switch
        {
            FactKind.Zero => $": both are zero{(whyZero(fact) is { } why ? $", as {why}" : "")}",
            FactKind.Reordered => ": sums of the same terms in another order",
            FactKind.AsWhole => ", though not term by term",
            _ => "",
        };
        if (left.IsBackward) (label, sentence) = Equal(fact, $"∂{left.Name}", left.View.Shape, $"∂{right.Name}", right.View.Shape, pairs);
        return left.IsBackward ? ("backward", label, $"what comes back there is {(fact.IsMirrored ? "opposite" : "equal")}, too: {sentence}{how}") : ("forward", label, sentence + how);
    }

    static (string Label, string Text) Equal(Fact fact, string left, Shape leftShape, string right, Shape rightShape, IReadOnlyList<(int, int)> pairs)
    {
        var equalities = PlacesText.Equalities((left, leftShape), (right, rightShape), pairs, !fact.IsMirrored ? "" : fact.IsEqual ? "±" : "-", fact.IsCut);
        var texts = equalities.Select(pair => $"`{pair.Left}` = `{pair.Right}`").ToList();
        return ($"{equalities[0].Left} = {equalities[0].Right}", texts.Count == 1 ? texts[0] : $"{string.Join(", ", texts.Take(texts.Count - 1))} and {texts[^1]}");
    }
}
