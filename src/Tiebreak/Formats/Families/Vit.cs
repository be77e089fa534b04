using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>ViT ("An Image is Worth 16x16 Words", 2020). An image of fewer patches than configured is a strip; its last patch then stands for every place that is left (theory §5).</summary>
sealed class Vit : Family
{
    const int FewestFree = 4; // with fewer patches than this the whole image is small enough

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["vit"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> FreeDims(FamilyConfig config) => Patches(config) >= FewestFree ? ["patches"] : [];

    /// <inheritdoc/>
    public override IReadOnlyList<DataInput> Inputs(FamilyConfig config)
    {
        int size = config.Size("image_size", 224);
        return [new DataInput("pixel_values", [new DataDim(1, null), new DataDim(config.Size("num_channels", 3), null), new DataDim(size, null), new DataDim(size, null)], HasSampleAxis: true, IsInteger: false)];
    }

    /// <inheritdoc/>
    public override void Build(FamilyLayers layers)
    {
        var (config, builder, weights) = (layers.Config, layers.Builder, layers.Weights);
        var (hidden, heads) = (config.Size("hidden_size"), config.Size("num_attention_heads"));
        var epsilon = config.Number("layer_norm_eps", Rational.Parse("1e-12"));
        var dropout = config.Number("hidden_dropout_prob", Rational.Zero);
        var prefix = Prefix(layers, "vit.", "embeddings.cls_token");
        weights.AreBuffers(prefix + "embeddings.mask_token"); // stands for patches that are hidden from the model, which they are not here
        var x = layers.Dropped(Embedded(layers, prefix + "embeddings", hidden), prefix + "embeddings", dropout);
        int count = config.Size("num_hidden_layers");
        for (var number = 0; number < count; number++)
        {
            var layer = $"{prefix}encoder.layer.{number}";
            var normal = layers.LayerNorm(x, layer + ".layernorm_before", hidden, epsilon);
            Node Projected(string name) => layers.Heads(layers.Dense(normal, $"{layer}.attention.attention.{name}", hidden, hidden, config.Flag("qkv_bias", true)), heads);
            var mixed = layers.Attention(layer + ".attention", Projected("query"), Projected("key"), Projected("value"), new AttentionSettings(ScaledDotProducts.DefaultScale(hidden / heads))
            {
                Dropout = config.Number("attention_probs_dropout_prob", Rational.Zero),
            });
            var attended = layers.Dropped(layers.Dense(mixed, layer + ".attention.output.dense", hidden, hidden, hasBias: true), layer + ".attention.output", dropout);
            x = layers.Residual(x, attended, layer + ".attention");
            var wide = config.Size("intermediate_size");
            var inner = layers.Dense(layers.LayerNorm(x, layer + ".layernorm_after", hidden, epsilon), layer + ".intermediate.dense", hidden, wide, hasBias: true);
            var fed = layers.Dense(layers.Activation("hidden_act", config.Text("hidden_act", "gelu"), inner), layer + ".output.dense", wide, hidden, hasBias: true);
            x = layers.Name($"hidden_states.{number + 1}", layers.Residual(x, layers.Dropped(fed, layer + ".output", dropout), layer));
        }

        x = layers.LayerNorm(x, prefix + "layernorm", hidden, epsilon);
        See(layers, x, prefix, hidden);
    }

    static void See(FamilyLayers layers, Node x, string prefix, ConfigSize hidden)
    {
        var first = layers.Builder.Gather(x, new IndexMap.Affine(x.Shape, new Shape(x.Shape[0], 1, x.Shape[2]), 0, new Axes(x.Shape.Strides())));
        if (layers.Weights.Has("classifier.weight"))
        {
            layers.Seen.Add(("logits", layers.Dense(first, "classifier", hidden, LanguageHead.Labels(layers.Config), hasBias: true)));
            return;
        }

        layers.Seen.Add(("last_hidden_state", x));
        if (!layers.Weights.Has(prefix + "pooler.dense.weight")) return;
        var pooled = layers.Dense(first, prefix + "pooler.dense", hidden, layers.Config.Size("pooler_output_size", hidden), hasBias: true);
        layers.Seen.Add(("pooler_output", layers.Activation("pooler_act", layers.Config.Text("pooler_act", "tanh"), pooled)));
    }

    // A token for the whole image, then the patches, each with the vector of its place.
    static Node Embedded(FamilyLayers layers, string module, ConfigSize hidden)
    {
        var (config, builder) = (layers.Config, layers.Builder);
        var all = Patches(config);
        var patches = all >= FewestFree ? layers.Dim("patches") : all;
        if (patches > all) throw FamilyErrors.TooLongSequence(config.Path, patches, "image_size", all);
        var (channels, size, side) = (config.Size("num_channels", 3), config.Size("patch_size", 16), config.Size("image_size", 224));
        var (rows, columns) = patches == all ? (side / size, side / size) : ((ConfigSize)1, (ConfigSize)patches);
        layers.At(module + ".patch_embeddings.projection", "convolution");
        var image = builder.Data("pixel_values", new Shape(layers.Batch, channels, rows * size, columns * size));
        var cut = builder.Reshape(image, new Shape(layers.Batch, channels, rows, size, columns, size));
        var kernel = layers.Weight(module + ".patch_embeddings.projection.weight", ParameterRole.Convolution, [AxisMeaning.Output, AxisMeaning.Input, AxisMeaning.Window, AxisMeaning.Window], hidden, channels, size, size);
        var x = builder.Reshape(builder.Contract("bcyuxv", "ocuv", "byxo", cut, kernel), new Shape(layers.Batch, patches, hidden));
        x = builder.Add(x, builder.BroadcastTo(layers.Weight(module + ".patch_embeddings.projection.bias", ParameterRole.Bias, [AxisMeaning.Output], hidden), x.Shape));

        layers.At(module, "positions");
        var token = builder.BroadcastTo(layers.Weight(module + ".cls_token", ParameterRole.Other, [AxisMeaning.Other, AxisMeaning.Other, AxisMeaning.Output], 1, 1, hidden), new Shape(layers.Batch, 1, hidden));
        ConfigSize places = new(all + 1, "(image_size / patch_size)² + 1");
        var table = builder.Reshape(layers.Weight(module + ".position_embeddings", ParameterRole.LookUp, [AxisMeaning.Other, AxisMeaning.Row, AxisMeaning.Output], 1, places, hidden), new Shape(places, hidden));
        var first = builder.Gather(table, new IndexMap.Affine(table.Shape, new Shape(1, hidden), 0, new Axes(table.Shape.Strides())));
        var positions = builder.Concat(0, first, layers.Positions(table, patches, 1, "image_size"));
        x = builder.Concat(1, token, x);
        return builder.Add(x, builder.BroadcastTo(positions, x.Shape));
    }

    static int Patches(FamilyConfig config)
    {
        int along = config.Size("image_size", 224) / config.Size("patch_size", 16);
        if (along < 1) throw FamilyErrors.Misfit(config.Path, "its `patch_size` is larger than its `image_size`");
        return checked(along * along);
    }
}
