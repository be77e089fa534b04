using Tiebreak.Tests.Formats.Families;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Refinement.Streaming;

/// <summary>Random small transformers of each family: streamed and held analysis say the same (theory §6).</summary>
public sealed class StreamedTransformersTests
{
    static readonly int Cases = 6 * Agreement.More;

    [Theory]
    [MemberData(nameof(RandomTransformers.Names), MemberType = typeof(RandomTransformers))]
    public void Streamed_and_held_agree(string family)
    {
        var streamed = 0; // where values sit on kinks the model is held
        for (var seed = 1; seed <= Cases; seed++)
        {
            using var checkpoint = RandomTransformers.Draw(family, seed);
            if (new FamilyOutcome(checkpoint.Path).StreamedMatrices > 0) streamed++;
        }

        Assert.True(streamed >= Cases / 3, $"{streamed} of {Cases} streamed");
    }
}
