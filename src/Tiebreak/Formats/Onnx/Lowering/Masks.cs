using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>A value with places that count as −∞: numbers that are finite everywhere, and a gate that is 0 at those places and 1 elsewhere.</summary>
sealed record MaskedNumbers(Node Clean, Node Gate);

/// <summary>
/// Masks before a softmax (theory §4: a constant of −10⁴ or less counts as −∞, whose exponential is exactly 0). Sums and choices keep track of such places; a
/// softmax or an exponential drops them; whatever else reads them gets the number, if it is one.
/// </summary>
static class Masks
{
    const double MaskBelow = -1e4;
    const int MostPlaces = 1 << 24;

    /// <summary>left + right, or left − right, where a place of either is masked; null where none is.</summary>
    public static Value? Sum(OperatorCall call, bool subtract = false)
    {
        var (left, right) = (call.Input(0), call.Input(1));
        if (left.Kind != ElementKind.Float || right.Kind != ElementKind.Float || (IsConstant(left) && IsConstant(right))) return null;
        if (Of(call, left) is var a && (subtract ? null : Of(call, right)) is var b && a is null && b is null) return null;
        var builder = call.Builder;
        var shape = ProgramBuilder.CommonShape(left.Shape, right.Shape);
        Node Spread(Node node) => builder.BroadcastTo(node, shape);
        var (first, second) = (Spread(a?.Clean ?? call.NodeOf(left)), Spread(b?.Clean ?? call.NodeOf(right)));
        var gate = a is null ? Spread(b!.Gate) : b is null ? Spread(a.Gate) : builder.Multiply(Spread(a.Gate), Spread(b.Gate));
        return new Value
        {
            Kind = ElementKind.Float,
            Shape = shape,
            Masked = new MaskedNumbers(subtract ? builder.Subtract(first, second) : builder.Add(first, second), gate),
            Numbers = () => subtract
                ? builder.Subtract(Spread(call.NodeOf(left)), Spread(call.NodeOf(right)))
                : builder.Add(Spread(call.NodeOf(left)), Spread(call.NodeOf(right))),
        };
    }

    /// <summary>A choice between two operands by a gate, where one of them is masked; null where none is.</summary>
    /// <param name="call">The node.</param>
    /// <param name="open">1 where operand 1 is chosen, at the common shape.</param>
    public static Value? Choice(OperatorCall call, Node open)
    {
        var (chosen, other) = (call.Input(1), call.Input(2));
        if (chosen.Kind != ElementKind.Float || other.Kind != ElementKind.Float) return null;
        if (Of(call, chosen) is var a && Of(call, other) is var b && a is null && b is null) return null;
        var builder = call.Builder;
        var closed = Comparisons.Opposite(builder, open);
        Node Mix(Node first, Node second) => builder.Add(builder.Multiply(open, builder.BroadcastTo(first, open.Shape)), builder.Multiply(closed, builder.BroadcastTo(second, open.Shape)));
        var ones = builder.Fill(Rational.One, open.Shape);
        return new Value
        {
            Kind = ElementKind.Float,
            Shape = open.Shape,
            Masked = new MaskedNumbers(Mix(a?.Clean ?? call.NodeOf(chosen), b?.Clean ?? call.NodeOf(other)), Mix(a?.Gate ?? ones, b?.Gate ?? ones)),
            Numbers = () => Mix(call.NodeOf(chosen), call.NodeOf(other)),
        };
    }

    /// <summary>The exponential, exactly 0 at masked places.</summary>
    public static Node Exponential(OperatorCall call, Value value) => Of(call, value) is { } masked
        ? call.Builder.Multiply(masked.Gate, call.Builder.Apply(FunctionKind.Exp, masked.Clean))
        : call.Builder.Apply(FunctionKind.Exp, call.NodeOf(value));

    /// <summary>The masked places of a value, or null if it has none.</summary>
    public static MaskedNumbers? Of(OperatorCall call, Value value)
    {
        if (value.Masked is not null || !IsConstant(value) || value.Shape.Count > MostPlaces || value.Kind != ElementKind.Float) return value.Masked;
        var numbers = Doubles(value.Known!);
        if (!Array.Exists(numbers, IsMasked)) return null;
        var gate = Array.ConvertAll(numbers, number => IsMasked(number) ? 0.0 : 1);
        return new MaskedNumbers(Constant(call, Array.ConvertAll(numbers, number => IsMasked(number) ? 0.0 : number), value.Shape), Constant(call, gate, value.Shape));
    }

    /// <summary>Known numbers, rounded to float64.</summary>
    public static double[] Doubles(ExactTensor known)
    {
        var doubles = new double[known.Count];
        if (known.HasDoubles) known.ReadDoubles(0, doubles);
        else if (known is UniformTensor fill) Array.Fill(doubles, fill.Value.ToDouble());
        else for (var k = 0; k < doubles.Length; k++) doubles[k] = known[k].ToDouble();
        return doubles;
    }

    static Node Constant(OperatorCall call, double[] numbers, Shape shape) =>
        call.Builder.Constant(numbers.Length > 0 && Array.TrueForAll(numbers, number => number == numbers[0]) ? new UniformTensor(numbers.Length, Rational.FromDouble(numbers[0])) : new DoubleTensor(numbers), shape);

    static bool IsConstant(Value value) => value is { Node: null, Known: not null };

    static bool IsMasked(double number) => number <= MaskBelow;
}
