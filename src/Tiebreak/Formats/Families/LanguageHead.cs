using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>What stands behind a stack of layers: scores for all tokens, or for classes, or nothing.</summary>
static class LanguageHead
{
    /// <summary>Makes a decoder's last value, or what a head makes of it, what a loss sees.</summary>
    /// <param name="layers">The layers.</param>
    /// <param name="x">The last value.</param>
    /// <param name="table">The module of the token table.</param>
    /// <param name="hidden">Its features.</param>
    /// <param name="vocabulary">Its rows.</param>
    /// <param name="isTied">Whether the head is the table where the configuration does not say.</param>
    /// <param name="isWhole">Whether the names of the weights are those of a model with a head.</param>
    /// <param name="softcap">Logits stay below this; 0 leaves them.</param>
    public static void See(FamilyLayers layers, Node x, string table, ConfigSize hidden, ConfigSize vocabulary, bool isTied, bool isWhole, Rational softcap = default)
    {
        isTied = layers.Config.Flag("tie_word_embeddings", isTied);
        if (layers.Weights.Has("score.weight"))
        {
            // A sequence is judged by its last place.
            var last = layers.Builder.Gather(x, new IndexMap.Affine(x.Shape, new Shape(x.Shape[0], 1, x.Shape[2]), (x.Shape[1] - 1) * x.Shape[2], new Axes(x.Shape.Strides())));
            layers.Seen.Add(("logits", layers.Dense(last, "score", hidden, Labels(layers.Config), hasBias: false)));
            return;
        }

        var hasOwn = layers.Weights.Has("lm_head.weight");
        var isSaved = layers.Config.Architectures.Any(name => name.EndsWith("ForCausalLM", StringComparison.Ordinal) || name.EndsWith("LMHeadModel", StringComparison.Ordinal));
        if (!hasOwn && !isSaved && !(isTied && isWhole))
        {
            layers.Seen.Add(("last_hidden_state", x));
            return;
        }

        if (isTied) layers.Weights.IsCopy("lm_head.weight", table + ".weight");
        var logits = isTied ? layers.Scores(x, table, vocabulary, hidden) : layers.Dense(x, "lm_head", hidden, vocabulary, hasBias: false);
        if (softcap.Sign > 0) logits = layers.Builder.Scale(layers.Builder.Apply(FunctionKind.Tanh, layers.Builder.Scale(logits, Rational.One / softcap)), softcap);
        layers.Seen.Add(("logits", logits));
    }

    /// <summary>The number of classes of a model that judges.</summary>
    public static ConfigSize Labels(FamilyConfig config) => config.Part("id2label") is { } labels ? new ConfigSize(labels.Keys, "id2label") : config.Size("num_labels", 2);
}
