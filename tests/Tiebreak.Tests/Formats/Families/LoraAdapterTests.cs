using Tiebreak.Formats;
using Xunit;

namespace Tiebreak.Tests.Formats.Families;

/// <summary>Adapters that PEFT saves: in their base, and alone.</summary>
public sealed class LoraAdapterTests
{
    const string Name = "adapter_model.safetensors";
    static readonly DecoderToy Llama = new("llama");

    static string Config(string home, string more = "") => $$"""
        {"peft_type":"LORA","base_model_name_or_path":"{{home}}","r":2,"lora_alpha":3,"lora_dropout":0.0,"target_modules":["q_proj","v_proj"],"bias":"none"{{more}}}
        """;

    static ToyCheckpoint Adapter(bool isZero, params string[] more)
    {
        var toy = new ToyCheckpoint(7);
        foreach (var module in new[] { "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.v_proj" })
        {
            toy.Add($"base_model.model.{module}.lora_A.weight", 2, 8).Add($"base_model.model.{module}.lora_B.weight", module.EndsWith("q_proj", StringComparison.Ordinal) ? 8 : 4, 2);
            if (isZero) Array.Clear(toy[$"base_model.model.{module}.lora_B.weight"]);
        }

        foreach (var name in more) toy.Add(name, 7, 8);
        return toy;
    }

    [Fact]
    public void In_its_base_an_adapter_adds_its_product_and_alone_is_trained()
    {
        using var home = Llama.Checkpoint().Save(Llama.Config);
        using var adapter = Adapter(isZero: false).Save(Config(home.Path), Name, "adapter_config.json");
        using var file = ModelFile.Open(adapter.Path);
        Assert.Equal([adapter.File("adapter_config.json"), adapter.File(Name), home.File("config.json"), home.File("model.safetensors")], file.Files);
        var model = file.Lower(new LoweringOptions { Dims = new Dictionary<string, int> { ["sequence"] = 4 } });
        Assert.Equal(4, model.Parameters.Count);
        Assert.All(model.Parameters, parameter => Assert.Contains(".lora_", parameter.Name, StringComparison.Ordinal));

        // The base with the products added to its weights computes the same.
        int[] tokens = [4, 0, 6, 2];
        var actual = Tiebreak.Evaluation.FloatEvaluator.Evaluate(model.Program, node => node.Primitive switch
        {
            Tiebreak.Programs.Primitive.Parameter { Name: var name } => adapter.Has(name) ? adapter[name] : home[name],
            _ => Plain.OneHot(7, tokens),
        })[0].Values;
        foreach (var module in new[] { "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.v_proj" })
        {
            var (a, b, w) = (adapter[$"base_model.model.{module}.lora_A.weight"], adapter[$"base_model.model.{module}.lora_B.weight"], home[module + ".weight"]);
            for (var k = 0; k < w.Length; k++) w[k] += 1.5 * (b[k / 8 * 2] * a[k % 8] + b[k / 8 * 2 + 1] * a[8 + k % 8]);
        }

        Plain.Near(Llama.Forward(home, tokens), actual);
    }

    [Fact]
    public void A_look_up_and_a_layer_of_a_bare_base_are_adapted_by_the_ends_of_their_names()
    {
        using var home = Gpt2Toy.Checkpoint(prefix: "").Save(Gpt2Toy.Config);
        using var adapter = new ToyCheckpoint(7).Add("base_model.model.transformer.wpe.lora_embedding_A", 2, 5).Add("base_model.model.transformer.wpe.lora_embedding_B", 6, 2)
            .Add("base_model.model.transformer.h.1.mlp.c_fc.lora_A.weight", 4, 6).Add("base_model.model.transformer.h.1.mlp.c_fc.lora_B.weight", 24, 4);
        foreach (var name in new[] { "A", "B" }) adapter[$"base_model.model.transformer.h.1.mlp.c_fc.lora_{name}.weight"][0] = 0.25;
        adapter.Save(Config(home.Path, ",\"use_rslora\":true,\"alpha_pattern\":{\"c_fc\":6}"), Name, "adapter_config.json");
        using var refused = ModelFile.Open(adapter.Path);
        var error = Assert.Throws<TiebreakException>(() => refused.Lower(new LoweringOptions { Dims = new Dictionary<string, int> { ["sequence"] = 3 } }));
        Assert.Contains("wpe.lora_embedding_A` adapts a layer that", error.Message, StringComparison.Ordinal); // the table of positions is read whole

        using var right = adapter.Without("base_model.model.transformer.wpe").Add("base_model.model.transformer.wte.lora_embedding_A", 2, 7).Add("base_model.model.transformer.wte.lora_embedding_B", 6, 2)
            .Save(Config(home.Path, ",\"use_rslora\":true,\"alpha_pattern\":{\"c_fc\":6}"), Name, "adapter_config.json");
        using var file = ModelFile.Open(right.Path);
        var model = file.Lower(new LoweringOptions { Dims = new Dictionary<string, int> { ["sequence"] = 5 } });
        int[] tokens = [4, 0, 6, 2, 1];
        var actual = Tiebreak.Evaluation.FloatEvaluator.Evaluate(model.Program, node => node.Primitive is Tiebreak.Programs.Primitive.Parameter { Name: var name } ? right.Has(name) ? right[name] : home[name] : Plain.OneHot(7, tokens))[0].Values;
        // The layer: 6 / √4 times the product, into [inputs, outputs]. The look-up is not the head's, so it is added as positions are.
        var (a, b, w) = (right["base_model.model.transformer.h.1.mlp.c_fc.lora_A.weight"], right["base_model.model.transformer.h.1.mlp.c_fc.lora_B.weight"], home["h.1.mlp.c_fc.weight"]);
        for (var i = 0; i < 6; i++)
            for (var o = 0; o < 24; o++)
                for (var r = 0; r < 4; r++) w[i * 24 + o] += 3 * b[o * 4 + r] * a[r * 6 + i];
        var (down, up, places) = (right["base_model.model.transformer.wte.lora_embedding_A"], right["base_model.model.transformer.wte.lora_embedding_B"], home["wpe.weight"]);
        for (var t = 0; t < 5; t++)
            for (var o = 0; o < 6; o++)
                for (var r = 0; r < 2; r++) places[t * 6 + o] += 3 / Math.Sqrt(2) * up[o * 2 + r] * down[r * 7 + tokens[t]];
        Plain.Near(Gpt2Toy.Forward(home, tokens, [0, 1, 2, 3, 4], ""), actual);
    }

    [Fact]
    public void Factors_that_start_at_zero_move_first_and_the_others_a_step_later()
    {
        using var home = Llama.Checkpoint().Save(Llama.Config);
        using var adapter = Adapter(isZero: true).Save(Config(home.Path), Name, "adapter_config.json");
        foreach (var where in new[] { home.Path, "somebody/some-model" })
        {
            adapter.Save(Config(where), Name, "adapter_config.json");
            var outcome = new FamilyOutcome(adapter.Path);
            outcome.OnlyStuck();
            outcome.OnlyTied();
            foreach (var tensor in outcome.Result.Tensors) Assert.Equal(tensor.Name.Contains("lora_A", StringComparison.Ordinal) ? 2 : 1, tensor.FirstStepMin);
        }
    }

    [Fact]
    public void Both_factors_zero_never_move_and_equal_ranks_stay_equal()
    {
        using var adapter = Adapter(isZero: true);
        Array.Clear(adapter["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"]);
        adapter.Copy("base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight", 0, 0, 1);
        adapter.Save(Config("somebody/some-model"), Name, "adapter_config.json");
        var outcome = new FamilyOutcome(adapter.Path);
        outcome.OnlyStuck("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight[0..15]", "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight[0..15]");
        outcome.OnlyTied(
            ("base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight", [0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15]),
            ("base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight", [0, 2, 4, 6], [1, 3, 5, 7]));
        Assert.Contains(outcome.Result.Analysis.Model.Notes, note => note.Contains("the base somebody/some-model is not on this machine", StringComparison.Ordinal));
    }

    [Fact]
    public void A_whole_tensor_takes_the_place_of_that_of_the_base()
    {
        using var home = Llama.Checkpoint().Save(Llama.Config);
        using var adapter = Adapter(isZero: true, "base_model.model.lm_head.weight").Save(Config(home.Path, ",\"modules_to_save\":[\"lm_head\"]"), Name, "adapter_config.json");
        using var file = ModelFile.Open(adapter.File(Name));
        var model = file.Lower(new LoweringOptions { Dims = new Dictionary<string, int> { ["sequence"] = 3 } });
        Assert.Contains("base_model.model.lm_head.weight", model.Parameters.Select(parameter => parameter.Name));
        Assert.DoesNotContain("lm_head.weight", model.Frozen.Select(parameter => parameter.Name));
        new FamilyOutcome(adapter.Path).OnlyStuck();
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var home = Llama.Checkpoint().Save(Llama.Config);
        void Refused(ToyCheckpoint adapter, string config, params string[] parts)
        {
            using (adapter)
            {
                adapter.Save(config, Name, "adapter_config.json");
                var error = Assert.Throws<TiebreakException>(() =>
                {
                    using var file = ModelFile.Open(adapter.Path);
                    file.Lower(new LoweringOptions { Dims = new Dictionary<string, int> { ["sequence"] = 3 } });
                });
                Assert.DoesNotContain('\n', error.Message);
                foreach (var part in parts) Assert.Contains(part, error.Message, StringComparison.Ordinal);
            }
        }

        Refused(Adapter(true), Config(home.Path).Replace("\"LORA\"", "\"IA3\"", StringComparison.Ordinal), "kind IA3, which is not supported");
        Refused(Adapter(true), Config(home.Path, ",\"use_dora\":true"), "kind DoRA");
        Refused(Adapter(true, "lora.weight"), Config(home.Path), "tensor `lora.weight` has no name that PEFT gives");
        Refused(Adapter(true, "base_model.model.model.layers.7.self_attn.q_proj.lora_A.weight"), Config(home.Path), "but no `base_model.model.model.layers.7.self_attn.q_proj.lora_B.weight`");
        Refused(Adapter(true).Add("base_model.model.model.layers.7.self_attn.q_proj.lora_A.weight", 2, 8).Add("base_model.model.model.layers.7.self_attn.q_proj.lora_B.weight", 8, 2), Config(home.Path), "adapts a layer that", "does not have");
        Refused(Adapter(true).Add("base_model.model.model.layers.1.self_attn.k_proj.lora_A.weight", 2, 8).Add("base_model.model.model.layers.1.self_attn.k_proj.lora_B.weight", 4, 3), Config(home.Path), "do not have a rank in common");
        Refused(Adapter(true).Add("base_model.model.model.layers.1.self_attn.k_proj.lora_A.weight", 2, 6).Add("base_model.model.model.layers.1.self_attn.k_proj.lora_B.weight", 4, 2), Config(home.Path), "do not fit a layer that config.json makes [4,8] (num_key_value_heads × ");
        Refused(Adapter(true, "base_model.model.model.norm.weight"), Config(home.Path), "is to take the place of one of shape [8]");
    }
}
