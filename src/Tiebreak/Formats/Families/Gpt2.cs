using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>GPT-2 ("Language Models are Unsupervised Multitask Learners", 2019). Its dense weights are [inputs, outputs].</summary>
sealed class Gpt2 : Family
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["gpt2"];

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        var (config, builder) = (layers.Config, layers.Builder);
        if (config.Flag("add_cross_attention", false)) throw FamilyErrors.NotSupported(config.Path, "it attends to another model (`add_cross_attention`)");
        layers.Weights.AreBuffers("*.attn.bias", "*.attn.masked_bias");
        var (hidden, places, vocabulary, heads) = (config.Size("n_embd"), config.Size("n_positions"), config.Size("vocab_size"), config.Size("n_head"));
        var epsilon = config.Number("layer_norm_epsilon", Rational.Parse("1e-5"));
        var tenth = Rational.Parse("0.1"); // what configurations that say nothing mean
        var (onTokens, onResults, onShares) = (config.Number("embd_pdrop", tenth), config.Number("resid_pdrop", tenth), config.Number("attn_pdrop", tenth));
        var wide = config.Size("n_inner", hidden * 4);
        var activation = config.Text("activation_function", "gelu_new");
        var prefix = Prefix(layers, "transformer.", "wte.weight");
        var length = layers.Dim("sequence");

        var x = layers.LookUp(layers.Indices("input_ids", length, vocabulary), prefix + "wte", vocabulary, hidden);
        layers.At(prefix + "wpe", "positions");
        var table = layers.Weight(prefix + "wpe.weight", ParameterRole.LookUp, [AxisMeaning.Row, AxisMeaning.Output], places, hidden);
        x = builder.Add(x, builder.BroadcastTo(layers.Positions(table, length, 0, "n_positions"), x.Shape));
        x = layers.Dropped(x, prefix + "wte", onTokens);
        int count = config.Size("n_layer");
        for (var number = 0; number < count; number++)
        {
            var layer = $"{prefix}h.{number}";
            var parts = layers.DenseTurnedParts(layers.LayerNorm(x, layer + ".ln_1", hidden, epsilon), layer + ".attn.c_attn", hidden, hidden, 3);
            var scale = config.Flag("scale_attn_weights", true) ? ScaledDotProducts.DefaultScale(hidden / heads) : Rational.One;
            if (config.Flag("scale_attn_by_inverse_layer_idx", false)) scale /= number + 1;
            Node Part(int place) => layers.Heads(parts[place], heads);
            var mixed = layers.Attention(layer + ".attn", Part(0), Part(1), Part(2), new AttentionSettings(scale) { IsCausal = true, Dropout = onShares });
            var attended = layers.DenseTurned(mixed, layer + ".attn.c_proj", hidden, hidden);
            x = layers.Residual(x, layers.Dropped(attended, layer + ".attn.c_proj", onResults), layer + ".attn");
            var inner = layers.DenseTurned(layers.LayerNorm(x, layer + ".ln_2", hidden, epsilon), layer + ".mlp.c_fc", hidden, wide);
            var fed = layers.DenseTurned(layers.Activation("activation_function", activation, inner), layer + ".mlp.c_proj", wide, hidden);
            x = layers.Name($"hidden_states.{number + 1}", layers.Residual(x, layers.Dropped(fed, layer + ".mlp.c_proj", onResults), layer + ".mlp"));
        }

        x = layers.LayerNorm(x, prefix + "ln_f", hidden, epsilon);
        LanguageHead.See(layers, x, prefix + "wte", hidden, vocabulary, isTied: true, isWhole: prefix.Length > 0);
    }
}
