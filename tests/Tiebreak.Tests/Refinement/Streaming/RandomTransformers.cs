using Tiebreak.Formats.Safetensors;
using Tiebreak.Tests.Formats.Families;
using Xunit;

namespace Tiebreak.Tests.Refinement.Streaming;

/// <summary>Small transformers of each family with random weights, of which some slices are copies, some tensors zero and some of one number throughout.</summary>
static class RandomTransformers
{
    static readonly Dictionary<string, Func<int, (ToyCheckpoint Toy, string Config)>> Families = new(StringComparer.Ordinal)
    {
        ["gpt2"] = seed => (Gpt2Toy.Checkpoint(seed), Gpt2Toy.Config),
        ["bert"] = seed => (BertToy.Checkpoint(seed), BertToy.Config()),
        ["roberta"] = seed => (BertToy.Checkpoint(seed, "roberta"), BertToy.Config("roberta")),
        ["vit"] = seed => (VitToy.Checkpoint(seed), VitToy.Config()),
        ["t5"] = seed => (T5Toy.Checkpoint(seed, seed % 2 == 0), T5Toy.Config(seed % 2 == 0)),
    };

    static readonly Dictionary<string, DecoderToy> Decoders = new(StringComparer.Ordinal)
    {
        ["llama"] = new DecoderToy("llama"),
        ["mistral"] = new DecoderToy("mistral") { Window = _ => 2, More = ",\"sliding_window\":2" },
        ["qwen2"] = new DecoderToy("qwen2") { HasBiases = true },
        ["qwen3"] = new DecoderToy("qwen3") { HeadSize = 4, Scale = 0.5, Frequencies = [1, 0.001], NormalisesHeads = true, More = ",\"head_dim\":4" },
        ["gemma"] = new DecoderToy("gemma") { IsGemma = true, IsTied = true, HeadSize = 4, Scale = 0.5, Frequencies = [1, 0.01], More = ",\"head_dim\":4,\"hidden_act\":\"gelu\"" },
        ["phi3"] = new DecoderToy("phi3") { IsMerged = true },
        ["mixtral"] = new DecoderToy("mixtral") { ExpertCount = 4, NormalisesShares = true, More = ",\"num_local_experts\":4,\"num_experts_per_tok\":2" },
        ["qwen2_moe"] = new DecoderToy("qwen2_moe") { HasBiases = true, ExpertCount = 4, HasSharedExpert = true, More = ",\"num_experts\":4,\"num_experts_per_tok\":2,\"moe_intermediate_size\":3,\"shared_expert_intermediate_size\":6" },
    };

    public static TheoryData<string> Names => [.. Families.Keys, .. Decoders.Keys];

    /// <summary>One of them, saved.</summary>
    /// <param name="family">Its family.</param>
    /// <param name="seed">Of its numbers.</param>
    /// <param name="change">What is done to it before.</param>
    public static ToyCheckpoint Draw(string family, int seed, Action<ToyCheckpoint>? change = null)
    {
        var random = new Random(seed);
        var (checkpoint, config) = Families.TryGetValue(family, out var make) ? make(seed) : (Decoders[family].Checkpoint(seed), Decoders[family].Config);
        foreach (var name in checkpoint.Names.Where(_ => random.Next(3) == 0).ToArray()) CopySlices(checkpoint, name, random);
        change?.Invoke(checkpoint);
        checkpoint.Save(config, type: (seed % 3) switch { 0 => SafetensorsType.BF16, 1 => SafetensorsType.F32, _ => SafetensorsType.F16 });
        return checkpoint;
    }

    // A slice over another; sometimes all of a tensor at zero or at one number, so that much is stuck, late or tied.
    static void CopySlices(ToyCheckpoint checkpoint, string name, Random random)
    {
        var (values, sizes) = (checkpoint[name], checkpoint.Sizes(name));
        switch (random.Next(8))
        {
            case 0:
                Array.Fill(values, 0);
                break;
            case 1:
                Array.Fill(values, 0.25);
                break;
            default:
                var axis = random.Next(sizes.Length);
                checkpoint.Copy(name, axis, random.Next(sizes[axis]), random.Next(sizes[axis]));
                break;
        }
    }
}
