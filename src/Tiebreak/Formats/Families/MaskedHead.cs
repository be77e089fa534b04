using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>The head that guesses masked tokens: scores by the token table and a bias, which some checkpoints save a second time at the layer that shares them.</summary>
static class MaskedHead
{
    /// <summary>Scores for all tokens.</summary>
    public static Node Scores(FamilyLayers layers, BertEncoder encoder, Node x, string decoder, string bias)
    {
        Node scores;
        if (layers.Config.Flag("tie_word_embeddings", true))
        {
            layers.Weights.IsCopy(decoder + ".weight", encoder.Table + ".weight");
            scores = layers.Scores(x, encoder.Table, encoder.Vocabulary, encoder.Hidden);
        }
        else
        {
            scores = layers.Dense(x, decoder, encoder.Hidden, encoder.Vocabulary, hasBias: false);
        }

        layers.Weights.IsCopy(decoder + ".bias", bias);
        return layers.Builder.Add(scores, layers.Builder.BroadcastTo(layers.Weight(bias, ParameterRole.Bias, [AxisMeaning.Output], encoder.Vocabulary), scores.Shape));
    }
}
