using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>One element of a node's value.</summary>
readonly record struct Element(Node Node, int Index);

/// <summary>A product of one or two elements, perhaps negated: one term of a sum.</summary>
readonly record struct Term(Element First, Element? Second, bool IsNegative);

/// <summary>How one element is made from elements of operands.</summary>
enum RecipeKind
{
    /// <summary>A parameter, data or a constant.</summary>
    Leaf,

    /// <summary>A function of one element.</summary>
    Function,

    /// <summary>A weight of a choice among the elements of a row, the first of which is its own.</summary>
    Choice,

    /// <summary>A sum of products.</summary>
    Sum,
}

/// <summary>How one element is made: a function of one other, a choice among several, or a sum of products. Copies (reshape, slice, broadcast) are looked through.</summary>
/// <param name="Kind">Which of them.</param>
/// <param name="Operands">For a function its argument; for a choice its row, its own element first; else empty.</param>
/// <param name="Terms">For a sum its terms that are not zero by construction.</param>
sealed record Recipe(RecipeKind Kind, Element[] Operands, IReadOnlyList<Term> Terms)
{
    /// <summary>The most terms that a flat sum takes together.</summary>
    const int MostFlat = 64;

    /// <summary>Looks through copies to where an element comes from; null for padding, which is zero.</summary>
    public static Element? Source(Element element)
    {
        while (true)
        {
            var (node, index) = element;
            switch (node.Primitive)
            {
                case Primitive.Reshape:
                    break;
                case Primitive.Transpose transpose:
                    {
                        var (own, from, at) = (node.Shape.Strides(), node.Operands[0].Shape.Strides(), 0);
                        for (var axis = 0; axis < own.Length; axis++) at += index / own[axis] % node.Shape[axis] * from[transpose.Order[axis]];
                        index = at;
                        break;
                    }

                case Primitive.Broadcast broadcast:
                    index = Drop(node.Shape, broadcast.Axes, index);
                    break;
                case Primitive.Gather gather:
                    index = Position(gather.Map, index);
                    if (index < 0) return null;
                    break;
                case Primitive.Concat concat:
                    {
                        var inner = node.Shape.Strides()[concat.Axis];
                        var (outer, place, rest) = (index / inner / node.Shape[concat.Axis], index / inner % node.Shape[concat.Axis], index % inner);
                        var operand = 0;
                        while (place >= node.Operands[operand].Shape[concat.Axis]) place -= node.Operands[operand++].Shape[concat.Axis];
                        element = new Element(node.Operands[operand], (((outer * node.Operands[operand].Shape[concat.Axis]) + place) * inner) + rest);
                        continue;
                    }

                default:
                    return element;
            }

            element = new Element(node.Operands[0], index);
        }
    }

    /// <summary>The recipe of an element that is no copy.</summary>
    public static Recipe Of(Element element)
    {
        var (node, index) = element;
        return node.Primitive switch
        {
            Primitive.Parameter or Primitive.Data or Primitive.Constant => new Recipe(RecipeKind.Leaf, [], []),
            Primitive.Apply or Primitive.Reciprocal => new Recipe(RecipeKind.Function, [new Element(node.Operands[0], index)], []),
            Primitive.Choose => new Recipe(RecipeKind.Choice, Row(node, index), []),
            Primitive.Add => Sum([new Term(new Element(node.Operands[0], index), null, false), new Term(new Element(node.Operands[1], index), null, false)]),
            Primitive.Negate => Sum([new Term(new Element(node.Operands[0], index), null, true)]),
            Primitive.Multiply => Sum([new Term(new Element(node.Operands[0], index), new Element(node.Operands[1], index), false)]),
            Primitive.ReduceSum reduce => Sum(Reduced(node, reduce.Axes, index)),
            Primitive.Contract contract => Sum(Products(node, contract, index)),
            Primitive.ScatterAdd scatter => Sum(Scattered(node, scatter.Map, index)),
            _ => throw new ArgumentException($"{node} is a copy"),
        };
    }

    /// <summary>The same sum with sums among its terms taken apart, so that the order of additions does not matter; itself if that is too long.</summary>
    public Recipe Flat()
    {
        if (Kind != RecipeKind.Sum) return this;
        var terms = new List<Term>();
        return Flatten(Terms, false, terms) ? this with { Terms = terms } : this;
    }

    static bool Flatten(IReadOnlyList<Term> from, bool isNegative, List<Term> into)
    {
        foreach (var term in from)
        {
            if (into.Count > MostFlat) return false;
            if (term.Second is null && Source(term.First) is { } source && source.Node.Primitive is Primitive.Add or Primitive.Negate)
            {
                if (!Flatten(Of(source).Terms, isNegative ^ term.IsNegative, into)) return false;
            }
            else
            {
                into.Add(term with { IsNegative = isNegative ^ term.IsNegative });
            }
        }

        return into.Count <= MostFlat;
    }

    static Recipe Sum(List<Term> terms)
    {
        var looked = new List<Term>(terms.Count);
        foreach (var term in terms)
        {
            if (Source(term.First) is not { } first) continue;
            if (term.Second is not { } factor) looked.Add(term with { First = first });
            else if (Source(factor) is { } second) looked.Add(term with { First = first, Second = second });
        }

        return new Recipe(RecipeKind.Sum, [], looked);
    }

    static Element[] Row(Node node, int index)
    {
        var length = node.Shape[node.Shape.Rank - 1];
        var start = index - (index % length);
        return [new Element(node.Operands[0], index), .. Enumerable.Range(start, length).Where(k => k != index).Select(k => new Element(node.Operands[0], k))];
    }

    static List<Term> Reduced(Node node, Axes axes, int index)
    {
        var shape = node.Operands[0].Shape;
        var strides = shape.Strides();
        var start = 0;
        for (var axis = shape.Rank - 1; axis >= 0; axis--)
        {
            if (axes.Contains(axis)) continue;
            start += index % shape[axis] * strides[axis];
            index /= shape[axis];
        }

        return [.. Offsets([.. axes.Select(axis => (shape[axis], strides[axis], 0))]).Select(at => new Term(new Element(node.Operands[0], start + at.First), null, false))];
    }

    static List<Term> Products(Node node, Primitive.Contract contract, int index)
    {
        var (left, right) = (node.Operands[0], node.Operands[1]);
        var (leftStrides, rightStrides) = (left.Shape.Strides(), right.Shape.Strides());
        int Stride(string letters, int[] strides, char letter) => letters.IndexOf(letter, StringComparison.Ordinal) is var at and >= 0 ? strides[at] : 0;
        int first = 0, second = 0;
        for (var axis = contract.Output.Length - 1; axis >= 0; axis--)
        {
            var place = index % node.Shape[axis];
            index /= node.Shape[axis];
            first += place * Stride(contract.Left, leftStrides, contract.Output[axis]);
            second += place * Stride(contract.Right, rightStrides, contract.Output[axis]);
        }

        var summed = contract.Left.Where(letter => !contract.Output.Contains(letter)).ToArray();
        var axes = summed.Select(letter => (left.Shape[contract.Left.IndexOf(letter, StringComparison.Ordinal)], Stride(contract.Left, leftStrides, letter), Stride(contract.Right, rightStrides, letter)));
        return [.. Offsets([.. axes]).Select(at => new Term(new Element(left, first + at.First), new Element(right, second + at.Second), false))];
    }

    // All positions of a block of axes, as offsets in two tensors.
    static IEnumerable<(int First, int Second)> Offsets((int Size, int First, int Second)[] axes)
    {
        var places = new int[axes.Length];
        if (axes.Any(axis => axis.Size == 0)) yield break;
        while (true)
        {
            int first = 0, second = 0;
            for (var k = 0; k < axes.Length; k++) (first, second) = (first + (places[k] * axes[k].First), second + (places[k] * axes[k].Second));
            yield return (first, second);
            var last = axes.Length - 1;
            while (last >= 0 && ++places[last] == axes[last].Size) places[last--] = 0;
            if (last < 0) yield break;
        }
    }

    static List<Term> Scattered(Node node, IndexMap map, int index)
    {
        var terms = new List<Term>();
        var count = (int)map.Target.Count;
        for (var k = 0; k < count; k++)
            if (Position(map, k) == index) terms.Add(new Term(new Element(node.Operands[0], k), null, false));
        return terms;
    }

    static int Position(IndexMap map, int index)
    {
        if (map is IndexMap.Table table) return table.Positions[index];
        var affine = (IndexMap.Affine)map;
        var at = affine.Offset;
        for (var axis = map.Target.Rank - 1; axis >= 0; axis--)
        {
            at += index % map.Target[axis] * affine.Strides[axis];
            index /= map.Target[axis];
        }

        return at;
    }

    static int Drop(Shape shape, Axes axes, int index)
    {
        int at = 0, stride = 1;
        for (var axis = shape.Rank - 1; axis >= 0; axis--)
        {
            var place = index % shape[axis];
            index /= shape[axis];
            if (axes.Contains(axis)) continue;
            at += place * stride;
            stride *= shape[axis];
        }

        return at;
    }
}
