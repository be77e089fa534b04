using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>What makes two sets of elements equal, element by element and up to sign.</summary>
enum FactKind
{
    /// <summary>They are parameters of one class.</summary>
    Parameters,

    /// <summary>They are constants, or weights that are not trained.</summary>
    Constants,

    /// <summary>They are data that are equal in every sample.</summary>
    Data,

    /// <summary>Both are zero.</summary>
    Zero,

    /// <summary>They are made alike from elements that are equal.</summary>
    Alike,

    /// <summary>They are sums of equal terms in another order.</summary>
    Reordered,

    /// <summary>They are equal as they stand, though what they are made of is not.</summary>
    AsWhole,
}

/// <summary>Elements of one node that are equal, or opposite, to elements of another (or of the same).</summary>
sealed class Fact(Node left, Node right)
{
    readonly HashSet<(int, int)> _known = [];

    public Node Left { get; } = left;

    public Node Right { get; } = right;

    /// <summary>The elements of both, pair by pair.</summary>
    public List<(int Left, int Right)> Pairs { get; } = [];

    /// <summary>Whether some pair is opposite rather than equal.</summary>
    public bool IsMirrored { get; set; }

    /// <summary>Whether some pair is equal and not zero.</summary>
    public bool IsEqual { get; set; }

    public FactKind Kind { get; set; } = FactKind.Alike;

    /// <summary>What it follows from.</summary>
    public HashSet<Fact> Because { get; } = [];

    /// <summary>Whether more pairs were met than are kept.</summary>
    public bool IsCut { get; private set; }

    public bool Add(int left, int right, int most)
    {
        if (Pairs.Count >= most && !_known.Contains((left, right)))
        {
            IsCut = true;
            return false;
        }

        if (!_known.Add((left, right))) return false;
        Pairs.Add((left, right));
        return true;
    }
}

/// <summary>
/// Why two elements of a program are equal: walks from them towards the leaves, and at each node pairs what the one is made of with what the other is made of, guided by the values at a
/// random point. What it collects is a proof by congruence: equal parameters, then each equality from those before it.
/// </summary>
sealed class EqualityTrace(PointValues values, Func<string, bool> isTrained, CancellationToken cancellation)
{
    const int MostPairs = 2048; // of one fact: enough to see the pattern of a slice
    const int MostFactors = 16;
    const long MostWork = 1L << 26; // terms looked at

    readonly Dictionary<(int, int), Fact> _facts = [];
    readonly PriorityQueue<Fact, (int, int)> _waiting = new();
    long _work;

    /// <summary>All facts on which the equality of the given pairs rests, those nearest to the leaves first; the given ones last.</summary>
    public IReadOnlyList<Fact> Of(IEnumerable<(Element Left, Element Right)> pairs)
    {
        foreach (var (left, right) in pairs) Require(left, right, null);
        var done = new List<Fact>();
        while (_waiting.TryDequeue(out var fact, out _))
        {
            cancellation.ThrowIfCancellationRequested();
            Explain(fact);
            done.Add(fact);
        }

        done.Reverse();
        return done;
    }

    void Require(Element left, Element right, Fact? consequence)
    {
        if (Recipe.Source(left) is not { } first || Recipe.Source(right) is not { } second || first == second) return;
        if (first.Node.Id < second.Node.Id) (first, second) = (second, first);
        var key = (first.Node.Id, second.Node.Id);
        if (!_facts.TryGetValue(key, out var fact))
        {
            _facts.Add(key, fact = new Fact(first.Node, second.Node));
            _waiting.Enqueue(fact, (-first.Node.Id, -second.Node.Id));
        }

        consequence?.Because.Add(fact);
        // Of one node (a, b) and (b, a) are one equality.
        if (first.Node == second.Node && first.Index > second.Index) (first, second) = (second, first);
        fact.Add(first.Index, second.Index, MostPairs);
    }

    void Explain(Fact fact)
    {
        if (fact.Left.Primitive is Primitive.Parameter left && fact.Right.Primitive is Primitive.Parameter right)
        {
            fact.Kind = isTrained(left.Name) && isTrained(right.Name) ? FactKind.Parameters : FactKind.Constants;
            foreach (var (i, j) in fact.Pairs) See(fact, new Element(fact.Left, i), new Element(fact.Right, j));
            return;
        }

        var isZero = true;
        foreach (var (i, j) in fact.Pairs)
        {
            var (first, second) = (new Element(fact.Left, i), new Element(fact.Right, j));
            See(fact, first, second);
            if (values[first] == 0) continue;
            isZero = false;
            var kind = _work > MostWork ? FactKind.AsWhole : Pair(Recipe.Of(first), Recipe.Of(second), fact);
            if (kind > fact.Kind || fact.Kind == FactKind.Alike) fact.Kind = kind;
        }

        if (isZero) fact.Kind = FactKind.Zero;
        else if (fact.Kind == FactKind.AsWhole && IsFixed(fact.Left) && IsFixed(fact.Right)) fact.Kind = FactKind.Constants;
        else if (fact.Kind == FactKind.AsWhole && fact.Left.Primitive is Primitive.Data && fact.Right.Primitive is Primitive.Data) fact.Kind = FactKind.Data;
    }

    void See(Fact fact, Element left, Element right)
    {
        var relation = values.Relation(left, right);
        fact.IsMirrored |= relation < 0;
        fact.IsEqual |= relation > 0 && values[left] != 0;
    }

    bool IsFixed(Node node) => node.Primitive is Primitive.Constant || (node.Primitive is Primitive.Parameter parameter && !isTrained(parameter.Name));

    FactKind Pair(Recipe left, Recipe right, Fact fact)
    {
        if (left.Kind != right.Kind || left.Kind == RecipeKind.Leaf) return FactKind.AsWhole;
        if (left.Kind == RecipeKind.Sum) return PairTerms(left.Terms, right.Terms, fact) ?? PairTerms(left.Flat().Terms, right.Flat().Terms, fact) ?? FactKind.AsWhole;
        if (fact.Left.Primitive != fact.Right.Primitive || left.Operands.Length != right.Operands.Length) return FactKind.AsWhole;
        if (values.Relation(left.Operands[0], right.Operands[0]) == 0) return FactKind.AsWhole;
        if (PairRows(left.Operands, right.Operands) is not { } row) return FactKind.AsWhole;
        foreach (var (a, b) in row) Require(a, b, fact);
        return FactKind.Alike;
    }

    // A function has one argument; a choice weighs an element among those of its row, in whatever order the others stand.
    IEnumerable<(Element, Element)>? PairRows(Element[] left, Element[] right)
    {
        if (left.Length == 1) return [(left[0], right[0])];
        var order = Match([.. left.Skip(1).Select(element => values[element])], [.. right.Skip(1).Select(element => values[element])]);
        return order?.Select((to, from) => (left[from + 1], right[to + 1])).Prepend((left[0], right[0]));
    }

    FactKind? PairTerms(IReadOnlyList<Term> left, IReadOnlyList<Term> right, Fact fact)
    {
        _work += left.Count + right.Count;
        var first = left.Select(values.Product).ToArray();
        var second = right.Select(values.Product).ToArray();
        var order = Match(first, second) ?? Match([.. first.Select(values.Negate)], second);
        if (order is null) return null;
        var isInOrder = true;
        var pairs = new List<(Element, Element)>();
        for (var k = 0; k < order.Length; k++)
        {
            if (first[k] == 0) continue;
            if (!PairFactors(left[k], right[order[k]], pairs)) return null;
            isInOrder &= order[k] == k;
        }

        foreach (var (a, b) in pairs) Require(a, b, fact);
        return isInOrder ? FactKind.Alike : FactKind.Reordered;
    }

    // Factor by factor; where they do not fit, with products among them taken apart: (a·b)·c = (c·b)·a.
    bool PairFactors(Term left, Term right, List<(Element, Element)> pairs) =>
        PairProducts(Factors(left), Factors(right), pairs) || PairProducts(Apart(Factors(left)), Apart(Factors(right)), pairs);

    bool PairProducts(List<Element> left, List<Element> right, List<(Element, Element)> pairs)
    {
        if (left.Count != right.Count) return false;
        var found = new List<(Element, Element)>();
        foreach (var factor in left)
        {
            var at = right.FindIndex(other => values.Relation(factor, other) != 0);
            if (at < 0) return false;
            found.Add((factor, right[at]));
            right.RemoveAt(at);
        }

        pairs.AddRange(found);
        return true;
    }

    static List<Element> Factors(Term term) => term.Second is { } second ? [term.First, second] : [term.First];

    static List<Element> Apart(List<Element> factors)
    {
        for (var k = 0; k < factors.Count && factors.Count <= MostFactors;)
        {
            if (Recipe.Source(factors[k]) is { } source && Recipe.Of(source) is { Kind: RecipeKind.Sum, Terms: [{ } only] })
            {
                factors[k] = only.First;
                if (only.Second is { } second) factors.Insert(k + 1, second);
            }
            else
            {
                k++;
            }
        }

        return factors;
    }

    /// <summary>For each value of the left one of the right that is equal, each used once and in place where possible; null if there is none. Zeros are left out of account.</summary>
    internal static int[]? Match(ulong[] left, ulong[] right)
    {
        var order = new int[left.Length];
        var rest = new Dictionary<ulong, Queue<int>>();
        for (var k = 0; k < right.Length; k++)
        {
            if (right[k] == 0 || (k < left.Length && left[k] == right[k])) continue;
            if (!rest.TryGetValue(right[k], out var places)) rest.Add(right[k], places = new Queue<int>());
            places.Enqueue(k);
        }

        for (var k = 0; k < left.Length; k++)
        {
            order[k] = k;
            if (left[k] == 0 || (k < right.Length && left[k] == right[k])) continue;
            if (!rest.TryGetValue(left[k], out var places) || !places.TryDequeue(out order[k])) return null;
        }

        return rest.Values.Any(places => places.Count > 0) ? null : order;
    }
}
