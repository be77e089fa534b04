using System.Runtime.CompilerServices;
using Xunit;

namespace Tiebreak.Tests;

/// <summary>Compares text with a file under Goldens; TIEBREAK_ACCEPT=1 rewrites the file instead.</summary>
static class Golden
{
    public static void Matches(string name, string text, [CallerFilePath] string caller = "")
    {
        var folder = Path.GetDirectoryName(caller)!;
        while (!Directory.Exists(Path.Combine(folder, "Goldens"))) folder = Path.GetDirectoryName(folder)!;
        var path = Path.Combine(folder, "Goldens", name);
        if (Environment.GetEnvironmentVariable("TIEBREAK_ACCEPT") == "1") File.WriteAllText(path, text);
        Assert.True(File.Exists(path), $"there is no golden file {name}; TIEBREAK_ACCEPT=1 writes it");
        Assert.Equal(File.ReadAllText(path), text);
    }
}
