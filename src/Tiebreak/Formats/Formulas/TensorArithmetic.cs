using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas;

/// <summary>The operators of a formula on tensors, by NumPy's rules, in the primitives of a program. Numbers alone are computed exactly at once.</summary>
internal sealed class TensorArithmetic(ProgramBuilder builder, ParameterUses uses, FormulaErrors errors)
{
    /// <summary>The largest whole power; it is made of products.</summary>
    const int LargestPower = 64;

    readonly ExactArithmetic _exact = new(errors);

    /// <summary>The program being built.</summary>
    public ProgramBuilder Builder => builder;

    /// <summary>left operator right.</summary>
    public Node Combine(FormulaToken symbol, Node left, Node right, int place)
    {
        if (symbol == FormulaToken.MatrixProduct) return MatrixProduct(left, right, place);
        if (Number(left) is { } a && Number(right) is { } b) return builder.Fill(_exact.Combine(symbol, a, b, place), Shape.Scalar);
        if (symbol == FormulaToken.Divide && Fill(right) is { IsZero: true }) throw _exact.DivisionByZero(place);
        var role = symbol is FormulaToken.Plus or FormulaToken.Minus ? ParameterRole.Bias : ParameterRole.Scale;
        // A parameter that meets another, or itself, is no bias of a layer.
        var meetsValues = !(ParameterUses.IsParameter(left) && ParameterUses.IsParameter(right));
        uses.Elementwise(left, meetsValues ? role : ParameterRole.Other);
        uses.Elementwise(right, meetsValues ? role : ParameterRole.Other);
        (left, right) = Common(left, right, place, Describe(symbol));
        return symbol switch
        {
            FormulaToken.Plus => builder.Add(left, right),
            FormulaToken.Minus => builder.Subtract(left, right),
            FormulaToken.Times => builder.Multiply(left, right),
            FormulaToken.Divide => builder.Divide(left, right),
            _ => throw new ArgumentOutOfRangeException(nameof(symbol), symbol, "no operator"),
        };
    }

    /// <summary>Both operands repeated to their common shape.</summary>
    public (Node Left, Node Right) Common(Node left, Node right, int place, string operation)
    {
        if (left.Shape == right.Shape) return (left, right);
        Shape common;
        try
        {
            common = ProgramBuilder.CommonShape(left.Shape, right.Shape);
        }
        catch (ArgumentException)
        {
            throw errors.Shapes(place, operation, left.Shape, right.Shape, "sizes are matched from the last axis and must be equal, or one of them 1");
        }

        TensorSize.Checked(common, place, errors);
        return (builder.BroadcastTo(left, common), builder.BroadcastTo(right, common));
    }

    /// <summary>operand ** exponent: products for whole powers, roots for halves, a power function for other constants, else exp(exponent · log operand).</summary>
    public Node Power(Node operand, Node exponent, int place)
    {
        if (Fill(exponent) is not { } power)
        {
            (operand, exponent) = Common(operand, exponent, place, "`**`");
            return builder.Apply(FunctionKind.Exp, builder.Multiply(exponent, builder.Apply(FunctionKind.Log, operand)));
        }

        operand = Common(operand, exponent, place, "`**`").Left;
        if (power.Sign < 0 && Fill(operand) is { IsZero: true }) throw _exact.DivisionByZero(place);
        if (power.Magnitude > LargestPower) throw errors.At(place, $"a power beyond {LargestPower}; write exp(n*log(x)) if it is meant");
        if (power.IsInteger)
        {
            return Number(operand) is { } number
                ? builder.Fill(_exact.Power(number, power, place), Shape.Scalar)
                : builder.Power(operand, (int)power.Numerator);
        }

        return power.Denominator == 2
            ? builder.Power(builder.Apply(FunctionKind.Sqrt, operand), (int)power.Numerator)
            : builder.Apply(new ScalarFunction(FunctionKind.Power, Exponent: power.ToDouble()), operand);
    }

    /// <summary>left @ right, as numpy.matmul.</summary>
    public Node MatrixProduct(Node left, Node right, int place)
    {
        if (left.Shape.Rank == 0 || right.Shape.Rank == 0)
            throw errors.Shapes(place, "`@`", left.Shape, right.Shape, "it multiplies vectors and matrices; for a single number write `*`");
        uses.Multiplied(left, right);
        var inner = right.Shape[Math.Max(0, right.Shape.Rank - 2)];
        if (left.Shape[left.Shape.Rank - 1] != inner)
            throw errors.Shapes(place, "`@`", left.Shape, right.Shape, $"the last axis of the left ({left.Shape[left.Shape.Rank - 1]}) and the {(right.Shape.Rank == 1 ? "axis" : "last but one")} of the right ({inner}) must be equal");
        var leading = Math.Max(0, Math.Max(left.Shape.Rank, right.Shape.Rank) - 2);
        if (left.Shape.Rank > 2 && right.Shape.Rank > 2) (left, right) = CommonLeading(left, right, place);

        // Letters: a, b, … for leading axes, aligned to the right; i and j for rows and columns; k is summed.
        var l = left.Shape.Rank == 1 ? "k" : Leading(left.Shape.Rank - 2, leading) + "ik";
        var r = right.Shape.Rank == 1 ? "k" : Leading(right.Shape.Rank - 2, leading) + "kj";
        var output = Leading(leading, leading) + (left.Shape.Rank > 1 ? "i" : "") + (right.Shape.Rank > 1 ? "j" : "");
        TensorSize.Checked(ProductShape(left.Shape, right.Shape), place, errors);
        return builder.Make(new Primitive.Contract(l, r, output), left, right);
    }

    /// <summary>The number a scalar constant is, or null.</summary>
    public static Rational? Number(Node node) => node.Shape.Rank == 0 ? Fill(node) : null;

    /// <summary>The one number a constant holds everywhere, or null.</summary>
    public static Rational? Fill(Node node) => node.Primitive is Primitive.Constant { Values: UniformTensor fill } ? fill.Value : null;

    (Node Left, Node Right) CommonLeading(Node left, Node right, int place)
    {
        var a = new Shape(left.Shape.Sizes.Span[..^2]);
        var b = new Shape(right.Shape.Sizes.Span[..^2]);
        if (a == b) return (left, right);
        try
        {
            var common = ProgramBuilder.CommonShape(a, b);
            var leftShape = new Shape([.. common.Sizes.Span, .. left.Shape.Sizes.Span[^2..]]);
            var rightShape = new Shape([.. common.Sizes.Span, .. right.Shape.Sizes.Span[^2..]]);
            return (builder.BroadcastTo(left, TensorSize.Checked(leftShape, place, errors)), builder.BroadcastTo(right, TensorSize.Checked(rightShape, place, errors)));
        }
        catch (ArgumentException)
        {
            throw errors.Shapes(place, "`@`", left.Shape, right.Shape, "the axes before the last two must be equal, or one of them 1");
        }
    }

    static Shape ProductShape(Shape left, Shape right)
    {
        var sizes = new List<int>();
        var longer = left.Rank >= right.Rank ? left : right;
        if (longer.Rank > 2) sizes.AddRange(longer.Sizes.Span[..^2]);
        if (left.Rank > 1) sizes.Add(left[left.Rank - 2]);
        if (right.Rank > 1) sizes.Add(right[right.Rank - 1]);
        return new Shape([.. sizes]);
    }

    static string Leading(int count, int of) => "abcdefgh"[(of - count)..of];

    static string Describe(FormulaToken symbol) => symbol switch
    {
        FormulaToken.Plus => "`+`",
        FormulaToken.Minus => "`-`",
        FormulaToken.Times => "`*`",
        _ => "`/`",
    };
}
