using Tiebreak.Formats;
using Xunit;

namespace Tiebreak.Tests.Formats;

public sealed class ModelFileTests
{
    static string Refused(string name, byte[]? content)
    {
        var folder = Directory.CreateTempSubdirectory("tiebreak-file-");
        try
        {
            var path = Path.Combine(folder.FullName, name);
            if (content is not null) File.WriteAllBytes(path, content);
            var error = Assert.Throws<TiebreakException>(() => ModelFile.Open(path));
            Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
            return error.Message;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void What_is_no_model_file_is_refused_by_name()
    {
        Assert.Contains("does not exist", Refused("a.tb", null));
        Assert.Contains("does not exist", Refused("a.onnx", null));
        Assert.Contains("is empty", Refused("a.tb", []));
        Assert.Contains("is empty", Refused("a.onnx", []));
        Assert.Contains("the extension .pt is not known; known are .tb (a formula), .onnx (an ONNX network)", Refused("a.pt", [1]));
        Assert.Contains("a file without extension", Refused("a", [1]));
        Assert.Contains("content is binary", Refused("a.tb", [8, 7, 18, 4, 0, 1]));
        Assert.Contains("content is text", Refused("a.onnx", "loss 1\n"u8.ToArray()));
        Assert.Contains("not a text in UTF-8", Refused("a.tb", [.. "loss 1 # "u8, 0xFF, 0xFE]));
        Assert.Contains("more than a formula may have", Refused("a.tb", [.. Enumerable.Repeat((byte)' ', 4_000_001)]));
        Assert.Contains("is a folder", Assert.Throws<TiebreakException>(() => ModelFile.Open(Path.GetTempPath())).Message);
    }

    // Caches of models hold links: what counts is the size of the file behind them, not that of the link.
    [Fact]
    public void Links_are_followed()
    {
        using var folder = new House.TemporaryFolder();
        File.CreateSymbolicLink(folder.File("link.tb"), House.Repository.File("samples", "constant-mlp.tb"));
        File.CreateSymbolicLink(folder.File("again.tb"), folder.File("link.tb"));
        Assert.Equal(4, Check.Model(folder.File("again.tb")).Counts!.DegreesOfFreedom);
        File.CreateSymbolicLink(folder.File("lost.tb"), folder.File("nowhere.tb"));
        Assert.Contains("cannot be read", Assert.Throws<TiebreakException>(() => Check.Model(folder.File("lost.tb"))).Message);
    }
}
