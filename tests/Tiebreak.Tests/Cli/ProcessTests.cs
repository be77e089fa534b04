using System.Diagnostics;
using Tiebreak.Cli;
using Tiebreak.Tests.Formats.Families;
using Tiebreak.Tests.House;
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

    [Fact]
    public void A_fix_that_is_killed_while_it_writes_leaves_no_model()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("needs limits on files");
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "param W[100,100] = 0.1\nparam v[100] = 0.1\ndata x[100], y\nloss (y - v @ tanh(W @ x))**2\n");
        // The array file of W is larger than the limit, and the signal for that ends the process. The runtime's own code memory would count as a file, too, unless told otherwise.
        var (exit, output, _) = Run($"export DOTNET_EnableWriteXorExecute=0; ulimit -c 0; ulimit -f 8; tiebreak fix {folder.File("m.tb")} -o {folder.File("n.tb")} --method reinit");
        Assert.NotEqual(0, exit);
        Assert.Equal("", output);
        Assert.Equal(["m.tb"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_fix_that_is_killed_while_it_writes_a_checkpoint_leaves_no_folder_of_that_name()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("needs limits on files");
        using var toy = Gpt2Toy.Checkpoint();
        foreach (var (name, axis) in new[] { ("c_fc.weight", 1), ("c_fc.bias", 0), ("c_proj.weight", 0) }) toy.Copy($"transformer.h.0.mlp.{name}", axis, 3, 9);
        toy.Save(Gpt2Toy.Config);
        using var folder = new TemporaryFolder();
        var (exit, output, _) = Run($"export DOTNET_EnableWriteXorExecute=0; ulimit -c 0; ulimit -f 4; tiebreak fix {toy.Path} -o {folder.File("out")}");
        Assert.NotEqual(0, exit);
        Assert.Equal("", output);
        Assert.All(Directory.GetFileSystemEntries(folder.Path), path => Assert.StartsWith(".out.", Path.GetFileName(path), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("fix")]
    [InlineData("reduce")]
    public async Task A_run_that_is_ended_while_it_writes_leaves_nothing(string command)
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("needs signals");
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "param W[1500,1500] = uniform(-1,1,seed=7)\nparam U[800,1500] = 0.1\nparam v[800] = 0.1\ndata x[1500], y\nloss (y - v @ tanh(U @ tanh(W @ x)))**2\n");
        var start = new ProcessStartInfo("dotnet", [typeof(CommandLine).Assembly.Location, command, folder.File("m.tb"), "-o", folder.File("n.tb")]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        while (!process.HasExited && Directory.GetFileSystemEntries(folder.Path).Length == 1) Thread.Yield(); // until its hidden folder is there
        using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"])) await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal((130, "", ""), (process.ExitCode, output, await error));
        Assert.Equal(["m.tb"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }
}
