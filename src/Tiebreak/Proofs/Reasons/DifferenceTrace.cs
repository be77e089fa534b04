using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>What two elements that differ show where they are compared.</summary>
enum DifferenceKind
{
    /// <summary>They differ because something that they are made of differs: the next step.</summary>
    Follows,

    /// <summary>They are parameters of different classes, or one of the two is stuck.</summary>
    Parameters,

    /// <summary>They are different data.</summary>
    Data,

    /// <summary>They are different constants, or weights that are not trained.</summary>
    Constants,

    /// <summary>Equal or opposite elements meet an operation that does not treat both alike.</summary>
    Sign,

    /// <summary>They are made in different ways: other operations, or more terms.</summary>
    Made,
}

/// <summary>Two elements that differ.</summary>
/// <param name="Left">The one.</param>
/// <param name="Right">The other.</param>
/// <param name="Kind">Why, as far as these two tell.</param>
readonly record struct DifferenceStep(Element Left, Element Right, DifferenceKind Kind);

/// <summary>Follows a difference of two elements back to its source, comparing what the one is made of with what the other is made of, in place.</summary>
sealed class DifferenceTrace(PointValues values, Func<string, bool> isTrained)
{
    /// <summary>The way from two elements to where they first differ; the last step is the source.</summary>
    /// <param name="left">The one.</param>
    /// <param name="right">The other.</param>
    /// <param name="sign">1 if they might have been equal, −1 if opposite.</param>
    public IReadOnlyList<DifferenceStep> Of(Element left, Element right, int sign)
    {
        var steps = new List<DifferenceStep>();
        while (true)
        {
            if (Recipe.Source(left) is not { } first || Recipe.Source(right) is not { } second)
            {
                steps.Add(new DifferenceStep(left, right, DifferenceKind.Made));
                return steps;
            }

            (left, right) = (first, second);
            var (kind, next) = Compare(left, right, sign);
            steps.Add(new DifferenceStep(left, right, kind));
            if (kind != DifferenceKind.Follows) return steps;
            (left, right, sign) = next;
        }
    }

    (DifferenceKind Kind, (Element, Element, int) Next) Compare(Element left, Element right, int sign)
    {
        (DifferenceKind, (Element, Element, int)) End(DifferenceKind kind) => (kind, default);
        if (left == right) return End(DifferenceKind.Sign);
        var (first, second) = (Recipe.Of(left), Recipe.Of(right));
        if (first.Kind != second.Kind) return End(DifferenceKind.Made);
        switch (first.Kind)
        {
            case RecipeKind.Leaf:
                return End(Leaf(left.Node, right.Node));
            case RecipeKind.Function or RecipeKind.Choice:
                if (left.Node.Primitive != right.Node.Primitive) return End(DifferenceKind.Made);
                for (var k = 0; k < Math.Min(first.Operands.Length, second.Operands.Length); k++)
                {
                    var relation = values.Relation(first.Operands[k], second.Operands[k]);
                    if (relation == 0) return (DifferenceKind.Follows, (first.Operands[k], second.Operands[k], sign));
                }

                return End(DifferenceKind.Sign);
            default:
                return Sums(first, second, sign) is { } next ? (DifferenceKind.Follows, next) : End(DifferenceKind.Made);
        }
    }

    DifferenceKind Leaf(Node left, Node right) => (left.Primitive, right.Primitive) switch
    {
        (Primitive.Parameter a, Primitive.Parameter b) => isTrained(a.Name) && isTrained(b.Name) ? DifferenceKind.Parameters : DifferenceKind.Constants,
        (Primitive.Data, Primitive.Data) => DifferenceKind.Data,
        (Primitive.Constant, Primitive.Constant) => DifferenceKind.Constants,
        _ => DifferenceKind.Made,
    };

    // The first terms in the same place that differ, unless the other sum has an equal term elsewhere.
    (Element, Element, int)? Sums(Recipe left, Recipe right, int sign)
    {
        if (left.Terms.Count != right.Terms.Count) (left, right) = (left.Flat(), right.Flat());
        var first = left.Terms.Select(values.Product).ToArray();
        var second = right.Terms.Select(term => values.Product(term) is var value && sign < 0 ? values.Negate(value) : value).ToArray();
        var (extraLeft, extraRight) = (Unmatched(first, second), Unmatched(second, first));
        // A term that is zero tells little where there are others.
        if (extraLeft.Any(k => first[k] != 0) && extraRight.Any(k => second[k] != 0)) (extraLeft, extraRight) = ([.. extraLeft.Where(k => first[k] != 0)], [.. extraRight.Where(k => second[k] != 0)]);
        var both = extraLeft.Intersect(extraRight).ToArray();
        (int Left, int Right)? at = both.Length > 0 ? (both[0], both[0]) : extraLeft.Length > 0 && extraRight.Length > 0 ? (extraLeft[0], extraRight[0]) : null;
        if (at is not var (i, j)) return null;
        var (one, other) = (left.Terms[i], right.Terms[j]);
        var wanted = one.IsNegative == other.IsNegative ? sign : -sign;
        if (one.Second is not { } oneSecond || other.Second is not { } otherSecond)
            return one.Second is null && other.Second is null ? (one.First, other.First, wanted) : null;

        (Element Left, Element Right)[] factors = [(one.First, other.First), (oneSecond, otherSecond)];
        var differing = factors.Where(pair => values.Relation(pair.Left, pair.Right) == 0).ToArray();
        if (differing.Length > 0)
        {
            // A leaf says more than what is made of others.
            var chosen = differing.FirstOrDefault(pair => IsLeaf(pair.Left) && IsLeaf(pair.Right), differing[0]);
            return (chosen.Left, chosen.Right, Sign(factors.Except([chosen]).First()) * wanted);
        }

        // All factors are equal up to sign, so a sign is wrong: that of the one that is not the very same element.
        var turned = factors.FirstOrDefault(pair => Recipe.Source(pair.Left) != Recipe.Source(pair.Right), factors[0]);
        return (turned.Left, turned.Right, Sign(factors.Except([turned]).FirstOrDefault(factors[0])) * wanted);
    }

    int Sign((Element Left, Element Right) pair) => values.Relation(pair.Left, pair.Right) is var relation && relation != 0 ? relation : 1;

    static bool IsLeaf(Element element) => Recipe.Source(element) is { Node.Primitive: Primitive.Parameter or Primitive.Data or Primitive.Constant };

    static int[] Unmatched(ulong[] left, ulong[] right)
    {
        var rest = right.Where((value, k) => value != 0 && !(k < left.Length && left[k] == value)).GroupBy(value => value).ToDictionary(same => same.Key, same => same.Count());
        var unmatched = new List<int>();
        for (var k = 0; k < left.Length; k++)
        {
            if (k < right.Length && left[k] == right[k]) continue;
            // A zero is matched by the other's having nothing there.
            if (left[k] != 0 && rest.TryGetValue(left[k], out var count) && count > 0) rest[left[k]] = count - 1;
            else unmatched.Add(k);
        }

        return [.. unmatched];
    }
}
