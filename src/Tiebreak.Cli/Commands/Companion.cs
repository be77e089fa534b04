using System.ComponentModel;
using System.Diagnostics;

namespace Tiebreak.Cli.Commands;

/// <summary>
/// <c>tiebreak train</c>: hands its arguments to the companion program, which carries the native libraries of a runtime and of pictures, so that this one stays small.
/// </summary>
static class Companion
{
    const string Program = "tiebreak-train";
    const string Project = "Tiebreak.Training";

    /// <summary>What the command does, in a line.</summary>
    public const string Description = "Trains from the real start, and holds what happens against what was predicted";

    /// <summary>Runs it, and returns its exit code.</summary>
    /// <exception cref="TiebreakException">It is not installed, or cannot be started.</exception>
    public static int Run(Surroundings surroundings, string[] arguments)
    {
        var file = Find() ?? throw new TiebreakException($"training is in a package of its own; install it with `dotnet tool install {Program} --global`");
        var start = new ProcessStartInfo(file) { UseShellExecute = false };
        foreach (var argument in arguments.Prepend("train")) start.ArgumentList.Add(argument);
        surroundings.Output.Flush();
        try
        {
            using var process = Process.Start(start) ?? throw new TiebreakException($"cannot start `{file}`");
            process.WaitForExit(); // an interrupt reaches it, too, and it ends in order
            return process.ExitCode;
        }
        catch (Win32Exception error)
        {
            throw new TiebreakException($"cannot start `{file}`: {error.Message}", error);
        }
    }

    // Beside this program, beside it in a build, or among the installed ones.
    static string? Find()
    {
        var here = AppContext.BaseDirectory;
        var extension = OperatingSystem.IsWindows() ? ".exe" : "";
        var build = Path.GetFileName(Path.TrimEndingDirectorySeparator(here));
        foreach (var program in new[] { Path.Combine(here, Program + extension), Path.Combine(here, Project + extension), Path.Combine(here, "..", "..", Project, build, Project + extension) })
            if (File.Exists(program)) return Path.GetFullPath(program);
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            if (Path.IsPathFullyQualified(folder) && File.Exists(Path.Combine(folder, Program + extension))) return Path.Combine(folder, Program + extension);
        return null;
    }
}
