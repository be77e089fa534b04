using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Tests.Programs;
using Xunit;

namespace Tiebreak.Tests.Gradients;

/// <summary>Each primitive's line in the table of adjoints is the derivative of what the primitive computes.</summary>
public sealed class PrimitiveGradientTests
{
    const int Instances = 40;

    /// <summary>Where each function is defined and smooth; steps are kept away from their jumps by the numbers that are drawn.</summary>
    static readonly Dictionary<FunctionKind, (double Low, double High)> Domains = new()
    {
        [FunctionKind.Exp] = (-2, 2),
        [FunctionKind.Log] = (0.3, 3),
        [FunctionKind.Sqrt] = (0.3, 3),
        [FunctionKind.Power] = (0.3, 3),
        [FunctionKind.Tanh] = (-2, 2),
        [FunctionKind.Erf] = (-2, 2),
        [FunctionKind.Sin] = (-4, 4),
        [FunctionKind.Cos] = (-4, 4),
        [FunctionKind.Atan] = (-3, 3),
        [FunctionKind.Asin] = (-0.9, 0.9),
        [FunctionKind.Asinh] = (-3, 3),
        [FunctionKind.Acosh] = (1.2, 4),
        [FunctionKind.Atanh] = (-0.9, 0.9),
        [FunctionKind.Step] = (-2, 2),
        [FunctionKind.Sign] = (-2, 2),
        [FunctionKind.Floor] = (-3, 3),
        [FunctionKind.Round] = (-3, 3),
    };

    public static TheoryData<string> Primitives => [.. typeof(Primitive).GetNestedTypes().Where(type => type.IsSubclassOf(typeof(Primitive))).Select(type => type.Name)];

    /// <summary>All but the reciprocal, which is no polynomial and has a test of its own.</summary>
    public static TheoryData<string> Polynomials => [.. Primitives.Select(row => row.Data).Where(name => name != nameof(Primitive.Reciprocal))];

    public static TheoryData<FunctionKind> Functions => [.. Enum.GetValues<FunctionKind>().Except([FunctionKind.SelfGated, FunctionKind.SelfGatedSlope])]; // those stand for any such function

    [Theory]
    [MemberData(nameof(Polynomials))]
    public void The_gradient_of_each_primitive_is_exactly_what_differences_say(string primitive)
    {
        for (var seed = 0; seed < Instances; seed++) Exactly(PrimitiveInstances.Program(seed, Kind(primitive)), seed);
    }

    [Fact]
    public void The_gradient_of_many_primitives_one_upon_the_other_is_exactly_what_differences_say()
    {
        Type[] kinds = [.. PrimitiveInstances.Table.Keys.Where(kind => kind != typeof(Primitive.Reciprocal))];
        for (var seed = 0; seed < 150; seed++)
        {
            var dice = new Dice(seed);
            var multiplications = 0;
            Type[] chosen = [.. Enumerable.Range(0, dice.Next(2, 9)).Select(_ => dice.Of(kinds)).Where(kind => (kind != typeof(Primitive.Multiply) && kind != typeof(Primitive.Contract)) || ++multiplications <= 3)];
            if (chosen.Length > 0) Exactly(PrimitiveInstances.Program(seed, chosen), seed);
        }
    }

    [Fact]
    public void The_gradient_of_a_reciprocal_is_exactly_what_differences_say()
    {
        var b = new ProgramBuilder();
        b.Output("y", b.Reciprocal(b.Parameter("x", Shape.Scalar)));
        var program = b.Build();
        var gradient = Gradient.Of(program, outputIsLoss: true, new HashSet<string> { "x" });
        for (var k = -20; k <= 20; k++)
        {
            var x = new Rational((2 * k) + 1, 14);
            // (1/(x+h) − 1/x) / h = −1/(x(x+h)), whose reciprocal is linear in h: two values give the one at 0.
            Rational Difference(Rational h) => (At(program, x + h) - At(program, x)) / h;
            var slope = Rational.One / ((2 / Difference(1)) - (1 / Difference(2)));
            Assert.Equal(slope, At(gradient, x));
        }

        static Rational At(TensorProgram program, Rational x) => RationalEvaluator.Evaluate(program, _ => [x])[0].Values[0];
    }

    [Theory]
    [MemberData(nameof(Primitives))]
    public void The_gradient_of_each_primitive_is_near_what_central_differences_say(string primitive)
    {
        for (var seed = 0; seed < Instances; seed++) Nearly(PrimitiveInstances.Program(seed, Kind(primitive)), seed, -2, 2);
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void The_gradient_of_each_function_is_near_what_central_differences_say(FunctionKind kind)
    {
        Assert.True(Domains.TryGetValue(kind, out var domain), $"no gradient proof of {kind}: add where it is smooth to the table above");
        ScalarFunction[] functions = kind switch
        {
            FunctionKind.Power => [new(kind, Exponent: 1.7), new(kind, Exponent: -0.4), new(kind, Exponent: 1.0 / 3)],
            FunctionKind.Step => [new(kind), new(kind, AtZero: 0.5), new(kind, AtZero: 1)],
            _ => [kind],
        };
        foreach (var function in functions)
        {
            for (var seed = 0; seed < Instances; seed++)
            {
                // Under a square, so that the derivative of the outside is not 1.
                var b = new ProgramBuilder();
                var y = b.Apply(function, b.Parameter("x", new Dice(seed).Shape(0, 2)));
                b.Output("y", y);
                b.Output("square", b.Multiply(y, y));
                Nearly(b.Build(), seed, domain.Low, domain.High);
            }
        }
    }

    static Type Kind(string primitive)
    {
        var kind = typeof(Primitive).GetNestedType(primitive)!;
        Assert.True(PrimitiveInstances.Table.ContainsKey(kind), $"no gradient proof of {primitive}: add how it is used to {nameof(PrimitiveInstances)}");
        return kind;
    }

    static void Exactly(TensorProgram program, int seed)
    {
        var dice = new Dice(seed + 1000);
        // Odd numerators: no number is whole or a half, where steps jump.
        Rational Number() => new((2 * dice.Next(-3000, 3000)) + 1, 2048);
        var problem = new ExactProof(program, node => [.. Enumerable.Range(0, (int)node.Shape.Count).Select(_ => Number())], Number).Problem();
        Assert.True(problem is null, $"seed {seed}: {problem}\n{ProgramPrinter.Print(program)}");
    }

    static void Nearly(TensorProgram program, int seed, double low, double high)
    {
        var dice = new Dice(seed + 1000);
        // Middles of steps of 1/100: no two that differ are nearer than that, and none is near a whole number or a half.
        double Number() => (Math.Floor(100 * dice.Double(low, high)) + 0.5) / 100;
        var problem = new FloatProof(program, node => [.. Enumerable.Range(0, (int)node.Shape.Count).Select(_ => Number())], () => dice.Double(-1, 1)).Problem();
        Assert.True(problem is null, $"seed {seed}: {problem}\n{ProgramPrinter.Print(program)}");
    }
}
