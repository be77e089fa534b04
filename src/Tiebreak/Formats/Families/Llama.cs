using Tiebreak.Numbers;

namespace Tiebreak.Formats.Families;

/// <summary>Llama 1 to 3 ("LLaMA", 2023; "The Llama 3 Herd of Models", 2024).</summary>
sealed class Llama : Family
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["llama"];

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        var config = layers.Config;
        var hasBiases = config.Flag("attention_bias", false);
        new RotaryDecoder(layers, new DecoderStyle
        {
            HeadSize = config.Size("head_dim", config.Size("hidden_size") / config.Size("num_attention_heads")),
            HasBiases = hasBiases,
            HasOutputBias = hasBiases,
            Activation = config.Text("hidden_act", "silu"),
        }).Build();
    }
}
