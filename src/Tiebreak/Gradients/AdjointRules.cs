using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Gradients;

/// <summary>
/// Reverse mode's table: for each primitive, what an adjoint of its result contributes to each operand. Written in the primitives
/// themselves, so a gradient is again a program. Null means no contribution.
/// </summary>
static class AdjointRules
{
    /// <summary>2/√π; a fixed factor, only its being fixed matters to a proof.</summary>
    static readonly Rational TwoOverRootPi = Rational.FromDouble(1.1283791670955126);

    /// <summary>The contributions to all operands of <paramref name="node"/>; those not <paramref name="wanted"/> may be null.</summary>
    public static Node?[] Contributions(ProgramBuilder b, Node node, Node adjoint, Func<Node, bool> wanted)
    {
        Node X() => node.Operands[0];
        Node Y() => node.Operands[1];
        return node.Primitive switch
        {
            Primitive.Add => [adjoint, adjoint], //                                              d(x+y) = dx + dy
            Primitive.Multiply =>
            [
                wanted(X()) ? b.Multiply(adjoint, Y()) : null, //                                d(xy) = y dx + x dy
                wanted(Y()) ? b.Multiply(adjoint, X()) : null,
            ],
            Primitive.Negate => [b.Negate(adjoint)], //                                          d(-x) = -dx
            Primitive.Reciprocal => [b.Negate(b.Multiply(adjoint, b.Multiply(node, node)))], //  d(1/x) = -(1/x)² dx
            Primitive.Apply apply => [Derivative(b, apply.Function, X(), node) is { } slope ? b.Multiply(adjoint, slope) : null],
            Primitive.Choose => [null], //                                                       a choice is locally constant
            Primitive.Contract c =>
            [
                wanted(X()) ? b.Contract(c.Output, c.Right, c.Left, adjoint, Y()) : null,
                wanted(Y()) ? b.Contract(c.Output, c.Left, c.Right, adjoint, X()) : null,
            ],
            Primitive.ReduceSum r => [b.Broadcast(adjoint, X().Shape, r.Axes.Span)],
            Primitive.Broadcast r => [b.ReduceSum(adjoint, r.Axes.Span)],
            Primitive.Reshape => [b.Reshape(adjoint, X().Shape)],
            Primitive.Transpose t => [b.Transpose(adjoint, Inverse(t.Order))],
            Primitive.Gather g => [b.ScatterAdd(adjoint, g.Map)],
            Primitive.ScatterAdd s => [b.Gather(adjoint, s.Map)],
            Primitive.Concat c => Slices(b, node, adjoint, c.Axis, wanted),
            _ => [], // leaves
        };
    }

    /// <summary>f′(x), given y = f(x); null where it is zero everywhere.</summary>
    static Node? Derivative(ProgramBuilder b, ScalarFunction f, Node x, Node y)
    {
        Node Square(Node v) => b.Multiply(v, v);
        Node OneMinus(Node v) => b.Offset(b.Negate(v), 1);
        return f.Kind switch
        {
            FunctionKind.Exp => y, //                                                            e^x
            FunctionKind.Log => b.Reciprocal(x), //                                              1/x
            FunctionKind.Sqrt => b.Scale(b.Reciprocal(y), new Rational(1, 2)), //                1/(2√x)
            FunctionKind.Power => b.Scale(b.Divide(y, x), Rational.FromDouble(f.Exponent)), //   a·x^a/x
            FunctionKind.Tanh => OneMinus(Square(y)), //                                         1 − tanh²
            FunctionKind.Erf => b.Scale(b.Apply(FunctionKind.Exp, b.Negate(Square(x))), TwoOverRootPi), // 2/√π·e^(−x²)
            FunctionKind.Sin => b.Apply(FunctionKind.Cos, x),
            FunctionKind.Cos => b.Negate(b.Apply(FunctionKind.Sin, x)),
            FunctionKind.Atan => b.Reciprocal(b.Offset(Square(x), 1)), //                        1/(1 + x²)
            FunctionKind.Asin => b.Reciprocal(b.Apply(FunctionKind.Sqrt, OneMinus(Square(x)))), // 1/√(1 − x²)
            FunctionKind.Asinh => b.Reciprocal(b.Apply(FunctionKind.Sqrt, b.Offset(Square(x), 1))), // 1/√(x² + 1)
            FunctionKind.Acosh => b.Reciprocal(b.Apply(FunctionKind.Sqrt, b.Offset(Square(x), -1))), // 1/√(x² − 1)
            FunctionKind.Atanh => b.Reciprocal(OneMinus(Square(x))), //                          1/(1 − x²)
            FunctionKind.SelfGated => b.Apply(f with { Kind = FunctionKind.SelfGatedSlope }, x),
            FunctionKind.Step or FunctionKind.Sign or FunctionKind.Floor or FunctionKind.Round => null,
            _ => throw new InvalidOperationException($"no derivative of {f}"),
        };
    }

    static int[] Inverse(Axes order)
    {
        var inverse = new int[order.Count];
        for (var k = 0; k < order.Count; k++) inverse[order[k]] = k;
        return inverse;
    }

    static Node?[] Slices(ProgramBuilder b, Node node, Node adjoint, int axis, Func<Node, bool> wanted)
    {
        var strides = node.Shape.Strides();
        var contributions = new Node?[node.Operands.Count];
        var start = 0;
        for (var k = 0; k < contributions.Length; k++)
        {
            var operand = node.Operands[k];
            if (wanted(operand))
                contributions[k] = b.Gather(adjoint, new IndexMap.Affine(node.Shape, operand.Shape, operand.Shape.Count == 0 ? 0 : start * strides[axis], new Axes(strides)));
            start += operand.Shape[axis];
        }

        return contributions;
    }
}
