using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>BERT ("BERT: Pre-training of Deep Bidirectional Transformers", 2018), with the heads its checkpoint holds.</summary>
sealed class Bert : Family
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["bert"];

    /// <inheritdoc/>
    public override IReadOnlyList<DataInput> Inputs(FamilyConfig config) =>
        BertEncoder.HasTypes(config) ? [Tokens("input_ids", "sequence"), Tokens("token_type_ids", "sequence")] : base.Inputs(config);

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        var (weights, config) = (layers.Weights, layers.Config);
        var encoder = new BertEncoder(layers, Prefix(layers, "bert.", "embeddings.word_embeddings.weight"));
        var x = encoder.Build(firstPosition: 0);
        var pooled = encoder.HasPooler ? encoder.Pooled(x) : null;
        if (weights.Has("cls.predictions.transform.dense.weight")) layers.Seen.Add(("prediction_logits", Predictions(layers, encoder, x)));
        if (pooled is not null && weights.Has("cls.seq_relationship.weight")) layers.Seen.Add(("seq_relationship_logits", layers.Dense(pooled, "cls.seq_relationship", encoder.Hidden, 2, hasBias: true)));
        if (weights.Has("classifier.weight"))
        {
            var judged = encoder.BeforeHead(pooled is null || Saved(layers, "TokenClassification") ? x : pooled);
            layers.Seen.Add(("logits", layers.Dense(judged, "classifier", encoder.Hidden, Saved(layers, "MultipleChoice") ? 1 : LanguageHead.Labels(config), hasBias: true)));
        }

        if (weights.Has("qa_outputs.weight")) layers.Seen.Add(("span_logits", layers.Dense(x, "qa_outputs", encoder.Hidden, 2, hasBias: true)));
        if (layers.Seen.Count > 0) return;
        layers.Seen.Add(("last_hidden_state", x));
        if (pooled is not null) layers.Seen.Add(("pooler_output", pooled));
    }

    static Node Predictions(FamilyLayers layers, BertEncoder encoder, Node x)
    {
        const string Module = "cls.predictions";
        var (config, weights) = (layers.Config, layers.Weights);
        var y = layers.Activation("hidden_act", config.Text("hidden_act", "gelu"), layers.Dense(x, Module + ".transform.dense", encoder.Hidden, encoder.Hidden, hasBias: true));
        y = encoder.Normal(y, Module + ".transform.LayerNorm");
        return MaskedHead.Scores(layers, encoder, y, Module + ".decoder", weights.Has(Module + ".bias") ? Module + ".bias" : Module + ".decoder.bias");
    }
}
