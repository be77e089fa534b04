using Tiebreak.Formats;
using Xunit;

namespace Tiebreak.Tests.Formats.Formulas;

public sealed class FormulaErrorTests
{
    /// <summary>Each way to get a formula wrong: the text, where the message points, and a part of what it says.</summary>
    [Theory]
    [InlineData("", "1:1", "no loss; end it with a line `loss expression`")]
    [InlineData("param a = 0\n", "1:12", "no loss")]
    [InlineData("parm a = 0\nloss a", "1:1", "did you mean `param`?")]
    [InlineData("h = 3\nloss h", "1:1", "to name a part write `let name = …`")]
    [InlineData("loss 1\nloss 2", "2:6", "a second loss (the first is in line 1)")]
    [InlineData("param weight = 0\nloss wieght", "2:6", "did you mean `weight`?")]
    [InlineData("loss q", "1:6", "`q` is not declared; declare it above")]
    [InlineData("data x\nloss tahn(x)", "2:6", "there is no function `tahn`; did you mean `tanh`?")]
    [InlineData("data x\nloss tanh", "2:6", "`tanh` is a function; write tanh(x)")]
    [InlineData("data x\nloss 1 + x(2)", "2:10", "`x` is a tensor, not a function")]
    [InlineData("param a = 0\ndata a\nloss a", "2:6", "`a` is declared a second time (first in line 1)")]
    [InlineData("param loss = 0\nloss 1", "1:7", "cannot be a name")]
    [InlineData("param W.T[2] = 0\nloss 1", "1:7", "cannot end in")]
    [InlineData("param a\nloss a", "1:8", "expected `=` and a start value")]
    [InlineData("data x[3]\nloss x", "2:6", "the loss must be one number, and this has shape [3]; write sum(…)")]
    [InlineData("data x[3], y[4]\nloss sum(x + y)", "2:12", "`+` does not fit shapes [3] and [4]")]
    [InlineData("data x[3]\nparam W[2,4] = 0\nloss sum(W @ x)", "3:12", "`@` does not fit shapes [2,4] and [3]; the last axis of the left (4)")]
    [InlineData("data x\nloss x @ x", "2:8", "for a single number write `*`")]
    [InlineData("data x[3]\nloss x[3]", "2:8", "index 3 is outside an axis of size 3")]
    [InlineData("data x[3]\nloss x[0,1]", "2:10", "2 subscripts for shape [3]")]
    [InlineData("data x[3]\nloss sum(x[2:2])", "2:12", "an empty slice")]
    [InlineData("data x[3]\nloss sum(x, axis=1)", "2:18", "axes run from 0 to 0")]
    [InlineData("data x[3]\nloss sum(x, axes=0)", "2:13", "has no option `axes`; write sum(x, axis=…, keepdims=…)")]
    [InlineData("data x\nloss tanh(x, 3)", "2:14", "too many arguments; write tanh(x)")]
    [InlineData("loss tanh()", "1:6", "too few arguments")]
    [InlineData("data x\nloss x +", "2:9", "the line ends too early: expected an expression")]
    [InlineData("data x\nloss x + * x", "2:10", "`*` does not belong here; expected an expression")]
    [InlineData("data x\nloss 2 x", "2:8", "an operator or a line break is missing before it")]
    [InlineData("data x\nloss (x + 1", "2:6", "`(` is never closed; add `)`")]
    [InlineData("data x\nloss x)", "2:7", "`)` closes nothing")]
    [InlineData("data x\nloss [x)", "2:8", "`)` does not close the `[`")]
    [InlineData("data x\nloss x^2", "2:7", "a power is `**`")]
    [InlineData("data x\nloss x $ 2", "2:8", "the character `$` has no meaning")]
    [InlineData("data x\nloss x/0", "2:7", "division by zero")]
    [InlineData("data x\nloss x/(1-1)", "2:7", "division by zero")]
    [InlineData("loss 0**-1", "1:7", "division by zero")]
    [InlineData("data x\nloss x**65", "2:7", "a power beyond 64")]
    [InlineData("loss 1e1001", "1:6", "an exponent beyond 1000")]
    [InlineData("loss 1e", "1:6", "an exponent without digits")]
    [InlineData("param a = 1/0\nloss a", "1:12", "division by zero")]
    [InlineData("param a = b\nloss a", "1:11", "a start value must be an exact number")]
    [InlineData("param a[2] = [1,2,3]\nloss 1", "1:14", "has shape [2], and its start values have shape [3]")]
    [InlineData("param a = [[1,2],[3]]\nloss 1", "1:18", "a row of 1 where others have 2")]
    [InlineData("param a = [[1,2],3]\nloss 1", "1:18", "a number stands where a list of 2 should")]
    [InlineData("param a = [1,[2]]\nloss 1", "1:14", "a list stands where a number should")]
    [InlineData("param a[0] = 1\nloss 1", "1:9", "a size must be at least 1")]
    [InlineData("param a[1.5] = 1\nloss 1", "1:9", "a size must be a whole number")]
    [InlineData("param a[2:3] = 1\nloss 1", "1:9", "a shape lists sizes")]
    [InlineData("param a[100000,100000] = 1\nloss 1", "1:7", "more than 100000000 elements")]
    [InlineData("param a[20000000] = uniform(0,1,seed=1)\nloss 1", "1:7", "more than 10000000 elements")]
    [InlineData("param a[1,1,1,1,1,1,1,1,1] = 1\nloss 1", "1:7", "at most 8 are supported")]
    [InlineData("data x[30000], y[30000]\nloss sum(outer(x, y))", "2:10", "more than 100000000 elements")]
    [InlineData("data x[30000,1], y[30000]\nloss sum(x + y)", "2:12", "more than 100000000 elements")]
    [InlineData("param a[2] = uniform(0,1)\nloss 1", "1:14", "the numbers need a seed")]
    [InlineData("param a[2] = uniform(1,0,seed=1)\nloss 1", "1:24", "exchange them")]
    [InlineData("param a[2] = normal(1,-1,seed=1)\nloss 1", "1:23", "must not be negative")]
    [InlineData("param a[2] = unifrom(1,0,seed=1)\nloss 1", "1:14", "did you mean `uniform`?")]
    [InlineData("loss normal(0,1,seed=1)", "1:6", "declare them: param w[3] = normal(…)")]
    [InlineData("param a = file(w)\nloss 1", "1:11", "with the name in quotes")]
    [InlineData("param a = file(\"w.npy)\nloss 1", "1:16", "the text is never closed")]
    [InlineData("param a = file(\"../w.npy\")\nloss 1", "1:16", "leaves the formula's folder")]
    [InlineData("param a = file(\"a/../../w.npy\")\nloss 1", "1:16", "leaves the formula's folder")]
    [InlineData("param a = file(\"/etc/w.npy\")\nloss 1", "1:16", "not a path relative")]
    [InlineData("param a = file(\"w.txt\")\nloss 1", "1:16", "not named .npy")]
    [InlineData("param a = file(\"no-such-file.npy\")\nloss 1", "1:16", "does not exist")]
    [InlineData("data x[2], y[3]\ndata x = y\nloss 1", "2:10", "data of shapes [2] and [3] cannot be equal")]
    [InlineData("data x[2]\ndata x[0] = x\nloss 1", "2:13", "cannot be equal")]
    [InlineData("data x[2]\ndata x[5] = x[0]\nloss 1", "2:8", "index 5 is outside")]
    [InlineData("data x[2,3]\nloss sum(reshape(x, [4,2]))", "2:21", "they have 6 and 8 elements")]
    [InlineData("data x[2], y[3]\nloss sum(concat([x], y))", "2:10", "cannot join shapes [1,2] and [3]")]
    [InlineData("data x[2], y[3]\nloss sum([x, y])", "2:14", "all its members must have one shape")]
    [InlineData("loss \"w.npy\"", "1:6", "only for a file's name")]
    public void Each_error_names_its_place_and_the_remedy(string text, string place, string message)
    {
        var error = Formula.Error(text);
        Assert.StartsWith($"test.tb:{place}: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);

        var column = int.Parse(place.Split(':')[1]);
        var line = text.Split('\n')[int.Parse(place.Split(':')[0]) - 1];
        Assert.Equal($"  {line}\n  {new string(' ', column - 1)}^", error.Details);
    }

    [Fact]
    public void A_long_line_is_shown_around_the_place()
    {
        var error = Formula.Error("data x\nloss " + string.Concat(Enumerable.Repeat("x + ", 200)) + "nothing");
        var lines = error.Details!.Split('\n');
        Assert.True(lines[0].Length <= 110);
        Assert.Equal('n', lines[0][lines[1].IndexOf('^')]);
    }

    [Fact]
    public void Hostile_lengths_are_refused()
    {
        Assert.Contains("more than 1000 digits", Formula.Error("loss " + new string('9', 1001)).Message);
        Assert.Contains("nested more than", Formula.Error("loss " + new string('(', 100_000)).Message);
        Assert.Contains("in a row", Formula.Error("data x\nloss x" + string.Concat(Enumerable.Repeat("**1", 100))).Message);
        Assert.Contains("in a row", Formula.Error("data x[3]\nloss x" + string.Concat(Enumerable.Repeat("[0]", 100))).Message);
        Assert.Contains("bits", Formula.Error("loss " + string.Join("*", Enumerable.Repeat("1e999", 100))).Message);
        Assert.Contains("bits", Formula.Error("param a = (1e900)**900\nloss a").Message);
    }

    [Fact]
    public void Options_that_mean_nothing_for_a_formula_are_refused()
    {
        Assert.Contains("--outputs does not apply", Formula.Error("loss 1", new LoweringOptions { Outputs = ["y"] }).Message);
        Assert.Contains("--also-output does not apply", Formula.Error("loss 1", new LoweringOptions { AlsoOutputs = ["y"] }).Message);
        Assert.Contains("--batch does not apply", Formula.Error("loss 1", new LoweringOptions { Batch = 3 }).Message);
        Assert.Contains("--dim does not apply", Formula.Error("loss 1", new LoweringOptions { Dims = new Dictionary<string, int> { ["n"] = 3 } }).Message);
        Assert.Contains("--freeze W2*: no tensor", Formula.Error("param W1 = 0\nloss W1", new LoweringOptions { Freeze = ["W2*"] }).Message);
    }
}
