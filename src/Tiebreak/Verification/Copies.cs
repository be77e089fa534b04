using Tiebreak.Programs;

namespace Tiebreak.Verification;

/// <summary>For primitives that only move elements: where each element of the result comes from.</summary>
static class Copies
{
    /// <summary>Whether a primitive only moves elements.</summary>
    public static bool Is(Primitive primitive) =>
        primitive is Primitive.Reshape or Primitive.Transpose or Primitive.Broadcast or Primitive.Gather or Primitive.Concat;

    /// <summary>For each element of the result, row-major, the operand and its element; −1 for a zero that stands for nothing.</summary>
    public static IEnumerable<(int Operand, int Element)> Of(Node node)
    {
        var shape = node.Shape;
        switch (node.Primitive)
        {
            case Primitive.Reshape:
                for (var k = 0; k < shape.Count; k++) yield return (0, k);
                break;
            case Primitive.Transpose transpose:
                var strides = node.Operands[0].Shape.Strides();
                foreach (var at in Offsets(shape, [.. transpose.Order.Select(axis => strides[axis])])) yield return (0, at);
                break;
            case Primitive.Broadcast broadcast:
                var own = node.Operands[0].Shape.Strides();
                var next = 0;
                foreach (var at in Offsets(shape, [.. Enumerable.Range(0, shape.Rank).Select(axis => broadcast.Axes.Contains(axis) ? 0 : own[next++])])) yield return (0, at);
                break;
            case Primitive.Gather gather:
                foreach (var at in Positions(gather.Map)) yield return (0, at);
                break;
            case Primitive.Concat concat:
                var inner = shape.Strides()[concat.Axis];
                for (var k = 0; k < shape.Count; k++)
                {
                    var (outer, place, rest, operand) = (k / inner / shape[concat.Axis], k / inner % shape[concat.Axis], k % inner, 0);
                    while (place >= node.Operands[operand].Shape[concat.Axis]) place -= node.Operands[operand++].Shape[concat.Axis];
                    yield return (operand, (outer * node.Operands[operand].Shape[concat.Axis] + place) * inner + rest);
                }

                break;
            default:
                throw new ArgumentException($"{node} moves nothing");
        }
    }

    /// <summary>For each element of a map's target its place in the source, or −1.</summary>
    public static IEnumerable<int> Positions(IndexMap map) => map switch
    {
        IndexMap.Table table => table.Positions,
        IndexMap.Affine affine => Offsets(map.Target, [.. affine.Strides]).Select(at => affine.Offset + at),
        _ => throw new ArgumentException("an unknown kind of map"),
    };

    /// <summary>Σ strides·index for all indices of a shape, row-major.</summary>
    public static IEnumerable<int> Offsets(Shape shape, int[] strides)
    {
        if (shape.Count == 0) yield break;
        var index = new int[shape.Rank];
        var at = 0;
        while (true)
        {
            yield return at;
            var axis = shape.Rank - 1;
            for (; axis >= 0; axis--)
            {
                at += strides[axis];
                if (++index[axis] < shape[axis]) break;
                at -= index[axis] * strides[axis];
                index[axis] = 0;
            }

            if (axis < 0) yield break;
        }
    }
}
