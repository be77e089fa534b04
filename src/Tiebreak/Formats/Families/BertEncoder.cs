using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>The encoder that BERT began: normalised after each half of a layer, positions from a table.</summary>
sealed class BertEncoder
{
    readonly FamilyLayers _layers;
    readonly FamilyConfig _config;
    readonly string _prefix;
    readonly Rational _epsilon;
    readonly Rational _dropout;

    /// <param name="layers">The layers.</param>
    /// <param name="prefix">What stands before the names of the encoder's weights.</param>
    /// <exception cref="TiebreakException">The configuration asks for something that is not supported.</exception>
    public BertEncoder(FamilyLayers layers, string prefix)
    {
        (_layers, _config, _prefix) = (layers, layers.Config, prefix);
        if (_config.Text("position_embedding_type", "absolute") is var kind && kind != "absolute") throw FamilyErrors.NotSupported(_config.Path, $"its `position_embedding_type` is `{kind}`");
        if (_config.Flag("is_decoder", false) || _config.Flag("add_cross_attention", false)) throw FamilyErrors.NotSupported(_config.Path, "it is used as a decoder (`is_decoder`)");
        Hidden = _config.Size("hidden_size");
        Vocabulary = _config.Size("vocab_size");
        _epsilon = _config.Number("layer_norm_eps", Rational.Parse("1e-12"));
        _dropout = _config.Number("hidden_dropout_prob", Rational.Parse("0.1"));
    }

    /// <summary>The features of a place.</summary>
    public ConfigSize Hidden { get; }

    /// <summary>The number of tokens.</summary>
    public ConfigSize Vocabulary { get; }

    /// <summary>The module of the token table.</summary>
    public string Table => _prefix + "embeddings.word_embeddings";

    /// <summary>Whether the first place of each pair of sentences is condensed.</summary>
    public bool HasPooler => _layers.Weights.Has(_prefix + "pooler.dense.weight");

    /// <summary>Whether there is more than one kind of token to be told by data.</summary>
    public static bool HasTypes(FamilyConfig config) => config.Count("type_vocab_size", 2) > 1;

    /// <summary>The last value; the first place stands at a row of the table of positions.</summary>
    public Node Build(int firstPosition)
    {
        var builder = _layers.Builder;
        var length = _layers.Dim("sequence");
        var module = _prefix + "embeddings";
        var x = _layers.LookUp(_layers.Indices("input_ids", length, Vocabulary), Table, Vocabulary, Hidden);
        if (_config.Count("type_vocab_size", 2) > 0)
        {
            var types = _config.Size("type_vocab_size", 2);
            // A single kind needs no data: every token has it.
            var kinds = HasTypes(_config) ? _layers.Indices("token_type_ids", length, types) : builder.Fill(Rational.One, new Shape(x.Shape[0], length, 1));
            x = builder.Add(x, _layers.LookUp(kinds, module + ".token_type_embeddings", types, Hidden));
        }

        _layers.At(module, "positions");
        var table = _layers.Weight(module + ".position_embeddings.weight", ParameterRole.LookUp, [AxisMeaning.Row, AxisMeaning.Output], _config.Size("max_position_embeddings"), Hidden);
        x = builder.Add(x, builder.BroadcastTo(_layers.Positions(table, length, firstPosition, "max_position_embeddings"), x.Shape));
        x = _layers.Dropped(Normal(x, module + ".LayerNorm"), module, _dropout);
        int count = _config.Size("num_hidden_layers");
        for (var number = 0; number < count; number++) x = _layers.Name($"hidden_states.{number + 1}", Layer(x, $"{_prefix}encoder.layer.{number}"));
        return x;
    }

    /// <summary>Layer normalisation, also under the names of the first checkpoints.</summary>
    public Node Normal(Node x, string module) =>
        _layers.Weights.Has(module + ".gamma") ? _layers.LayerNorm(x, module, Hidden, _epsilon, "gamma", "beta") : _layers.LayerNorm(x, module, Hidden, _epsilon);

    /// <summary>The first place, condensed: [batch, 1, features].</summary>
    public Node Pooled(Node x)
    {
        var first = First(x);
        return _layers.Builder.Apply(FunctionKind.Tanh, _layers.Dense(first, _prefix + "pooler.dense", Hidden, Hidden, hasBias: true));
    }

    /// <summary>The first place: [batch, 1, features].</summary>
    public Node First(Node x) => _layers.Builder.Gather(x, new IndexMap.Affine(x.Shape, new Shape(x.Shape[0], 1, x.Shape[2]), 0, new Axes(x.Shape.Strides())));

    /// <summary>The dropout before a head that judges.</summary>
    public Node BeforeHead(Node x) => _layers.Dropped(x, "classifier", _config.Number("classifier_dropout", _dropout));

    Node Layer(Node x, string layer)
    {
        var heads = _config.Size("num_attention_heads");
        var module = layer + ".attention";
        Node Projected(string name) => _layers.Heads(_layers.Dense(x, $"{module}.self.{name}", Hidden, Hidden, hasBias: true), heads);
        var mixed = _layers.Attention(module + ".self", Projected("query"), Projected("key"), Projected("value"), new AttentionSettings(ScaledDotProducts.DefaultScale(Hidden / heads))
        {
            Dropout = _config.Number("attention_probs_dropout_prob", Rational.Parse("0.1")),
        });
        var attended = _layers.Dropped(_layers.Dense(mixed, module + ".output.dense", Hidden, Hidden, hasBias: true), module + ".output", _dropout);
        x = Normal(_layers.Residual(x, attended, module), module + ".output.LayerNorm");
        var wide = _config.Size("intermediate_size");
        var inner = _layers.Activation("hidden_act", _config.Text("hidden_act", "gelu"), _layers.Dense(x, layer + ".intermediate.dense", Hidden, wide, hasBias: true));
        var fed = _layers.Dropped(_layers.Dense(inner, layer + ".output.dense", wide, Hidden, hasBias: true), layer + ".output", _dropout);
        return Normal(_layers.Residual(x, fed, layer), layer + ".output.LayerNorm");
    }
}
