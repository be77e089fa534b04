using System.Diagnostics;
using Tiebreak.Cli;
using Xunit;

namespace Tiebreak.Tests.Cli;

/// <summary>What only a real process shows: exit codes, streams, pipes.</summary>
public sealed class ProcessTests
{
    static (int Exit, string Output, string Error) Run(string command)
    {
        var start = new ProcessStartInfo("/bin/bash") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-o");
        start.ArgumentList.Add("pipefail");
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"tiebreak() {{ dotnet '{typeof(CommandLine).Assembly.Location}' \"$@\"; }}; {command}");
        start.Environment["GITHUB_ACTIONS"] = "true"; // under which a console library may colour pipes
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    [Fact]
    public void A_missing_file_is_one_line_on_standard_error()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("needs bash");
        var (exit, output, error) = Run("tiebreak check no-such-file.onnx");
        Assert.Equal((2, ""), (exit, output));
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.Equal(error.Length - 1, error.IndexOf('\n', StringComparison.Ordinal));
        Assert.Contains("no-such-file.onnx", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_closed_pipe_is_no_error()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("needs bash");
        Assert.Equal((0, "", ""), Run("tiebreak check --help | true"));
    }

    [Fact]
    public void Version_is_printed_without_escapes()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("needs bash");
        Assert.Equal((0, $"tiebreak {CommandLine.Version}\n", ""), Run("tiebreak --version"));
    }
}
