using System.Runtime.CompilerServices;
using Xunit;

namespace Tiebreak.Tests.House;

/// <summary>Where the repository and the material beside it are.</summary>
static class Repository
{
    /// <summary>The folder with Tiebreak.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder of shared cases and models beside the repository, or null.</summary>
    public static string? Shared { get; } = Directory.Exists(Path.Combine(Root, "..", "shared", "cases")) ? Path.GetFullPath(Path.Combine(Root, "..", "shared")) : null;

    /// <summary>A path below the shared folder; skips the test, with the reason, where there is none.</summary>
    public static string FromShared(params string[] parts)
    {
        Assert.SkipWhen(Shared is null, "needs ../shared beside the repository");
        return Path.Combine([Shared!, .. parts]);
    }

    /// <summary>A path below the repository.</summary>
    public static string File(params string[] parts) => Path.Combine([Root, .. parts]);

    // The compiler's path is the repository's own unless the build maps paths; then the folder of the test binary leads up to it.
    static string FindRoot([CallerFilePath] string source = "")
    {
        foreach (var start in new[] { AppContext.BaseDirectory, Path.GetDirectoryName(source) ?? "." })
            for (var folder = start; folder is not null; folder = Path.GetDirectoryName(folder))
                if (System.IO.File.Exists(Path.Combine(folder, "Tiebreak.slnx"))) return folder;
        throw new InvalidOperationException("the repository was not found above the test binary");
    }
}
