using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Arithmetic that meets element by element, with NumPy's broadcasting.</summary>
static class Elementwise
{
    /// <summary>Two operands at their common shape.</summary>
    public static (Node Left, Node Right) Aligned(OperatorCall call, Node left, Node right)
    {
        var shape = ProgramBuilder.CommonShape(left.Shape, right.Shape);
        return (call.Builder.BroadcastTo(left, shape), call.Builder.BroadcastTo(right, shape));
    }

    /// <summary>Two operands of a node at their common shape.</summary>
    public static (Node Left, Node Right) Pair(OperatorCall call)
    {
        if (call.InputCount != 2) throw call.Fail($"it has {call.InputCount} operands in place of 2");
        return Aligned(call, call.Node(0), call.Node(1));
    }

    public static void Add(OperatorCall call)
    {
        NoteTerms(call);
        if (call.InputCount == 2 && Masks.Sum(call) is { } masked)
        {
            call.Set(0, masked);
            return;
        }

        var (left, right) = Pair(call);
        Set(call, call.Builder.Add(left, right));
    }

    public static void Subtract(OperatorCall call)
    {
        NoteTerms(call);
        if (call.InputCount == 2 && ReferenceEquals(call.Input(0), call.Input(1)) && call.Input(0).Kind == ElementKind.Integer && call.Shape(0).Count <= 1 << 24)
        {
            // Exporters write zeros of a shape and type that way.
            call.Set(0, Value.Of(call.Shape(0), new long[call.Shape(0).Count]));
            return;
        }

        if (call.InputCount == 2 && Masks.Sum(call, subtract: true) is { } masked)
        {
            call.Set(0, masked);
            return;
        }

        var (left, right) = Pair(call);
        Set(call, call.Builder.Subtract(left, right));
    }

    public static void Exponential(OperatorCall call) => call.Set(Masks.Exponential(call, call.Input(0)));

    public static void Multiply(OperatorCall call)
    {
        NoteFactors(call);
        var (left, right) = Pair(call);
        Set(call, call.Builder.Multiply(left, right));
    }

    public static void Divide(OperatorCall call)
    {
        NoteFactors(call);
        var (left, right) = Pair(call);
        var quotient = call.Builder.Divide(left, right);
        Set(call, IsWhole(call) ? Truncated(call.Builder, quotient) : quotient);
    }

    /// <summary>Names the result, which holds whole numbers if all operands do.</summary>
    static void Set(OperatorCall call, Node result) => call.Set(0, Value.Of(result, IsWhole(call) ? ElementKind.Integer : ElementKind.Float));

    static bool IsWhole(OperatorCall call) => Enumerable.Range(0, call.InputCount).All(k => call.Input(k).Kind == ElementKind.Integer);

    /// <summary>Without what stands behind the point.</summary>
    static Node Truncated(ProgramBuilder builder, Node x) => builder.Multiply(builder.Apply(FunctionKind.Sign, x), builder.Apply(FunctionKind.Floor, Magnitude(builder, x)));

    public static void Sum(OperatorCall call)
    {
        NoteTerms(call);
        call.Set(Total(call));
    }

    public static void Mean(OperatorCall call)
    {
        NoteTerms(call);
        call.Set(call.Builder.Scale(Total(call), Rational.One / call.InputCount));
    }

    static Node Total(OperatorCall call)
    {
        if (call.InputCount == 0) throw call.Fail("it adds nothing up");
        var total = call.Node(0);
        for (var k = 1; k < call.InputCount; k++)
        {
            var (left, right) = Aligned(call, total, call.Node(k));
            total = call.Builder.Add(left, right);
        }

        return total;
    }

    public static void Max(OperatorCall call) => Set(call, Largest(call, negate: false));

    public static void Min(OperatorCall call) => Set(call, call.Builder.Negate(Largest(call, negate: true)));

    /// <summary>An elementwise maximum gives equal parts to equal values (theory §4, Kinks).</summary>
    static Node Largest(OperatorCall call, bool negate)
    {
        if (call.InputCount == 0) throw call.Fail("it compares nothing");
        var builder = call.Builder;
        var operands = new Node[call.InputCount];
        for (var k = 0; k < operands.Length; k++) operands[k] = negate ? builder.Negate(call.Node(k)) : call.Node(k);
        var shape = operands.Select(operand => operand.Shape).Aggregate(ProgramBuilder.CommonShape);
        if (operands.Length == 1) return operands[0];
        return Larger(builder, [.. operands.Select(operand => builder.BroadcastTo(operand, shape))]);
    }

    /// <summary>The largest of operands of one shape, element by element.</summary>
    public static Node Larger(ProgramBuilder builder, params Node[] operands)
    {
        var shape = operands[0].Shape;
        var column = new Shape([.. shape.Sizes, 1]);
        return Chosen(builder, builder.Concat(shape.Rank, [.. operands.Select(operand => builder.Reshape(operand, column))]), TieBreak.Split);
    }

    /// <summary>The largest along the last axis.</summary>
    public static Node Chosen(ProgramBuilder builder, Node operand, TieBreak ties, AllowedElements? allowed = null) =>
        builder.ReduceSum(builder.Multiply(builder.Choose(operand, 1, ties, allowed), operand), operand.Shape.Rank - 1);

    public static void Negate(OperatorCall call) => Set(call, call.Builder.Negate(call.Node(0)));

    public static void Reciprocal(OperatorCall call) => call.Set(call.Builder.Reciprocal(call.Node(0)));

    public static void Abs(OperatorCall call) => Set(call, Magnitude(call.Builder, call.Node(0)));

    /// <summary>|x| = x · sign x.</summary>
    public static Node Magnitude(ProgramBuilder builder, Node operand) => builder.Multiply(operand, builder.Apply(FunctionKind.Sign, operand));

    public static void Power(OperatorCall call)
    {
        var exponents = call.Input(1);
        if (exponents.Node is null && OperatorCall.TryKnown(exponents) is { Length: > 0 } known && Array.TrueForAll(known, exponent => exponent == known[0]))
        {
            var shape = ProgramBuilder.CommonShape(call.Shape(0), exponents.Shape);
            call.Set(PowerOf(call, call.Builder.BroadcastTo(call.Node(0), shape), known[0]));
            return;
        }

        if (exponents.Node is null)
        {
            call.Set(PowersOf(call, exponents));
            return;
        }

        // a to a variable power, for positive a.
        var (left, right) = Pair(call);
        call.Set(call.Builder.Apply(FunctionKind.Exp, call.Builder.Multiply(right, call.Builder.Apply(FunctionKind.Log, left))));
    }

    /// <summary>Constant powers that differ: the elements of each exponent are taken out, raised and put back.</summary>
    static Node PowersOf(OperatorCall call, Value exponents)
    {
        const int most = 64;
        var builder = call.Builder;
        var shape = ProgramBuilder.CommonShape(call.Shape(0), exponents.Shape);
        var x = builder.BroadcastTo(call.Node(0), shape);
        var known = OperatorCall.TryKnown(SliceOperators.Spread(call, exponents, shape)) ?? throw call.Fail("its exponents are too many constants that differ; use one exponent");
        var groups = known.Select((exponent, k) => (exponent, k)).GroupBy(entry => entry.exponent, entry => entry.k).ToList();
        if (groups.Count > most) throw call.Fail($"it has {groups.Count} different exponents, more than {most}; use one exponent");
        var total = builder.Fill(Rational.Zero, shape);
        foreach (var group in groups)
        {
            int[] positions = [.. group];
            var map = new IndexMap.Table(shape, new Shape(positions.Length), positions);
            total = builder.Add(total, builder.ScatterAdd(PowerOf(call, builder.Gather(x, map), group.Key), map));
        }

        return total;
    }

    /// <summary>A constant power: products for whole exponents, square roots for halves, else a function of its own.</summary>
    public static Node PowerOf(OperatorCall call, Node operand, Rational exponent)
    {
        const int most = 64;
        var builder = call.Builder;
        if (exponent.Sign < 0 && (exponent * 2).IsInteger) return builder.Reciprocal(PowerOf(call, operand, -exponent));
        if (exponent.IsInteger && exponent <= most) return builder.Power(operand, (int)exponent.Numerator);
        var doubled = exponent + exponent;
        if (doubled.IsInteger && doubled.Sign > 0 && doubled <= most) return builder.Power(builder.Apply(FunctionKind.Sqrt, operand), (int)doubled.Numerator);
        return builder.Apply(new ScalarFunction(FunctionKind.Power, Exponent: exponent.ToDouble()), operand);
    }

    /// <summary>What division leaves: with the sign of the dividend as C's fmod, or of the divisor.</summary>
    public static void Modulo(OperatorCall call)
    {
        var likeC = call.Int("fmod", 0) != 0;
        if (!likeC && !IsWhole(call)) throw call.Fail("it takes whole-number remainders of real numbers, which the standard does not define; export the model with fmod");
        var builder = call.Builder;
        var (left, right) = Pair(call);
        var quotient = builder.Divide(left, right);
        Set(call, builder.Subtract(left, builder.Multiply(right, likeC ? Truncated(builder, quotient) : builder.Apply(FunctionKind.Floor, quotient))));
    }

    /// <summary>Operators on bits, which are computed where their operands are known (ConstantFolding).</summary>
    public static void OfKnownIntegers(OperatorCall call) => throw call.Fail("it works on the bits of data, which has no gradient to analyse; leave that part out with --outputs");

    /// <summary>A function of one number, element by element.</summary>
    public static Action<OperatorCall> Function(FunctionKind function) => call => call.Set(call.Builder.Apply(function, call.Node(0)));

    /// <summary>A function composed from others, element by element.</summary>
    public static Action<OperatorCall> Composed(Func<ProgramBuilder, Node, Node> compose) => call => call.Set(compose(call.Builder, call.Node(0)));

    /// <summary>⌈x⌉ = −⌊−x⌋.</summary>
    public static Node Ceiling(ProgramBuilder builder, Node x) => builder.Negate(builder.Apply(FunctionKind.Floor, builder.Negate(x)));

    public static Node Tangent(ProgramBuilder builder, Node x) => builder.Divide(builder.Apply(FunctionKind.Sin, x), builder.Apply(FunctionKind.Cos, x));

    public static Node HyperbolicSine(ProgramBuilder builder, Node x) =>
        builder.Scale(builder.Subtract(builder.Apply(FunctionKind.Exp, x), builder.Apply(FunctionKind.Exp, builder.Negate(x))), new Rational(1, 2));

    public static Node HyperbolicCosine(ProgramBuilder builder, Node x) =>
        builder.Scale(builder.Add(builder.Apply(FunctionKind.Exp, x), builder.Apply(FunctionKind.Exp, builder.Negate(x))), new Rational(1, 2));

    /// <summary>acos x = 2 atan √((1 − x) / (1 + x)), which needs no π.</summary>
    public static Node ArcCosine(ProgramBuilder builder, Node x)
    {
        var ratio = builder.Divide(builder.Offset(builder.Negate(x), Rational.One), builder.Offset(x, Rational.One));
        return builder.Scale(builder.Apply(FunctionKind.Atan, builder.Apply(FunctionKind.Sqrt, ratio)), 2);
    }

    static void NoteTerms(OperatorCall call) => NoteAll(call, ParameterRole.Bias);

    static void NoteFactors(OperatorCall call) => NoteAll(call, ParameterRole.Scale);

    /// <summary>A vector that meets a larger tensor is that tensor's bias or scale, one number a unit.</summary>
    static void NoteAll(OperatorCall call, ParameterRole role)
    {
        if (role == ParameterRole.Bias && Enumerable.Range(0, call.InputCount).All(k => call.Input(k).Weight is not null)) role = ParameterRole.Other; // weights among themselves
        for (var k = 0; k < call.InputCount; k++)
        {
            if (call.Input(k).Weight is null) continue;
            var shape = call.Shape(k);
            var wide = Enumerable.Range(0, shape.Rank).Where(axis => shape[axis] > 1).ToArray();
            if (wide.Length > 1)
            {
                call.UsedAs(k, ParameterRole.Other);
                continue;
            }

            var meanings = new AxisMeaning[shape.Rank];
            if (wide.Length == 1) meanings[wide[0]] = AxisMeaning.Output;
            call.UsedAs(k, role, meanings);
        }
    }
}
