using Tiebreak.Formats;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Judge;

/// <summary>Random tensors of rank 0 to 3 that are sliced, joined, turned, repeated, summed and looked up in.</summary>
static class RandomMovements
{
    public static Model Build(Draft draft)
    {
        var (b, choices) = (draft.Builder, draft.Choices);
        var sizes = Sizes(choices);
        var parameters = Enumerable.Range(0, choices.Next(2) + 2).Select(k => draft.Parameter($"p{k}", k < 2 ? sizes : Sizes(choices))).ToArray();
        if (choices.OneIn(4)) return draft.Finish(Output(b, choices, parameters));

        // E(p) + E(σp), where σ exchanges two tensors, or turns one round: their elements play one role.
        var moved = parameters.ToArray();
        var sign = choices.Of(1, 1, -1);
        Node Signed(Node x) => sign > 0 ? x : b.Negate(x);
        if (choices.Next(2) == 0)
        {
            (moved[0], moved[1]) = (Signed(parameters[1]), Signed(parameters[0]));
            if (choices.Next(4) != 0) draft.CopyTensor("p0", "p1", sign);
        }
        else
        {
            var shape = parameters[0].Shape;
            var backwards = b.Gather(parameters[0], new IndexMap.Affine(shape, new Shape((int)shape.Count), (int)shape.Count - 1, new Axes(-1)));
            moved[0] = Signed(b.Reshape(backwards, shape));
            if (choices.Next(4) != 0) draft.MakePalindrome("p0", sign);
        }

        var replay = choices.Replay();
        return draft.Finish(b.Add(Output(b, choices, parameters), Output(b, replay, moved)));
    }

    static int[] Sizes(Choices choices) => [.. Enumerable.Range(0, choices.Next(3)).Select(_ => choices.Next(3) + 1)];

    static Node Output(ProgramBuilder b, Choices choices, Node[] parameters)
    {
        var pool = parameters.ToList();
        for (var k = choices.Next(2) + 1; k > 0; k--) pool.Add(b.Data($"x{k}", new Shape(Sizes(choices)), choices.Of(DataKind.Free, DataKind.Free, DataKind.Mask)));
        for (var k = choices.Next(8) + 3; k > 0; k--) pool.Add(Step(choices.Next(16), pool[choices.Next(pool.Count)], pool[choices.Next(pool.Count)]));

        var outputs = pool.TakeLast(4).ToList();
        var length = (int)outputs.Sum(node => node.Shape.Count);
        var joined = b.Concat(0, [.. outputs.Select(node => b.Reshape(node, new Shape((int)node.Shape.Count)))]);
        return choices.Next(4) switch
        {
            0 => b.Multiply(joined, b.Data("last", new Shape(length))),
            1 => b.Multiply(joined, Cycle(parameters[^1], length)), // all of it waits for this one, if it starts at zero
            _ => joined,
        };

        Node Step(int kind, Node x, Node y)
        {
            var axis = x.Shape.Rank == 0 ? 0 : choices.Next(x.Shape.Rank);
            switch (kind)
            {
                case 0:
                    return b.Any(x, choices);
                case 1 or 2 or 12 or 13: // an outer product, or an elementwise one where the shapes allow it
                    if (x.Shape == y.Shape) return kind != 2 ? b.Multiply(x, y) : b.Add(x, y);
                    var outer = new Shape((int)x.Shape.Count, (int)y.Shape.Count);
                    return outer.Count > 30 ? b.ReduceSum(x, [.. Enumerable.Range(0, x.Shape.Rank)]) : b.Contract("i", "j", choices.Of("ij", "ji"), Flat(x), Flat(y));
                case 3 or 14: // an inner product over the flattened operands, repeated to fit
                    var longest = Math.Max(x.Shape.Count, y.Shape.Count);
                    return b.Contract("i", "i", "", Cycle(x, (int)longest), Cycle(y, (int)longest));
                case 4 when x.Shape.Rank > 0:
                    return b.ReduceSum(x, axis);
                case 5 when x.Shape is { Rank: < 3, Count: < 16 }:
                    var repeated = x.Shape.Sizes.ToList();
                    repeated.Insert(axis, 2);
                    return b.Broadcast(x, new Shape([.. repeated]), axis);
                case 6 when x.Shape.Rank >= 2:
                    return b.Transpose(x, [.. Enumerable.Range(0, x.Shape.Rank).Reverse()]);
                case 7 when x.Shape.Count >= 2: // overlapping windows, or a flip
                    var count = (int)x.Shape.Count;
                    return choices.OneIn(3)
                        ? b.Gather(x, new IndexMap.Affine(x.Shape, new Shape(count), count - 1, new Axes(-1)))
                        : b.Gather(x, new IndexMap.Affine(x.Shape, new Shape(count - 1, 2), 0, new Axes(1, 1)));
                case 8:
                    return b.Gather(x, Table(x.Shape, new Shape(choices.Next(4) + 1)));
                case 9:
                    return b.ScatterAdd(x, Table(new Shape(choices.Next(3) + 1, 2), x.Shape));
                case 10 when x.Shape.Count + y.Shape.Count < 24:
                    return b.Concat(0, Flat(x), Flat(y));
                case 11 when x.Shape.Rank > 0:
                    return b.Multiply(b.Choose(x, 1, choices.Of(TieBreak.First, TieBreak.Split)), x);
                default:
                    return b.Negate(x);
            }
        }

        Node Flat(Node x) => b.Reshape(x, new Shape((int)x.Shape.Count));

        Node Cycle(Node x, int length) =>
            b.Gather(x, new IndexMap.Table(x.Shape, new Shape(length), [.. Enumerable.Range(0, length).Select(k => k % (int)x.Shape.Count)]));

        IndexMap Table(Shape source, Shape target) =>
            new IndexMap.Table(source, target, [.. Enumerable.Range(0, (int)target.Count).Select(_ => choices.Next((int)source.Count + 1) - 1)]);
    }
}
