using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>Qwen 2 and 3 with mixtures of many small experts; those of the second have one more that every place takes, behind a gate.</summary>
sealed class QwenExperts : Family
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["qwen2_moe", "qwen3_moe"];

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        var config = layers.Config;
        var isThird = config.Text("model_type", "") == "qwen3_moe";
        var dense = (config.Doubles("mlp_only_layers") ?? []).Select(number => (int)number).ToHashSet();
        var step = config.Count("decoder_sparse_step", 1);
        RotaryDecoder? decoder = null;
        decoder = new RotaryDecoder(layers, Qwen.Style(config, isThird) with { FeedForward = FeedForward });
        decoder.Build();

        Node? FeedForward(Node x, string layer, int number)
        {
            if (dense.Contains(number) || step == 0 || (number + 1) % step != 0) return null;
            var module = layer + ".mlp";
            var mixed = Experts.Mixed(layers, x, module + ".gate", number, config.Size("num_experts", isThird ? 128 : 60), config.Size("num_experts_per_tok", isThird ? 8 : 4), config.Flag("norm_topk_prob", false),
                (value, k) => decoder!.Gated(value, $"{module}.experts.{k}", config.Size("moe_intermediate_size")));
            if (isThird) return mixed;
            var shared = decoder!.Gated(x, module + ".shared_expert", config.Size("shared_expert_intermediate_size"));
            var gate = Nonlinearities.Sigmoid(layers.Builder, layers.Dense(x, module + ".shared_expert_gate", config.Size("hidden_size"), 1, hasBias: false));
            var opened = layers.Builder.Multiply(shared, layers.Builder.BroadcastTo(gate, shared.Shape));
            return layers.Builder.Add(mixed, opened);
        }
    }
}
