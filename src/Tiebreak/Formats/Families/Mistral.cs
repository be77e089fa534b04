namespace Tiebreak.Formats.Families;

/// <summary>Mistral ("Mistral 7B", 2023): like Llama, where queries may see a window of the keys only.</summary>
sealed class Mistral : Family
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["mistral"];

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        var config = layers.Config;
        int? window = config.Count("sliding_window", 0) is var size and > 0 ? size : null;
        new RotaryDecoder(layers, new DecoderStyle
        {
            HeadSize = config.Size("head_dim", config.Size("hidden_size") / config.Size("num_attention_heads")),
            Activation = config.Text("hidden_act", "silu"),
            Window = _ => window,
        }).Build();
    }
}
