using Tiebreak.Numbers;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Programs;

/// <summary>Functions that gate their own argument become functions by themselves, where nothing that ties rest on is forgotten.</summary>
public sealed class SelfGatesTests
{
    static readonly Rational Half = new(1, 2);

    [Fact]
    public void Silu_and_both_gelus_become_functions()
    {
        var b = new ProgramBuilder();
        var x = b.Data("x", new Shape(3));
        b.Output("silu", Silu(b, x));
        b.Output("gelu", b.Scale(b.Multiply(x, b.Offset(b.Apply(FunctionKind.Erf, b.Scale(x, Half)), 1)), Half));
        b.Output("fast", b.Scale(b.Multiply(x, b.Offset(b.Apply(FunctionKind.Tanh, b.Add(x, b.Power(x, 3))), 1)), Half));
        Assert.Equal(3, Fused(b.Build()).Distinct().Count());
    }

    [Fact]
    public void Copies_become_the_same_function_whatever_the_order_of_their_operands()
    {
        var b = new ProgramBuilder();
        Node x = b.Data("x", new Shape(3)), y = b.Data("y", new Shape(3));
        b.Output("one", Silu(b, x));
        var half = b.Fill(Half, new Shape(3));
        b.Output("other", b.Multiply(b.Multiply(b.Add(b.Fill(Rational.One, new Shape(3)), b.Apply(FunctionKind.Tanh, b.Multiply(half, y))), half), y));
        var functions = Fused(b.Build());
        Assert.Equal(2, functions.Count);
        Assert.Single(functions.Distinct());
    }

    [Fact]
    public void Gates_with_a_parity_or_another_use_or_another_argument_stay()
    {
        var b = new ProgramBuilder();
        Node x = b.Data("x", new Shape(3)), y = b.Data("y", new Shape(3));
        b.Output("even", b.Multiply(x, b.Apply(FunctionKind.Tanh, x)));
        b.Output("odd", b.Multiply(x, b.Offset(b.Multiply(x, x), 1)));
        b.Output("zero beside it", b.Multiply(x, b.Offset(b.Apply(FunctionKind.Tanh, x), 0)));
        b.Output("another", b.Multiply(y, Sigmoid(b, x)));
        var gate = Sigmoid(b, y);
        b.Output("gate", gate);
        b.Output("gated", b.Multiply(y, gate));
        var program = b.Build();
        Assert.Same(program, SelfGates.Of(program));
    }

    static Node Sigmoid(ProgramBuilder b, Node x) => b.Scale(b.Offset(b.Apply(FunctionKind.Tanh, b.Scale(x, Half)), 1), Half);

    static Node Silu(ProgramBuilder b, Node x) => b.Multiply(x, Sigmoid(b, x));

    static List<ScalarFunction> Fused(TensorProgram program) =>
        [.. SelfGates.Of(program).Nodes.Select(node => node.Primitive).OfType<Primitive.Apply>().Select(apply => apply.Function).Where(function => function.Kind == FunctionKind.SelfGated)];
}
