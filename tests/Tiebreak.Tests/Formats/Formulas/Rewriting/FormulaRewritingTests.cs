using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Formats.Formulas.Rewriting;

public sealed class FormulaRewritingTests
{
    const string Rest = "data x[3], y  # the data\nloss (y - v @ tanh(W @ x))**2\n";

    [Fact]
    public void Only_the_value_changes() => AssertRewritten(
        "# head\nparam W[2,3]  = 0.1   # a comment\nparam v[2] = 0.1\n" + Rest,
        "# head\nparam W[2,3]  = [[0.1, 0.2, 1/3], [4, 5e-10, -6.5]]   # a comment\nparam v[2] = 0.1\n" + Rest,
        ("W", new RationalTensor([R("0.1"), R("0.2"), new Rational(1, 3), R("4"), R("5e-10"), R("-6.5")]), null));

    [Fact]
    public void One_number_for_all_stays_one() => AssertRewritten("param W[2,3] = 1\nparam v[2] = normal(0, 1, seed=3)\n" + Rest, "param W[2,3] = 1\nparam v[2] = -0.25\n" + Rest, ("v", new UniformTensor(2, R("-0.25")), null));

    [Fact]
    public void Elements_of_a_list_change_one_by_one() => AssertRewritten(
        "param W = [[1, 2, 3], # first\r\n   [1/2,  5, -6]] # second\r\nparam v[2] = 0.1\r\n" + Rest,
        "param W = [[1, 7, 3], # first\r\n   [1/2,  5, 8]] # second\r\nparam v[2] = 0.1\r\n" + Rest,
        ("W", new RationalTensor([1, 7, 3, new Rational(1, 2), 5, 8]), null));

    [Fact]
    public void A_line_for_several_tensors_becomes_several_lines() => AssertRewritten(
        "param W[2,3] = 1\nparam v[2], u, t[2] = 0.1 # all\n" + Rest,
        "param W[2,3] = 1\nparam v[2] = 0.1\nparam u = 2\nparam t[2] = [1, 2] # all\n" + Rest,
        ("u", new UniformTensor(1, 2), null), ("t", new RationalTensor([1, 2]), null));

    [Fact]
    public void Sizes_change_with_the_values() => AssertRewritten(
        "param W[ 2, 3] = 0.1 # sizes\nparam v = [1,\n  1]\n" + Rest,
        "param W[1,3] = [[1, 2, 3]] # sizes\nparam v[1] = 2\n" + Rest,
        ("W", new RationalTensor([1, 2, 3]), new Shape(1, 3)), ("v", new UniformTensor(1, 2), new Shape(1)));

    [Fact]
    public void Large_tensors_go_into_array_files_and_others_come_along()
    {
        using var folder = new TemporaryFolder();
        var numbers = Enumerable.Range(0, 90).Select(k => k / 7.0).ToArray();
        File.WriteAllBytes(folder.File("v.npy"), NpyBytes.Make("<f4", fortran: false, [3], [1, 2, 3]));
        File.WriteAllText(folder.File("m.tb"), "param W[3,30] = 0.1\nparam v[3] = file(\"v.npy\")\ndata x[30], y\nloss (y - v @ tanh(W @ x))**2\n");
        Rewritten.Write(folder.File("m.tb"), folder.File("n.tb"), Rewritten.Changes(("W", numbers)));
        Assert.StartsWith("param W[3,30] = file(\"n.W.npy\")\nparam v[3] = file(\"v.npy\")\n", File.ReadAllText(folder.File("n.tb")));
        Assert.Equal(4, Directory.GetFiles(folder.Path).Length);

        Directory.CreateDirectory(folder.File("out"));
        Rewritten.Write(folder.File("m.tb"), folder.File("out", "n.tb"), Rewritten.Changes(("W", numbers)));
        Assert.Equal(["n.W.npy", "n.tb", "v.npy"], Directory.GetFiles(folder.File("out")).Select(Path.GetFileName).Order());

        // A name that another file has is left alone.
        Directory.CreateDirectory(folder.File("third"));
        File.WriteAllText(folder.File("third", "v.npy"), "mine");
        Rewritten.Write(folder.File("m.tb"), folder.File("third", "n.tb"), Rewritten.Changes(("W", numbers)));
        Assert.Equal("mine", File.ReadAllText(folder.File("third", "v.npy")));
        Assert.Contains("param v[3] = file(\"n.v.npy\")", File.ReadAllText(folder.File("third", "n.tb")));
    }

    [Fact]
    public void Random_numbers_read_back_exactly()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var dice = new Random(seed);
            Rational Draw() => dice.Next(3) switch { 0 => Rational.FromDouble(dice.NextDouble() * Math.Pow(10, dice.Next(-40, 20))), 1 => new Rational(dice.Next(-50, 50), dice.Next(1, 50)), _ => Rational.FromDouble((float)dice.NextDouble()) };
            using var folder = new TemporaryFolder();
            File.WriteAllText(folder.File("m.tb"), "param W[2,3] = 0.1\nparam v = [1, 2]\n" + Rest);
            Rewritten.Write(folder.File("m.tb"), folder.File("n.tb"), new ModelChanges
            {
                Tensors = new Dictionary<string, ChangedTensor> { ["W"] = new(new RationalTensor([.. Enumerable.Range(0, 6).Select(_ => Draw())])), ["v"] = new(new RationalTensor([Draw(), Draw()])) },
            });
        }
    }

    [Fact]
    public void Dropped_biases_become_zeros()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "param W[2,3] = 0.1\nparam v[2] = 0.5 # bias\n" + Rest);
        Rewritten.Write(folder.File("m.tb"), folder.File("n.tb"), new ModelChanges { Dropped = new HashSet<string> { "v" } });
        Assert.Equal("param W[2,3] = 0.1\nparam v[2] = 0 # bias\n" + Rest, File.ReadAllText(folder.File("n.tb")));
    }

    static Rational R(string text) => Rational.Parse(text);

    static void AssertRewritten(string text, string expected, params (string Name, ExactTensor Values, Shape? Shape)[] tensors)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), text);
        Rewritten.Write(folder.File("m.tb"), folder.File("n.tb"), new ModelChanges { Tensors = tensors.ToDictionary(tensor => tensor.Name, tensor => new ChangedTensor(tensor.Values) { Shape = tensor.Shape }) });
        Assert.Equal(expected, File.ReadAllText(folder.File("n.tb")));
        Assert.Equal(text, File.ReadAllText(folder.File("m.tb")));
        Assert.Equal(2, Directory.GetFileSystemEntries(folder.Path).Length);
    }
}
