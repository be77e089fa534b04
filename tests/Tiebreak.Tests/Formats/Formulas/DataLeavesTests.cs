using Tiebreak.Numbers;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Formulas;

public sealed class DataLeavesTests
{
    static string[] Leaves(string text) =>
        [.. Formula.Lower(text).Program.Nodes.Select(node => node.Primitive).OfType<Primitive.Data>().Select(leaf => leaf.Name).Order(StringComparer.Ordinal)];

    [Theory]
    [InlineData("data x0, x1\ndata x0 = x1\nloss x0 - x1")]
    [InlineData("data x0 = x1\nloss x0 - x1")]
    [InlineData("data x1\ndata x0 = x1\nloss x0 - x1")]
    [InlineData("data x0, x1, x2\ndata x0 = x1, x1 = x2\nloss x0 - x2")]
    [InlineData("data x0 = x1 = x2\nloss x0 - x2")]
    public void Equal_leaves_are_one_leaf(string text) => Assert.Single(Leaves(text));

    [Fact]
    public void A_new_leaf_takes_the_shape_of_its_equal()
    {
        Assert.Equal(["x"], Leaves("data x[3]\ndata z = x\nloss sum(z * x)"));
        Assert.Equal(["a"], Leaves("data a[2,2] = b[2,2]\nloss sum(a * b)"));
    }

    [Fact]
    public void Equal_elements_read_the_first_of_them()
    {
        Rational[] x = [2, 3, 5];
        Assert.Equal(2 + 20 + 500, Formula.Value("data x[3]\ndata x[0] = x[1]\nloss x @ [1, 10, 100]", ("x", x)));
        Assert.Equal(2 * 111, Formula.Value("data x[3]\ndata x[0] = x[1] = x[-1]\nloss x @ [1, 10, 100]", ("x", x)));
        Assert.Equal(2 + 70 + 500, Formula.Value("data y, x[3]\ndata x[1] = y\nloss x @ [1, 10, 100]", ("x", x), ("y", [7])));
        Assert.Equal(2 + 20 + (3 * 1100), Formula.Value("data x[2], z[4]\ndata z[0] = z[1] = x[0], z[2] = z[3] = x[1]\nloss z @ [1, 10, 100, 1000]", ("x", x[..2]), ("z", [0, 0, 0, 0])));
        Assert.Equal(4, Formula.Value("data x[4]\ndata x[:2] = x[2:]\nloss (x[0] - x[2]) + (x[1] - x[3]) + x[3]", ("x", [1, 4, 9, 16])));
    }

    [Fact]
    public void What_is_declared_equal_is_noted() =>
        Assert.Equal("the data `x0` and `x1` are always equal", Assert.Single(Formula.Lower("data x0 = x1\nloss x0").Notes));
}
