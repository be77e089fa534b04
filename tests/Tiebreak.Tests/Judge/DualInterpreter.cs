using System.Numerics;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Judge;

/// <summary>
/// Runs a program one number at a time, carrying along the derivative for every parameter (forward mode). Nothing is fast, nothing is
/// shared: what a primitive means stands here a second time, read from the comments of <see cref="Primitive"/>.
/// </summary>
static class DualInterpreter
{
    /// <summary>The value of every node.</summary>
    public static Dual[][] Run(TensorProgram program, IReadOnlyDictionary<string, Dual[]> parameters, FunctionTables functions, RandomElements data)
    {
        var values = new Dual[program.Nodes.Count][];
        foreach (var node in program.Nodes)
            values[node.Id] = Run(node, [.. node.Operands.Select(operand => values[operand.Id])], parameters, functions, data);
        return values;
    }

    static Dual[] Run(Node node, Dual[][] operands, IReadOnlyDictionary<string, Dual[]> parameters, FunctionTables functions, RandomElements data)
    {
        switch (node.Primitive)
        {
            case Primitive.Parameter parameter:
                return parameters[parameter.Name];
            case Primitive.Data { Kind: var kind }:
                return DrawData(node.Shape, kind, data);
            case Primitive.Constant constant:
                return Make(node.Shape, place => new Dual(PrimeField.Image(constant.Values[Position(node.Shape, place)])));
            case Primitive.Add:
                return Each(operands, pair => pair[0] + pair[1]);
            case Primitive.Multiply:
                return Each(operands, pair => pair[0] * pair[1]);
            case Primitive.Negate:
                return Each(operands, one => -one[0]);
            case Primitive.Reciprocal: // (1/v)' = −1/v²
                return Each(operands, one => PrimeField.Inverse(one[0].Value) is var inverse ? one[0].Through(inverse, PrimeField.Negate(PrimeField.Multiply(inverse, inverse))) : one[0]);
            case Primitive.Apply apply:
                return Each(operands, one => Apply(apply.Function, one[0], functions));
            case Primitive.Choose choose:
                return Choose(choose, node.Shape, operands[0], functions);
            case Primitive.Contract contract:
                return Contract(contract, node, operands);
            case Primitive.ReduceSum reduce:
                return ReduceSum(reduce, node, operands[0]);
            case Primitive.Broadcast broadcast:
                return Make(node.Shape, place => operands[0][Position(node.Operands[0].Shape, Without(place, broadcast.Axes))]);
            case Primitive.Reshape:
                return operands[0];
            case Primitive.Transpose transpose:
                return Make(node.Shape, place => operands[0][Position(node.Operands[0].Shape, Reorder(place, transpose.Order))]);
            case Primitive.Gather gather:
                return Make(node.Shape, place => Source(gather.Map, place) is var from && from < 0 ? Dual.Zero : operands[0][from]);
            case Primitive.ScatterAdd scatter:
                return ScatterAdd(scatter.Map, node.Shape, operands[0]);
            case Primitive.Concat concat:
                return Concat(concat.Axis, node, operands);
            default:
                throw new NotSupportedException($"the judge does not know {node}");
        }
    }

    static Dual Apply(ScalarFunction function, Dual operand, FunctionTables functions)
    {
        var value = functions.Value(function, operand.Value);
        // A derivative that does not exist matters only where something can move.
        return operand.Slopes is null ? new Dual(value) : operand.Through(value, functions.Derivative(function, operand.Value));
    }

    static Dual[] DrawData(Shape shape, DataKind kind, RandomElements data)
    {
        var values = Make(shape, _ => new Dual(data.Next()));
        if (kind != DataKind.Distribution) return values;
        var length = shape[shape.Rank - 1];
        for (var row = 0; row < values.Length; row += length) // the last of each row makes it sum to 1
        {
            var rest = BigInteger.One;
            for (var k = 0; k < length - 1; k++) rest = PrimeField.Subtract(rest, values[row + k].Value);
            values[row + length - 1] = new Dual(rest);
        }

        return values;
    }

    static Dual[] Choose(Primitive.Choose choose, Shape shape, Dual[] operand, FunctionTables functions)
    {
        var length = shape[shape.Rank - 1];
        var result = new Dual[operand.Length];
        for (var row = 0; row < operand.Length; row += length)
        {
            var window = operand[row..(row + length)].Select(element => element.Value).ToArray();
            var start = row;
            var allowed = Enumerable.Range(0, length).Select(k => choose.Allowed is not { Flags: var flags } || flags[(start + k) % flags.Length]).ToArray();
            var weights = functions.Weights(window, allowed, choose.Count, choose.Ties);
            for (var k = 0; k < length; k++) result[row + k] = new Dual(weights[k]);
        }

        return result;
    }

    static Dual[] Contract(Primitive.Contract contract, Node node, Dual[][] operands)
    {
        var (left, right) = (node.Operands[0].Shape, node.Operands[1].Shape);
        var summed = contract.Left.Except(contract.Output).ToArray();
        var inner = new Shape([.. summed.Select(letter => left[contract.Left.IndexOf(letter)])]);
        return Make(node.Shape, place =>
        {
            var sum = Dual.Zero;
            foreach (var inside in Places(inner))
            {
                int At(char letter) => contract.Output.Contains(letter) ? place[contract.Output.IndexOf(letter)] : inside[Array.IndexOf(summed, letter)];
                sum += operands[0][Position(left, [.. contract.Left.Select(At)])] * operands[1][Position(right, [.. contract.Right.Select(At)])];
            }

            return sum;
        });
    }

    static Dual[] ReduceSum(Primitive.ReduceSum reduce, Node node, Dual[] operand)
    {
        var result = Make(node.Shape, _ => Dual.Zero);
        foreach (var place in Places(node.Operands[0].Shape))
            result[Position(node.Shape, Without(place, reduce.Axes))] += operand[Position(node.Operands[0].Shape, place)];
        return result;
    }

    static Dual[] ScatterAdd(IndexMap map, Shape shape, Dual[] operand)
    {
        var result = Make(shape, _ => Dual.Zero);
        foreach (var place in Places(map.Target))
            if (Source(map, place) is var to && to >= 0) result[to] += operand[Position(map.Target, place)];
        return result;
    }

    static Dual[] Concat(int axis, Node node, Dual[][] operands) => Make(node.Shape, place =>
    {
        var inside = place.ToArray();
        for (var k = 0; ; inside[axis] -= node.Operands[k++].Shape[axis])
            if (inside[axis] < node.Operands[k].Shape[axis]) return operands[k][Position(node.Operands[k].Shape, inside)];
    });

    static int Source(IndexMap map, int[] place) => map switch
    {
        IndexMap.Affine affine => affine.Offset + place.Select((at, axis) => at * affine.Strides[axis]).Sum(),
        IndexMap.Table table => table.Positions[Position(map.Target, place)],
        _ => throw new NotSupportedException($"the judge does not know {map}"),
    };

    static Dual[] Each(Dual[][] operands, Func<Dual[], Dual> operation) =>
        [.. Enumerable.Range(0, operands[0].Length).Select(k => operation([.. operands.Select(operand => operand[k])]))];

    static Dual[] Make(Shape shape, Func<int[], Dual> element) => [.. Places(shape).Select(element)];

    /// <summary>All places of a tensor, row-major.</summary>
    static IEnumerable<int[]> Places(Shape shape)
    {
        for (long position = 0; position < shape.Count; position++)
        {
            var place = new int[shape.Rank];
            var rest = position;
            for (var axis = shape.Rank - 1; axis >= 0; axis--)
            {
                place[axis] = (int)(rest % shape[axis]);
                rest /= shape[axis];
            }

            yield return place;
        }
    }

    static int Position(Shape shape, int[] place)
    {
        var position = 0;
        for (var axis = 0; axis < shape.Rank; axis++) position = position * shape[axis] + place[axis];
        return position;
    }

    static int[] Without(int[] place, Axes axes) => [.. place.Where((_, axis) => !axes.Contains(axis))];

    /// <summary>Axis k of the result is axis order[k] of the operand: the operand's place from the result's.</summary>
    static int[] Reorder(int[] place, Axes order)
    {
        var operand = new int[place.Length];
        for (var axis = 0; axis < place.Length; axis++) operand[order[axis]] = place[axis];
        return operand;
    }
}
