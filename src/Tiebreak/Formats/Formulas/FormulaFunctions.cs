using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas;

/// <summary>The functions a formula may call, each in the primitives of a program.</summary>
internal static class FormulaFunctions
{
    static readonly FormulaFunction[] All =
    [
        // Element by element, of one tensor.
        new("tanh", 1, [], c => Apply(c, FunctionKind.Tanh)),
        new("erf", 1, [], c => Apply(c, FunctionKind.Erf)),
        new("exp", 1, [], c => Apply(c, FunctionKind.Exp)),
        new("log", 1, [], c => Apply(c, FunctionKind.Log)),
        new("sqrt", 1, [], c => Apply(c, FunctionKind.Sqrt)),
        new("sin", 1, [], c => Apply(c, FunctionKind.Sin)),
        new("cos", 1, [], c => Apply(c, FunctionKind.Cos)),
        new("atan", 1, [], c => Apply(c, FunctionKind.Atan)),
        new("asin", 1, [], c => Apply(c, FunctionKind.Asin)),
        new("asinh", 1, [], c => Apply(c, FunctionKind.Asinh)),
        new("acosh", 1, [], c => Apply(c, FunctionKind.Acosh)),
        new("atanh", 1, [], c => Apply(c, FunctionKind.Atanh)),
        new("sign", 1, [], c => Apply(c, FunctionKind.Sign)),
        new("rsqrt", 1, [], c => c.Builder.Reciprocal(Apply(c, FunctionKind.Sqrt))), // 1/√x
        new("square", 1, [], c => c.Builder.Multiply(c.X, c.X)), // x·x
        new("abs", 1, [], c => c.Builder.Multiply(c.X, Apply(c, FunctionKind.Sign))), // x·sign(x)
        new("relu", 1, [], Relu), // x·step(x)
        new("leaky_relu", 1, ["a"], LeakyRelu), // x·(a + (1−a)·step(x))
        new("elu", 1, ["a"], Elu), // relu(x) + a·(exp(x − relu(x)) − 1)
        new("sigmoid", 1, [], Sigmoid), // ½·(1 + tanh(x/2))
        new("silu", 1, [], c => c.Builder.Multiply(c.X, Sigmoid(c))), // x·sigmoid(x)
        new("gelu", 1, [], Gelu), // x·½·(1 + erf(x/√2))
        new("softplus", 1, [], c => c.Builder.Apply(FunctionKind.Log, c.Builder.Offset(Apply(c, FunctionKind.Exp), Rational.One))), // log(1 + exp(x))

        // Along axes.
        new("sum", 1, ["axis", "keepdims"], c => Reduce(c, c.Sum)),
        new("mean", 1, ["axis", "keepdims"], c => Reduce(c, c.Mean)),
        new("var", 1, ["axis", "keepdims"], c => Reduce(c, (x, axes) => Variance(c, axes))), // mean((x − mean)²)
        new("norm", 1, ["axis", "keepdims"], c => Reduce(c, (x, axes) => c.Builder.Apply(FunctionKind.Sqrt, c.Sum(c.Builder.Multiply(x, x), axes)))), // √Σx²
        new("max", 1, ["axis", "keepdims"], c => Reduce(c, c.Largest)),
        new("min", 1, ["axis", "keepdims"], c => Reduce(c, (x, axes) => c.Builder.Negate(c.Largest(c.Builder.Negate(x), axes)))), // −max(−x)
        new("logsumexp", 1, ["axis", "keepdims"], c => Reduce(c, (x, axes) => LogSumExp(c, axes))),
        new("softmax", 1, ["axis"], Softmax), // exp(x) / Σexp(x)
        new("log_softmax", 1, ["axis"], LogSoftmax), // x − log Σexp(x)

        // Of several tensors, and of shapes.
        new("dot", 2, [], Dot),
        new("outer", 2, [], Outer),
        new("maximum", 2, [], c => c.Larger(c.Tensors[0], c.Tensors[1])),
        new("minimum", 2, [], c => c.Builder.Negate(c.Larger(c.Builder.Negate(c.Tensors[0]), c.Builder.Negate(c.Tensors[1])))), // −max(−a, −b)
        new("concat", FormulaFunction.AnyNumber, ["axis"], Concat),
        new("transpose", 1, [], c => Transposed(c.Builder, c.X)),
        new("reshape", 1, ["shape"], c => c.Builder.Reshape(c.X, c.NewShape())),
    ];

    static readonly Dictionary<string, FormulaFunction> ByName = All.ToDictionary(function => function.Name, StringComparer.Ordinal);

    /// <summary>All names.</summary>
    public static IReadOnlyCollection<string> Names => ByName.Keys;

    /// <summary>The function of a name, or null.</summary>
    public static FormulaFunction? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The axes in reverse order.</summary>
    public static Node Transposed(ProgramBuilder builder, Node operand) => builder.Transpose(operand, [.. Enumerable.Range(0, operand.Shape.Rank).Reverse()]);

    static Node Apply(FormulaCall call, FunctionKind kind) => call.Builder.Apply(kind, call.X);

    static Node Relu(FormulaCall call) => call.Builder.Multiply(call.X, Apply(call, FunctionKind.Step));

    static Node LeakyRelu(FormulaCall call)
    {
        var slope = call.Number("a", new Rational(1, 100));
        return call.Builder.Multiply(call.X, call.Builder.Offset(call.Builder.Scale(Apply(call, FunctionKind.Step), Rational.One - slope), slope));
    }

    static Node Elu(FormulaCall call)
    {
        var positive = Relu(call);
        var below = call.Builder.Apply(FunctionKind.Exp, call.Builder.Subtract(call.X, positive));
        return call.Builder.Add(positive, call.Builder.Scale(call.Builder.Offset(below, -1), call.Number("a", Rational.One)));
    }

    static Node Sigmoid(FormulaCall call)
    {
        var half = new Rational(1, 2);
        return call.Builder.Scale(call.Builder.Offset(call.Builder.Apply(FunctionKind.Tanh, call.Builder.Scale(call.X, half)), Rational.One), half);
    }

    static Node Gelu(FormulaCall call)
    {
        var erf = call.Builder.Apply(FunctionKind.Erf, call.Builder.Scale(call.X, Rational.FromDouble(0.7071067811865476))); // the double next to 1/√2
        return call.Builder.Multiply(call.X, call.Builder.Scale(call.Builder.Offset(erf, Rational.One), new Rational(1, 2)));
    }

    static Node Reduce(FormulaCall call, Func<Node, int[], Node> reduction)
    {
        var axes = call.Axes();
        return call.Keep(reduction(call.X, axes), axes);
    }

    static Node Variance(FormulaCall call, int[] axes)
    {
        var centred = call.Builder.Subtract(call.X, call.Spread(call.Mean(call.X, axes), axes));
        return call.Mean(call.Builder.Multiply(centred, centred), axes);
    }

    static Node LogSumExp(FormulaCall call, int[] axes) => call.Builder.Apply(FunctionKind.Log, call.Sum(Apply(call, FunctionKind.Exp), axes));

    static Node Softmax(FormulaCall call)
    {
        // The usual subtraction of the maximum only guards floats; exactly, it cancels.
        var axes = call.Axes(-1);
        var exp = Apply(call, FunctionKind.Exp);
        return call.Builder.Multiply(exp, call.Spread(call.Builder.Reciprocal(call.Sum(exp, axes)), axes));
    }

    static Node LogSoftmax(FormulaCall call)
    {
        var axes = call.Axes(-1);
        return call.Builder.Subtract(call.X, call.Spread(LogSumExp(call, axes), axes));
    }

    static Node Dot(FormulaCall call)
    {
        var (left, right) = (call.Tensors[0], call.Tensors[1]);
        if (left.Shape.Rank > 2 || right.Shape.Rank > 2) throw call.Fail("takes vectors and matrices; for more axes write `@`");
        return call.Arithmetic.Combine(left.Shape.Rank == 0 || right.Shape.Rank == 0 ? FormulaToken.Times : FormulaToken.MatrixProduct, left, right, call.Place);
    }

    static Node Outer(FormulaCall call)
    {
        var (left, right) = (call.Tensors[0], call.Tensors[1]);
        if (left.Shape.Rank != 1 || right.Shape.Rank != 1) throw call.Fail($"takes two vectors, and these have shapes {left.Shape} and {right.Shape}");
        call.Checked(new Shape(left.Shape[0], right.Shape[0]));
        return call.Builder.Make(new Primitive.Contract("i", "j", "ij"), left, right);
    }

    static Node Concat(FormulaCall call)
    {
        var axis = call.Axis(0);
        long total = 0;
        foreach (var tensor in call.Tensors)
        {
            var fits = tensor.Shape.Rank == call.X.Shape.Rank;
            for (var k = 0; fits && k < tensor.Shape.Rank; k++) fits = k == axis || tensor.Shape[k] == call.X.Shape[k];
            if (!fits) throw call.Fail($"cannot join shapes {call.X.Shape} and {tensor.Shape} along axis {axis}; all other sizes must be equal");
            total += tensor.Shape.Count;
        }

        if (total > TensorSize.MostElements) throw call.Fail($"makes a tensor of more than {TensorSize.MostElements} elements");
        return call.Builder.Concat(axis, call.Tensors);
    }
}

/// <summary>One function: its name, how many tensors it takes, which options, and what it is in primitives.</summary>
internal sealed record FormulaFunction(string Name, int Tensors, string[] Options, Func<FormulaCall, Node> Lower)
{
    /// <summary>Takes one tensor or more.</summary>
    public const int AnyNumber = -1;

    /// <summary>For instance <c>sum(x, axis=…, keepdims=…)</c>.</summary>
    public string Usage =>
        $"{Name}({Tensors switch { AnyNumber => "a, b, …", 1 => "x", _ => "a, b" }}{string.Concat(Options.Select(option => $", {option}=…"))})";
}
