using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>An operation that sends back numbers which cancel when they are summed.</summary>
/// <param name="Operand">The node to which they come back.</param>
/// <param name="Readers">The nodes that read it, and send them back.</param>
/// <param name="Axes">The axes along which they sum to zero.</param>
sealed record Cancellation(Node Operand, IReadOnlyList<Node> Readers, int[] Axes)
{
    const int LargestSummed = 1 << 20;

    /// <summary>
    /// Where a cancellation begins: a softmax, for instance, sends back to its scores what sums to zero along their axis, and a normalisation what sums to zero over its set. From the parameters on,
    /// as long as what comes back sums to zero along some axes; the last node of which that is so. Null if there is none: then terms cancel one by one.
    /// </summary>
    /// <param name="forward">The program before differentiation.</param>
    /// <param name="adjoints">For each of its nodes the adjoint.</param>
    /// <param name="parameter">The tensor whose gradient cancels.</param>
    /// <param name="values">The values at a random point, which cover its gradient.</param>
    public static Cancellation? Find(TensorProgram forward, IReadOnlyList<Node?> adjoints, string parameter, PointValues values)
    {
        var readers = forward.Nodes.SelectMany(node => node.Operands.Distinct().Select(operand => (Operand: operand.Id, Reader: node))).ToLookup(use => use.Operand, use => use.Reader);
        var isReached = new bool[forward.Nodes.Count];
        Cancellation? last = null;
        foreach (var node in forward.Nodes)
        {
            var begins = node.Primitive is Primitive.Parameter { } leaf && leaf.Name == parameter;
            if (!begins && !node.Operands.Any(operand => isReached[operand.Id])) continue;
            var axes = begins ? null : ZeroSum(adjoints[node.Id], values);
            // What only arranges the parameter for its use has nothing to sum yet.
            isReached[node.Id] = begins || axes is not null || IsCopy(node);
            if (axes is null || IsCopy(node)) continue;
            Node[] senders = [.. readers[node.Id].SelectMany(reader => Behind(reader, readers)).Where(reader => adjoints[reader.Id] is not null).Distinct()];
            if (senders.Length > 0) last = new Cancellation(node, senders, axes);
        }

        return last;
    }

    static IEnumerable<Node> Behind(Node reader, ILookup<int, Node> readers) => IsCopy(reader) ? readers[reader.Id].SelectMany(next => Behind(next, readers)) : [reader];

    static bool IsCopy(Node node) => node.Primitive is Primitive.Reshape or Primitive.Transpose or Primitive.Broadcast or Primitive.Gather or Primitive.Concat or Primitive.ScatterAdd;

    // The fewest axes along which all sums vanish, though not all numbers do.
    static int[]? ZeroSum(Node? adjoint, PointValues values)
    {
        if (adjoint is null || adjoint.Shape.Count > LargestSummed || adjoint.Shape.Rank > 6 || !values.Covers(adjoint)) return null;
        var all = new ulong[adjoint.Shape.Count];
        for (var k = 0; k < all.Length; k++) all[k] = values[new Element(adjoint, k)];
        if (!all.AsSpan().ContainsAnyExcept(0UL)) return null;
        foreach (var subset in Enumerable.Range(1, (1 << adjoint.Shape.Rank) - 1).OrderBy(bits => System.Numerics.BitOperations.PopCount((uint)bits)).ThenByDescending(bits => bits))
            if (SumsToZero(all, adjoint.Shape, subset, values)) return [.. Enumerable.Range(0, adjoint.Shape.Rank).Where(axis => (subset >> axis & 1) != 0)];
        return null;
    }

    static bool SumsToZero(ulong[] all, Shape shape, int summed, PointValues values)
    {
        var strides = shape.Strides();
        var sums = new Dictionary<int, ulong>();
        for (var k = 0; k < all.Length; k++)
        {
            var key = 0;
            for (var axis = 0; axis < strides.Length; axis++)
                if ((summed >> axis & 1) == 0) key += k / strides[axis] % shape[axis] * strides[axis];
            sums[key] = values.Add(sums.GetValueOrDefault(key), all[k]);
        }

        return sums.Values.All(sum => sum == 0);
    }
}
