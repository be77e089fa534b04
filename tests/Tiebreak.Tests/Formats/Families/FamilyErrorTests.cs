using Tiebreak.Formats;
using Tiebreak.Formats.Safetensors;
using Xunit;

namespace Tiebreak.Tests.Formats.Families;

/// <summary>What does not fit together between configuration and weights: one line that names file, tensor, what the configuration says and the remedy.</summary>
public sealed class FamilyErrorTests
{
    static readonly DecoderToy Llama = new("llama");

    static TiebreakException Refused(ToyCheckpoint toy, params string[] parts)
    {
        var error = Assert.Throws<TiebreakException>(() =>
        {
            using var file = ModelFile.Open(toy.Path);
            file.Lower(new LoweringOptions { Dims = new Dictionary<string, int> { ["sequence"] = 3 } });
        });
        Assert.StartsWith(toy.Path, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        foreach (var part in parts) Assert.Contains(part, error.Message, StringComparison.Ordinal);
        return error;
    }

    static void RefusedWith(string config, params string[] parts)
    {
        using var toy = Llama.Checkpoint().Save(config);
        Refused(toy, parts);
    }

    [Fact]
    public void A_shape_that_contradicts_the_configuration() =>
        RefusedWith(Llama.Config.Replace("\"intermediate_size\":5", "\"intermediate_size\":6", StringComparison.Ordinal),
            "model.safetensors: tensor `model.layers.0.mlp.gate_proj.weight` has the shape [5,8], but config.json makes it [6,8] (intermediate_size, hidden_size); take the configuration");

    [Fact]
    public void A_tensor_that_is_missing() =>
        RefusedWith(Llama.Config.Replace("\"num_hidden_layers\":2", "\"num_hidden_layers\":3", StringComparison.Ordinal),
            "holds no tensor `model.layers.2.input_layernorm.weight`, which config.json makes [8] (hidden_size)");

    [Fact]
    public void A_tensor_under_another_name()
    {
        using var toy = Llama.Checkpoint().Add("model.layers.0.mlp.gate_project.weight", 5, 8);
        toy.Save(Llama.Config.Replace("\"num_hidden_layers\":2", "\"num_hidden_layers\":3", StringComparison.Ordinal));
        Refused(toy, "holds no tensor `model.layers.2");
    }

    [Fact]
    public void Tensors_that_are_left_over()
    {
        RefusedWith(Llama.Config.Replace("\"num_hidden_layers\":2", "\"num_hidden_layers\":1", StringComparison.Ordinal), "tensor `model.layers.1.input_layernorm.weight` and 8 more is no part of the family `llama`", "--freeze");
        using var toy = Llama.Checkpoint().Add("vision.weight", 2, 3).Add("model.layers.0.self_attn.rotary_emb.inv_freq", 1).Save(Llama.Config);
        Refused(toy, "tensor `vision.weight` is no part");
        using var file = ModelFile.Open(toy.Path);
        var model = file.Lower(new LoweringOptions { Dims = new Dictionary<string, int> { ["sequence"] = 3 }, Freeze = ["vision.weight"] });
        Assert.DoesNotContain(model.Parameters, parameter => parameter.Name.Contains("vision", StringComparison.Ordinal) || parameter.Name.Contains("inv_freq", StringComparison.Ordinal));
    }

    [Fact]
    public void Weights_that_are_no_real_numbers()
    {
        using var toy = Llama.Checkpoint();
        toy.Save(Llama.Config);
        using (var file = SafetensorsFile.Open(toy.File("model.safetensors")))
        {
            SafetensorsWriter.Write(toy.File("model.safetensors"), [.. file.Tensors.Select(tensor => tensor.Name == "model.norm.weight" ? SafetensorsEntry.Of(tensor.Name, SafetensorsType.I8, tensor.Shape, new byte[8]) : SafetensorsEntry.Copy(tensor))]);
        }

        Refused(toy, "tensor `model.norm.weight` is I8, but weights are real numbers");
    }

    [Fact]
    public void Keys_that_are_missing_or_of_another_kind()
    {
        RefusedWith(Llama.Config.Replace("\"hidden_size\":8", "\"size\":8", StringComparison.Ordinal), "config.json: has no `hidden_size`");
        RefusedWith(Llama.Config.Replace("\"hidden_size\":8", "\"hidden_size\":\"8\"", StringComparison.Ordinal), "`hidden_size` must be a whole number");
        RefusedWith(Llama.Config.Replace("\"hidden_size\":8", "\"hidden_size\":0", StringComparison.Ordinal), "`hidden_size` must be a whole number from 1");
        RefusedWith(Llama.Config.Replace("\"rms_norm_eps\":1e-06", "\"rms_norm_eps\":true", StringComparison.Ordinal), "`rms_norm_eps` must be a number");
        RefusedWith(Llama.Config.Replace("\"tie_word_embeddings\":false", "\"tie_word_embeddings\":0", StringComparison.Ordinal), "`tie_word_embeddings` must be true or false");
        RefusedWith((Llama with { More = ",\"rope_scaling\":3" }).Config, "`rope_scaling` must be an object");
        RefusedWith((Llama with { More = ",\"rope_scaling\":{\"rope_type\":\"spiral\"}" }).Config, "stretched by `spiral`, which is not supported");
        RefusedWith((Llama with { More = ",\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":0}" }).Config, "angles that are no numbers");
        RefusedWith((Llama with { More = ",\"hidden_act\":\"snake\"" }).Config, "`snake`, which is not supported");
        RefusedWith(Llama.Config.Replace("\"num_key_value_heads\":2", "\"num_key_value_heads\":3", StringComparison.Ordinal), "config.json");
        RefusedWith("{\"model_type\":", "config.json: is not JSON");
        RefusedWith("[]", "config.json: is not JSON");
        RefusedWith("{}", "config.json: has no `model_type`");
    }

    [Fact]
    public void An_unknown_family_lists_what_is_known()
    {
        using var toy = Llama.Checkpoint().Save(Llama.Config.Replace("\"llama\"", "\"mamba\"", StringComparison.Ordinal));
        var error = Refused(toy, "the family `mamba` is not known; known are bert, gemma, gemma2, gpt2, llama, mistral, mixtral, phi3, qwen2, qwen2_moe, qwen3, qwen3_moe, roberta, t5, vit");
        Assert.Contains("  model.layers.*.mlp.gate_proj.weight [5,8] F32 (2 of them)", error.Details, StringComparison.Ordinal);
        Assert.Contains("  model.embed_tokens.weight [7,8] F32", error.Details, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_without_configuration_lists_what_is_known()
    {
        using var toy = Llama.Checkpoint().Save(Llama.Config);
        File.Delete(toy.File("config.json"));
        Assert.Contains("  lm_head.weight [7,8] F32", Refused(toy, "there is no config.json").Details, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shard_is_named()
    {
        using var toy = Llama.Checkpoint();
        toy.Save(Llama.Config.Replace("\"intermediate_size\":5", "\"intermediate_size\":6", StringComparison.Ordinal));
        using (var file = SafetensorsFile.Open(toy.File("model.safetensors")))
        {
            var half = file.Tensors.Count / 2;
            SafetensorsWriter.Write(toy.File("model-00001-of-00002.safetensors"), [.. file.Tensors.Take(half).Select(SafetensorsEntry.Copy)]);
            SafetensorsWriter.Write(toy.File("model-00002-of-00002.safetensors"), [.. file.Tensors.Skip(half).Select(SafetensorsEntry.Copy)]);
            File.WriteAllText(toy.File("model.safetensors.index.json"), "{\"weight_map\":{" + string.Join(",", file.Tensors.Select((tensor, k) => $"\"{tensor.Name}\":\"model-0000{(k < half ? 1 : 2)}-of-00002.safetensors\"")) + "}}");
        }

        File.Delete(toy.File("model.safetensors"));
        Refused(toy, "model-00001-of-00002.safetensors: tensor `model.layers.0.mlp.gate_proj.weight` has the shape [5,8]");
        File.WriteAllText(toy.File("config.json"), Llama.Config);
        Assert.Equal("safetensors", new FamilyOutcome(toy.Path).Result.Format);
        Assert.Equal(4, Check.Model(toy.File("model.safetensors.index.json")).Files!.Count);
    }

    [Fact]
    public void Sequences_longer_than_the_table_of_positions()
    {
        using var toy = Gpt2Toy.Checkpoint().Save(Gpt2Toy.Config);
        using var file = ModelFile.Open(toy.Path);
        var error = Assert.Throws<TiebreakException>(() => file.Lower(new LoweringOptions { Dims = new Dictionary<string, int> { ["sequence"] = 6 } }));
        Assert.Contains("a sequence of 6 is longer than the 5 places of `n_positions`", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<TiebreakException>(() => file.Lower(new LoweringOptions()));
        Assert.Contains("--dim sequence=SIZE", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<TiebreakException>(() => file.Lower(new LoweringOptions { Dims = new Dictionary<string, int> { ["sequence"] = 3 }, Opaque = ["Foo"] }));
        Assert.Contains("--opaque does not apply to a checkpoint", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<TiebreakException>(() => file.Lower(new LoweringOptions { Dims = new Dictionary<string, int> { ["sequence"] = 3 }, AlsoOutputs = ["hidden_state.1"] }));
        Assert.Contains("did you mean `hidden_states.1`?", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_beside_its_configuration_and_its_folder_are_one()
    {
        using var toy = Gpt2Toy.Checkpoint().Save(Gpt2Toy.Config);
        Assert.Equal(Check.Model(toy.Path).Counts, Check.Model(toy.File("model.safetensors")).Counts);
    }

    [Fact]
    public void Data_of_tokens_is_bound_to_the_input()
    {
        using var toy = Gpt2Toy.Checkpoint().Save(Gpt2Toy.Config);
        File.WriteAllText(toy.File("tokens.csv"), "input_ids[0],input_ids[1],input_ids[2]\n0,1,2\n2,1,0\n1,1,3\n");
        var result = Check.Model(toy.Path, new CheckOptions { Data = toy.File("tokens.csv"), Seed = 1 });
        Assert.NotNull(result.Analysis.Data);
        // Positions behind the third are never read by such data.
        var wpe = Enumerable.Range(0, result.Tensors.Count).Single(k => result.Tensors[k].Name == "transformer.wpe.weight");
        Assert.All(result.Analysis.Partition!.Codes[wpe][18..], code => Assert.Equal(0, code));
        Assert.All(result.Analysis.Partition!.Codes[wpe][..18], code => Assert.NotEqual(0, code));
    }

    [Fact]
    public void Every_type_of_numbers_is_read()
    {
        foreach (var type in new[] { SafetensorsType.F64, SafetensorsType.F16, SafetensorsType.BF16, SafetensorsType.F8E4M3, SafetensorsType.F8E5M2 })
        {
            using var toy = Gpt2Toy.Checkpoint().Save(Gpt2Toy.Config, type: type);
            new FamilyOutcome(toy.Path).OnlyStuck("transformer.h.0.attn.c_attn.bias[6..11]", "transformer.h.1.attn.c_attn.bias[6..11]");
        }
    }
}
