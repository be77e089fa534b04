using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Layers;

/// <summary>The activation functions that all formats share, composed from gates and the functions of <see cref="FunctionKind"/>.</summary>
static class Nonlinearities
{
    static readonly Rational Half = new(1, 2);
    static readonly ScalarFunction Positive = new(FunctionKind.Step);

    /// <summary>x where x is positive, else 0; the derivative at 0 is 0.</summary>
    public static Node Relu(ProgramBuilder builder, Node x) => builder.Multiply(builder.Apply(Positive, x), x);

    /// <summary>½ (1 + tanh x/2): the sigmoid's only symmetry is that tanh is odd.</summary>
    public static Node Sigmoid(ProgramBuilder builder, Node x) =>
        builder.Scale(builder.Offset(builder.Apply(FunctionKind.Tanh, builder.Scale(x, Half)), Rational.One), Half);

    // Both forms scale by an irrational number; the field needs only that it is one fixed number, so the nearest double stands for it.

    /// <summary>½ x (1 + erf(x / √2)).</summary>
    public static Node Gelu(ProgramBuilder builder, Node x) => Bell(builder, x, builder.Apply(FunctionKind.Erf, builder.Scale(x, Rational.FromDouble(Math.Sqrt(0.5)))));

    /// <summary>½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).</summary>
    public static Node FastGelu(ProgramBuilder builder, Node x)
    {
        var cubic = builder.Scale(builder.Power(x, 3), Rational.Parse("0.044715"));
        return Bell(builder, x, builder.Apply(FunctionKind.Tanh, builder.Scale(builder.Add(x, cubic), Rational.FromDouble(Math.Sqrt(2 / Math.PI)))));
    }

    static Node Bell(ProgramBuilder builder, Node x, Node bell) => builder.Scale(builder.Multiply(x, builder.Offset(bell, Rational.One)), Half);

    /// <summary>x · sigmoid(alpha · x).</summary>
    public static Node Swish(ProgramBuilder builder, Node x, Rational alpha) => builder.Multiply(x, Sigmoid(builder, builder.Scale(x, alpha)));
}
