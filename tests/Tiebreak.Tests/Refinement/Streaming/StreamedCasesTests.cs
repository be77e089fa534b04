using Tiebreak.Tests.Formats.Onnx;
using Xunit;

namespace Tiebreak.Tests.Refinement.Streaming;

/// <summary>The shared cases, whose matrices are small enough to be held, say the same when they are streamed.</summary>
public sealed class StreamedCasesTests
{
    [Fact]
    public void Streamed_and_held_agree()
    {
        var (compared, different) = (0, new List<string>());
        foreach (var path in Directory.GetFiles(SharedFolder.Require("cases"), "*.onnx"))
        {
            var options = new CheckOptions { Seed = 1 };
            var held = Check.Model(path, options);
            if (held.Analysis.Partition is null) continue;
            try
            {
                compared += StreamedAgreement.Of(path, held, options) > 0 ? 1 : 0;
            }
            catch (Exception error)
            {
                different.Add($"{Path.GetFileName(path)}: {error.Message}");
            }
        }

        Assert.True(different.Count == 0, string.Join(Environment.NewLine, different));
        Assert.True(compared >= 10, $"{compared} cases have matrices");
    }
}
