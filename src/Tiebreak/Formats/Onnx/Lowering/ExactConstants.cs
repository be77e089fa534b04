using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// Computes what the program makes of constants alone, in fractions. Gates of constants are then the numbers they are; left to the field, they would be
/// generic gates (theory §4).
/// </summary>
static class ExactConstants
{
    const int MostNumbers = 1 << 20;

    /// <summary>The node as a constant, if it depends on constants alone and all that is done to them is exact; else the node itself.</summary>
    public static Node Folded(ProgramBuilder builder, Node node) =>
        Of(node, []) is { } values ? builder.Constant(ConstantFolding.Tensor(values), node.Shape) : node;

    static Rational[]? Of(Node node, Dictionary<Node, Rational[]?> known)
    {
        if (known.TryGetValue(node, out var values)) return values;
        return known[node] = node.Shape.Count > MostNumbers ? null : Compute(node, known);
    }

    static Rational[]? Compute(Node node, Dictionary<Node, Rational[]?> known)
    {
        if (node.Primitive is Primitive.Constant constant) return OperatorCall.TryKnown(Value.Of(node.Shape, constant.Values), MostNumbers);
        if (node.Operands.Count == 0) return null;
        var operands = new Rational[node.Operands.Count][];
        for (var k = 0; k < operands.Length; k++)
        {
            if (Of(node.Operands[k], known) is not { } operand) return null;
            operands[k] = operand;
        }

        var x = operands[0];
        return node.Primitive switch
        {
            Primitive.Add => [.. x.Zip(operands[1], (a, b) => a + b)],
            Primitive.Multiply => [.. x.Zip(operands[1], (a, b) => a * b)],
            Primitive.Negate => Array.ConvertAll(x, a => -a),
            Primitive.Apply apply when IsExact(apply.Function) => Array.ConvertAll(x, a => Apply(apply.Function, a)),
            Primitive.Reshape => x,
            Primitive.Broadcast broadcast => Read(x, Repeats(node.Operands[0].Shape, broadcast)),
            Primitive.Gather gather => Read(x, gather.Map),
            Primitive.ReduceSum reduce => Summed(x, node.Operands[0].Shape, node.Shape, reduce.Axes),
            _ => null,
        };
    }

    static bool IsExact(ScalarFunction function) => function.Kind is FunctionKind.Sign or FunctionKind.Floor or FunctionKind.Round || (function.Kind == FunctionKind.Step && function.AtZero is 0 or 1);

    static Rational Apply(ScalarFunction function, Rational value) => function.Kind switch
    {
        FunctionKind.Sign => value.Sign,
        FunctionKind.Step => value.Sign == 0 ? (long)function.AtZero : value.Sign > 0 ? 1 : 0,
        FunctionKind.Floor => ConstantFolding.Floor(value),
        _ => Rounded(value),
    };

    /// <summary>Halves go to even.</summary>
    static Rational Rounded(Rational value)
    {
        var below = ConstantFolding.Floor(value);
        var rest = value - below - new Rational(1, 2);
        return rest.Sign > 0 || (rest.IsZero && !below.Numerator.IsEven) ? below + 1 : below;
    }

    static Rational[] Read(Rational[] values, IndexMap map) => [.. GridMap.Positions(map).Select(position => position < 0 ? Rational.Zero : values[position])];

    static IndexMap.Affine Repeats(Shape from, Primitive.Broadcast broadcast)
    {
        var own = from.Strides();
        var strides = new int[broadcast.Target.Rank];
        var next = 0;
        for (var axis = 0; axis < strides.Length; axis++)
            if (!broadcast.Axes.Contains(axis)) strides[axis] = own[next++];
        return new IndexMap.Affine(from, broadcast.Target, 0, new Axes(strides));
    }

    static Rational[] Summed(Rational[] values, Shape from, Shape to, Axes axes)
    {
        var sums = new Rational[to.Count];
        var places = GridMap.Positions(Repeats(to, new Primitive.Broadcast(from, axes)));
        foreach (var (place, value) in places.Zip(values)) sums[place] += value;
        return sums;
    }
}
