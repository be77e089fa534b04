using Tiebreak.Numbers;

namespace Tiebreak.Formats.Families;

/// <summary>Phi-3 ("Phi-3 Technical Report", 2024): like Llama, with queries, keys and values in one tensor, and gates and values of the feed-forward layers in another.</summary>
sealed class Phi3 : Family
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["phi3"];

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        var config = layers.Config;
        int? window = config.Count("sliding_window", 0) is var size and > 0 ? size : null;
        new RotaryDecoder(layers, new DecoderStyle
        {
            HeadSize = config.Size("hidden_size") / config.Size("num_attention_heads"),
            IsMerged = true,
            Epsilon = Rational.Parse("1e-5"),
            Activation = config.Text("hidden_act", "silu"),
            Dropout = (config.Number("embd_pdrop", Rational.Zero), config.Number("resid_pdrop", Rational.Zero)),
            Window = _ => window,
        }).Build();
    }
}
