using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>One of T5's stacks of layers; a decoder also attends to what the encoder made.</summary>
sealed class T5Stack(FamilyLayers layers, string name, Node? encoded)
{
    const int MostDistances = 1 << 20; // each is looked at

    readonly FamilyConfig _config = layers.Config;
    readonly ConfigSize _hidden = layers.Config.Size("d_model");
    readonly ConfigSize _heads = layers.Config.Size("num_heads");
    readonly ConfigSize _inner = layers.Config.Size("num_heads") * layers.Config.Size("d_kv", 64);
    readonly Rational _epsilon = layers.Config.Number("layer_norm_epsilon", Rational.Parse("1e-6"));
    readonly Rational _dropout = layers.Config.Number("dropout_rate", Rational.Parse("0.1"));

    /// <summary>The stack's last value.</summary>
    public Node Build(Node x, int count)
    {
        x = layers.Dropped(x, name, _dropout);
        var bias = Bias(x.Shape[1]);
        for (var number = 0; number < count; number++)
        {
            var block = $"{name}.block.{number}.layer";
            x = Attended(x, block + ".0", ".SelfAttention", null, new AttentionSettings(Rational.One) { IsCausal = encoded is not null, Bias = bias, Dropout = _dropout });
            if (encoded is not null) x = Attended(x, block + ".1", ".EncDecAttention", encoded, new AttentionSettings(Rational.One) { Dropout = _dropout });
            x = layers.Name($"{name}.hidden_states.{number + 1}", Fed(x, block + (encoded is null ? ".1" : ".2")));
        }

        return layers.Dropped(layers.RmsNorm(x, name + ".final_layer_norm", _hidden, _epsilon), name + ".final_layer_norm", _dropout);
    }

    Node Attended(Node x, string layer, string kind, Node? to, AttentionSettings settings)
    {
        var module = layer + kind;
        var normal = layers.RmsNorm(x, layer + ".layer_norm", _hidden, _epsilon);
        Node Projected(Node from, string letter) => layers.Heads(layers.Dense(from, $"{module}.{letter}", _hidden, _inner, hasBias: false), _heads);
        var mixed = layers.Attention(module, Projected(normal, "q"), Projected(to ?? normal, "k"), Projected(to ?? normal, "v"), settings);
        return layers.Residual(x, layers.Dropped(layers.Dense(mixed, module + ".o", _inner, _hidden, hasBias: false), layer, _dropout), layer);
    }

    Node Fed(Node x, string layer)
    {
        var kind = _config.Text("feed_forward_proj", "relu");
        var isGated = kind.StartsWith("gated-", StringComparison.Ordinal);
        var activation = isGated ? kind["gated-".Length..] : kind;
        if (isGated && activation == "gelu") activation = "gelu_new"; // what the configuration has always meant
        var (module, wide) = (layer + ".DenseReluDense", _config.Size("d_ff"));
        var normal = layers.RmsNorm(x, layer + ".layer_norm", _hidden, _epsilon);
        var inner = layers.Activation("feed_forward_proj", activation, layers.Dense(normal, module + (isGated ? ".wi_0" : ".wi"), _hidden, wide, hasBias: false));
        if (isGated) inner = layers.Builder.Multiply(inner, layers.Dense(normal, module + ".wi_1", _hidden, wide, hasBias: false));
        var fed = layers.Dense(layers.Dropped(inner, module, _dropout), module + ".wo", wide, _hidden, hasBias: false);
        return layers.Residual(x, layers.Dropped(fed, layer, _dropout), layer);
    }

    /// <summary>
    /// What the distance between query and key adds to a score, [1, heads, queries, keys]: distances share buckets, which widen. Between the first place and the last stands a mixture of all
    /// buckets of distances at least as great, which longer sequences have (theory §5).
    /// </summary>
    Node Bias(int length)
    {
        var builder = layers.Builder;
        var (buckets, farthest) = (_config.Size("relative_attention_num_buckets", 32), _config.Size("relative_attention_max_distance", 128));
        if (farthest > MostDistances) throw FamilyErrors.NotSupported(_config.Path, $"its `relative_attention_max_distance` is {farthest.Value}");
        layers.At($"{name}.block.0.layer.0.SelfAttention.relative_attention_bias", "distances");
        var table = layers.Weight($"{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight", ParameterRole.LookUp, [AxisMeaning.Row, AxisMeaning.Output], buckets, _heads);
        var places = new double[length * length * buckets];
        for (var query = 0; query < length; query++)
            for (var key = 0; key < length; key++) places[(query * length + key) * buckets + RelativeBuckets.Of(key - query, encoded is null, buckets, farthest)] = 1;
        List<(int Place, int Sign)> corners = layers.IsExact ? [] : [((length - 1) * length, -1)];
        if (encoded is null && length > 1 && !layers.IsExact) corners.Add((length - 1, 1));
        var mixtures = new List<Node>();
        foreach (var (place, sign) in corners)
        {
            int[] beyond = [.. Enumerable.Range(length - 1, farthest).Select(distance => RelativeBuckets.Of(sign * distance, encoded is null, buckets, farthest)).Distinct()];
            if (beyond.Length == 1) continue;
            places.AsSpan(place * buckets, buckets).Clear();
            var (gate, spread) = (new double[length * length], new double[beyond.Length * buckets]);
            gate[place] = 1;
            for (var k = 0; k < beyond.Length; k++) spread[k * buckets + beyond[k]] = 1;
            var choice = builder.Data($"a greater distance in {name}, {(sign < 0 ? "back" : "ahead")}", new Shape(beyond.Length), DataKind.Distribution);
            var row = builder.Contract("c", "cr", "r", choice, builder.Constant(new DoubleTensor(spread), new Shape(beyond.Length, buckets)));
            mixtures.Add(builder.Contract("p", "r", "pr", builder.Constant(new DoubleTensor(gate), new Shape(length * length)), row));
        }

        var picked = mixtures.Aggregate(builder.Constant(new DoubleTensor(places), new Shape(length * length, buckets)), builder.Add);
        return builder.Reshape(builder.Contract("pr", "rh", "hp", picked, table), new Shape(1, _heads, length, length));
    }
}
