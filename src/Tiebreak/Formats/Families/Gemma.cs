using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;

namespace Tiebreak.Formats.Families;

/// <summary>Gemma 1 and 2 ("Gemma", 2024; "Gemma 2", 2024): scales of normalisations are one plus the weight, token vectors are multiplied by the root of their size.</summary>
sealed class Gemma : Family
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["gemma", "gemma2"];

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        var config = layers.Config;
        var isSecond = config.Text("model_type", "") == "gemma2";
        var hasBiases = config.Flag("attention_bias", false);
        var headSize = config.Size("head_dim", 256);
        new RotaryDecoder(layers, new DecoderStyle
        {
            HeadSize = headSize,
            HasBiases = hasBiases,
            HasOutputBias = hasBiases,
            NormOffset = 1,
            TokenScale = Rational.One / ScaledDotProducts.DefaultScale(config.Size("hidden_size")),
            // The first generation's hidden_act was read wrongly for a time: its true name is hidden_activation.
            Activation = config.Text("hidden_activation", "gelu_pytorch_tanh"),
            IsTied = true,
            NormalisesResults = isSecond,
            Scale = isSecond ? ScaledDotProducts.DefaultScale(config.Size("query_pre_attn_scalar", 256)) : null,
            Softcap = isSecond ? config.Number("attn_logit_softcapping", 50) : Rational.Zero,
            FinalSoftcap = isSecond ? config.Number("final_logit_softcapping", 30) : Rational.Zero,
            Window = isSecond ? Window(config) : _ => null,
        }).Build();
    }

    // Every second layer sees a window, beginning with the first.
    static Func<int, int?> Window(FamilyConfig config)
    {
        var (size, kinds) = (config.Count("sliding_window", 4096), config.Texts("layer_types"));
        return number => size > 0 && (kinds is null ? number % 2 == 0 : number < kinds.Count && kinds[number] == "sliding_attention") ? size : null;
    }
}
