using System.Numerics;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// Computes elementwise operators on known numbers, exactly: shape arithmetic, and the few real settings that graphs compute. What is not exact
/// on fractions (roots, exponentials) is left to the program.
/// </summary>
static class ConstantFolding
{
    /// <summary>Whole numbers make masks, too, which may be large; of real numbers only settings are computed.</summary>
    const int MostReal = 1 << 16;
    const int MostWhole = 1 << 20;

    /// <summary>Sets the node's result if all operands are known and the operator is one of these.</summary>
    public static bool TryFold(OperatorCall call)
    {
        if (call.OutputCount != 1 || call.InputCount == 0 || !IsFoldable(call.OpType)) return false;
        var operands = new Rational[call.InputCount][];
        var values = new Value[call.InputCount];
        for (var k = 0; k < operands.Length; k++)
        {
            if (!call.Has(k)) return false;
            values[k] = call.Input(k);
            if (values[k].Node is not null || OperatorCall.TryKnown(values[k], values[k].Kind == ElementKind.Float ? MostReal : MostWhole) is not { } known) return false;
            operands[k] = known;
        }

        var shape = values.Select(value => value.Shape).Aggregate(ProgramBuilder.CommonShape);
        if (shape.Count > (Array.Exists(values, value => value.Kind == ElementKind.Float) ? MostReal : MostWhole)) return false;
        var isInteger = call.OpType is "Where" ? values[^1].Kind != ElementKind.Float : values[0].Kind != ElementKind.Float;
        var aligned = new Rational[operands.Length][];
        for (var k = 0; k < operands.Length; k++) aligned[k] = Spread(operands[k], values[k].Shape, shape);
        var results = new Rational[shape.Count];
        var one = new Rational[operands.Length];
        for (var i = 0; i < results.Length; i++)
        {
            for (var k = 0; k < one.Length; k++) one[k] = aligned[k][i];
            if (Compute(call, one, isInteger) is not { } result) return false;
            results[i] = result;
        }

        var kind = IsComparison(call.OpType) ? ElementKind.Bool : call.OpType is "Where" ? values[^1].Kind : values[0].Kind;
        call.Set(0, kind == ElementKind.Float ? Value.Of(shape, Tensor(results)) : Value.Of(shape, [.. results.Select(Whole)], kind));
        return true;
    }

    /// <summary>Fractions as a tensor; equal ones as a uniform one.</summary>
    public static ExactTensor Tensor(Rational[] values) =>
        values.Length > 0 && Array.TrueForAll(values, value => value == values[0]) ? new UniformTensor(values.Length, values[0]) : new RationalTensor(values);

    /// <summary>A fraction without what stands behind the point, as casts to integers drop it.</summary>
    public static long Whole(Rational value)
    {
        var whole = BigInteger.Divide(value.Numerator, value.Denominator);
        return whole >= long.MinValue && whole <= long.MaxValue ? (long)whole : throw new OverflowException($"{value} is no 64-bit integer");
    }

    /// <summary>The largest whole number not above a fraction.</summary>
    public static Rational Floor(Rational value)
    {
        var quotient = BigInteger.DivRem(value.Numerator, value.Denominator, out var rest);
        return new Rational(rest.Sign < 0 ? quotient - 1 : quotient, 1);
    }

    static Rational Towards0(Rational value) => new(BigInteger.Divide(value.Numerator, value.Denominator), 1);

    static bool IsFoldable(string type) => IsComparison(type) || type is "Add" or "Sub" or "Mul" or "Div" or "Mod" or "Min" or "Max" or "Neg" or "Abs" or "Sign" or "Floor" or "Ceil" or "Where" or "Pow"
        or "Sum" or "Relu" or "Reciprocal" or "BitShift" or "BitwiseAnd" or "BitwiseOr" or "BitwiseXor";

    static bool IsComparison(string type) => type is "Equal" or "Less" or "LessOrEqual" or "Greater" or "GreaterOrEqual" or "And" or "Or" or "Xor" or "Not";

    static Rational? Compute(OperatorCall call, Rational[] v, bool isInteger) => call.OpType switch
    {
        "Add" => v[0] + v[1],
        "Sub" => v[0] - v[1],
        "Mul" => v[0] * v[1],
        "Div" => v[1].IsZero ? null : isInteger ? (Rational)Whole(v[0] / v[1]) : v[0] / v[1],
        "Mod" => v[1].IsZero || (!isInteger && call.Int("fmod", 0) == 0) ? null : v[0] - v[1] * (call.Int("fmod", 0) == 0 ? Floor(v[0] / v[1]) : Towards0(v[0] / v[1])),
        "Sum" => v.Aggregate((a, b) => a + b),
        "Relu" => v[0].Sign < 0 ? Rational.Zero : v[0],
        "Reciprocal" => v[0].IsZero ? null : Rational.One / v[0],
        "BitShift" => v[0].Sign < 0 || v[1].Sign < 0 || v[1] > 63 ? null : call.Text("direction", "") is "LEFT" ? Whole(new Rational(v[0].Numerator << (int)v[1].Numerator, 1)) : new Rational(v[0].Numerator >> (int)v[1].Numerator, 1),
        "BitwiseAnd" => Whole(v[0]) & Whole(v[1]),
        "BitwiseOr" => Whole(v[0]) | Whole(v[1]),
        "BitwiseXor" => Whole(v[0]) ^ Whole(v[1]),
        "Min" => v.Aggregate((a, b) => a < b ? a : b),
        "Max" => v.Aggregate((a, b) => a > b ? a : b),
        "Neg" => -v[0],
        "Abs" => v[0].Magnitude,
        "Sign" => v[0].Sign,
        "Floor" => Floor(v[0]),
        "Ceil" => -Floor(-v[0]),
        "Where" => v[0].IsZero ? v[2] : v[1],
        "Pow" => v[1].IsInteger && v[1].Magnitude <= 16 && (v[1].Sign >= 0 || !v[0].IsZero) ? Power(v[0], (int)v[1].Numerator) : null,
        "Equal" => Truth(v[0] == v[1]),
        "Less" => Truth(v[0] < v[1]),
        "LessOrEqual" => Truth(v[0] <= v[1]),
        "Greater" => Truth(v[0] > v[1]),
        "GreaterOrEqual" => Truth(v[0] >= v[1]),
        "And" => Truth(!v[0].IsZero && !v[1].IsZero),
        "Or" => Truth(!v[0].IsZero || !v[1].IsZero),
        "Xor" => Truth(v[0].IsZero != v[1].IsZero),
        "Not" => Truth(v[0].IsZero),
        _ => null,
    };

    static Rational Truth(bool truth) => truth ? Rational.One : Rational.Zero;

    static Rational Power(Rational value, int exponent)
    {
        var result = Rational.One;
        for (var k = 0; k < Math.Abs(exponent); k++) result *= value;
        return exponent < 0 ? Rational.One / result : result;
    }

    static Rational[] Spread(Rational[] values, Shape from, Shape to)
    {
        if (from == to) return values;
        var own = from.Strides();
        var strides = new int[to.Rank];
        for (var axis = 0; axis < from.Rank; axis++)
            if (from[axis] != 1) strides[to.Rank - from.Rank + axis] = own[axis];
        return [.. GridMap.Positions(new IndexMap.Affine(from, to, 0, new Axes(strides))).Select(position => values[position])];
    }
}
