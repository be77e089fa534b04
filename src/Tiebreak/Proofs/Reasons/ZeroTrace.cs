using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>Why elements are zero.</summary>
enum ZeroKind
{
    /// <summary>What they are made of is zero.</summary>
    Follows,

    /// <summary>They are parameters that are zero and stay so.</summary>
    Parameters,

    /// <summary>They are constants, or weights that are not trained.</summary>
    Constants,

    /// <summary>They are data that are zero in every sample.</summary>
    Data,

    /// <summary>A gate is closed, or a choice never falls on them, whatever the data.</summary>
    Closed,

    /// <summary>Terms that are not zero cancel.</summary>
    Cancels,

    /// <summary>Nothing is added up there: of a gradient, nothing that the loss sees reads the element.</summary>
    Unread,
}

/// <summary>Elements of one node that are zero.</summary>
sealed class ZeroFact(Node node)
{
    public Node Node { get; } = node;

    public HashSet<int> Places { get; } = [];

    public ZeroKind Kind { get; set; }

    public HashSet<ZeroFact> Because { get; } = [];
}

/// <summary>
/// Why elements of a program are zero at every point of a set: a product is zero because a factor is; a sum because every term is, or because they cancel. Walks towards the leaves, and of a
/// product follows a factor that is zero in all terms where there is one, both if both are.
/// </summary>
sealed class ZeroTrace(PointValues values, Func<string, bool> isTrained, CancellationToken cancellation)
{
    const int MostPlaces = 1 << 14; // of one node: enough to see where zeros come from

    readonly Dictionary<int, ZeroFact> _facts = [];
    readonly PriorityQueue<ZeroFact, int> _waiting = new();

    /// <summary>All facts on which the zeros rest, those nearest to the leaves first.</summary>
    public IReadOnlyList<ZeroFact> Of(IEnumerable<Element> elements)
    {
        foreach (var element in elements) Require(element, null);
        var done = new List<ZeroFact>();
        while (_waiting.TryDequeue(out var fact, out _))
        {
            cancellation.ThrowIfCancellationRequested();
            fact.Kind = Explain(fact);
            done.Add(fact);
        }

        done.Reverse();
        return done;
    }

    void Require(Element element, ZeroFact? consequence)
    {
        if (Recipe.Source(element) is not { } source) return; // padding
        if (!_facts.TryGetValue(source.Node.Id, out var fact))
        {
            _facts.Add(source.Node.Id, fact = new ZeroFact(source.Node));
            _waiting.Enqueue(fact, -source.Node.Id);
        }

        consequence?.Because.Add(fact);
        if (fact.Places.Count < MostPlaces) fact.Places.Add(source.Index);
    }

    ZeroKind Explain(ZeroFact fact)
    {
        switch (fact.Node.Primitive)
        {
            case Primitive.Parameter parameter: return isTrained(parameter.Name) ? ZeroKind.Parameters : ZeroKind.Constants;
            case Primitive.Constant: return ZeroKind.Constants;
            case Primitive.Data: return ZeroKind.Data;
            case Primitive.Choose: return ZeroKind.Closed;
        }

        var recipes = fact.Places.Select(place => Recipe.Of(new Element(fact.Node, place))).ToList();
        if (recipes[0].Kind == RecipeKind.Function)
        {
            var arguments = recipes.Select(recipe => recipe.Operands[0]).ToList();
            if (!arguments.TrueForAll(IsZero)) return ZeroKind.Closed;
            foreach (var argument in arguments) Require(argument, fact);
            return ZeroKind.Follows;
        }

        var terms = recipes.SelectMany(recipe => recipe.Terms.Any(term => values.Product(term) != 0) ? recipe.Flat().Terms : recipe.Terms).ToList();
        if (terms.Exists(term => values.Product(term) != 0)) return ZeroKind.Cancels;
        var isFirst = terms.TrueForAll(term => IsZero(term.First));
        var isSecond = terms.TrueForAll(term => term.Second is { } second && IsZero(second));
        foreach (var term in terms)
        {
            if (IsZero(term.First) && (isFirst || !isSecond)) Require(term.First, fact);
            if (term.Second is { } second && IsZero(second) && (isSecond || !IsZero(term.First))) Require(second, fact);
        }

        return fact.Because.Count == 0 && recipes.TrueForAll(recipe => recipe.Terms.Count == 0 || recipe.Terms.All(term => Recipe.Source(term.First) is null)) ? ZeroKind.Unread : ZeroKind.Follows;
    }

    bool IsZero(Element element) => values[element] == 0;
}
