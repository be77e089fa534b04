using CsCheck;
using Tiebreak.Formats.Formulas;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Formulas;

public sealed class FormulaGrammarTests
{
    /// <summary>A random expression: its text, with brackets only where Python's rules need them, and its value.</summary>
    sealed record Written(string Text, Rational Value, int Binding)
    {
        public string In(int least) => Binding >= least ? Text : $"({Text})";
    }

    const int SumBinding = 1, ProductBinding = 2, SignBinding = 3, PowerBinding = 4, AtomBinding = 5;

    static readonly Rational[] Data = [new(2, 3), -5, new(7, 10)];

    static readonly Gen<Written> Atom = Gen.OneOf(
        Gen.Int[0, 9].Select(n => new Written(n.ToString(), n, AtomBinding)),
        Gen.Select(Gen.Int[0, 99], Gen.Int[1, 9]).Select((n, digit) => new Written($"{n}.{digit}", new Rational((n * 10) + digit, 10), AtomBinding)),
        Gen.Int[0, 2].Select(k => new Written($"x[{k}]", Data[k], AtomBinding)));

    static readonly Gen<Written> Any = Gen.Recursive<Written>((depth, inner) => depth > 4 ? Atom : Gen.Frequency(
        (2, Atom),
        (3, Gen.Select(inner, inner, Gen.Bool).Select((a, b, minus) => new Written($"{a.In(SumBinding)} {(minus ? '-' : '+')} {b.In(ProductBinding)}", minus ? a.Value - b.Value : a.Value + b.Value, SumBinding))),
        (3, Gen.Select(inner, inner, Gen.Bool).Select((a, b, over) =>
            over && !b.Value.IsZero
                ? new Written($"{a.In(ProductBinding)}/{b.In(SignBinding)}", a.Value / b.Value, ProductBinding)
                : new Written($"{a.In(ProductBinding)}*{b.In(SignBinding)}", a.Value * b.Value, ProductBinding))),
        (1, inner.Select(a => new Written($"-{a.In(SignBinding)}", -a.Value, SignBinding))),
        (1, Gen.Select(inner, Gen.Int[-2, 3]).Select((a, n) =>
        {
            if (a.Value.IsZero) n = Math.Abs(n);
            var power = Rational.One;
            for (var k = 0; k < Math.Abs(n); k++) power *= a.Value;
            return new Written($"{a.In(AtomBinding)}**{n}", n < 0 ? Rational.One / power : power, PowerBinding);
        }))));

    [Fact]
    public void Expressions_mean_what_they_mean_in_Python() =>
        Any.Where(written => written.Text.Length < 300).Sample(
            written => Formula.Value($"data x[3]\nloss 0*x[0] + ({written.Text})", ("x", Data)) == written.Value,
            iter: 2000, print: written => $"{written.Text} = {written.Value}");

    [Theory]
    [InlineData("-2**2", "-4")]
    [InlineData("2**-1", "1/2")]
    [InlineData("2**3**2", "512")]
    [InlineData("2**-3**0", "1/2")]
    [InlineData("8/4/2", "1")]
    [InlineData("1 - 2 - 3", "-4")]
    [InlineData("2*-3", "-6")]
    [InlineData("--3", "3")]
    [InlineData("-+-+3", "3")]
    [InlineData("(1/3)**2", "1/9")]
    [InlineData("1e-3", "1/1000")]
    [InlineData("-2.5e-3", "-1/400")]
    [InlineData(".5 + 1.", "3/2")]
    [InlineData("0.1 + 0.2 - 0.3", "0")]
    [InlineData("[1,2,3] @ [4,5,6]", "32")]
    [InlineData("dot([1,2,3], [4,5,6])", "32")]
    [InlineData("sum([[1,2],[3,4]])", "10")]
    [InlineData("sum([[1,2],[3,4]] @ [1, 10])", "64")]
    [InlineData("sum([1, 10] @ [[1,2],[3,4]])", "73")]
    [InlineData("([[1,2],[3,4]] @ [[5,6],[7,8]])[1,0]", "43")]
    [InlineData("([[1,2],[3,4]].T)[0,1]", "3")]
    [InlineData("[1,2,3][-1]", "3")]
    [InlineData("sum([1,2,3,4][1:3])", "5")]
    [InlineData("[1,2,3,4][::-1][0]", "4")]
    [InlineData("sum([1,2,3,4][::2])", "4")]
    [InlineData("[[1,2],[3,4]][:,1] @ [1,100]", "402")]
    [InlineData("sum([1,2,3] * [[1],[10]])", "66")]
    [InlineData("mean([1,2,3,6])", "3")]
    [InlineData("var([1,2,3,6])", "7/2")]
    [InlineData("max([3,1,2]) + min([3,1,2])", "4")]
    [InlineData("sum(max([[3,1],[2,5]], axis=0))", "8")]
    [InlineData("sum(max([[3,1],[2,5]], axis=1))", "8")]
    [InlineData("max([[3,1],[2,5]], axis=0)[0]", "3")]
    [InlineData("sum(maximum([1,5],[4,2]))", "9")]
    [InlineData("sum(minimum([1,5],[4,2]))", "3")]
    [InlineData("relu(-3) + relu(2)", "2")]
    [InlineData("leaky_relu(-3) + leaky_relu(-3, a=0.5) + leaky_relu(2, 0.5)", "47/100")]
    [InlineData("abs(-3) + sign(-2)", "2")]
    [InlineData("square(3)", "9")]
    [InlineData("concat([1,2],[3])[2]", "3")]
    [InlineData("sum(concat([[1,2]],[[3,4]], axis=1) @ [1,1,1,10])", "46")]
    [InlineData("outer([1,2],[3,4])[1,0]", "6")]
    [InlineData("reshape([1,2,3,4], [2,2])[1,0]", "3")]
    [InlineData("reshape([1,2,3,4], (-1, 2))[1,1]", "4")]
    [InlineData("sum([[1,2],[3,4]], axis=(0,1))", "10")]
    [InlineData("sum([[1,2],[3,4]] - mean([[1,2],[3,4]], axis=1, keepdims=True))", "0")]
    [InlineData("([[1,2],[3,4]] - mean([[1,2],[3,4]], axis=1, keepdims=True))[1,0]", "-1/2")]
    public void Small_expressions_have_their_exact_value(string text, string value)
    {
        var (numerator, denominator) = value.Split('/') is [var n, var d] ? (n, d) : (value, "1");
        Assert.Equal(Rational.Parse(numerator) / Rational.Parse(denominator), Formula.Value($"loss {text}"));
    }

    [Fact]
    public void A_line_goes_on_inside_brackets_and_comments_end_it() =>
        Assert.Equal(6, Formula.Value("loss (1 # one\n  + 2\n\n) + sum([1,\r\n  2]) # the rest\n"));

    [Fact]
    public void Batched_products_follow_matmul() =>
        Assert.Equal(1 + 2 + 3 + 4 + (2 * (1 + 2 + 3 + 4)), Formula.Value("param A[2,1,2] = 1\nloss sum(A @ [[[1,2],[3,4]], [[2,4],[6,8]]])"));

    [Fact]
    public void Names_may_hold_dots_and_T_transposes_them()
    {
        var model = Formula.Lower("param layer.0.W[2,3] = 0\nloss sum(layer.0.W.T @ [1,2]) + sum(layer.0.W.T.T)");
        Assert.Equal("layer.0.W", Assert.Single(model.Parameters).Name);
    }

    [Fact]
    public void Powers_become_products_roots_and_powers()
    {
        var printed = ProgramPrinter.Print(Formula.Lower("data x\nlet a = x**(1/2)\nlet b = x**(-3/2)\nlet c = x**0.3\nlet d = 2**x\nloss a + b + c + d + x**5").Program);
        Assert.Contains("sqrt", printed, StringComparison.Ordinal);
        Assert.Contains("power(0.3)", printed, StringComparison.Ordinal);
        Assert.Contains("exp", printed, StringComparison.Ordinal);
        Assert.Contains("log", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_sum_and_deep_brackets_do_not_exhaust_a_small_stack()
    {
        var sum = "loss " + string.Join(" + ", Enumerable.Repeat("x", 50_000)) + "\n";
        const int depth = FormulaLexer.DeepestNesting;
        var deep = $"loss {new string('(', depth)}x{new string(')', depth)}\n";
        var calls = $"loss {string.Concat(Enumerable.Repeat("tanh(-", depth))}x{new string(')', depth)}\n";
        var powers = $"loss {string.Concat(Enumerable.Repeat("1 - 2*-x**(", depth))}x{new string(')', depth)}\n";
        var indices = $"loss {string.Concat(Enumerable.Repeat("sum([x, ", depth / 2))}x{string.Concat(Enumerable.Repeat("][0:1])", depth / 2))}\n";
        foreach (var text in new[] { deep, calls, powers, indices, sum })
        {
            Exception? failure = null;
            var thread = new Thread(() => failure = Record.Exception(() => Formula.Lower("data x\n" + text)), 1 << 20);
            thread.Start();
            thread.Join();
            Assert.Null(failure);
        }
    }
}
