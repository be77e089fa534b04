using Tiebreak.Programs;

namespace Tiebreak.Verification;

/// <summary>For primitives that only move elements: where each element of the result comes from.</summary>
static class Copies
{
    /// <summary>Whether a primitive only moves elements of one operand.</summary>
    public static bool Is(Primitive primitive) => primitive is Primitive.Transpose or Primitive.Broadcast or Primitive.Gather;

    /// <summary>For each element of the result, row-major, the element of the operand; −1 for a zero that stands for nothing.</summary>
    public static int[] Of(Node node)
    {
        switch (node.Primitive)
        {
            case Primitive.Transpose transpose:
                var strides = node.Operands[0].Shape.Strides();
                return Offsets(node.Shape, [.. transpose.Order.Select(axis => strides[axis])]);
            case Primitive.Broadcast broadcast:
                return WithoutAxes(node.Shape, node.Operands[0].Shape, broadcast.Axes);
            case Primitive.Gather gather:
                return Positions(gather.Map);
            default:
                throw new ArgumentException($"{node} moves nothing");
        }
    }

    /// <summary>For each element of a shape its place in one that lacks some axes: where it is copied from, or summed into.</summary>
    public static int[] WithoutAxes(Shape shape, Shape smaller, Axes axes)
    {
        var (own, next) = (smaller.Strides(), 0);
        return Offsets(shape, [.. Enumerable.Range(0, shape.Rank).Select(axis => axes.Contains(axis) ? 0 : own[next++])]);
    }

    /// <summary>For each element of a map's target its place in the source, or −1.</summary>
    public static int[] Positions(IndexMap map) => map switch
    {
        IndexMap.Table table => table.Positions,
        IndexMap.Affine affine => Offsets(map.Target, [.. affine.Strides], affine.Offset),
        _ => throw new ArgumentException("an unknown kind of map"),
    };

    /// <summary>Σ strides·index, from a first place on, for all indices of a shape, row-major.</summary>
    public static int[] Offsets(Shape shape, int[] strides, int first = 0)
    {
        if (shape.Count == 0) return [];
        int[] offsets = [first];
        for (var axis = shape.Rank - 1; axis >= 0; axis--)
        {
            if (shape[axis] == 1) continue;
            var inner = offsets;
            offsets = new int[inner.Length * shape[axis]];
            for (var place = 0; place < shape[axis]; place++)
                for (var k = 0; k < inner.Length; k++) offsets[place * inner.Length + k] = place * strides[axis] + inner[k];
        }

        return offsets;
    }

    /// <summary>The runs of a concatenation: which operand's elements, from where on, come to which place of the result, and how many.</summary>
    public static IEnumerable<(int Operand, int From, int To, int Length)> Runs(Node node, Primitive.Concat concat)
    {
        var inner = node.Shape.Strides()[concat.Axis];
        var row = inner * node.Shape[concat.Axis];
        var start = 0;
        for (var operand = 0; operand < node.Operands.Count; operand++)
        {
            var length = inner * node.Operands[operand].Shape[concat.Axis];
            if (length > 0)
                for (var outer = 0; outer < node.Operands[operand].Shape.Count / length; outer++) yield return (operand, outer * length, outer * row + start, length);
            start += length;
        }
    }
}
