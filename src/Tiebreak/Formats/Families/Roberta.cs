using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>RoBERTa ("RoBERTa: A Robustly Optimized BERT Pretraining Approach", 2019). The first place stands behind the row of padding in the table of positions, so the rows up to there are never read.</summary>
sealed class Roberta : Family
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["roberta", "xlm-roberta"];

    /// <inheritdoc/>
    public override IReadOnlyList<DataInput> Inputs(FamilyConfig config) =>
        BertEncoder.HasTypes(config) ? [Tokens("input_ids", "sequence"), Tokens("token_type_ids", "sequence")] : base.Inputs(config);

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        var (weights, config) = (layers.Weights, layers.Config);
        var encoder = new BertEncoder(layers, Prefix(layers, "roberta.", "embeddings.word_embeddings.weight"));
        var x = encoder.Build(config.Count("pad_token_id", 1) + 1);
        if (weights.Has("lm_head.dense.weight"))
        {
            var y = layers.Activation("lm_head", "gelu", layers.Dense(x, "lm_head.dense", encoder.Hidden, encoder.Hidden, hasBias: true));
            y = encoder.Normal(y, "lm_head.layer_norm");
            layers.Seen.Add(("logits", MaskedHead.Scores(layers, encoder, y, "lm_head.decoder", weights.Has("lm_head.bias") ? "lm_head.bias" : "lm_head.decoder.bias")));
        }

        if (weights.Has("classifier.out_proj.weight"))
        {
            var first = layers.Dense(encoder.BeforeHead(encoder.First(x)), "classifier.dense", encoder.Hidden, encoder.Hidden, hasBias: true);
            first = encoder.BeforeHead(layers.Builder.Apply(FunctionKind.Tanh, first));
            layers.Seen.Add(("class_logits", layers.Dense(first, "classifier.out_proj", encoder.Hidden, LanguageHead.Labels(config), hasBias: true)));
        }

        if (weights.Has("classifier.weight")) layers.Seen.Add(("token_logits", layers.Dense(encoder.BeforeHead(x), "classifier", encoder.Hidden, LanguageHead.Labels(config), hasBias: true)));
        if (weights.Has("qa_outputs.weight")) layers.Seen.Add(("span_logits", layers.Dense(x, "qa_outputs", encoder.Hidden, 2, hasBias: true)));
        var pooled = encoder.HasPooler ? encoder.Pooled(x) : null;
        if (layers.Seen.Count == 0) layers.Seen.Add(("last_hidden_state", x));
        if (pooled is not null) layers.Seen.Add(("pooler_output", pooled));
    }
}
