using System.Diagnostics;
using System.Runtime.InteropServices;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Cli;

/// <summary>The two ways people get the command: a tool package from a folder, and a native binary.</summary>
public sealed class PublishTests
{
    [Fact]
    public void The_tool_installs_from_a_folder_and_runs()
    {
        using var folder = new TemporaryFolder();
        var packed = Run("dotnet", "pack", Repository.File("src", "Tiebreak.Cli"), "-c", "Release", "-o", folder.Path, "--artifacts-path", folder.File("artifacts"));
        Assert.True(packed.ExitCode == 0, packed.Text);
        var package = Directory.GetFiles(folder.Path, "tiebreak.*.nupkg").Single();
        Assert.InRange(new FileInfo(package).Length, 1, 40L << 20);

        var config = folder.File("nuget.config");
        File.WriteAllText(config, $"<configuration><packageSources><clear /><add key=\"local\" value=\"{folder.Path}\" /></packageSources></configuration>");
        var installed = Run("dotnet", "tool", "install", "tiebreak", "--tool-path", folder.File("tools"), "--configfile", config);
        Assert.True(installed.ExitCode == 0, installed.Text);
        var checkedSample = Run(folder.File("tools", OperatingSystem.IsWindows() ? "tiebreak.exe" : "tiebreak"), "check", Repository.File("samples", "constant-mlp.tb"));
        Assert.True(checkedSample.ExitCode == 1, checkedSample.Text);
        Assert.Contains("degrees of freedom", checkedSample.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_native_binary_links_without_warnings_is_small_and_gives_the_same_answer()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.OSArchitecture == Architecture.X64, "the native binary is tried on linux-x64 only");
        Assert.SkipUnless(File.Exists("/usr/bin/gcc"), "needs gcc to link the native binary");
        using var folder = new TemporaryFolder();
        var published = Run(
            "dotnet", "publish", Repository.File("src", "Tiebreak.Cli"), "-c", "Release", "-r", "linux-x64", "-o", folder.Path, "--artifacts-path", folder.File("artifacts"),
            "-p:PublishAot=true", "-p:CppCompilerAndLinker=gcc", "-p:LinkerFlavor=bfd");
        Assert.True(published.ExitCode == 0, published.Text);
        Assert.DoesNotContain("warning IL", published.Text, StringComparison.Ordinal);
        var binary = folder.File("Tiebreak.Cli");
        Assert.InRange(new FileInfo(binary).Length, 1, 20L << 20);

        var sample = Repository.File("samples", "constant-mlp.tb");
        var native = Run(binary, "check", sample, "--format", "json");
        Assert.True(native.ExitCode == 1, native.Text);
        var managed = Run("dotnet", Path.Combine(AppContext.BaseDirectory, "Tiebreak.Cli.dll"), "check", sample, "--format", "json");
        Assert.Equal(managed.Text, native.Text);
    }

    static (int ExitCode, string Text) Run(string command, params string[] arguments)
    {
        var start = new ProcessStartInfo(command) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1"; // a build server left behind would keep the test run waiting
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["DOTNET_NOLOGO"] = "1";
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.GetAwaiter().GetResult());
    }
}
