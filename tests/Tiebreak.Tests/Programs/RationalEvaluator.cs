using System.Numerics;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Programs;

/// <summary>Computes a program in exact fractions, slowly and obviously: arithmetic, moves, choices and steps, but no function with irrational values.</summary>
static class RationalEvaluator
{
    /// <summary>The values of all outputs; leaves are asked for by their node.</summary>
    public static IReadOnlyList<(string Name, Rational[] Values)> Evaluate(TensorProgram program, Func<Node, Rational[]> leaf)
    {
        var values = new Rational[program.Nodes.Count][];
        foreach (var node in program.Nodes) values[node.Id] = Evaluate(node, values, leaf);
        return [.. program.Outputs.Select(output => (output.Name, values[output.Node.Id]))];
    }

    static Rational[] Evaluate(Node node, Rational[][] values, Func<Node, Rational[]> leaf)
    {
        var x = node.Operands.Count > 0 ? values[node.Operands[0].Id] : [];
        var y = node.Operands.Count > 1 ? values[node.Operands[1].Id] : [];
        var result = new Rational[node.Shape.Count];
        switch (node.Primitive)
        {
            case Primitive.Parameter or Primitive.Data: return leaf(node);
            case Primitive.Constant constant: return [.. result.Select((_, k) => constant.Values[k])];
            case Primitive.Add: return [.. x.Zip(y, (a, b) => a + b)];
            case Primitive.Multiply: return [.. x.Zip(y, (a, b) => a * b)];
            case Primitive.Negate: return [.. x.Select(a => -a)];
            case Primitive.Reciprocal: return [.. x.Select(a => Rational.One / a)];
            case Primitive.Reshape: return x;
            case Primitive.Apply apply: return [.. x.Select(a => Apply(apply.Function, a))];
            case Primitive.Gather gather: return [.. Positions(gather.Map).Select(position => position < 0 ? Rational.Zero : x[position])];
            case Primitive.ScatterAdd scatter:
                foreach (var (position, value) in Positions(scatter.Map).Zip(x))
                    if (position >= 0) result[position] += value;
                return result;
            case Primitive.Choose choose: return Choose(choose, node.Shape, x);
        }

        foreach (var index in Indices(node.Shape))
        {
            var at = Position(index, node.Shape);
            result[at] = node.Primitive switch
            {
                Primitive.Broadcast b => x[Position([.. index.Where((_, axis) => !b.Axes.Contains(axis))], node.Operands[0].Shape)],
                Primitive.Transpose t => x[Position([.. Enumerable.Range(0, index.Length).Select(axis => index[IndexOf(t.Order, axis)])], node.Operands[0].Shape)],
                Primitive.ReduceSum r => Indices(node.Operands[0].Shape)
                    .Where(inner => inner.Where((_, axis) => !r.Axes.Contains(axis)).SequenceEqual(index))
                    .Aggregate(Rational.Zero, (sum, inner) => sum + x[Position(inner, node.Operands[0].Shape)]),
                Primitive.Contract c => Contract(c, index, node, x, y),
                Primitive.Concat c => Concat(c, index, node, values),
                _ => throw new NotSupportedException(node.ToString()),
            };
        }

        return result;
    }

    static Rational Apply(ScalarFunction function, Rational v) => function.Kind switch
    {
        FunctionKind.Step => v.IsZero ? Rational.FromDouble(function.AtZero) : v.Sign > 0 ? 1 : 0,
        FunctionKind.Sign => v.Sign,
        FunctionKind.Floor => Floor(v),
        FunctionKind.Round => Round(v),
        _ => throw new NotSupportedException($"{function} has irrational values"),
    };

    static Rational Floor(Rational v) => new(BigInteger.Divide(v.Numerator - (v.Sign < 0 ? v.Denominator - 1 : 0), v.Denominator), 1);

    static Rational Round(Rational v)
    {
        var floor = Floor(v);
        var twice = 2 * (v - floor);
        return twice > 1 || (twice == 1 && !floor.Numerator.IsEven) ? floor + 1 : floor;
    }

    static Rational Contract(Primitive.Contract contract, int[] output, Node node, Rational[] x, Rational[] y)
    {
        var summed = contract.Left.Where(letter => !contract.Output.Contains(letter)).ToArray();
        var shape = new Shape([.. summed.Select(letter => node.Operands[0].Shape[contract.Left.IndexOf(letter)])]);
        return Indices(shape).Aggregate(Rational.Zero, (sum, inner) =>
        {
            int Of(char letter) => Array.IndexOf(summed, letter) is var k and >= 0 ? inner[k] : output[contract.Output.IndexOf(letter)];
            return sum + (x[Position([.. contract.Left.Select(Of)], node.Operands[0].Shape)] * y[Position([.. contract.Right.Select(Of)], node.Operands[1].Shape)]);
        });
    }

    static Rational[] Choose(Primitive.Choose choose, Shape shape, Rational[] x)
    {
        var weights = new Rational[x.Length];
        var size = shape[shape.Rank - 1];
        for (var start = 0; start < x.Length; start += size)
        {
            var allowed = Enumerable.Range(start, size).Where(k => choose.Allowed is null || choose.Allowed.Flags[k % choose.Allowed.Flags.Length]).ToArray();
            var chosen = allowed.OrderByDescending(k => x[k]).ThenBy(k => k).Take(choose.Count).ToArray();
            if (choose is { Ties: TieBreak.Split, Count: 1 }) chosen = [.. allowed.Where(k => x[k] == x[chosen[0]])];
            foreach (var k in chosen) weights[k] = new Rational(Math.Min(choose.Count, chosen.Length), chosen.Length);
        }

        return weights;
    }

    static Rational Concat(Primitive.Concat concat, int[] index, Node node, Rational[][] values)
    {
        var inner = index.ToArray();
        foreach (var operand in node.Operands)
        {
            if (inner[concat.Axis] < operand.Shape[concat.Axis]) return values[operand.Id][Position(inner, operand.Shape)];
            inner[concat.Axis] -= operand.Shape[concat.Axis];
        }

        throw new InvalidOperationException();
    }

    static IEnumerable<int[]> Indices(Shape shape)
    {
        for (var k = 0; k < shape.Count; k++)
        {
            var index = new int[shape.Rank];
            var rest = k;
            for (var axis = shape.Rank - 1; axis >= 0; axis--)
            {
                index[axis] = rest % shape[axis];
                rest /= shape[axis];
            }

            yield return index;
        }
    }

    static int Position(int[] index, Shape shape) => index.Zip(shape.Strides(), (i, stride) => i * stride).Sum();

    static int IndexOf(Axes axes, int value) => Array.IndexOf(axes.ToArray(), value);

    static IEnumerable<int> Positions(IndexMap map) => map is IndexMap.Affine affine
        ? Indices(map.Target).Select(index => affine.Offset + index.Zip(affine.Strides, (i, stride) => i * stride).Sum())
        : ((IndexMap.Table)map).Positions;
}
