using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>The folder of cases and models beside the repository, which is not part of it.</summary>
static class SharedFolder
{
    /// <summary>A path inside it; skips the test where it is absent.</summary>
    public static string Require(string relative)
    {
        var path = Find(relative);
        if (path is null) Assert.Skip($"there is no ../shared/{relative} beside the repository");
        return path;
    }

    static string? Find(string relative)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "shared", relative);
            if (Path.Exists(path)) return path;
        }

        return Environment.GetEnvironmentVariable("TIEBREAK_SHARED") is { } named && Path.Exists(Path.Combine(named, relative)) ? Path.Combine(named, relative) : null;
    }
}
