using System.Numerics;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Judge;

/// <summary>Runs a program one scalar at a time, straight from what each primitive means.</summary>
sealed class ScalarEvaluator(TensorProgram program, DictionaryOracles oracles, int parameters, Func<string, int, Dual> parameter)
{
    readonly Dictionary<Node, Dual[]> _values = [];
    readonly Dictionary<string, BigInteger[]> _data = new(StringComparer.Ordinal);

    public Dual[] Output(Node node)
    {
        foreach (var each in program.Nodes) _values.TryAdd(each, Evaluate(each));
        return _values[node];
    }

    Dual[] Evaluate(Node node)
    {
        Dual[] X(int k = 0) => _values[node.Operands[k]];
        var zero = Dual.Constant(0, parameters);
        var shape = node.Shape;
        var count = (int)shape.Count;
        switch (node.Primitive)
        {
            case Primitive.Parameter p:
                return [.. Enumerable.Range(0, count).Select(i => parameter(p.Name, i))];
            case Primitive.Data d:
                if (!_data.TryGetValue(d.Name, out var drawn)) _data.Add(d.Name, drawn = Drawn(d, shape));
                return [.. drawn.Select(v => Dual.Constant(v, parameters))];
            case Primitive.Constant c:
                return [.. Enumerable.Range(0, count).Select(i => Dual.Constant(c.Values[i].Numerator * Dual.Invert(c.Values[i].Denominator), parameters))];
            case Primitive.Add:
                return [.. X().Zip(X(1), (a, b) => a + b)];
            case Primitive.Multiply:
                return [.. X().Zip(X(1), (a, b) => a * b)];
            case Primitive.Negate:
                return [.. X().Select(a => -a)];
            case Primitive.Reciprocal:
                return [.. X().Select(a => a.Map(Dual.Invert(a.Value), -Dual.Invert(a.Value) * Dual.Invert(a.Value)))];
            case Primitive.Apply f:
                return [.. X().Select(a =>
                {
                    var y = oracles.Value(f.Function, a.Value);
                    return a.Map(y, oracles.Slope(f.Function, a.Value, y));
                })];
            case Primitive.Choose c:
                return Choose(c, X(), shape[shape.Rank - 1]);
            case Primitive.Contract c:
                return Contract(c, node, X(), X(1));
            case Primitive.Reshape:
                return X();
        }

        var result = Enumerable.Repeat(zero, count).ToArray();
        var source = node.Operands[0].Shape;
        switch (node.Primitive)
        {
            case Primitive.ReduceSum r:
                for (var i = 0; i < source.Count; i++)
                {
                    var kept = Position(shape, [.. Index(source, i).Where((_, axis) => !r.Axes.Contains(axis))]);
                    result[kept] += X()[i];
                }

                return result;
            case Primitive.Broadcast b:
                for (var i = 0; i < count; i++) result[i] = X()[Position(source, [.. Index(shape, i).Where((_, axis) => !b.Axes.Contains(axis))])];
                return result;
            case Primitive.Transpose t:
                for (var i = 0; i < count; i++)
                {
                    var index = Index(shape, i);
                    var from = new int[index.Length];
                    for (var k = 0; k < from.Length; k++) from[t.Order[k]] = index[k];
                    result[i] = X()[Position(source, from)];
                }

                return result;
            case Primitive.Gather g:
                for (var i = 0; i < count; i++)
                    if (Place(g.Map, i) is >= 0 and var place) result[i] = X()[place];
                return result;
            case Primitive.ScatterAdd s:
                for (var i = 0; i < source.Count; i++)
                    if (Place(s.Map, i) is >= 0 and var place) result[place] += X()[i];
                return result;
            case Primitive.Concat c:
                for (var i = 0; i < count; i++)
                {
                    var index = Index(shape, i);
                    var k = 0;
                    for (; index[c.Axis] >= node.Operands[k].Shape[c.Axis]; k++) index[c.Axis] -= node.Operands[k].Shape[c.Axis];
                    result[i] = X(k)[Position(node.Operands[k].Shape, index)];
                }

                return result;
            default:
                throw new InvalidOperationException(node.ToString());
        }
    }

    BigInteger[] Drawn(Primitive.Data data, Shape shape)
    {
        var values = Enumerable.Range(0, (int)shape.Count).Select(_ => oracles.Draw()).ToArray();
        if (data.Kind != DataKind.Distribution) return values;
        var width = shape[shape.Rank - 1];
        for (var row = 0; row < values.Length; row += width)
            values[row] = Dual.Modulo(1 - values.Skip(row + 1).Take(width - 1).Aggregate(BigInteger.Zero, (sum, v) => sum + v));
        return values;
    }

    Dual[] Choose(Primitive.Choose choose, Dual[] values, int width)
    {
        var result = new Dual[values.Length];
        for (var start = 0; start < values.Length; start += width)
        {
            var window = Enumerable.Range(start, width)
                .Select(i => choose.Allowed is null || choose.Allowed.Flags[i % choose.Allowed.Flags.Length] ? values[i].Value : (BigInteger?)null).ToArray();
            var shares = oracles.Shares(window, choose.Count, choose.Ties);
            for (var i = 0; i < width; i++) result[start + i] = Dual.Constant(shares[i], parameters);
        }

        return result;
    }

    Dual[] Contract(Primitive.Contract contract, Node node, Dual[] left, Dual[] right)
    {
        Shape a = node.Operands[0].Shape, b = node.Operands[1].Shape;
        var letters = contract.Left.Union(contract.Right).ToArray();
        int SizeOf(char letter) => contract.Left.Contains(letter) ? a[contract.Left.IndexOf(letter, StringComparison.Ordinal)] : b[contract.Right.IndexOf(letter, StringComparison.Ordinal)];
        var all = new Shape([.. letters.Select(SizeOf)]);
        var result = Enumerable.Repeat(Dual.Constant(0, parameters), (int)node.Shape.Count).ToArray();
        for (var i = 0; i < all.Count; i++)
        {
            var index = Index(all, i);
            int[] Of(string wanted) => [.. wanted.Select(letter => index[Array.IndexOf(letters, letter)])];
            var place = Position(node.Shape, Of(contract.Output));
            result[place] += left[Position(a, Of(contract.Left))] * right[Position(b, Of(contract.Right))];
        }

        return result;
    }

    static int Place(IndexMap map, int position) => map switch
    {
        IndexMap.Affine affine => affine.Offset + Index(map.Target, position).Select((step, axis) => step * affine.Strides[axis]).Sum(),
        IndexMap.Table table => table.Positions[position],
        _ => throw new InvalidOperationException(),
    };

    static int[] Index(Shape shape, int position)
    {
        var index = new int[shape.Rank];
        for (var axis = shape.Rank - 1; axis >= 0; axis--)
        {
            index[axis] = position % shape[axis];
            position /= shape[axis];
        }

        return index;
    }

    static int Position(Shape shape, int[] index)
    {
        var position = 0;
        for (var axis = 0; axis < index.Length; axis++) position = position * shape[axis] + index[axis];
        return position;
    }
}
