using CsCheck;
using Tiebreak.Formats;
using Tiebreak.Formats.Formulas;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Formulas;

public sealed class StartValuesTests
{
    static ParameterTensor Parameter(string declaration) => Assert.Single(Formula.Lower($"param {declaration}\nloss 1").Parameters);

    [Fact]
    public void Decimals_are_exact() =>
        Gen.Select(Gen.Long, Gen.Int[0, 30], Gen.Int[-40, 40], Gen.Bool).Sample((mantissa, places, exponent, point) =>
        {
            // The number is written in two ways; both must be mantissa · 10^(exponent − places).
            var digits = Math.Abs((decimal)mantissa).ToString().PadLeft(places + 1, '0');
            var text = $"{(mantissa < 0 ? "-" : "")}{digits[..^places]}.{digits[^places..]}e{exponent}";
            var plain = $"{mantissa}e{exponent - places}";
            return Parameter($"a = {text}").Start[0] == Parameter($"a = {plain}").Start[0]
                && Parameter($"a = {text}").Start[0] == Scaled(mantissa, exponent - places);
        }, iter: 300);

    static Rational Scaled(long mantissa, int exponent)
    {
        Rational value = mantissa;
        for (var k = 0; k < Math.Abs(exponent); k++) value = exponent < 0 ? value / 10 : value * 10;
        return value;
    }

    [Theory]
    [InlineData("a = 1/3", 1, 3)]
    [InlineData("a = -1/3", -1, 3)]
    [InlineData("a = 2*(1/3 - 1/4)", 1, 6)]
    [InlineData("a = 2**-3", 1, 8)]
    [InlineData("a = 1e-1", 1, 10)]
    public void Fractions_are_exact(string declaration, long numerator, long denominator) =>
        Assert.Equal(new Rational(numerator, denominator), Parameter(declaration).Start[0]);

    [Fact]
    public void One_number_fills_a_shape_without_memory()
    {
        var huge = Parameter("W[10000,10000] = 0.1");
        Assert.Equal(new UniformTensor(100_000_000, new Rational(1, 10)), huge.Start);
        Assert.Equal(new Shape(10000, 10000), huge.Shape);
    }

    [Fact]
    public void Several_tensors_may_share_a_line()
    {
        var model = Formula.Lower("param a, b[2] = 1/2\nloss a");
        Assert.Equal([Shape.Scalar, new Shape(2)], model.Parameters.Select(tensor => tensor.Shape));
    }

    [Fact]
    public void A_list_gives_its_shape()
    {
        var tensor = Parameter("W = [[1, 2], [3, 1/3]]");
        Assert.Equal(new Shape(2, 2), tensor.Shape);
        Assert.Equal([1, 2, 3, new Rational(1, 3)], Enumerable.Range(0, 4).Select(k => tensor.Start[k]));
    }

    [Fact]
    public void Drawn_numbers_are_floats_that_depend_on_the_seed_alone()
    {
        double[] Draw(string start)
        {
            var values = new double[1000];
            Parameter($"w[1000] = {start}").Start.ReadDoubles(0, values);
            return values;
        }

        var uniform = Draw("uniform(-1, 3, seed=7)");
        Assert.Equal(uniform, Draw("uniform(-1, 3, seed=7)"));
        Assert.NotEqual(uniform, Draw("uniform(-1, 3, seed=8)"));
        Assert.All(uniform, value => Assert.True(value is >= -1 and <= 3 && (float)value == value));
        Assert.InRange(uniform.Average(), 0.8, 1.2);
        var normal = Draw("normal(2, 0.5, seed=7)");
        Assert.All(normal, value => Assert.Equal((float)value, value));
        Assert.InRange(normal.Average(), 1.9, 2.1);
        Assert.InRange(Math.Sqrt(normal.Average(value => (value - 2) * (value - 2))), 0.45, 0.55);
        Assert.Equal(1000, normal.Distinct().Count());
    }

    [Fact]
    public void The_generator_never_changes() // what is drawn decides verdicts, so a new version must draw the same
    {
        Assert.Equal([0.8833108082136426, 0.43152799704850997, 0.026433771592597743], new SeededNumbers(0).Uniform(3, 0, 1).Zip([0.8833108082136426, 0.43152799704850997, 0.026433771592597743], (drawn, published) => (float)published == drawn ? published : drawn));
    }

    [Fact]
    public void Files_are_read_beside_the_formula_and_not_through_links()
    {
        var folder = Directory.CreateTempSubdirectory("tiebreak-formula-");
        try
        {
            var array = NpyBytes.Make("<f4", false, [2, 2], [1, 0.1f, -2, 0.5]);
            File.WriteAllBytes(Path.Combine(folder.FullName, "w.npy"), array);
            Directory.CreateDirectory(Path.Combine(folder.FullName, "sub"));
            File.WriteAllBytes(Path.Combine(folder.FullName, "sub", "w.npy"), array);
            File.WriteAllText(Path.Combine(folder.FullName, "f.tb"), "param W[2,2] = file(\"w.npy\")\nparam U = file('sub/w.npy')\nloss sum(W + U)");
            using (var file = ModelFile.Open(Path.Combine(folder.FullName, "f.tb")))
            {
                var model = file.Lower(new LoweringOptions());
                Assert.Equal(new Shape(2, 2), model.Parameters[1].Shape);
                Assert.Equal(Rational.FromDouble(0.1f), model.Parameters[0].Start[1]);
            }

            TiebreakException Refused(string text) => Assert.Throws<TiebreakException>(() => FormulaReader.Parse(text, "f.tb", folder.FullName));
            Assert.Contains("has shape [3], and its start values have shape [2,2]", Refused("param W[3] = file(\"w.npy\")\nloss 1").Message);
            if (OperatingSystem.IsWindows()) return;
            File.CreateSymbolicLink(Path.Combine(folder.FullName, "link.npy"), Path.Combine(folder.FullName, "w.npy"));
            Directory.CreateSymbolicLink(Path.Combine(folder.FullName, "out"), Path.GetTempPath());
            Assert.Contains("symbolic link", Refused("param W = file(\"link.npy\")\nloss 1").Message);
            Assert.Contains("symbolic link", Refused("param W = file(\"out/w.npy\")\nloss 1").Message);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
