using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Refinement.Streaming;
using Xunit;

namespace Tiebreak.Tests.Refinement.Streaming;

/// <summary>While a set is verified, other sizes are asked about it.</summary>
public sealed class StreamedSearchTests
{
    [Theory]
    [InlineData(1, true, null)]
    [InlineData(2, true, true)]
    [InlineData(2, false, false)]
    public void Other_sizes_are_asked_meanwhile(int threads, bool answer, bool? expected)
    {
        using var toy = RandomTransformers.Draw("llama", 3);
        var result = On(toy.Path, new RefinementOptions { Threads = threads }, search => search.Run((_, _) => answer));
        Assert.Equal(expected, result.IsElsewhere);
        Assert.NotNull(result.State);
    }

    [Fact]
    public void What_was_asked_ends_before_an_exception_leaves()
    {
        using var toy = RandomTransformers.Draw("llama", 3);
        using var asked = new ManualResetEventSlim();
        using var thrown = new ManualResetEventSlim();
        var (hasLeft, hadLeft) = (false, true);
        var options = new RefinementOptions
        {
            Threads = 2,
            Progress = stage =>
            {
                if (!stage.StartsWith("verification", StringComparison.Ordinal)) return;
                asked.Wait(TestContext.Current.CancellationToken);
                thrown.Set();
                throw new TimeoutException();
            },
        };
        bool Elsewhere(StreamedState state, SliceNames names)
        {
            asked.Set();
            thrown.Wait(TestContext.Current.CancellationToken);
            for (var turn = 0; turn < 100_000; turn++) Thread.Yield(); // time enough for who does not wait
            hadLeft = Volatile.Read(ref hasLeft);
            return true;
        }

        Assert.Throws<TimeoutException>(() => On(toy.Path, options, search =>
        {
            try
            {
                return search.Run(Elsewhere);
            }
            finally
            {
                Volatile.Write(ref hasLeft, true);
            }
        }));
        Assert.False(hadLeft);
    }

    [Fact]
    public void Cancelling_either_stops_both()
    {
        for (var seed = 1; seed <= 6; seed++)
        {
            using var toy = RandomTransformers.Draw("mixtral", seed);
            using var source = new CancellationTokenSource();
            var options = new CheckOptions { Dropout = false };
            using var file = Check.Open(toy.Path, options);
            var (sizes, step) = (new Sizes(file, Check.Lowering(options)), 0);
            var model = sizes.Smallest(ref step);
            step++;
            var larger = sizes.Smallest(ref step);
            var isAsked = false;
            var refinement = new RefinementOptions
            {
                Threads = 2,
                Cancellation = source.Token,
                Progress = stage =>
                {
                    if (!stage.StartsWith("larger sizes", StringComparison.Ordinal)) return;
                    isAsked = true;
                    source.Cancel();
                },
            };
            Assert.ThrowsAny<OperationCanceledException>(() => StreamedCheck.Of(model, _ => larger, StreamedTensors.Of(model, least: 1), refinement, memory: 1 << 30));
            Assert.True(isAsked);
        }
    }

    static StreamedResult On(string path, RefinementOptions refinement, Func<StreamedSearch, StreamedResult> act)
    {
        var options = new CheckOptions { Dropout = false };
        using var file = Check.Open(path, options);
        var (sizes, step) = (new Sizes(file, Check.Lowering(options)), 0);
        var model = sizes.Smallest(ref step);
        var tensors = StreamedTensors.Of(model, least: 1);
        foreach (var matrix in tensors.Trained.Concat(tensors.Frozen)) matrix.Facts = StartScan.Of(matrix, refinement).Facts;
        var search = new StreamedSearch(model, tensors.Trained, tensors.Frozen, refinement);
        return act(search);
    }
}
