using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas;

/// <summary>A function call being lowered: its tensors, its options, and the moves that several functions share.</summary>
internal sealed class FormulaCall(Expression.Call call, Node[] tensors, IReadOnlyDictionary<string, Expression> options, TensorArithmetic arithmetic, FormulaErrors errors)
{
    readonly ExactArithmetic _exact = new(errors);

    /// <summary>The tensors given.</summary>
    public Node[] Tensors => tensors;

    /// <summary>The first tensor.</summary>
    public Node X => tensors[0];

    /// <summary>The program being built.</summary>
    public ProgramBuilder Builder => arithmetic.Builder;

    /// <summary>The operators.</summary>
    public TensorArithmetic Arithmetic => arithmetic;

    /// <summary>Where messages point.</summary>
    public int Place => call.Place;

    /// <summary>A number given as option.</summary>
    public Numbers.Rational Number(string option, Numbers.Rational otherwise) => options.TryGetValue(option, out var value) ? _exact.Evaluate(value, $"`{option}`") : otherwise;

    /// <summary>The axes given, ascending and counted from the front; all when none are given, unless <paramref name="otherwise"/> says which.</summary>
    public int[] Axes(int? otherwise = null)
    {
        if (!options.TryGetValue("axis", out var given))
        {
            if (otherwise is not { } axis) return [.. Enumerable.Range(0, X.Shape.Rank)];
            if (X.Shape.Rank == 0) throw Fail("needs a vector or more, and this is a single number");
            return [axis < 0 ? axis + X.Shape.Rank : axis];
        }

        var axes = given is Expression.List list ? list.Items.Select(Axis).ToArray() : [Axis(given)];
        Array.Sort(axes);
        return axes.Distinct().Count() == axes.Length ? axes : throw errors.At(given.Place, "an axis is named twice");
    }

    /// <summary>One axis, counted from the front.</summary>
    public int Axis(int otherwise) => options.TryGetValue("axis", out var given) ? Axis(given) : Axes(otherwise)[0];

    /// <summary>Sums over axes.</summary>
    public Node Sum(Node operand, int[] axes) => Builder.ReduceSum(operand, axes);

    /// <summary>The mean over axes.</summary>
    public Node Mean(Node operand, int[] axes)
    {
        long count = 1;
        foreach (var axis in axes) count *= operand.Shape[axis];
        return Builder.Scale(Sum(operand, axes), new Numbers.Rational(1, count));
    }

    /// <summary>Repeats what a reduction left, along the axes it dropped.</summary>
    public Node Spread(Node reduced, int[] axes) => Builder.Broadcast(reduced, X.Shape, axes);

    /// <summary>Puts the dropped axes back with size 1, if <c>keepdims</c> asks for it.</summary>
    public Node Keep(Node reduced, int[] axes)
    {
        if (!options.TryGetValue("keepdims", out var given)) return reduced;
        var keep = given switch
        {
            Expression.Name { Value: "true" or "True" } or Expression.Number { Value.IsZero: false } => true,
            Expression.Name { Value: "false" or "False" } or Expression.Number => false,
            _ => throw errors.At(given.Place, "`keepdims` is True or False"),
        };
        return keep ? Builder.Reshape(reduced, new Shape([.. X.Shape.Sizes.Select((size, axis) => axes.Contains(axis) ? 1 : size)])) : reduced;
    }

    /// <summary>
    /// The largest along axes. One axis takes the first of equals, as frameworks do; several at once share the gradient evenly.
    /// </summary>
    public Node Largest(Node operand, int[] axes)
    {
        if (axes.Length == 0) return operand;
        int[] kept = [.. Enumerable.Range(0, operand.Shape.Rank).Except(axes)];
        var size = 1;
        foreach (var axis in axes) size *= operand.Shape[axis];
        var moved = Builder.Reshape(Builder.Transpose(operand, [.. kept, .. axes]), new Shape([.. kept.Select(axis => operand.Shape[axis]), size]));
        var whole = kept.Length == 0 && !options.ContainsKey("axis");
        return Chosen(moved, whole || axes.Length > 1 ? TieBreak.Split : TieBreak.First);
    }

    /// <summary>The larger of two tensors, element by element; of equal ones each has half.</summary>
    public Node Larger(Node left, Node right)
    {
        (left, right) = arithmetic.Common(left, right, Place, $"`{call.Function}`");
        var column = new Shape([.. left.Shape.Sizes.Span, 1]);
        return Chosen(Builder.Concat(left.Shape.Rank, Builder.Reshape(left, column), Builder.Reshape(right, column)), TieBreak.Split);
    }

    /// <summary>The shape given as option.</summary>
    public Shape NewShape()
    {
        if (!options.TryGetValue("shape", out var given)) throw Fail("needs a shape: write reshape(x, [2,3])");
        var sizes = (given is Expression.List list ? list.Items : [given]).Select(item => _exact.Whole(item, "a size")).ToArray();
        var open = Array.IndexOf(sizes, -1);
        if (sizes.Where((size, axis) => size < 1 && axis != open).Any()) throw errors.At(given.Place, "sizes must be at least 1; one may be -1, which means the rest");
        if (open >= 0)
        {
            long others = 1;
            foreach (var size in sizes) if (size > 0) others = Math.Min(others * size, TensorSize.MostElements + 1);
            sizes[open] = (int)Math.Max(1, X.Shape.Count / others);
        }

        var shape = TensorSize.Checked(new Shape(sizes), given.Place, errors);
        return shape.Count == X.Shape.Count ? shape : throw errors.Shapes(given.Place, "`reshape`", X.Shape, shape, $"they have {X.Shape.Count} and {shape.Count} elements, and must have equally many");
    }

    /// <summary>Refuses a shape above the limits.</summary>
    public Shape Checked(Shape shape) => TensorSize.Checked(shape, Place, errors);

    /// <summary>An error about this call.</summary>
    public TiebreakException Fail(string message) => errors.At(Place, $"`{call.Function}` {message}");

    Node Chosen(Node operand, TieBreak ties) =>
        Builder.ReduceSum(Builder.Multiply(Builder.Make(new Primitive.Choose(1, ties), operand), operand), operand.Shape.Rank - 1);

    int Axis(Expression given)
    {
        var rank = X.Shape.Rank;
        var axis = _exact.Whole(given, "an axis");
        if (axis < -rank || axis >= rank) throw errors.At(given.Place, $"axis {axis} of a tensor of shape {X.Shape}; {(rank == 0 ? "a single number has no axes" : $"axes run from 0 to {rank - 1}")}");
        return axis < 0 ? axis + rank : axis;
    }
}
