using Tiebreak.Programs;

namespace Tiebreak.MakeCheckpoint;

/// <summary>Mixtral: a Llama whose feed-forward layers are mixtures of experts, with a head of its own.</summary>
public sealed class Mixtral : Llama
{
    /// <inheritdoc/>
    public override string Type => "mixtral";

    /// <inheritdoc/>
    public override string Config(string type, double dropout) => $$"""
        {
          "architectures": [
            "MixtralForCausalLM"
          ],
          "attention_dropout": 0.0,
          "bos_token_id": 1,
          "eos_token_id": 2,
          "hidden_act": "silu",
          "hidden_size": {{Size.Width}},
          "initializer_range": 0.02,
          "intermediate_size": {{Size.Inner}},
          "max_position_embeddings": 32768,
          "model_type": "mixtral",
          "num_attention_heads": {{Size.Heads}},
          "num_experts_per_tok": {{Size.Chosen}},
          "num_hidden_layers": {{Size.Layers}},
          "num_key_value_heads": {{Size.SharedHeads}},
          "num_local_experts": {{Size.Experts}},
          "output_router_logits": false,
          "rms_norm_eps": 1e-05,
          "rope_theta": 1000000.0,
          "router_aux_loss_coef": 0.02,
          "sliding_window": null,
          "tie_word_embeddings": false,
          "torch_dtype": "{{type}}",
          "use_cache": true,
          "vocab_size": {{Size.Vocabulary}}
        }

        """;

    /// <summary>In the last expert, so that copies of the first ones stay copies.</summary>
    public override IEnumerable<Copied> Units(int layer, params int[] units) => GatedUnits(Expert($"model.layers.{layer}.", Size.Experts - 1), "w1", "w3", "w2", units);

    /// <inheritdoc/>
    public override IEnumerable<Copied> Experts(int layer, int from, int to)
    {
        var at = $"model.layers.{layer}.";
        return
        [
            new Copied(at + "block_sparse_moe.gate.weight", 0, 1, from, to),
            .. new[] { "w1", "w2", "w3" }.Select(name => new Copied($"{Expert(at, to)}{name}.weight", 0, name == "w2" ? Size.Width : Size.Inner, 0) { Source = $"{Expert(at, from)}{name}.weight" }),
        ];
    }

    /// <inheritdoc/>
    protected override ModelSize Usual(int width)
    {
        var heads = width >= 128 ? width / 64 : 4;
        return new ModelSize { Layers = Math.Max(2, width / 128), Width = width, Heads = heads, SharedHeads = SharedBy(heads), Inner = width * 7 / 2, Vocabulary = width >= 1024 ? 32000 : 16 * width, Experts = 8, Chosen = 2 };
    }

    /// <inheritdoc/>
    protected override IEnumerable<TensorPlan> Plans() => base.Plans().Append(Dense("lm_head", Size.Vocabulary, Size.Width));

    /// <inheritdoc/>
    protected override IEnumerable<TensorPlan> FeedForward(string at)
    {
        yield return Dense(at + "block_sparse_moe.gate", Size.Experts, Size.Width);
        for (var expert = 0; expert < Size.Experts; expert++)
        {
            yield return Dense(Expert(at, expert) + "w1", Size.Inner, Size.Width);
            yield return Dense(Expert(at, expert) + "w2", Size.Width, Size.Inner);
            yield return Dense(Expert(at, expert) + "w3", Size.Inner, Size.Width);
        }
    }

    static string Expert(string at, int expert) => $"{at}block_sparse_moe.experts.{expert}.";
}
