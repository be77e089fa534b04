using Tiebreak.Tests.Formats.Families;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Repairs;

/// <summary>Where the folder of a repaired checkpoint may be put, what comes along, and that it is there whole or not at all.</summary>
public sealed class CheckpointPlaceTests
{
    static readonly DecoderToy Llama = new("llama");

    static ToyCheckpoint Tied()
    {
        var toy = Llama.Checkpoint();
        foreach (var name in new[] { "gate_proj", "up_proj" }) toy.Copy($"model.layers.1.mlp.{name}.weight", 0, 0, 4);
        toy.Copy("model.layers.1.mlp.down_proj.weight", 1, 0, 4);
        return toy.Save(Llama.Config);
    }

    static string[] Names(string folder) => [.. Directory.GetFileSystemEntries(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    static void Refused(string model, string output, string why, bool force = false)
    {
        var error = Assert.Throws<TiebreakException>(() => Fix.Model(model, output, new FixOptions { Force = force }));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void What_must_not_be_written_is_refused_in_a_line()
    {
        using var toy = Tied();
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("there"));
        File.WriteAllText(folder.File("file"), "text");
        Directory.CreateDirectory(folder.File("mine", "inner"));
        File.WriteAllText(folder.File("mine", "config.json"), "{}");
        Directory.CreateDirectory(folder.File("other"));
        File.WriteAllText(folder.File("other", "thesis.tex"), "text");
        Directory.CreateDirectory(folder.File("mixed"));
        File.Copy(toy.File("model.safetensors"), folder.File("mixed", "model.safetensors"));
        File.WriteAllText(folder.File("mixed", "thesis.tex"), "text");
        Directory.CreateSymbolicLink(folder.File("link"), folder.File("there"));
        Directory.CreateSymbolicLink(folder.File("same"), toy.Path);
        var all = Names(folder.Path);

        Refused(toy.Path, toy.Path, "is what is read");
        Refused(toy.Path, toy.Path + "/", "is what is read", force: true);
        Refused(toy.Path, folder.File("same"), "is what is read", force: true);
        Refused(toy.Path, Path.GetDirectoryName(toy.Path)!, "is what is read", force: true);
        Refused(toy.Path, folder.File("there"), "exists already; name another folder, or replace it with --force");
        Refused(toy.Path, folder.File("link"), "exists already");
        Refused(toy.Path, folder.File("link"), "is a link", force: true);
        Refused(toy.Path, folder.File("file"), "it is a file, and a checkpoint is a folder", force: true);
        Refused(toy.Path, folder.File("mine"), "holds the folder `inner`, which --force does not remove", force: true);
        Refused(toy.Path, folder.File("other"), "holds no checkpoint, so --force does not replace it", force: true);
        Refused(toy.Path, folder.File("mixed"), "holds `thesis.tex`, which is no part of a checkpoint", force: true);
        Refused(toy.Path, folder.File("none", "out"), "there is no folder");
        Refused(toy.Path, folder.File("out.safetensors"), "would be a folder");
        Refused(toy.File("model.safetensors"), folder.File("out"), "name it .safetensors");
        Refused(toy.File("model.safetensors"), folder.File("there"), "it is a folder");
        Assert.Equal(all, Names(folder.Path));
        Assert.Equal(["thesis.tex"], Names(folder.File("other")));
        Assert.Equal("`reduce` does not write checkpoints yet; export the model to ONNX and reduce that", Assert.Throws<TiebreakException>(() => Reduce.Model(toy.Path, folder.File("out"))).Message[(toy.Path.Length + 2)..]);
    }

    [Fact]
    public void Another_checkpoint_is_replaced_as_a_whole_where_that_is_asked_for()
    {
        using var toy = Tied();
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("out"));
        Fix.Model(toy.Path, folder.File("out"), new FixOptions { Force = true }); // an empty folder holds nothing to lose
        File.WriteAllText(folder.File("out", "old.json"), "{}");
        Fix.Model(toy.Path, folder.File("out"), new FixOptions { Force = true });
        Assert.Equal(["config.json", "model.safetensors"], Names(folder.File("out")));
        Assert.Equal(["out"], Names(folder.Path));
    }

    [Fact]
    public void What_belongs_to_a_checkpoint_comes_along()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("needs links and pipes");
        using var toy = Tied();
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("hub", "blobs"));
        Directory.CreateDirectory(folder.File("hub", "snapshots", "0123"));
        var snapshot = folder.File("hub", "snapshots", "0123");
        foreach (var name in Names(toy.Path))
        {
            File.Copy(toy.File(name), folder.File("hub", "blobs", name));
            File.CreateSymbolicLink(Path.Combine(snapshot, name), Path.Combine("..", "..", "blobs", name));
        }

        File.WriteAllText(folder.File("hub", "blobs", "tokenizer"), "tokens");
        File.CreateSymbolicLink(Path.Combine(snapshot, "tokenizer.json"), Path.Combine("..", "..", "blobs", "tokenizer"));
        File.WriteAllText(folder.File("secret"), "secret");
        File.CreateSymbolicLink(Path.Combine(snapshot, "vocab.json"), folder.File("secret"));
        File.CreateSymbolicLink(Path.Combine(snapshot, "lost.json"), "nowhere");
        File.WriteAllText(Path.Combine(snapshot, "pytorch_model.bin"), "weights");
        File.WriteAllText(Path.Combine(snapshot, ".gitattributes"), "*.safetensors filter=lfs\n");
        File.WriteAllText(Path.Combine(snapshot, "empty.txt"), "");
        Directory.CreateDirectory(Path.Combine(snapshot, "runs"));
        Directory.CreateDirectory(Path.Combine(snapshot, ".cache", "huggingface"));
        using (var huge = File.Create(Path.Combine(snapshot, "huge.json"))) huge.SetLength((1L << 28) + 1);
        var result = Fix.Model(snapshot, folder.File("out"));
        Assert.Equal([".gitattributes", "config.json", "empty.txt", "model.safetensors", "tokenizer.json"], Names(folder.File("out")));
        Assert.Equal("*.safetensors filter=lfs\n", File.ReadAllText(folder.File("out", ".gitattributes")));
        Assert.All(Directory.GetFiles(folder.File("out")), path => Assert.Null(new FileInfo(path).LinkTarget));
        Assert.Equal("tokens", File.ReadAllText(folder.File("out", "tokenizer.json")));
        foreach (var name in new[] { "`vocab.json` is a link that leads out", "`lost.json` is a link that leads out", "`pytorch_model.bin` may hold weights of its own", "`huge.json` was left out: its" })
            Assert.Single(result.Notes, note => note.StartsWith(name, StringComparison.Ordinal));
        Assert.Contains("the folders `.cache`, `runs` were left out, since folders are not copied; copy what is needed", result.Notes);
        Assert.Equal(5, result.Notes.Count);
    }

    [Fact]
    public void What_came_along_is_no_reason_not_to_replace_the_folder()
    {
        using var toy = Tied();
        using var folder = new TemporaryFolder();
        File.WriteAllText(toy.File(".dvcignore"), "runs\n");
        File.WriteAllText(toy.File("curve.png"), "picture");
        Fix.Model(toy.Path, folder.File("out"));
        Fix.Model(toy.Path, folder.File("out"), new FixOptions { Force = true });
        Assert.Equal([".dvcignore", "config.json", "curve.png", "model.safetensors"], Names(folder.File("out")));
        File.WriteAllText(folder.File("out", "curve.png"), "another");
        Refused(toy.Path, folder.File("out"), "holds `curve.png`, which is no part of a checkpoint", force: true);
    }

    [Fact]
    public void The_folder_that_is_read_gets_nothing_new()
    {
        using var toy = Tied();
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(toy.File("runs"));
        var all = Names(toy.Path);
        Refused(toy.Path, toy.File("fixed"), "is inside");
        Refused(toy.Path, toy.File("runs/fixed"), "name a folder outside of it", force: true);
        Refused(toy.Path, toy.Path + "/../" + Path.GetFileName(toy.Path) + "/fixed", "is inside");
        if (!OperatingSystem.IsWindows())
        {
            Directory.CreateSymbolicLink(folder.File("link"), toy.File("runs"));
            Refused(toy.Path, folder.File("link", "fixed"), "is inside");
            Directory.CreateSymbolicLink(folder.File("above"), Path.GetDirectoryName(toy.Path)!);
            Refused(toy.Path, folder.File("above", Path.GetFileName(toy.Path), "fixed"), "is inside");
        }

        Assert.Equal(all, Names(toy.Path));
        Assert.Equal((2, ""), Exit(toy.Path, "-o", toy.File("fixed")));
        Fix.Model(toy.File("model.safetensors"), toy.File("fixed.safetensors")); // a file beside another is no folder in a folder
    }

    static (int Exit, string Output) Exit(params string[] args)
    {
        using StringWriter output = new(), error = new();
        return (Tiebreak.Cli.CommandLine.Run(["fix", .. args], output, error), output.ToString());
    }

    [Fact]
    public void Who_may_read_a_folder_and_its_files_stays_when_they_are_replaced()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs modes of files");
        if (OperatingSystem.IsWindows()) return; // for the analyser, which does not know what skips
        using var toy = Tied();
        using var folder = new TemporaryFolder();
        Fix.Model(toy.Path, folder.File("out"));
        const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        File.SetUnixFileMode(folder.File("out", "model.safetensors"), Own);
        File.SetUnixFileMode(folder.File("out"), Own | UnixFileMode.UserExecute);
        Fix.Model(toy.Path, folder.File("out"), new FixOptions { Force = true });
        Assert.Equal((Own, Own | UnixFileMode.UserExecute), (File.GetUnixFileMode(folder.File("out", "model.safetensors")), File.GetUnixFileMode(folder.File("out"))));
    }

    [Fact]
    public void An_interruption_anywhere_leaves_no_folder()
    {
        using var toy = Tied();
        using var folder = new TemporaryFolder();
        for (var reports = 1; ; reports++)
        {
            using var source = new CancellationTokenSource();
            var options = new FixOptions { Check = new CheckOptions { Cancellation = source.Token, Progress = new CancelAfter(reports, source) } };
            try
            {
                Fix.Model(toy.Path, folder.File("out"), options);
                Assert.True(reports > 5);
                Assert.Equal(["out"], Names(folder.Path));
                return;
            }
            catch (OperationCanceledException)
            {
                Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
            }
        }
    }
}
