using Tiebreak.Findings;
using Tiebreak.Formats.Safetensors;
using Tiebreak.Tests.Formats.Families;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Repairs;

/// <summary>Checkpoints are repaired in their own types, and all that is no repaired number stays what it is.</summary>
public sealed class FixCheckpointTests
{
    static readonly DecoderToy Llama = new("llama");
    static readonly string[] ToRepair = ["TB001", "TB002", "TB003", "TB007"];

    static ToyCheckpoint LlamaWithCopiedUnits()
    {
        var toy = Llama.Checkpoint();
        foreach (var name in new[] { "gate_proj", "up_proj" }) toy.Copy($"model.layers.1.mlp.{name}.weight", 0, 0, 4);
        toy.Copy("model.layers.1.mlp.down_proj.weight", 1, 0, 4);
        return toy;
    }

    static FixResult Fixed(string model, string output, params string[] repaired)
    {
        var result = Fix.Model(model, output);
        Assert.Contains(result.Before.Findings, finding => ToRepair.Contains(finding.Rule));
        Assert.Equal(repaired, result.Repairs.Select(repair => repair.Tensor));
        Assert.DoesNotContain(result.After.Findings, finding => ToRepair.Contains(finding.Rule));
        Assert.True(Check.Model(output).Analysis.Partition!.SameAs(result.After.Analysis.Partition!)); // what it says of itself holds of what lies there
        return result;
    }

    // The same files byte for byte, but for the bytes of some tensors.
    static void DiffersIn(string one, string other, params string[] tensors)
    {
        Assert.Equal(Names(one), Names(other));
        var changed = new List<string>();
        foreach (var name in Names(one))
        {
            byte[] before = File.ReadAllBytes(Path.Combine(one, name)), after = File.ReadAllBytes(Path.Combine(other, name));
            Assert.Equal(before.Length, after.Length);
            if (name.EndsWith(".safetensors", StringComparison.Ordinal))
            {
                using var file = SafetensorsFile.Open(Path.Combine(one, name));
                foreach (var tensor in file.Tensors)
                {
                    var (from, to) = ((int)tensor.Offset, (int)(tensor.Offset + tensor.Length));
                    if (before.AsSpan(from, to - from).SequenceEqual(after.AsSpan(from, to - from))) continue;
                    changed.Add(tensor.Name);
                    before.AsSpan(from, to - from).CopyTo(after.AsSpan(from)); // what is left must be equal
                }
            }

            Assert.Equal(before, after);
        }

        Assert.Equal(tensors.Order(), changed.Order());
    }

    static string[] Names(string folder) => [.. Directory.GetFileSystemEntries(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    [Theory]
    [InlineData(SafetensorsType.F32)]
    [InlineData(SafetensorsType.BF16)]
    [InlineData(SafetensorsType.F16)]
    [InlineData(SafetensorsType.F8E5M2)]
    public void A_llama_with_copied_units_is_split_exactly_in_its_own_type(SafetensorsType type)
    {
        using var toy = LlamaWithCopiedUnits().Save(Llama.Config, type: type);
        using var folder = new TemporaryFolder();
        File.WriteAllText(toy.File("tokenizer.json"), "{}");
        File.WriteAllText(toy.File("generation_config.json"), "{\"a\": 1}\n");
        const string Down = "model.layers.1.mlp.down_proj.weight";
        var result = Fixed(toy.Path, folder.File("out"), Down);
        Assert.True(result.Function.IsKept);
        Assert.Equal(0, result.Before.Counts!.Parameters - result.After.Counts!.DegreesOfFreedom);
        DiffersIn(toy.Path, folder.File("out"), Down);
        Assert.Equal(["out"], Names(folder.Path));

        // Each sum is what it was; whatever else the tensor holds is, too.
        using var before = SafetensorsFile.Open(toy.File("model.safetensors"));
        using var after = SafetensorsFile.Open(folder.File("out", "model.safetensors"));
        double[] old = new double[40], now = new double[40];
        before.Tensors.Single(tensor => tensor.Name == Down).Values.ReadDoubles(0, old);
        after.Tensors.Single(tensor => tensor.Name == Down).Values.ReadDoubles(0, now);
        for (var row = 0; row < 8; row++)
        {
            Assert.Equal(old[row * 5] + old[row * 5 + 4], now[row * 5] + now[row * 5 + 4]);
            Assert.Equal(old[(row * 5 + 1)..(row * 5 + 4)], now[(row * 5 + 1)..(row * 5 + 4)]);
        }
    }

    [Fact]
    public void A_gpt2_with_a_copied_unit_keeps_its_key_biases()
    {
        using var toy = Gpt2Toy.Checkpoint();
        toy.Copy("transformer.h.0.mlp.c_fc.weight", 1, 3, 9);
        toy.Copy("transformer.h.0.mlp.c_fc.bias", 0, 3, 9);
        toy.Copy("transformer.h.0.mlp.c_proj.weight", 0, 3, 9);
        toy.Save(Gpt2Toy.Config);
        using var folder = new TemporaryFolder();
        var result = Fixed(toy.Path, folder.File("out"), "transformer.h.0.mlp.c_proj.weight");
        Assert.True(result.Function.IsKept);
        Assert.Equal("TB004", Assert.Single(result.Unrepaired).Rule);
        DiffersIn(toy.Path, folder.File("out"), "transformer.h.0.mlp.c_proj.weight");
    }

    [Fact]
    public void Copied_experts_are_pulled_apart()
    {
        var mixtral = new DecoderToy("mixtral") { ExpertCount = 4, NormalisesShares = true, More = ",\"num_local_experts\":4,\"num_experts_per_tok\":4" };
        using var toy = mixtral.Checkpoint();
        foreach (var name in new[] { "w1", "w2", "w3" })
            toy[$"model.layers.0.block_sparse_moe.experts.1.{name}.weight"].CopyTo(toy[$"model.layers.0.block_sparse_moe.experts.3.{name}.weight"], 0);
        toy.Copy("model.layers.0.block_sparse_moe.gate.weight", 0, 1, 3);
        toy.Save(mixtral.Config, type: SafetensorsType.BF16);
        using var folder = new TemporaryFolder();
        var result = Fix.Model(toy.Path, folder.File("out"));
        Assert.Contains(result.Before.Findings, finding => finding.Level == Level.Error);
        Assert.DoesNotContain(result.After.Findings, finding => finding.Level == Level.Error);
        Assert.True(result.Function.IsKept);
        DiffersIn(toy.Path, folder.File("out"), [.. result.Repairs.Select(repair => repair.Tensor)]);
    }

    [Fact]
    public void Key_biases_are_dropped_where_they_are_zero_already_and_said_to_stay_elsewhere()
    {
        using var toy = BertToy.Checkpoint(1);
        Array.Clear(toy["bert.encoder.layer.1.attention.self.key.bias"]);
        toy.Save(BertToy.Config(), type: SafetensorsType.BF16);
        using var folder = new TemporaryFolder();
        var result = Fix.Model(toy.Path, folder.File("out"), new FixOptions { DropRedundant = true });
        Assert.Equal("bert.encoder.layer.1.attention.self.key.bias", Assert.Single(result.Repairs).Tensor);
        Assert.Contains("would change what the model computes", Assert.Single(result.Unrepaired).Reason, StringComparison.Ordinal);
        DiffersIn(toy.Path, folder.File("out"));
    }

    [Fact]
    public void Of_a_sharded_checkpoint_the_other_shards_and_the_index_are_copied()
    {
        using var toy = LlamaWithCopiedUnits().SaveShards(Llama.Config);
        using var folder = new TemporaryFolder();
        Fixed(toy.Path, folder.File("out"), "model.layers.1.mlp.down_proj.weight");
        DiffersIn(toy.Path, folder.File("out"), "model.layers.1.mlp.down_proj.weight");
        Fixed(toy.File("model.safetensors.index.json"), folder.File("again"), "model.layers.1.mlp.down_proj.weight");
        DiffersIn(folder.File("out"), folder.File("again"));
    }

    [Fact]
    public void A_file_alone_becomes_a_file_with_its_configuration_beside_it()
    {
        using var toy = LlamaWithCopiedUnits().Save(Llama.Config);
        using var folder = new TemporaryFolder();
        File.WriteAllText(toy.File("tokenizer.json"), "{}");
        Fixed(toy.File("model.safetensors"), folder.File("new.safetensors"), "model.layers.1.mlp.down_proj.weight");
        Assert.Equal(["config.json", "new.safetensors"], Names(folder.Path));
        Fixed(toy.File("model.safetensors"), toy.File("new.safetensors"), "model.layers.1.mlp.down_proj.weight");
        Assert.Equal(["config.json", "model.safetensors", "new.safetensors", "tokenizer.json"], Names(toy.Path));
        Assert.Equal(File.ReadAllBytes(folder.File("new.safetensors")), File.ReadAllBytes(toy.File("new.safetensors")));

        using var other = new TemporaryFolder();
        File.WriteAllText(other.File("config.json"), "{}");
        var error = Assert.Throws<TiebreakException>(() => Fix.Model(toy.File("model.safetensors"), other.File("new.safetensors"), new FixOptions { Force = true }));
        Assert.Contains("in the place of another file", error.Message, StringComparison.Ordinal);
        Assert.Equal("{}", File.ReadAllText(other.File("config.json")));
        Assert.Equal(["config.json"], Names(other.Path));
    }

    [Fact]
    public void What_repeats_a_table_gets_its_new_numbers_too()
    {
        var tied = Llama with { IsTied = true };
        using var toy = tied.Checkpoint();
        const string Table = "model.embed_tokens.weight";
        toy.Add("lm_head.weight", DecoderToy.Vocabulary, DecoderToy.Hidden);
        toy[Table].CopyTo(toy["lm_head.weight"], 0);

        // With a table of zeros each use of it waits for the other, so nothing moves.
        Array.Clear(toy[Table]);
        Array.Clear(toy["lm_head.weight"]);
        toy.Save(tied.Config);
        using var folder = new TemporaryFolder();
        var result = Fix.Model(toy.Path, folder.File("out"));
        Assert.Contains(result.Repairs, repair => repair.Tensor == Table);
        using var after = SafetensorsFile.Open(folder.File("out", "model.safetensors"));
        var tensors = after.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        Assert.Equal(tensors[Table].Bytes(0, (int)tensors[Table].Length).ToArray(), tensors["lm_head.weight"].Bytes(0, (int)tensors[Table].Length).ToArray());
    }
}
