using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>T5 ("Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", 2019): an encoder and a decoder with learned biases for distances, scores that are not scaled.</summary>
sealed class T5 : Family
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["t5"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> FreeDims(FamilyConfig config) => HasDecoder(config) ? ["sequence", "decoder_sequence"] : ["sequence"];

    /// <inheritdoc/>
    public override IReadOnlyList<DataInput> Inputs(FamilyConfig config) =>
        HasDecoder(config) ? [Tokens("input_ids", "sequence"), Tokens("decoder_input_ids", "decoder_sequence")] : base.Inputs(config);

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        var config = layers.Config;
        foreach (var copy in new[] { "encoder.embed_tokens.weight", "decoder.embed_tokens.weight" }) layers.Weights.IsCopy(copy, "shared.weight");
        layers.Weights.AreBuffers("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"); // the first checkpoints hold it, and no version reads it
        var (hidden, vocabulary) = (config.Size("d_model"), config.Size("vocab_size"));
        var encoder = new T5Stack(layers, "encoder", encoded: null);
        var encoded = encoder.Build(layers.LookUp(layers.Indices("input_ids", layers.Dim("sequence"), vocabulary), "shared", vocabulary, hidden), config.Size("num_layers"));
        if (!HasDecoder(config))
        {
            layers.Seen.Add(("last_hidden_state", encoded));
            return;
        }

        var decoder = new T5Stack(layers, "decoder", encoded);
        var x = decoder.Build(layers.LookUp(layers.Indices("decoder_input_ids", layers.Dim("decoder_sequence"), vocabulary), "shared", vocabulary, hidden), config.Size("num_decoder_layers", config.Size("num_layers")));
        if (!layers.Weights.Has("lm_head.weight") && Saved(layers, "T5Model"))
        {
            layers.Seen.Add(("last_hidden_state", x));
            return;
        }

        if (config.Flag("tie_word_embeddings", true))
        {
            layers.Weights.IsCopy("lm_head.weight", "shared.weight");
            layers.Seen.Add(("logits", layers.Scores(layers.Builder.Scale(x, Formats.Layers.ScaledDotProducts.DefaultScale(hidden)), "shared", vocabulary, hidden)));
        }
        else
        {
            layers.Seen.Add(("logits", layers.Dense(x, "lm_head", hidden, vocabulary, hasBias: false)));
        }
    }

    static bool HasDecoder(FamilyConfig config) => !config.Architectures.Any(name => name.EndsWith("EncoderModel", StringComparison.Ordinal));
}
