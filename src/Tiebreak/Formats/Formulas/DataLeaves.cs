using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas;

/// <summary>
/// The data leaves of a formula and which of their elements are declared always equal: a union-find over elements, in which the element
/// declared first stands for its class.
/// </summary>
internal sealed class DataLeaves(StartValues shapes, FormulaErrors errors)
{
    /// <summary>The most elements that one <c>=</c> may equate.</summary>
    const long MostEquated = 1_000_000;

    readonly List<(string Name, Shape Shape)> _leaves = [];
    readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    readonly Dictionary<Element, Element> _parents = [];
    readonly HashSet<int> _equated = [];
    readonly IndexedElements _indices = new(errors);

    /// <summary>Sentences about what is always equal, for the report's assumptions.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Names and shapes as declared, in order.</summary>
    public IReadOnlyList<(string Name, Shape Shape)> All => _leaves;

    /// <summary>Each element that stands for another one, with that.</summary>
    public IReadOnlyList<EqualData> Equal =>
        [.. _parents.Keys.ToArray().Select(element => (Element: element, Root: Root(element))).Select(pair => new EqualData(_leaves[pair.Root.Leaf].Name, pair.Root.Position, _leaves[pair.Element.Leaf].Name, pair.Element.Position))];

    /// <summary>Takes a <c>data</c> line; <paramref name="declare"/> is told each new name.</summary>
    public void Add(Statement.Data statement, Action<Target> declare)
    {
        foreach (var targets in statement.Leaves)
        {
            var sides = new (int Leaf, int[]? Positions, Shape Shape)[targets.Length];
            Shape? common = null;
            for (var k = 0; k < targets.Length; k++)
            {
                if (targets.Length > 1 && _numbers.TryGetValue(targets[k].Name, out var leaf)) sides[k] = Known(leaf, targets[k]);
                else if (targets[k].HasBracket || targets.Length == 1) sides[k] = New(targets[k], targets[k].HasBracket ? shapes.DeclaredShape(targets[k]) : Shape.Scalar, declare);
                else continue;
                common ??= sides[k].Shape;
                if (sides[k].Shape != common) throw errors.At(targets[k].Place, $"data of shapes {common} and {sides[k].Shape} cannot be equal; give them one shape");
            }

            for (var k = 0; k < targets.Length; k++)
                if (sides[k].Positions is null) sides[k] = New(targets[k], common ?? Shape.Scalar, declare);
            for (var k = 1; k < targets.Length; k++) Equate(sides[0], sides[k], targets[k].Place);
            if (targets.Length > 1) Notes.Add($"the data {string.Join(" and ", targets.Select(target => $"`{Describe(target)}`"))} are always equal");
        }
    }

    /// <summary>The node that a leaf's name stands for.</summary>
    public Node Lower(string name, ProgramBuilder builder)
    {
        var number = _numbers[name];
        var shape = _leaves[number].Shape;
        if (!_equated.Contains(number)) return builder.Data(name, shape);
        var sources = new Element[shape.Count];
        for (var k = 0; k < sources.Length; k++) sources[k] = Root(new Element(number, k));
        var whole = sources[0].Leaf;
        if (_leaves[whole].Shape == shape && sources.Select((source, k) => source == new Element(whole, k)).All(same => same)) return builder.Data(_leaves[whole].Name, shape);

        // Elements from here and there: the leaves they come from, end to end, read through a table.
        var leaves = sources.Select(source => source.Leaf).Distinct().Order().ToArray();
        var offsets = new Dictionary<int, int>();
        var total = 0;
        foreach (var leaf in leaves)
        {
            offsets[leaf] = total;
            total = checked(total + (int)_leaves[leaf].Shape.Count);
        }

        var flat = builder.Concat(0, [.. leaves.Select(leaf => builder.Reshape(builder.Data(_leaves[leaf].Name, _leaves[leaf].Shape), new Shape((int)_leaves[leaf].Shape.Count)))]);
        return builder.Gather(flat, new IndexMap.Table(flat.Shape, shape, [.. sources.Select(source => offsets[source.Leaf] + source.Position)]));
    }

    (int Leaf, int[]? Positions, Shape Shape) Known(int leaf, Target target)
    {
        var map = _indices.Map(_leaves[leaf].Shape, target.Bracket);
        TensorSize.Checked(map.Target, target.Place, errors, MostEquated);
        return (leaf, IndexedElements.Positions(map), map.Target);
    }

    (int Leaf, int[]? Positions, Shape Shape) New(Target target, Shape shape, Action<Target> declare)
    {
        declare(target);
        _numbers.Add(target.Name, _leaves.Count);
        _leaves.Add((target.Name, shape));
        return (_leaves.Count - 1, [], shape);
    }

    void Equate((int Leaf, int[]? Positions, Shape Shape) left, (int Leaf, int[]? Positions, Shape Shape) right, int place)
    {
        TensorSize.Checked(left.Shape, place, errors, MostEquated);
        _equated.Add(left.Leaf);
        _equated.Add(right.Leaf);
        for (var k = 0; k < left.Shape.Count; k++)
        {
            // A new leaf is meant as a whole: its positions are 0, 1, 2, …
            var a = Root(new Element(left.Leaf, left.Positions is { Length: > 0 } from ? from[k] : k));
            var b = Root(new Element(right.Leaf, right.Positions is { Length: > 0 } to ? to[k] : k));
            if (a == b) continue;
            var first = (a.Leaf, a.Position).CompareTo((b.Leaf, b.Position)) < 0;
            _parents[first ? b : a] = first ? a : b;
        }
    }

    Element Root(Element element)
    {
        var root = element;
        while (_parents.TryGetValue(root, out var parent)) root = parent;
        while (_parents.TryGetValue(element, out var parent))
        {
            if (parent != root) _parents[element] = root;
            element = parent;
        }

        return root;
    }

    static string Describe(Target target) => target.HasBracket ? $"{target.Name}[…]" : target.Name;

    readonly record struct Element(int Leaf, int Position);
}
