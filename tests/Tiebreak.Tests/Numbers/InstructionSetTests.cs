using System.Diagnostics;
using Xunit;

namespace Tiebreak.Tests.Numbers;

/// <summary>Kernels compute the same on processors without AVX-512, and on those without AVX2, such as every Arm64: their tests, run again under the runtime's own switches.</summary>
public sealed class InstructionSetTests
{
    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    public async Task Kernels_need_no_vector_instructions(string without)
    {
        string[] classes = [typeof(ContractionTests).FullName!, typeof(Refinement.Streaming.StreamedMatrixTests).FullName!, typeof(Refinement.Streaming.ExactKeysTests).FullName!];
        var start = new ProcessStartInfo("dotnet", [typeof(InstructionSetTests).Assembly.Location, .. classes.SelectMany(name => new[] { "-class", name })]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[without] = "0";
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0 && output.Contains("Failed: 0,", StringComparison.Ordinal), output + await error);
        Assert.DoesNotContain("Total: 0", output, StringComparison.Ordinal);
    }
}
