using System.Text.Json.Nodes;
using Tiebreak.Cli;
using Tiebreak.Tests.Formats.Families;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Cli;

/// <summary><c>tiebreak fix</c> as a person and a script see it.</summary>
public sealed class FixCommandTests
{
    const string Tied = "param W[4,3] = 0.1 # weights\nparam v[4] = 0.1\ndata x[3], y\nloss (y - v @ tanh(W @ x))**2\n";

    [Fact]
    public void The_report_says_what_was_done_and_what_it_did()
    {
        using var folder = Folder();
        var (exit, output, error) = Run(folder, "m.tb", "-o", "n.tb", "--method", "reinit");
        Assert.Equal((0, ""), (exit, error));
        var words = string.Join(' ', output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)); // wherever its lines end
        foreach (var part in new[] { "with one tensor of 2 changed", "before: 4 degrees of freedom of 16", "after: 16 degrees of freedom of 16", "TB001 1", "changed: `W`, drawn anew: He, normal (fan-in 3)", "another one at the start", "seed 0, --init he" })
            Assert.Contains(part, words, StringComparison.Ordinal);
        Assert.All(output.Replace(folder.Path, "", StringComparison.Ordinal).Split('\n'), line => Assert.InRange(line.Length, 0, 80));
        Assert.Contains("]] # weights\nparam v[4] = 0.1\ndata", File.ReadAllText(folder.File("n.tb")), StringComparison.Ordinal);
        Assert.Equal(0, CommandLine.Run(["check", folder.File("n.tb")], TextWriter.Null, TextWriter.Null));
    }

    [Fact]
    public void Scripts_get_the_same_as_json()
    {
        using var folder = Folder();
        var json = JsonNode.Parse(Run(folder, "m.tb", "-o", "n.tb", "--format", "json", "--seed", "5", "--method", "reinit", "--init", "xavier-uniform").Output)!;
        Assert.Equal((1, 5, "xavier-uniform", "reinit"), ((int)json["schema"]!, (int)json["seed"]!, (string)json["init"]!, (string)json["method"]!));
        Assert.Equal((4, 16), ((int)json["before"]!["degreesOfFreedom"]!, (int)json["after"]!["degreesOfFreedom"]!));
        Assert.Equal(1, (int)json["before"]!["findings"]!["TB001"]!);
        Assert.Empty(json["after"]!["findings"]!.AsObject());
        Assert.Equal(("W", "reinit", 12), ((string)json["repairs"]![0]!["tensor"]!, (string)json["repairs"]![0]!["how"]!, (int)json["repairs"]![0]!["changed"]!));
        Assert.False((bool)json["function"]!["kept"]!);
        Assert.True((double)json["function"]!["relative"]! > 0);
        Assert.Empty(json["unrepaired"]!.AsArray());
        Assert.Equal(("tiebreak", "any", 5, "sgd"), ((string)json["tool"]!["name"]!, (string)json["assumptions"]!["data"]!, (int)json["assumptions"]!["seed"]!, (string)json["assumptions"]!["optimizer"]!));
    }

    [Fact]
    public void What_is_left_at_error_level_makes_the_exit_code_1()
    {
        using var folder = Folder();
        File.WriteAllText(folder.File("m.tb"), "param a = 0\nparam b = 0.5\nconst z = 0\ndata x, y\nloss (y - a*z*x - b*x)**2\n");
        var (exit, output, _) = Run(folder, "m.tb", "-o", "n.tb");
        Assert.Equal(1, exit);
        Assert.Contains("nothing could be repaired:", string.Join(' ', output.Split(['\n', ' '], StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Contains("left:      TB002", output, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllText(folder.File("m.tb")), File.ReadAllText(folder.File("n.tb")));
    }

    [Fact]
    public void An_existing_file_stays_without_force()
    {
        using var folder = Folder();
        File.WriteAllText(folder.File("n.tb"), "mine");
        AssertRefused(folder, "exists already", "m.tb", "-o", "n.tb");
        Assert.Equal("mine", File.ReadAllText(folder.File("n.tb")));
        Assert.Equal(0, Run(folder, "m.tb", "-o", "n.tb", "--force").Exit);
        Assert.NotEqual("mine", File.ReadAllText(folder.File("n.tb")));
    }

    [Theory]
    [InlineData("no OUT given; try `tiebreak fix")]
    [InlineData("is what is read", "-o", "m.tb")]
    [InlineData("is what is read", "-o", "m.tb", "--force")]
    [InlineData("name it .tb", "-o", "n.onnx")]
    [InlineData("there is no folder", "-o", "none/n.tb")]
    [InlineData("is a folder", "-o", "sub.tb")]
    [InlineData("`--method` is one of auto, split, reinit, noise, not `magic`", "-o", "n.tb", "--method", "magic")]
    [InlineData("`--init` is one of he", "-o", "n.tb", "--init", "hee")]
    [InlineData("`--scale` takes a number above 0", "-o", "n.tb", "--method", "noise", "--scale", "-1")]
    [InlineData("`--scale` is of `--method noise`", "-o", "n.tb", "--scale", "0.1")]
    [InlineData("`--init` is of `--method reinit`", "-o", "n.tb", "--method", "split", "--init", "xavier")]
    [InlineData("`--seed` takes a whole number", "-o", "n.tb", "--seed", "x")]
    [InlineData("`--dim`", "-o", "n.tb", "--dim", "x")]
    [InlineData("--freeze", "-o", "n.tb", "--freeze", "Q*")]
    [InlineData("there is no option `--data`", "-o", "n.tb", "--data", "t.csv")]
    [InlineData("exclude each other", "-o", "n.tb", "--quiet", "--verbose")]
    public void Wrong_options_are_one_line_and_exit_code_2(string reason, params string[] options)
    {
        using var folder = Folder();
        Directory.CreateDirectory(folder.File("sub.tb"));
        AssertRefused(folder, reason, ["m.tb", .. options]);
        Assert.Equal(["m.tb", "sub.tb"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Frozen_tensors_are_not_touched()
    {
        using var folder = Folder();
        var (exit, output, _) = Run(folder, "m.tb", "-o", "n.tb", "--freeze", "W", "--method", "reinit");
        Assert.Equal(0, exit);
        Assert.Contains("`v`, drawn anew", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("param a = 1\nparam b = 2\ndata x, y\nloss (y - a*x - b)**2\n", "", "nothing to repair: ")]
    [InlineData(Tied, "*", "nothing is trainable, all tensors are frozen, so there is nothing to repair: ")]
    public void Where_there_is_nothing_to_repair_that_comes_first_and_no_repair_is_claimed(string formula, string frozen, string headline)
    {
        using var folder = Folder();
        File.WriteAllText(folder.File("m.tb"), formula);
        var (exit, output, _) = Run(folder, ["m.tb", "-o", "n.tb", .. frozen.Length == 0 ? Array.Empty<string>() : ["--freeze", frozen]]);
        var words = string.Join(' ', output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(0, exit);
        Assert.StartsWith($"{headline}{folder.File("n.tb")} is a copy of {folder.File("m.tb")} ", words, StringComparison.Ordinal);
        Assert.Contains("function: the same: no number was changed", words, StringComparison.Ordinal);
        Assert.DoesNotContain("drawn:", words, StringComparison.Ordinal);
        Assert.Equal(formula, File.ReadAllText(folder.File("n.tb")));
    }

    [Fact]
    public void A_zero_factor_is_said_to_be_given_a_random_start()
    {
        using var folder = Folder();
        File.WriteAllText(folder.File("m.tb"), "param a = 0\nparam b = 0\nparam c = 1\ndata x, y\nloss (y - a*b*x - c)**2\n");
        var words = string.Join(' ', Run(folder, "m.tb", "-o", "n.tb", "--method", "split").Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("`a`, one of several factors that are all zero, given a random start, which keeps the function since another is still zero: He, normal (fan-in 1)", words, StringComparison.Ordinal);
        Assert.Contains("the same at the start, exactly", words, StringComparison.Ordinal);
        Assert.DoesNotContain("drawn anew", words, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_only_tensor_is_called_and_what_a_split_was_drawn_with()
    {
        using var folder = Folder();
        File.WriteAllText(folder.File("m.tb"), "param W[2,2] = 1\ndata x[2], y\nloss (y - x @ W @ x)**2\n");
        var words = string.Join(' ', Run(folder, "m.tb", "-o", "n.tb", "--method", "split").Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("with its only tensor changed", words, StringComparison.Ordinal);
        Assert.Contains("drawn: seed 0; the same command writes the same file", words, StringComparison.Ordinal);
    }

    [Fact]
    public void Interrupted_before_the_end_it_leaves_nothing()
    {
        using var folder = Folder();
        using StringWriter output = new(), error = new();
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Equal(130, CommandLine.Run(["fix", folder.File("m.tb"), "-o", folder.File("n.tb")], new Surroundings { Output = output, Error = error, Interrupted = source.Token }));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Help_ends_with_examples()
    {
        using var folder = Folder();
        var (exit, output, _) = Run(folder, "--help");
        Assert.Equal(0, exit);
        Assert.Contains("Examples:\n  tiebreak fix model.onnx -o fixed.onnx", output, StringComparison.Ordinal);
        Assert.Contains("--drop-redundant", output, StringComparison.Ordinal);
        Assert.DoesNotContain("--data", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_becomes_a_folder_and_stays_without_force()
    {
        using var toy = Gpt2Toy.Checkpoint();
        foreach (var (name, axis) in new[] { ("c_fc.weight", 1), ("c_fc.bias", 0), ("c_proj.weight", 0) }) toy.Copy($"transformer.h.0.mlp.{name}", axis, 3, 9);
        toy.Save(Gpt2Toy.Config);
        File.WriteAllText(toy.File("pytorch_model.bin"), "weights");
        using var folder = Folder();
        AssertRefused(folder, $"no OUT given; try `tiebreak fix {toy.Path} -o {Path.GetFileName(toy.Path)}-fixed`", toy.Path);
        var (exit, output, error) = Run(folder, toy.Path, "-o", folder.File("out"));
        Assert.Equal((0, ""), (exit, error));
        var words = string.Join(' ', output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        foreach (var part in new[] { "with one tensor of 28 changed", "`transformer.h.0.mlp.c_proj.weight`", "the same at the start, exactly", "note: `pytorch_model.bin` may hold weights of its own" }) Assert.Contains(part, words, StringComparison.Ordinal);
        AssertRefused(folder, "exists already; name another folder", toy.Path, "-o", folder.File("out"));
        Assert.Equal(0, Run(folder, toy.Path, "-o", folder.File("out"), "--force").Exit);
        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(folder.File("out")).Select(Path.GetFileName).Order());
    }

    static TemporaryFolder Folder()
    {
        var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), Tied);
        return folder;
    }

    static void AssertRefused(TemporaryFolder folder, string reason, params string[] args)
    {
        var (exit, output, error) = Run(folder, args);
        Assert.Equal((2, ""), (exit, output));
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    static (int Exit, string Output, string Error) Run(TemporaryFolder folder, params string[] args)
    {
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        string[] files = ["m.tb", "n.tb", "n.onnx", "none/n.tb", "sub.tb"];
        var exit = CommandLine.Run(["fix", .. args.Select(word => files.Contains(word) ? folder.File(word) : word)], output, error);
        return (exit, output.ToString().ReplaceLineEndings("\n"), error.ToString());
    }
}
