using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>Bounds of sums: contractions, and sums over axes.</summary>
/// <param name="identity">As for <see cref="Bounds"/>.</param>
sealed class SumBounds(Func<Node, UInt128[]?> identity)
{
    const long LargestElementwise = 1 << 18;
    const long MostWork = 50_000_000; // products of two elementwise operands in one evaluation; beyond, bounds of whole tensors do
    const long MostGrouped = 1 << 20;

    long _work;

    /// <summary>Bounds of a contraction.</summary>
    public IntervalTensor Contract(Primitive.Contract contract, Node node, IntervalTensor x, IntervalTensor y)
    {
        var (left, right) = (node.Operands[0].Shape, node.Operands[1].Shape);
        var terms = node.Shape.Count;
        for (var axis = 0; axis < contract.Right.Length; axis++)
            if (!contract.Output.Contains(contract.Right[axis])) terms *= right[axis];
        if (terms <= MostGrouped && (identity(node.Operands[1]) is { } same && ArePoints(x) ? same : null) is { } ofRight) return Products(contract, node, x, y, left, right, ofRight, isRight: true);
        if (terms <= MostGrouped && (identity(node.Operands[0]) is { } alike && ArePoints(y) ? alike : null) is { } ofLeft) return Products(contract, node, x, y, left, right, ofLeft, isRight: false);
        if (!x.IsUniform && !y.IsUniform)
        {
            if (_work + terms <= MostWork && node.Shape.Count <= LargestElementwise)
            {
                _work += terms;
                return Products(contract, node, x, y, left, right, identity: null, isRight: false);
            }

            x = IntervalTensor.Uniform(left, x.Hull()); // the one summed over differs less than the weights
        }

        // One of them is the same everywhere: what is left is a sum over the other.
        var (uniform, other, letters, shape) = x.IsUniform ? (x[0], y, contract.Right, right) : (y[0], x, contract.Left, left);
        int[] summed = [.. Enumerable.Range(0, letters.Length).Where(axis => !contract.Output.Contains(letters[axis]))];
        var sums = ReduceSum(other.Map(value => value * uniform), summed, shape.Without(summed));
        if (sums.IsUniform) return IntervalTensor.Uniform(node.Shape, sums[0]);
        if (node.Shape.Count > LargestElementwise) return IntervalTensor.Uniform(node.Shape, sums.Hull());
        var kept = string.Concat(Enumerable.Range(0, letters.Length).Except(summed).Select(axis => letters[axis]));
        var strides = sums.Shape.Strides();
        return sums.Pick(node.Shape, Positions(node.Shape, [.. contract.Output.Select(letter => kept.IndexOf(letter) is >= 0 and var axis ? strides[axis] : 0)]));
    }

    // With identities, terms whose uncertain factor is one and the same are added up before they are bounded: h − 2h is −h.
    static IntervalTensor Products(Primitive.Contract contract, Node node, IntervalTensor x, IntervalTensor y, Shape left, Shape right, UInt128[]? identity, bool isRight)
    {
        int[] leftStrides = left.Strides(), rightStrides = right.Strides();
        int At(string letters, int[] strides, char letter) => letters.IndexOf(letter) is >= 0 and var axis ? strides[axis] : 0;
        var inner = string.Concat(contract.Right.Where(letter => !contract.Output.Contains(letter)));
        var innerShape = new Shape([.. inner.Select(letter => right[contract.Right.IndexOf(letter)])]);
        var (leftAt, rightAt) = (
            Positions(node.Shape, [.. contract.Output.Select(letter => At(contract.Left, leftStrides, letter))]), Positions(node.Shape, [.. contract.Output.Select(letter => At(contract.Right, rightStrides, letter))]));
        var leftInner = Positions(innerShape, [.. inner.Select(letter => At(contract.Left, leftStrides, letter))]);
        var rightInner = Positions(innerShape, [.. inner.Select(letter => At(contract.Right, rightStrides, letter))]);
        long[] leftOffsets = [.. Enumerable.Range(0, (int)innerShape.Count).Select(k => leftInner(k))], rightOffsets = [.. Enumerable.Range(0, (int)innerShape.Count).Select(k => rightInner(k))];
        var result = new Interval[node.Shape.Count];
        for (var i = 0; i < result.Length; i++)
        {
            long a = leftAt(i), b = rightAt(i);
            result[i] = identity is null ? Sum(leftOffsets.Length, k => x[a + leftOffsets[k]] * y[b + rightOffsets[k]])
                : isRight ? Grouped(leftOffsets.Length, k => x[a + leftOffsets[k]], k => y[b + rightOffsets[k]], k => identity[b + rightOffsets[k]])
                : Grouped(leftOffsets.Length, k => y[b + rightOffsets[k]], k => x[a + leftOffsets[k]], k => identity[a + leftOffsets[k]]);
        }

        return IntervalTensor.Of(node.Shape, result);
    }

    static Interval Grouped(int count, Func<int, Interval> weight, Func<int, Interval> value, Func<int, UInt128> identity)
    {
        var groups = new Dictionary<UInt128, (Interval Weight, Interval Value)>();
        for (var k = 0; k < count; k++)
        {
            if (weight(k) == Interval.Zero) continue;
            var id = identity(k);
            groups[id] = groups.TryGetValue(id, out var group) ? (group.Weight + weight(k), group.Value) : (weight(k), value(k));
        }

        var terms = groups.Values.ToArray();
        return Sum(terms.Length, k => terms[k].Weight * terms[k].Value);
    }

    static bool ArePoints(IntervalTensor x)
    {
        if (x.IsUniform) return x[0].IsPoint;
        for (long i = 0; i < x.Shape.Count; i++)
            if (!x[i].IsPoint) return false;
        return true;
    }

    static Interval Sum(int count, Func<int, Interval> term)
    {
        var sum = default(IntervalSum);
        bool notNegative = true, notPositive = true;
        for (var k = 0; k < count; k++)
        {
            var one = term(k);
            notNegative &= one.Low >= 0;
            notPositive &= one.High <= 0;
            sum.Add(one);
        }

        return IntervalSum.Signed(sum.Total, notNegative, notPositive);
    }

    /// <summary>Bounds of a sum over axes.</summary>
    public static IntervalTensor ReduceSum(IntervalTensor x, int[] axes, Shape shape)
    {
        var terms = axes.Aggregate(1L, (product, axis) => product * x.Shape[axis]);
        if (x.IsUniform)
        {
            var sum = default(IntervalSum);
            sum.Add(x[0], terms);
            return IntervalTensor.Uniform(shape, IntervalSum.Signed(sum.Total, x[0].Low >= 0, x[0].High <= 0));
        }

        var strides = x.Shape.Strides();
        var kept = Positions(shape, [.. Enumerable.Range(0, x.Shape.Rank).Except(axes).Select(axis => strides[axis])]);
        var summedShape = new Shape([.. axes.Select(axis => x.Shape[axis])]);
        var summed = Positions(summedShape, [.. axes.Select(axis => strides[axis])]);
        long[] offsets = [.. Enumerable.Range(0, (int)terms).Select(k => summed(k))];
        var result = new Interval[shape.Count];
        for (var i = 0; i < result.Length; i++)
        {
            var start = kept(i);
            result[i] = Sum(offsets.Length, k => x[start + offsets[k]]);
        }

        return IntervalTensor.Of(shape, result);
    }

    /// <summary>Where an element of a shape, by its row-major place, lies in a tensor with the given strides.</summary>
    public static Func<long, long> Positions(Shape shape, int[] strides)
    {
        var sizes = shape.Sizes.ToArray();
        return place =>
        {
            long position = 0;
            for (var axis = sizes.Length - 1; axis >= 0; axis--)
            {
                position += place % sizes[axis] * strides[axis];
                place /= sizes[axis];
            }

            return position;
        };
    }
}
