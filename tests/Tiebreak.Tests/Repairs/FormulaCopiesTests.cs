using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Repairs;

/// <summary>Whole copies in a formula become one: the tensors of the first are read in place of the others'.</summary>
public sealed class FormulaCopiesTests
{
    [Theory]
    [InlineData("same-seed-ensemble.tb", 32, 16)]
    [InlineData("experts-zero-router.tb", 38, 22)]
    public void Copies_of_the_samples_go(string sample, int before, int after)
    {
        using var folder = new TemporaryFolder();
        foreach (var isForTraining in new[] { true, false })
        {
            var result = Reduce.Model(Repository.File("samples", sample), folder.File("n.tb"), new ReduceOptions { ForTraining = isForTraining, Force = true });
            Assert.Equal((before, after), (result.Before.Parameters, result.After.Parameters));
            Assert.DoesNotContain(Check.Model(folder.File("n.tb")).Findings, finding => finding.Rule == "TB007");
        }
    }

    [Fact]
    public void All_that_is_not_theirs_stays_as_it_was_written()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), """
            # two twins, one turned, and one of another size
            param A[2,3], B[2,3],  C[3] = uniform(-1, 1, seed=3)   # drawn alike
            param a[2] = 0.5
            param b[2] = 0.5  # its own line
            data x[3], y
            let left = a @ tanh(A @ x)
            loss (y - left - tanh(x @ B.T) @ b - C @ x)**2

            """);
        var result = Reduce.Model(folder.File("m.tb"), folder.File("n.tb"));
        Assert.Equal(["1/2", "1/2"], result.Rates!.Where(rate => !rate.IsOne).Select(rate => rate.Scale.ToString()));
        Assert.Equal("""
            # two twins, one turned, and one of another size
            param A[2,3], C[3] = uniform(-1, 1, seed=3)   # drawn alike
            param a[2] = 0.5
            data x[3], y
            let left = a @ tanh(A @ x)
            loss (y - left - tanh(x @ A.T) @ a - C @ x)**2

            """, string.Join('\n', File.ReadAllText(folder.File("n.tb")).Split('\n').Where(line => !line.StartsWith("# tiebreak", StringComparison.Ordinal))));
    }

    [Fact]
    public void Numbers_that_only_start_alike_stay()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "param a[2] = 0.5\nparam b[2] = 0.5\ndata x[2], z[2], y\nloss (y - a @ x - b @ z)**2\n");
        foreach (var isForTraining in new[] { true, false })
            Assert.Equal(4, Reduce.Model(folder.File("m.tb"), folder.File("n.tb"), new ReduceOptions { ForTraining = isForTraining, Force = true }).After.Parameters);
    }
}
