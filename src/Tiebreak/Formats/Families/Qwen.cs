using Tiebreak.Numbers;

namespace Tiebreak.Formats.Families;

/// <summary>Qwen 2 and 3 ("Qwen2 Technical Report", 2024; "Qwen3 Technical Report", 2025): the second has biases at queries, keys and values, the third normalises queries and keys instead.</summary>
sealed class Qwen : Family
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["qwen2", "qwen3"];

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        new RotaryDecoder(layers, Style(layers.Config, layers.Config.Text("model_type", "") == "qwen3")).Build();
    }

    /// <summary>What the second and third generation have in common with those of many experts.</summary>
    public static DecoderStyle Style(FamilyConfig config, bool isThird)
    {
        var hasBiases = isThird ? config.Flag("attention_bias", false) : config.Flag("qkv_bias", true);
        return new DecoderStyle
        {
            HeadSize = config.Size("head_dim", isThird && config.Text("model_type", "") == "qwen3" ? 128 : config.Size("hidden_size") / config.Size("num_attention_heads")),
            HasBiases = hasBiases,
            HasOutputBias = isThird && hasBiases,
            NormalisesHeads = isThird,
            Activation = config.Text("hidden_act", "silu"),
            Window = Window(config),
        };
    }

    // The first layers see all keys, the others a window, unless each layer is told apart.
    static Func<int, int?> Window(FamilyConfig config)
    {
        if (!config.Flag("use_sliding_window", false) || config.Count("sliding_window", 0) is not (var size and > 0)) return _ => null;
        var (kinds, first) = (config.Texts("layer_types"), config.Count("max_window_layers", 28));
        return number => (kinds is null ? number >= first : number < kinds.Count && kinds[number] == "sliding_attention") ? size : null;
    }
}
