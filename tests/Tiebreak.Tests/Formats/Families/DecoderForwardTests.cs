using Xunit;

namespace Tiebreak.Tests.Formats.Families;

/// <summary>The programs of decoders with rotary positions compute what their architectures say.</summary>
public sealed class DecoderForwardTests
{
    static readonly Dictionary<string, DecoderToy> Toys = new(StringComparer.Ordinal)
    {
        ["llama"] = new DecoderToy("llama"),
        ["llama, tied, wide heads, biases"] = new DecoderToy("llama")
        {
            IsTied = true, HeadSize = 4, Scale = 0.5, Frequencies = [1, Math.Pow(500, -0.5)], HasBiases = true, HasOutputBias = true, HasInnerBiases = true,
            More = ",\"head_dim\":4,\"attention_bias\":true,\"mlp_bias\":true,\"rope_theta\":500.0",
        },
        ["llama, stretched as the third"] = new DecoderToy("llama")
        {
            // 2π / frequency: the first wave is short, the second between, the third and fourth long.
            HeadSize = 8, Scale = 1 / Math.Sqrt(8), Frequencies = [1, 0.1 / 8 * (1 - Middle(0.1)) + 0.1 * Middle(0.1), 0.01 / 8, 0.001 / 8],
            More = ",\"head_dim\":8,\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,\"original_max_position_embeddings\":128}",
        },
        ["llama, stretched evenly"] = new DecoderToy("llama") { Frequencies = [0.25], More = ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":4.0}" },
        ["llama, stretched by YaRN"] = new DecoderToy("llama")
        {
            // The ramp goes from feature 0 to 1, so all waves but the first are stretched.
            HeadSize = 8, Scale = 1 / Math.Sqrt(8), Frequencies = [1, 0.1 / 4, 0.01 / 4, 0.001 / 4], Factor = 0.1 * Math.Log(4) + 1,
            More = ",\"head_dim\":8,\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4.0,\"original_max_position_embeddings\":16}",
        },
        ["llama, as newer configurations have it"] = new DecoderToy("llama") { HeadSize = 4, Scale = 0.5, Frequencies = [1, Math.Pow(300, -0.5)], More = ",\"head_dim\":4,\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":300}" },
        ["mistral, window"] = new DecoderToy("mistral") { Window = _ => 2, More = ",\"sliding_window\":2" },
        ["qwen2"] = new DecoderToy("qwen2") { HasBiases = true },
        ["qwen2, windows behind the first layer"] = new DecoderToy("qwen2") { HasBiases = true, Window = layer => layer < 1 ? int.MaxValue : 2, More = ",\"use_sliding_window\":true,\"sliding_window\":2,\"max_window_layers\":1" },
        ["qwen3"] = new DecoderToy("qwen3") { HeadSize = 4, Scale = 0.5, Frequencies = [1, 0.001], NormalisesHeads = true, More = ",\"head_dim\":4,\"rope_theta\":1000000" },
        ["gemma"] = new DecoderToy("gemma") { IsGemma = true, IsTied = true, HeadSize = 4, Scale = 0.5, Frequencies = [1, 0.01], More = ",\"head_dim\":4,\"hidden_act\":\"gelu\"" },
        ["gemma2"] = new DecoderToy("gemma2")
        {
            IsGemma = true, IsTied = true, HeadSize = 4, Frequencies = [1, 0.01], NormalisesResults = true, Scale = 1 / Math.Sqrt(6), Softcap = 1.5, FinalSoftcap = 2, Window = layer => layer % 2 == 0 ? 2 : int.MaxValue,
            More = ",\"head_dim\":4,\"query_pre_attn_scalar\":6,\"attn_logit_softcapping\":1.5,\"final_logit_softcapping\":2.0,\"sliding_window\":2",
        },
        ["phi3"] = new DecoderToy("phi3") { IsMerged = true },
        ["phi3, stretched by a factor for each wave"] = new DecoderToy("phi3")
        {
            IsMerged = true, Frequencies = [1 / 1.5], Factor = Math.Sqrt(1 + Math.Log(4) / Math.Log(32)),
            More = ",\"max_position_embeddings\":128,\"original_max_position_embeddings\":32,\"rope_scaling\":{\"type\":\"longrope\",\"short_factor\":[1.5],\"long_factor\":[9]}",
        },
        ["mixtral"] = new DecoderToy("mixtral") { ExpertCount = 4, NormalisesShares = true, More = ",\"num_local_experts\":4,\"num_experts_per_tok\":2,\"rope_theta\":1000000" },
        ["qwen2_moe"] = new DecoderToy("qwen2_moe") { HasBiases = true, ExpertCount = 4, HasSharedExpert = true, More = ",\"num_experts\":4,\"num_experts_per_tok\":2,\"moe_intermediate_size\":3,\"shared_expert_intermediate_size\":6" },
        ["qwen3_moe"] = new DecoderToy("qwen3_moe") { NormalisesHeads = true, ExpertCount = 5, Chosen = 3, NormalisesShares = true, More = ",\"num_experts\":5,\"num_experts_per_tok\":3,\"moe_intermediate_size\":3,\"norm_topk_prob\":true" },
    };

    public static TheoryData<string> Names => [.. Toys.Keys];

    // How far a wave of 128 · f / 2π turns is on its way from 1 turn to 4.
    static double Middle(double frequency) => (128 * frequency / (2 * Math.PI) - 1) / 3;

    [Theory]
    [MemberData(nameof(Names))]
    public void The_program_computes_what_the_architecture_says(string name)
    {
        var toy = Toys[name];
        for (var seed = 1; seed <= 3; seed++)
        {
            using var checkpoint = toy.Checkpoint(seed).Save(toy.Config);
            int[] tokens = [5, 0, 3, 6, 3];
            var outputs = checkpoint.Run(new() { ["sequence"] = 5 }, new() { ["input_ids among 7"] = Plain.OneHot(7, tokens) });
            Plain.Near(toy.Forward(checkpoint, tokens), Assert.Single(outputs).Value);
            Assert.Equal("logits", outputs.Keys.Single());
        }
    }

    [Fact]
    public void A_bare_model_gives_its_last_value()
    {
        var toy = new DecoderToy("llama") { IsTied = true };
        using var checkpoint = toy.Checkpoint(prefix: "").Save(toy.Config);
        var outputs = checkpoint.Run(new() { ["sequence"] = 3 }, new() { ["input_ids among 7"] = Plain.OneHot(7, 1, 2, 3) });
        Plain.Near(toy.Forward(checkpoint, [1, 2, 3], "", hasHead: false), outputs["last_hidden_state"]);
    }

    [Fact]
    public void A_model_that_judges_reads_the_last_place()
    {
        var toy = new DecoderToy("llama") { IsTied = true, More = ",\"id2label\":{\"0\":\"no\",\"1\":\"maybe\",\"2\":\"yes\"}" };
        using var checkpoint = toy.Checkpoint().Add("score.weight", 3, 8).Save(toy.Config);
        var outputs = checkpoint.Run(new() { ["sequence"] = 4 }, new() { ["input_ids among 7"] = Plain.OneHot(7, 1, 2, 3, 0) });
        var last = toy.Forward(checkpoint, [1, 2, 3, 0], hasHead: false)[^8..];
        Plain.Near(Plain.Dense([last], checkpoint["score.weight"])[0], outputs["logits"]);
    }
}
