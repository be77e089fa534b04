using Xunit;
using Tiebreak.Formats;
using Tiebreak.Formats.Formulas;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Formats.Formulas;

/// <summary>Formulas in tests: from text to a model, and the exact value of a loss without oracles.</summary>
static class Formula
{
    public static Model Lower(string text, LoweringOptions? options = null)
    {
        using var file = FormulaReader.Parse(text, "test.tb", Path.GetTempPath());
        return file.Lower(options ?? new LoweringOptions());
    }

    public static TiebreakException Error(string text, LoweringOptions? options = null) => Assert.Throws<TiebreakException>(() => Lower(text, options));

    /// <summary>The loss in exact arithmetic, with parameters at their start and data as given; arithmetic primitives and choices only.</summary>
    public static Rational Value(string text, params (string Name, Rational[] Values)[] data) => Value(Lower(text), data);

    public static Rational Value(Model model, params (string Name, Rational[] Values)[] data)
    {
        var values = new Rational[model.Program.Nodes.Count][];
        foreach (var node in model.Program.Nodes) values[node.Id] = Evaluate(node, values, model, data);
        return Assert.Single(values[Assert.Single(model.Program.Outputs).Node.Id]);
    }

    static Rational[] Evaluate(Node node, Rational[][] values, Model model, (string Name, Rational[] Values)[] data)
    {
        var x = node.Operands.Count > 0 ? values[node.Operands[0].Id] : [];
        var y = node.Operands.Count > 1 ? values[node.Operands[1].Id] : [];
        var result = new Rational[node.Shape.Count];
        switch (node.Primitive)
        {
            case Primitive.Parameter parameter:
                var start = model.Parameters.Concat(model.Frozen).Single(tensor => string.Equals(tensor.Name, parameter.Name, StringComparison.Ordinal)).Start;
                return [.. result.Select((_, k) => start[k])];
            case Primitive.Data leaf: return data.Single(entry => string.Equals(entry.Name, leaf.Name, StringComparison.Ordinal)).Values;
            case Primitive.Constant constant: return [.. result.Select((_, k) => constant.Values[k])];
            case Primitive.Add: return [.. x.Zip(y, (a, b) => a + b)];
            case Primitive.Multiply: return [.. x.Zip(y, (a, b) => a * b)];
            case Primitive.Negate: return [.. x.Select(a => -a)];
            case Primitive.Reciprocal: return [.. x.Select(a => Rational.One / a)];
            case Primitive.Apply { Function.Kind: FunctionKind.Step }: return [.. x.Select(a => (Rational)(a.Sign > 0 ? 1 : 0))];
            case Primitive.Apply { Function.Kind: FunctionKind.Sign }: return [.. x.Select(a => (Rational)a.Sign)];
            case Primitive.Reshape: return x;
            case Primitive.Gather { Map: IndexMap.Affine map }: return [.. IndexedElements.Positions(map).Select(position => x[position])];
            case Primitive.Gather { Map: IndexMap.Table map }: return [.. map.Positions.Select(position => position < 0 ? Rational.Zero : x[position])];
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
                Primitive.Choose c => Choose(c, index, node.Shape, x),
                Primitive.Concat c => Concat(c, index, node, values),
                _ => throw new NotSupportedException(node.ToString()),
            };
        }

        return result;
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

    static Rational Choose(Primitive.Choose choose, int[] index, Shape shape, Rational[] x)
    {
        var row = Enumerable.Range(0, shape[shape.Rank - 1]).Select(k => x[Position([.. index[..^1], k], shape)]).ToArray();
        var largest = row.Max();
        if (row[index[^1]] != largest) return Rational.Zero;
        return choose.Ties == TieBreak.Split ? new Rational(1, row.Count(value => value == largest)) : Array.IndexOf(row, largest) == index[^1] ? Rational.One : Rational.Zero;
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
}
