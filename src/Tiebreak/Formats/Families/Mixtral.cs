using Tiebreak.Numbers;

namespace Tiebreak.Formats.Families;

/// <summary>Mixtral ("Mixtral of Experts", 2024): Mistral with a mixture of experts in each layer.</summary>
sealed class Mixtral : Family
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["mixtral"];

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        var config = layers.Config;
        int? window = config.Count("sliding_window", 0) is var size and > 0 ? size : null;
        if (config.Number("router_jitter_noise", Rational.Zero).Sign != 0) layers.Notes.Add("the noise of the routers (router_jitter_noise) is left out");
        RotaryDecoder? decoder = null;
        decoder = new RotaryDecoder(layers, new DecoderStyle
        {
            HeadSize = config.Size("head_dim", config.Size("hidden_size") / config.Size("num_attention_heads")),
            Epsilon = Rational.Parse("1e-5"),
            Theta = 1e6,
            Activation = config.Text("hidden_act", "silu"),
            Window = _ => window,
            FeedForward = (x, layer, number) => Experts.Mixed(layers, x, layer + ".block_sparse_moe.gate", number, config.Size("num_local_experts", 8), config.Size("num_experts_per_tok", 2), normalises: true,
                (value, k) => decoder!.Gated(value, $"{layer}.block_sparse_moe.experts.{k}", config.Size("intermediate_size"), "w1", "w3", "w2")),
        });
        decoder.Build();
    }
}
