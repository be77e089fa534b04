using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>What differs between the decoders with rotary embeddings.</summary>
sealed record DecoderStyle
{
    /// <summary>The features of a head.</summary>
    public required ConfigSize HeadSize { get; init; }

    /// <summary>Whether queries, keys and values have biases.</summary>
    public bool HasBiases { get; init; }

    /// <summary>Whether what attention gives has a bias.</summary>
    public bool HasOutputBias { get; init; }

    /// <summary>Whether queries and keys of each head are normalised.</summary>
    public bool NormalisesHeads { get; init; }

    /// <summary>Whether queries, keys and values are one tensor, and gates and values of the feed-forward layer another.</summary>
    public bool IsMerged { get; init; }

    /// <summary>Whether what each half of a layer adds is normalised, too.</summary>
    public bool NormalisesResults { get; init; }

    /// <summary>What is added to the scales of normalisations.</summary>
    public int NormOffset { get; init; }

    /// <summary>The ε of normalisations where the configuration has none.</summary>
    public Rational Epsilon { get; init; } = Rational.Parse("1e-6");

    /// <summary>What token vectors are multiplied with.</summary>
    public Rational TokenScale { get; init; } = Rational.One;

    /// <summary>What scores are multiplied with; null for one over the root of the head's features.</summary>
    public Rational? Scale { get; init; }

    /// <summary>Scores of attention stay below this; 0 leaves them.</summary>
    public Rational Softcap { get; init; }

    /// <summary>Logits stay below this; 0 leaves them.</summary>
    public Rational FinalSoftcap { get; init; }

    /// <summary>The base of the angles where the configuration has none.</summary>
    public double Theta { get; init; } = 10_000;

    /// <summary>Whether the output layer is the table of tokens where the configuration does not say.</summary>
    public bool IsTied { get; init; }

    /// <summary>The activation function.</summary>
    public string Activation { get; init; } = "silu";

    /// <summary>The chance of a dropout of token vectors, and of what each half of a layer adds.</summary>
    public (Rational Tokens, Rational Results) Dropout { get; init; }

    /// <summary>How many keys a query of a layer sees; null for all.</summary>
    public Func<int, int?> Window { get; init; } = _ => null;

    /// <summary>The feed-forward part of a layer: value, name of the layer, its number; null for the usual one.</summary>
    public Func<Node, string, int, Node?>? FeedForward { get; init; }
}

/// <summary>The decoder that Llama began: normalised by root mean squares, rotary positions, heads of keys shared by queries, gated feed-forward layers.</summary>
sealed class RotaryDecoder(FamilyLayers layers, DecoderStyle style)
{
    readonly FamilyConfig _config = layers.Config;
    readonly ConfigSize _hidden = layers.Config.Size("hidden_size");
    readonly ConfigSize _heads = layers.Config.Size("num_attention_heads");
    readonly ConfigSize _shared = layers.Config.Size("num_key_value_heads", layers.Config.Size("num_attention_heads"));
    readonly Rational _epsilon = layers.Config.Number("rms_norm_eps", style.Epsilon);
    readonly string _prefix = layers.Weights.Has("model.embed_tokens.weight") ? "model." : "";

    /// <summary>Builds all layers and what a loss sees.</summary>
    public void Build()
    {
        var builder = layers.Builder;
        var vocabulary = _config.Size("vocab_size");
        var length = layers.Dim("sequence");
        var table = _prefix + "embed_tokens";
        var x = layers.LookUp(layers.Indices("input_ids", length, vocabulary), table, vocabulary, _hidden);
        x = layers.Dropped(builder.Scale(x, style.TokenScale), table, style.Dropout.Tokens);
        var turned = (int)(style.HeadSize.Value * _config.Double("partial_rotary_factor", 1));
        var (cosines, sines) = new RotaryAngles(_config, turned, style.Theta).Of(builder, length);
        int count = _config.Size("num_hidden_layers");
        for (var number = 0; number < count; number++)
        {
            var layer = $"{_prefix}layers.{number}";
            var attended = Attention(layers.RmsNorm(x, layer + ".input_layernorm", _hidden, _epsilon, style.NormOffset), layer + ".self_attn", number, node => Rotation.Turned(builder, node, cosines, sines, neighbours: false, turned));
            if (style.NormalisesResults) attended = layers.RmsNorm(attended, layer + ".post_attention_layernorm", _hidden, _epsilon, style.NormOffset);
            x = layers.Residual(x, layers.Dropped(attended, layer + ".self_attn", style.Dropout.Results), layer + ".self_attn");
            var normal = layers.RmsNorm(x, layer + (style.NormalisesResults ? ".pre_feedforward_layernorm" : ".post_attention_layernorm"), _hidden, _epsilon, style.NormOffset);
            var fed = style.FeedForward?.Invoke(normal, layer, number) ?? Gated(normal, layer + ".mlp", _config.Size("intermediate_size"));
            if (style.NormalisesResults) fed = layers.RmsNorm(fed, layer + ".post_feedforward_layernorm", _hidden, _epsilon, style.NormOffset);
            x = layers.Name($"hidden_states.{number + 1}", layers.Residual(x, layers.Dropped(fed, layer + ".mlp", style.Dropout.Results), layer + ".mlp"));
        }

        x = layers.RmsNorm(x, _prefix + "norm", _hidden, _epsilon, style.NormOffset);
        LanguageHead.See(layers, x, table, _hidden, vocabulary, style.IsTied, isWhole: _prefix.Length > 0, style.FinalSoftcap);
    }

    /// <summary>down(activation(gate(x)) · up(x)), under the usual names or others.</summary>
    public Node Gated(Node x, string module, ConfigSize size, string gate = "gate_proj", string up = "up_proj", string down = "down_proj")
    {
        var hasBias = _config.Flag("mlp_bias", false);
        Node opened, value;
        if (style.IsMerged)
        {
            var both = layers.Dense(x, $"{module}.gate_up_proj", _hidden, size * 2, hasBias: false);
            (opened, value) = (layers.Features(both, 0, size), layers.Features(both, size, size));
        }
        else
        {
            (opened, value) = (layers.Dense(x, $"{module}.{gate}", _hidden, size, hasBias), layers.Dense(x, $"{module}.{up}", _hidden, size, hasBias));
        }

        opened = layers.Activation(style.Activation, style.Activation, opened);
        return layers.Dense(layers.Builder.Multiply(opened, value), $"{module}.{down}", size, _hidden, hasBias);
    }

    Node Attention(Node x, string module, int number, Func<Node, Node> turn)
    {
        var (wide, narrow) = (_heads * style.HeadSize, _shared * style.HeadSize);
        Node queries, keys, values;
        if (style.IsMerged)
        {
            var all = layers.Dense(x, module + ".qkv_proj", _hidden, wide + narrow + narrow, hasBias: false);
            (queries, keys, values) = (layers.Features(all, 0, wide), layers.Features(all, wide, narrow), layers.Features(all, wide + narrow, narrow));
        }
        else
        {
            queries = layers.Dense(x, module + ".q_proj", _hidden, wide, style.HasBiases);
            keys = layers.Dense(x, module + ".k_proj", _hidden, narrow, style.HasBiases);
            values = layers.Dense(x, module + ".v_proj", _hidden, narrow, style.HasBiases);
        }

        (queries, keys, values) = (layers.Heads(queries, _heads), layers.Heads(keys, _shared), layers.Heads(values, _shared));
        if (style.NormalisesHeads)
        {
            queries = layers.RmsNorm(queries, module + ".q_norm", style.HeadSize, _epsilon);
            keys = layers.RmsNorm(keys, module + ".k_norm", style.HeadSize, _epsilon);
        }

        layers.At(module, "rotation");
        var mixed = layers.Attention(module, turn(queries), turn(keys), values, new AttentionSettings(style.Scale ?? ScaledDotProducts.DefaultScale(style.HeadSize))
        {
            Softcap = style.Softcap,
            IsCausal = true,
            Window = style.Window(number),
            Dropout = _config.Number("attention_dropout", Rational.Zero),
        });
        return layers.Dense(mixed, module + ".o_proj", wide, _hidden, style.HasOutputBias);
    }
}
