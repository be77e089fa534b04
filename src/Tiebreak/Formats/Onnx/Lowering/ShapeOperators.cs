using global::Onnx;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Constants, casts, and operators that give the same elements another shape.</summary>
static class ShapeOperators
{
    public static void Constant(OperatorCall call)
    {
        if (call.Lowering.SourceOf(call.OutputName(0)) is { } weight)
        {
            call.Set(0, weight);
            return;
        }

        var tensor = ConstantValue.Read(call.Proto, call.Lowering.Tensors) ?? throw call.Fail("it holds text or a sparse tensor, which is not supported; export the model with dense numbers");
        call.Set(0, tensor.Integers is { } integers ? Value.Of(tensor.Shape, integers, tensor.Kind) : Value.Of(tensor.Shape, tensor.Floats!));
    }

    public static void ConstantOfShape(OperatorCall call)
    {
        if (call.Lowering.SourceOf(call.OutputName(0)) is { } weight)
        {
            call.Set(0, weight);
            return;
        }

        var tensor = ConstantValue.Fill(call.Proto, call.Integers(0), call.Lowering.Graph);
        call.Set(0, tensor.Integers is { } integers ? Value.Of(tensor.Shape, integers, tensor.Kind) : Value.Of(tensor.Shape, tensor.Floats!));
    }

    public static void Identity(OperatorCall call) => call.Set(0, call.Input(0));

    public static void Cast(OperatorCall call) => Cast(call, (DataType)call.Int("to", 0));

    public static void CastLike(OperatorCall call)
    {
        var kind = call.Input(1).Kind;
        Cast(call, kind == ElementKind.Float ? DataType.Float : kind == ElementKind.Bool ? DataType.Bool : DataType.Int64);
    }

    /// <summary>Float formats are not told apart: the analysis is exact, so a cast between them is the identity.</summary>
    static void Cast(OperatorCall call, DataType to)
    {
        var value = call.Input(0);
        if (TensorReader.FormatOf(to) is not null)
        {
            if (value.Kind == ElementKind.Float) call.Set(0, value);
            else if (value.Integers is { } integers) call.Set(0, Value.Of(value.Shape, OperatorCall.Exact(integers)));
            else call.Set(call.NodeOf(value));
            return;
        }

        var kind = to == DataType.Bool ? ElementKind.Bool : ElementKind.Integer;
        if (to is DataType.String or DataType.Complex64 or DataType.Complex128 or DataType.Undefined) throw call.Fail($"it casts to {to}, which is not supported; export the model with numbers only");
        if (value.Integers is { } whole)
        {
            call.Set(0, Value.Of(value.Shape, kind == ElementKind.Bool ? [.. whole.Select(number => number == 0 ? 0L : 1L)] : whole, kind));
        }
        else if (value.Node is null && OperatorCall.TryKnown(value) is { } known)
        {
            call.Set(0, Value.Of(value.Shape, [.. known.Select(number => kind == ElementKind.Bool ? (number.IsZero ? 0 : 1) : ConstantFolding.Whole(number))], kind));
        }
        else if (kind == ElementKind.Integer && value.Kind == ElementKind.Integer)
        {
            call.Set(0, value);
        }
        else if (kind == ElementKind.Bool)
        {
            call.Set(0, value.Kind == ElementKind.Bool ? value : Value.Of(Comparisons.IsNotZero(call, call.NodeOf(value)), ElementKind.Bool));
        }
        else if (value.Kind == ElementKind.Bool)
        {
            call.Set(0, Value.Of(value.Node!, ElementKind.Integer));
        }
        else
        {
            // Towards zero; a step function, which passes no gradient on.
            var x = call.NodeOf(value);
            var sign = call.Builder.Apply(FunctionKind.Sign, x);
            call.Set(0, Value.Of(call.Builder.Multiply(sign, call.Builder.Apply(FunctionKind.Floor, call.Builder.Multiply(sign, x))), ElementKind.Integer));
        }
    }

    public static void Shape(OperatorCall call)
    {
        var shape = call.Shape(0);
        var start = Clamp(call.Int("start", 0), shape.Rank);
        var end = Clamp(call.Int("end", shape.Rank), shape.Rank);
        call.Set(0, Value.Of([.. shape.Sizes.Skip(start).Take(Math.Max(0, end - start)).Select(size => (long)size)]));
    }

    public static void Size(OperatorCall call) => call.Set(0, Value.Of(Programs.Shape.Scalar, [call.Shape(0).Count]));

    public static void Reshape(OperatorCall call)
    {
        var value = call.Input(0);
        var asked = call.Integers(1);
        var allowZero = call.Int("allowzero", 0) != 0;
        call.Set(0, ValueMoves.Reshape(call, value, ReshapeTarget(call, value.Shape, asked, allowZero)));
    }

    static Shape ReshapeTarget(OperatorCall call, Shape from, long[] asked, bool allowZero)
    {
        var sizes = new long[asked.Length];
        var unknown = -1;
        long product = 1;
        for (var axis = 0; axis < asked.Length; axis++)
        {
            sizes[axis] = asked[axis];
            if (asked[axis] == 0 && !allowZero) sizes[axis] = axis < from.Rank ? from[axis] : throw call.Fail($"shape [{string.Join(",", asked)}] copies axis {axis} of {from}, which has none");
            if (asked[axis] < -1 || (asked[axis] == -1 && unknown >= 0)) throw call.Fail($"[{string.Join(",", asked)}] is no shape; only one size may be -1");
            if (asked[axis] == -1) unknown = axis;
            else product = checked(product * sizes[axis]);
        }

        if (unknown >= 0)
        {
            if (product == 0 || from.Count % product != 0) throw call.Fail($"{from} ({from.Count} elements) cannot take shape [{string.Join(",", asked)}]");
            sizes[unknown] = from.Count / product;
        }
        else if (product != from.Count && call.Lowering.BatchChange is { } change && sizes.Length > 0 && sizes[0] == change.From && product * change.To == from.Count * change.From)
        {
            // The file fixed the batch here, too.
            sizes[0] = change.To;
        }

        return new Shape(call.Narrow(sizes, "sizes"));
    }

    public static void Flatten(OperatorCall call)
    {
        var value = call.Input(0);
        var axis = call.Int("axis", 1);
        if (axis < 0) axis += value.Shape.Rank;
        if (axis < 0 || axis > value.Shape.Rank) throw call.Fail($"axis {axis} does not exist in {value.Shape}");
        long outer = 1, inner = 1;
        for (var k = 0; k < value.Shape.Rank; k++)
        {
            if (k < axis) outer *= value.Shape[k];
            else inner *= value.Shape[k];
        }

        call.Set(0, ValueMoves.Reshape(call, value, new Shape(call.Narrow([outer, inner], "sizes"))));
    }

    public static void Squeeze(OperatorCall call)
    {
        var value = call.Input(0);
        var axes = call.AxesAttributeOrInput(1) is { } given ? call.AxesOf(given, value.Shape.Rank) : [.. Enumerable.Range(0, value.Shape.Rank).Where(axis => value.Shape[axis] == 1)];
        foreach (var axis in axes)
            if (value.Shape[axis] != 1) throw call.Fail($"axis {axis} of {value.Shape} is not of size 1");
        call.Set(0, ValueMoves.Reshape(call, value, value.Shape.Without(axes)));
    }

    public static void Unsqueeze(OperatorCall call)
    {
        var value = call.Input(0);
        var given = call.AxesAttributeOrInput(1) ?? throw call.Fail("its axes are missing; export the model again");
        var axes = call.AxesOf(given, value.Shape.Rank + given.Length);
        var sizes = new List<int>(value.Shape.Sizes);
        foreach (var axis in axes) sizes.Insert(axis, 1);
        call.Set(0, ValueMoves.Reshape(call, value, new Shape([.. sizes])));
    }

    public static void Transpose(OperatorCall call)
    {
        var value = call.Input(0);
        var order = call.Ints("perm") ?? [.. Enumerable.Range(0, value.Shape.Rank).Reverse()];
        if (!order.Order().SequenceEqual(Enumerable.Range(0, value.Shape.Rank))) throw call.Fail($"perm [{string.Join(",", order)}] is no order of the axes of {value.Shape}");
        call.Set(0, ValueMoves.Transpose(call, value, order));
    }

    public static void Range(OperatorCall call)
    {
        const long most = 1 << 20;
        var (start, limit, delta) = (call.Setting(0), call.Setting(1), call.Setting(2));
        if (delta.IsZero) throw call.Fail("its step is zero");
        var count = -ConstantFolding.Floor((start - limit) / delta);
        if (count > most) throw call.Fail($"it would count {count} numbers, more than the {most} that are computed with");
        var numbers = new Rational[count.Sign < 0 ? 0 : (int)count.Numerator];
        for (var k = 0; k < numbers.Length; k++) numbers[k] = start + delta * k;
        var shape = new Shape(numbers.Length);
        call.Set(0, call.Input(0).Kind == ElementKind.Float ? Value.Of(shape, ConstantFolding.Tensor(numbers)) : Value.Of(shape, [.. numbers.Select(ConstantFolding.Whole)]));
    }

    /// <summary>Ones on a diagonal, zeros elsewhere, in the shape of another matrix.</summary>
    public static void EyeLike(OperatorCall call)
    {
        var shape = call.Shape(0);
        if (shape.Rank != 2 || shape.Count > 1 << 24) throw call.Fail($"its operand of shape {shape} is no matrix, or too large");
        var diagonal = call.Int("k", 0);
        var ones = new long[shape.Count];
        for (var row = 0; row < shape[0]; row++)
            if (row + diagonal >= 0 && row + diagonal < shape[1]) ones[row * shape[1] + row + diagonal] = 1;
        var isFloat = call.HasAttribute("dtype") ? TensorReader.FormatOf((DataType)call.Int("dtype", 0)) is not null : call.Input(0).Kind == ElementKind.Float;
        call.Set(0, isFloat ? Value.Of(shape, new DoubleTensor(Array.ConvertAll(ones, one => (double)one))) : Value.Of(shape, ones));
    }

    static int Clamp(long axis, int rank) => (int)Math.Clamp(axis < 0 ? axis + rank : axis, 0, rank);
}
