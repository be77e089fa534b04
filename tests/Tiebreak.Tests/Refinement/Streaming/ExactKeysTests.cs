using Tiebreak.Refinement;
using Tiebreak.Refinement.Streaming;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Refinement.Streaming;

/// <summary>Ties that keys of rows and columns do not see are noticed, so that the model is held.</summary>
public sealed class ExactKeysTests
{
    // v stays equal to the first column of W: both meet x[0].
    const string WithVector = "param W[70,70] = 0.5\nparam v[70] = 0.5\ndata x[70], y\nloss (y - sum(tanh(W @ x + v * x[0])))**2\n";

    // What the first rows get is twice what others get, and the input of the first columns half: a crossed tie of single weights in neighbouring rows, of which a sample has one.
    const string Crossed = "param W[130,130] = 0.5\ndata x[128], y\nlet z = concat(x[0:1], 2*x[0:1], x[1:128], x[0:1]*x[1:2])\nlet h = W @ z\nloss (y - sum(tanh(h[2:130])) - h[0] - 2*h[1])**2\n";

    [Theory]
    [InlineData(WithVector, true, true)]
    [InlineData(WithVector, false, false)]
    [InlineData(Crossed, true, true)]
    public void What_keys_do_not_see_is_noticed(string formula, bool looksAtAll, bool misses)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), formula);
        var options = new CheckOptions();
        using var file = Check.Open(folder.File("m.tb"), options);
        var (sizes, step) = (new Sizes(file, Check.Lowering(options)), 0);
        var model = sizes.Smallest(ref step);
        var refinement = Check.Refinement(options);
        var tensors = StreamedTensors.Of(model, least: 1 << 10);
        Assert.Equal("W", Assert.Single(tensors.Trained).Tensor.Name);
        foreach (var matrix in tensors.Trained) matrix.Facts = StartScan.Of(matrix, refinement).Facts;
        var search = new StreamedSearch(model, tensors.Trained, tensors.Frozen, refinement, looksAtAll);
        Assert.NotNull(search.Run().State);
        Assert.Equal(misses, search.MissesTies);
    }

    [Fact]
    public void A_model_with_such_ties_gives_the_answer_of_one_that_is_held()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), WithVector.Replace("70", "710", StringComparison.Ordinal));
        var (usual, held) = (Check.Model(folder.File("m.tb")), Check.Model(folder.File("m.tb"), new CheckOptions { Memory = 4L << 30 }));
        Assert.False(usual.Analysis.IsStreamed);
        Assert.Equal(held.Counts, usual.Counts);
    }
}
