using Tiebreak.Findings;
using Tiebreak.Formats.Safetensors;
using Tiebreak.Tests.Formats.Families;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Repairs;

/// <summary>Low-rank adapters are repaired in their own folder; the base stays.</summary>
public sealed class FixAdapterTests
{
    const string Weights = "adapter_model.safetensors";
    const string Config = "adapter_config.json";
    const string Module = "base_model.model.model.layers.0.self_attn.q_proj.";
    static readonly DecoderToy Llama = new("llama");

    static ToyCheckpoint Zero(string home, SafetensorsType type = SafetensorsType.F32)
    {
        var toy = new ToyCheckpoint(7).Add(Module + "lora_A.weight", 2, 8).Add(Module + "lora_B.weight", 8, 2);
        Array.Clear(toy[Module + "lora_A.weight"]);
        Array.Clear(toy[Module + "lora_B.weight"]);
        toy.Save(Text(home), Weights, Config, type);
        File.WriteAllText(toy.File("README.md"), "an adapter");
        return toy;
    }

    static string Text(string home) => $$"""{"peft_type":"LORA","base_model_name_or_path":"{{home}}","r":2,"lora_alpha":3,"target_modules":["q_proj"]}""";

    [Theory]
    [InlineData(true, SafetensorsType.F32)]
    [InlineData(false, SafetensorsType.BF16)]
    public void Of_two_factors_that_are_zero_one_is_drawn(bool withBase, SafetensorsType type)
    {
        using var home = Llama.Checkpoint().Save(Llama.Config);
        using var toy = Zero(withBase ? home.Path : "somebody/some-model", type);
        using var folder = new TemporaryFolder();
        var before = File.ReadAllBytes(home.File("model.safetensors"));
        var result = Fix.Model(toy.Path, folder.File("out"));
        Assert.Contains(result.Before.Findings, finding => finding.Rule == "TB002");
        Assert.DoesNotContain(result.After.Findings, finding => finding.Level == Level.Error);
        Assert.Equal("factor", Assert.Single(result.Repairs).How);
        Assert.True(result.Function.IsKept);
        Assert.Equal([Config, Weights, "README.md"], Directory.GetFiles(folder.File("out")).Select(Path.GetFileName).Order(StringComparer.OrdinalIgnoreCase));
        foreach (var name in new[] { Config, "README.md" }) Assert.Equal(File.ReadAllBytes(toy.File(name)), File.ReadAllBytes(folder.File("out", name)));
        Assert.Equal(before, File.ReadAllBytes(home.File("model.safetensors")));
        Assert.Equal(Check.Model(folder.File("out")).Counts!.DegreesOfFreedom, result.After.Counts!.DegreesOfFreedom);
    }

    [Fact]
    public void The_file_of_an_adapter_means_its_folder()
    {
        using var toy = Zero("somebody/some-model");
        using var folder = new TemporaryFolder();
        Fix.Model(toy.File(Weights), folder.File("out"));
        Assert.Equal(3, Directory.GetFiles(folder.File("out")).Length);
        Assert.Contains("leave .safetensors out", Assert.Throws<TiebreakException>(() => Fix.Model(toy.File(Weights), folder.File("new.safetensors"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_base_named_relative_to_the_adapter_must_be_found_from_the_new_one()
    {
        using var folder = new TemporaryFolder();
        using var home = Llama.Checkpoint().Save(Llama.Config);
        using var toy = Zero("../base");
        Directory.CreateDirectory(folder.File("base"));
        foreach (var name in new[] { "config.json", "model.safetensors" }) File.Copy(home.File(name), folder.File("base", name));
        Directory.CreateDirectory(folder.File("adapter"));
        foreach (var name in new[] { Config, Weights }) File.Copy(toy.File(name), folder.File("adapter", name));
        Directory.CreateDirectory(folder.File("elsewhere"));
        Assert.Contains("its base `../base` is not found from", Assert.Throws<TiebreakException>(() => Fix.Model(folder.File("adapter"), folder.File("elsewhere", "out"))).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.File("elsewhere")));
        Fix.Model(folder.File("adapter"), folder.File("out"));
        Assert.DoesNotContain(Check.Model(folder.File("out")).Findings, finding => finding.Level == Level.Error);
    }

    [Fact]
    public void The_base_is_not_written_along_with_its_adapter()
    {
        using var home = Llama.Checkpoint();
        foreach (var name in new[] { "gate_proj", "up_proj" }) home.Copy($"model.layers.1.mlp.{name}.weight", 0, 0, 4);
        home.Copy("model.layers.1.mlp.down_proj.weight", 1, 0, 4);
        home.Save(Llama.Config);
        using var toy = Zero(home.Path);
        using var folder = new TemporaryFolder();
        var options = new FixOptions { Check = new CheckOptions { Trainable = ["model.layers.1.mlp.*"] } };
        Assert.Contains("is of the base, which stays", Assert.Throws<TiebreakException>(() => Fix.Model(toy.Path, folder.File("out"), options)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }
}
