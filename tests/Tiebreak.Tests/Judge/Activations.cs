using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Judge;

/// <summary>What networks are made of, composed from primitives as the readers compose them.</summary>
static class Activations
{
    public static Node Relu(this ProgramBuilder b, Node x) => b.Multiply(x, b.Apply(FunctionKind.Step, x));

    public static Node Sigmoid(this ProgramBuilder b, Node x) =>
        b.Scale(b.Offset(b.Apply(FunctionKind.Tanh, b.Scale(x, new Rational(1, 2))), Rational.One), new Rational(1, 2));

    public static Node Abs(this ProgramBuilder b, Node x) => b.Multiply(x, b.Apply(FunctionKind.Sign, x));

    public static Node Square(this ProgramBuilder b, Node x) => b.Multiply(x, x);

    public static Node Gelu(this ProgramBuilder b, Node x) =>
        b.Scale(b.Multiply(x, b.Offset(b.Apply(FunctionKind.Erf, b.Scale(x, Rational.FromDouble(Math.Sqrt(0.5)))), Rational.One)), new Rational(1, 2));

    /// <summary>Along the last axis.</summary>
    public static Node Softmax(this ProgramBuilder b, Node x)
    {
        var exp = b.Apply(FunctionKind.Exp, x);
        var last = x.Shape.Rank - 1;
        return b.Divide(exp, b.Broadcast(b.ReduceSum(exp, last), x.Shape, last));
    }

    /// <summary>The largest along the last axis.</summary>
    public static Node Max(this ProgramBuilder b, Node x, TieBreak ties) => b.ReduceSum(b.Multiply(b.Choose(x, 1, ties), x), x.Shape.Rank - 1);

    /// <summary>The larger of two, element by element.</summary>
    public static Node Maximum(this ProgramBuilder b, Node x, Node y)
    {
        var column = new Shape([.. x.Shape.Sizes, 1]);
        return b.Max(b.Concat(x.Shape.Rank, b.Reshape(x, column), b.Reshape(y, column)), TieBreak.Split);
    }

    /// <summary>Mean 0 and variance 1 along one axis, and what keeps the root away from zero.</summary>
    public static Node Normalise(this ProgramBuilder b, Node x, int axis)
    {
        var count = new Rational(1, x.Shape[axis]);
        var centred = b.Subtract(x, b.Broadcast(b.Scale(b.ReduceSum(x, axis), count), x.Shape, axis));
        var variance = b.Scale(b.ReduceSum(b.Square(centred), axis), count);
        var deviation = b.Apply(FunctionKind.Sqrt, b.Offset(variance, Rational.Parse("1e-5")));
        return b.Multiply(centred, b.Broadcast(b.Reciprocal(deviation), x.Shape, axis));
    }

    /// <summary>x·Wᵀ + b over the last axis of a matrix.</summary>
    public static Node Dense(this ProgramBuilder b, Node x, Node weight, Node? bias = null)
    {
        var y = b.Contract("oi", "ni", "no", weight, x);
        return bias is null ? y : b.Add(y, b.BroadcastTo(bias, y.Shape));
    }

    /// <summary>One of the common functions; the first is a linear one.</summary>
    public static Node Any(this ProgramBuilder b, Node x, Choices choices) => choices.Next(20) switch
    {
        0 => x,
        1 or 2 or 3 => b.Apply(FunctionKind.Tanh, x),
        4 => b.Relu(x),
        5 => b.Multiply(x, b.Apply(new ScalarFunction(FunctionKind.Step, AtZero: choices.Of(0.5, 1)), x)),
        6 or 7 => b.Sigmoid(x),
        8 => b.Abs(x),
        9 => b.Apply(FunctionKind.Sin, x),
        10 => b.Apply(FunctionKind.Cos, x),
        11 => b.Square(x),
        12 => b.Apply(FunctionKind.Exp, x),
        13 => b.Gelu(x),
        14 => b.Apply(FunctionKind.Log, b.Offset(b.Apply(FunctionKind.Exp, x), Rational.One)), // softplus
        15 => b.Apply(choices.Of(FunctionKind.Atan, FunctionKind.Asinh, FunctionKind.Asin, FunctionKind.Atanh), x),
        16 => b.Apply(FunctionKind.Sqrt, b.Offset(b.Square(x), Rational.One)),
        17 => b.Apply(new ScalarFunction(FunctionKind.Power, Exponent: 1.5), b.Offset(b.Square(x), Rational.One)),
        18 => b.Multiply(x, b.Sigmoid(x)), // silu
        _ => b.Add(x, b.Apply(choices.Of(FunctionKind.Floor, FunctionKind.Round, FunctionKind.Acosh), b.Offset(x, Rational.One))),
    };
}
