using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Comparisons and logic on data: gates, 0 or 1, whose derivative is zero (theory §4: comparisons are generic gates).</summary>
static class Comparisons
{
    static readonly ScalarFunction Positive = new(FunctionKind.Step);
    static readonly ScalarFunction NotNegative = new(FunctionKind.Step, AtZero: 1);

    const int MostKnown = 1 << 24;

    public static void Greater(OperatorCall call) => Compare(call, (builder, left, right) => builder.Apply(Positive, builder.Subtract(left, right)));

    public static void GreaterOrEqual(OperatorCall call) => Compare(call, (builder, left, right) => builder.Apply(NotNegative, builder.Subtract(left, right)));

    public static void Less(OperatorCall call) => Compare(call, (builder, left, right) => builder.Apply(Positive, builder.Subtract(right, left)));

    public static void LessOrEqual(OperatorCall call) => Compare(call, (builder, left, right) => builder.Apply(NotNegative, builder.Subtract(right, left)));

    public static void Equal(OperatorCall call)
    {
        if (Choices.IsPlace(call, call.Input(0), call.Input(1)) is { } place) call.Set(0, Value.Of(place, ElementKind.Bool));
        else Compare(call, (builder, left, right) => IsZero(builder, builder.Subtract(left, right)));
    }

    public static void And(OperatorCall call) => Compare(call, (builder, left, right) => builder.Multiply(left, right));

    public static void Or(OperatorCall call) => Compare(call, (builder, left, right) => builder.Subtract(builder.Add(left, right), builder.Multiply(left, right)));

    public static void Xor(OperatorCall call) => Compare(call, (builder, left, right) => builder.Subtract(builder.Add(left, right), builder.Scale(builder.Multiply(left, right), 2)));

    public static void Not(OperatorCall call) => call.Set(0, Value.Of(Opposite(call.Builder, call.Node(0)), ElementKind.Bool));

    /// <summary>1 − gate.</summary>
    public static Node Opposite(ProgramBuilder builder, Node gate) => builder.Offset(builder.Negate(gate), Rational.One);

    /// <summary>1 where x is not 0.</summary>
    public static Node IsNotZero(OperatorCall call, Node operand) => Opposite(call.Builder, IsZero(call.Builder, operand));

    static Node IsZero(ProgramBuilder builder, Node operand) =>
        builder.Multiply(builder.Apply(NotNegative, operand), builder.Apply(NotNegative, builder.Negate(operand)));

    public static void IsNaN(OperatorCall call) => IsSpecial(call, double.IsNaN);

    public static void IsInfinite(OperatorCall call)
    {
        var (negative, positive) = (call.Int("detect_negative", 1) != 0, call.Int("detect_positive", 1) != 0);
        IsSpecial(call, number => (negative && double.IsNegativeInfinity(number)) || (positive && double.IsPositiveInfinity(number)));
    }

    /// <summary>What is computed is a real number: only constants of the file can be something else.</summary>
    static void IsSpecial(OperatorCall call, Func<double, bool> holds)
    {
        const int most = 1 << 24;
        var value = call.Input(0);
        if (value.Shape.Count > most) throw call.Fail($"its operand has {value.Shape.Count} elements, more than {most}; choose smaller sizes");
        var numbers = new double[value.Shape.Count];
        if (value is { Node: null, Known: { HasDoubles: true } known }) known.ReadDoubles(0, numbers);
        call.Set(0, Value.Of(value.Shape, Array.ConvertAll(numbers, number => holds(number) ? 1L : 0L), ElementKind.Bool));
    }

    static void Compare(OperatorCall call, Func<ProgramBuilder, Node, Node, Node> compare)
    {
        var (left, right) = Elementwise.Pair(call);
        call.Set(0, Value.Of(compare(call.Builder, left, right), ElementKind.Bool));
    }

    /// <summary>gate·a + (1 − gate)·b; a constant gate is a mask and picks exactly.</summary>
    public static void Where(OperatorCall call)
    {
        var builder = call.Builder;
        var gate = call.Input(0);
        var shape = ProgramBuilder.CommonShape(ProgramBuilder.CommonShape(gate.Shape, call.Shape(1)), call.Shape(2));
        var kind = call.Input(1).Kind;
        if (gate.Integers is not null)
        {
            var flags = SliceOperators.Spread(call, gate, shape).Integers!;
            if (call.Input(1) is { Node: null, Known: not null } && call.Input(2) is { Node: null, Known: not null } && shape.Count <= MostKnown)
            {
                var (a, b) = (Masks.Doubles(SliceOperators.Spread(call, call.Input(1), shape).Known!), Masks.Doubles(SliceOperators.Spread(call, call.Input(2), shape).Known!));
                call.Set(0, Value.Of(shape, new DoubleTensor([.. flags.Select((flag, k) => flag != 0 ? a[k] : b[k])])));
            }
            else if (builder.Constant(OperatorCall.Exact(flags), shape) is var constant && (IndexData.Choice(call, constant) ?? Masks.Choice(call, constant)) is { } chosenByMask)
            {
                call.Set(0, chosenByMask);
            }
            else
            {
                call.Set(0, Value.Of(builder.Add(Kept(call, 1, shape, flags, 1), Kept(call, 2, shape, flags, 0)), kind));
            }

            return;
        }

        var open = builder.BroadcastTo(call.NodeOf(gate), shape);
        if ((IndexData.Choice(call, open) ?? Masks.Choice(call, open)) is { } masked)
        {
            call.Set(0, masked);
            return;
        }

        var chosen = builder.Multiply(open, builder.BroadcastTo(call.Node(1), shape));
        var other = builder.Multiply(Opposite(builder, open), builder.BroadcastTo(call.Node(2), shape));
        call.Set(0, Value.Of(builder.Add(chosen, other), kind));
    }

    /// <summary>An operand where the flags say so, 0 elsewhere; a constant is cut before it becomes a node, since it may hold −∞.</summary>
    static Node Kept(OperatorCall call, int input, Shape shape, long[] flags, long wanted)
    {
        var value = call.Input(input);
        if (value is { Node: null, Known: { HasDoubles: true } })
        {
            var spread = SliceOperators.Spread(call, value, shape).Known!;
            var kept = new double[flags.Length];
            spread.ReadDoubles(0, kept);
            for (var k = 0; k < kept.Length; k++)
                if (flags[k] != wanted) kept[k] = 0;
            return call.Builder.Constant(new DoubleTensor(kept), shape);
        }

        var mask = Array.ConvertAll(flags, flag => flag == wanted ? 1L : 0L);
        return call.Builder.Multiply(call.Builder.Constant(OperatorCall.Exact(mask), shape), call.Builder.BroadcastTo(call.Node(input), shape));
    }
}
