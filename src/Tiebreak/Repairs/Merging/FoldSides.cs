using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Repairs.Merging;

/// <summary>How units that meet in a sum can become one there.</summary>
enum SumKind
{
    /// <summary>The left operand (or the only one) takes the sum of its slices, the other keeps one of its equal ones.</summary>
    FoldLeft,

    /// <summary>The right operand takes the sum.</summary>
    FoldRight,

    /// <summary>Neither can: the sum is the same only if all classes shrink alike and what is made of it is a mean.</summary>
    Alike,
}

/// <summary>Which operands of a program are made from weights linearly along an axis, so that the sum of some of their slices is a change of those weights.</summary>
sealed class FoldSides
{
    readonly Coordinates _coordinates;
    readonly Dictionary<(int Node, int Axis), bool> _canFold = [];
    readonly bool[] _dependsOnData;
    readonly HashSet<int> _means;

    public FoldSides(Coordinates coordinates)
    {
        _coordinates = coordinates;
        _dependsOnData = coordinates.Program.DependsOn(leaf => leaf is Primitive.Data);
        _means = Means(coordinates);
    }

    /// <summary>How the units of a sum can become one.</summary>
    public SumKind Of(Sum sum)
    {
        if (sum.Right < 0) return CanFold(sum.Node.Operands[sum.Left], sum.LeftAxis) && !_means.Contains(sum.Node.Id) ? SumKind.FoldLeft : SumKind.Alike;
        return Side(sum.Node, sum.LeftAxis, sum.RightAxis) switch { 0 => SumKind.FoldLeft, 1 => SumKind.FoldRight, _ => SumKind.Alike };
    }

    /// <summary>Which of a product's two operands takes the sum of its slices along their axes (−1: it has none); −1 if neither can.</summary>
    public int Side(Node node, int leftAxis, int rightAxis)
    {
        var (left, right) = (leftAxis >= 0 && CanFold(node.Operands[0], leftAxis), rightAxis >= 0 && CanFold(node.Operands[1], rightAxis));
        if (left && right) return !_dependsOnData[node.Operands[0].Id] && _dependsOnData[node.Operands[1].Id] ? 0 : 1;
        return left ? 0 : right ? 1 : -1;
    }

    // Means are sums that are multiplied by one over their number: another number makes another factor.
    static HashSet<int> Means(Coordinates coordinates)
    {
        var means = new HashSet<int>();
        foreach (var node in coordinates.Program.Nodes)
        {
            if (node.Primitive is not Primitive.Multiply || !coordinates.IsNeeded[node.Id]) continue;
            for (var k = 0; k < 2; k++)
            {
                if (node.Operands[k].Primitive is not Primitive.Constant { Values: UniformTensor { Value: var factor } }) continue;
                var summed = node.Operands[1 - k];
                while (summed.Primitive is Primitive.Reshape or Primitive.Broadcast) summed = summed.Operands[0];
                if (summed.Primitive is not Primitive.ReduceSum reduce) continue;
                var number = reduce.Axes.Span.ToArray().Aggregate(1L, (count, axis) => count * summed.Operands[0].Shape[axis]);
                if (factor.Numerator.IsOne && factor.Denominator > 1 && number % (long)System.Numerics.BigInteger.Min(factor.Denominator, long.MaxValue) == 0) means.Add(summed.Id);
            }
        }

        return means;
    }

    bool CanFold(Node node, int axis)
    {
        if (_coordinates.Of(node, axis) is null) return false;
        if (_canFold.TryGetValue((node.Id, axis), out var known)) return known;
        bool Operand(int operand, int of) => CanFold(node.Operands[operand], of);
        bool Either(int left, int right) => (left >= 0 && Operand(0, left)) || (right >= 0 && Operand(1, right));
        var can = node.Primitive switch
        {
            Primitive.Parameter => true,
            Primitive.Negate => Operand(0, axis),
            Primitive.Add => Operand(0, axis) && Operand(1, axis),
            Primitive.Multiply => Either(axis, axis),
            Primitive.Contract contract => Either(contract.Left.IndexOf(contract.Output[axis], StringComparison.Ordinal), contract.Right.IndexOf(contract.Output[axis], StringComparison.Ordinal)),
            Primitive.ReduceSum reduce => Operand(0, Kept(node.Operands[0].Shape.Rank, reduce.Axes, axis)),
            Primitive.Broadcast broadcast => !broadcast.Axes.Span.Contains(axis) && Operand(0, axis - broadcast.Axes.Span.ToArray().Count(added => added < axis)),
            Primitive.Transpose transpose => Operand(0, transpose.Order[axis]),
            Primitive.Reshape => ReshapeBlock.Of(node, axis) is { } block && block.From.All(from => Operand(0, from)),
            Primitive.Gather gather => AxisLinks.Of(gather.Map).FirstOrDefault(link => link.Targets.Contains(axis)) is { } link && Operand(0, link.Source),
            Primitive.ScatterAdd scatter => AxisLinks.Of(scatter.Map).FirstOrDefault(link => link.Source == axis) is { Targets: [var only] } && Operand(0, only),
            Primitive.Concat concat => Enumerable.Range(0, node.Operands.Count).All(operand => Operand(operand, axis)),
            _ => false,
        };
        return _canFold[(node.Id, axis)] = can;
    }

    /// <summary>The operand's axis that is the given one of what a sum leaves.</summary>
    public static int Kept(int rank, Axes summed, int axis) => Enumerable.Range(0, rank).Where(of => !summed.Span.Contains(of)).ElementAt(axis);
}

/// <summary>Axes of a reshape's operand and result that hold the same elements.</summary>
sealed record ReshapeBlock(int[] From, int[] To)
{
    /// <summary>The block with an axis of the result; null for an axis of size 1.</summary>
    public static ReshapeBlock? Of(Node node, int axis) => All(node).FirstOrDefault(block => block.To.Contains(axis));

    /// <summary>All blocks, without axes of size 1.</summary>
    public static IEnumerable<ReshapeBlock> All(Node node)
    {
        var (from, to) = (node.Operands[0].Shape, node.Shape);
        for (int i = 0, j = 0; i < from.Rank || j < to.Rank;)
        {
            var (firstFrom, firstTo) = (i, j);
            long left = i < from.Rank ? from[i++] : 1, right = j < to.Rank ? to[j++] : 1;
            while (left != right)
            {
                if (left < right) left *= from[i++];
                else right *= to[j++];
            }

            yield return new ReshapeBlock([.. Enumerable.Range(firstFrom, i - firstFrom).Where(axis => from[axis] != 1)], [.. Enumerable.Range(firstTo, j - firstTo).Where(axis => to[axis] != 1)]);
        }
    }
}
