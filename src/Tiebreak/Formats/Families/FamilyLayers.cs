using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>
/// The layers that families are made of, under the names of the modules that hold their weights. Values are [batch, positions, features].
/// Weights of dense layers are [outputs, inputs], as PyTorch has them.
/// </summary>
sealed class FamilyLayers(FamilyConfig config, FamilyWeights weights, LoweringOptions options, LoraAdapter? adapter)
{
    static readonly AxisMeaning[] Outputs = [AxisMeaning.Output];

    readonly List<(string Name, Node Node)> _inner = [];

    /// <summary>The program under construction.</summary>
    public ProgramBuilder Builder { get; } = new();

    /// <summary>What the family was configured to be.</summary>
    public FamilyConfig Config { get; } = config;

    /// <summary>The checkpoint's weights.</summary>
    public FamilyWeights Weights { get; } = weights;

    /// <summary>What is trained in place of the checkpoint; null for none.</summary>
    public LoraAdapter? Adapter { get; } = adapter;

    /// <summary>Samples at once; they do not see each other, so one is as general as many.</summary>
    public int Batch { get; } = options.Batch ?? 1;

    /// <summary>Whether sequences are as long as they are, and stand for no longer ones.</summary>
    public bool IsExact { get; } = options.SizesAreOfData;

    /// <summary>Set by dropout.</summary>
    public bool HasDropout { get; private set; }

    /// <summary>Sentences for the report's assumptions.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>What a loss may see, by name.</summary>
    public List<(string Name, Node Node)> Seen { get; } = [];

    /// <summary>Values between layers, which a loss sees if it is told to.</summary>
    public IReadOnlyList<(string Name, Node Node)> Inner => _inner;

    /// <summary>The size of a free dimension.</summary>
    public int Dim(string name) => options.Dims.TryGetValue(name, out var size) && size > 0 ? size
        : throw new TiebreakException($"{Config.Path}: the size `{name}` is free; give it with --dim {name}=SIZE");

    /// <summary>Where the nodes made from now on come from.</summary>
    public void At(string module, string kind) => Builder.Origin = $"node {module} ({kind})";

    /// <summary>Names a value between layers.</summary>
    public Node Name(string name, Node node)
    {
        _inner.Add((name, node));
        return node;
    }

    /// <summary>A weight of the checkpoint, or what an adapter put in its place.</summary>
    public Node Weight(string name, ParameterRole role, AxisMeaning[] meanings, params ReadOnlySpan<ConfigSize> sizes)
    {
        var tensor = Weights.Use(name, role, meanings, sizes);
        return Adapter?.Replacement(name, tensor) is { } trained ? Builder.Parameter(trained.Name, trained.Shape) : Builder.Parameter(name, tensor.Shape);
    }

    /// <summary>x Wᵀ + b, and what an adapter adds.</summary>
    public Node Dense(Node x, string module, ConfigSize inputs, ConfigSize outputs, bool hasBias)
    {
        At(module, "dense");
        var y = Builder.Contract("bsi", "oi", "bso", x, Weight(module + ".weight", ParameterRole.Dense, [AxisMeaning.Output, AxisMeaning.Input], outputs, inputs));
        return Finished(x, y, module, inputs, outputs, hasBias);
    }

    /// <summary>x W + b, for weights that are [inputs, outputs], and what an adapter adds.</summary>
    public Node DenseTurned(Node x, string module, ConfigSize inputs, ConfigSize outputs)
    {
        At(module, "dense");
        var y = Builder.Contract("bsi", "io", "bso", x, Weight(module + ".weight", ParameterRole.Dense, [AxisMeaning.Input, AxisMeaning.Output], inputs, outputs));
        return Finished(x, y, module, inputs, outputs, hasBias: true);
    }

    /// <summary>The same, cut into parts of equal size, each with its part of the bias: so that what cancels in one part is seen there.</summary>
    public Node[] DenseTurnedParts(Node x, string module, ConfigSize inputs, ConfigSize part, int count)
    {
        At(module, "dense");
        var outputs = part * count;
        var y = Builder.Contract("bsi", "io", "bso", x, Weight(module + ".weight", ParameterRole.Dense, [AxisMeaning.Input, AxisMeaning.Output], inputs, outputs));
        y = Finished(x, y, module, inputs, outputs, hasBias: false);
        At(module, "dense");
        var bias = Weight(module + ".bias", ParameterRole.Bias, Outputs, outputs);
        return [.. Enumerable.Range(0, count).Select(k => Features(y, k * part, part)).Select((cut, k) => Builder.Add(cut, Builder.BroadcastTo(Features(bias, k * part, part), cut.Shape)))];
    }

    Node Finished(Node x, Node y, string module, ConfigSize inputs, ConfigSize outputs, bool hasBias)
    {
        if (hasBias) y = Builder.Add(y, Builder.BroadcastTo(Weight(module + ".bias", ParameterRole.Bias, Outputs, outputs), y.Shape));
        return Adapter?.Added(this, x, module, inputs, outputs) is { } added ? Builder.Add(y, added) : y;
    }

    /// <summary>x Wᵀ for the table of a look-up that is used a second time.</summary>
    public Node Scores(Node x, string module, ConfigSize rows, ConfigSize size)
    {
        At(module, "scores");
        var y = Builder.Contract("bsi", "oi", "bso", x, Weight(module + ".weight", ParameterRole.LookUp, [AxisMeaning.Row, AxisMeaning.Output], rows, size));
        return Adapter?.Added(this, x, "lm_head", size, rows) is { } added ? Builder.Add(y, added) : y;
    }

    /// <summary>Mean and variance made 0 and 1 over the features, then scale and shift.</summary>
    public Node LayerNorm(Node x, string module, ConfigSize size, Rational epsilon, string scale = "weight", string shift = "bias")
    {
        At(module, "layer normalisation");
        var normal = Moments.Normal(Builder, x, [x.Shape.Rank - 1], epsilon);
        normal = Builder.Multiply(normal, Builder.BroadcastTo(Weight($"{module}.{scale}", ParameterRole.Scale, Outputs, size), x.Shape));
        return Builder.Add(normal, Builder.BroadcastTo(Weight($"{module}.{shift}", ParameterRole.Bias, Outputs, size), x.Shape));
    }

    /// <summary>The mean of the squares made 1 over the features, then scale by the weight plus an offset.</summary>
    public Node RmsNorm(Node x, string module, ConfigSize size, Rational epsilon, int offset = 0)
    {
        At(module, "root mean square normalisation");
        int[] last = [x.Shape.Rank - 1];
        var root = Moments.InverseRoot(Builder, Moments.MeanOver(Builder, Builder.Multiply(x, x), last), epsilon);
        var scale = Weight(module + ".weight", ParameterRole.Scale, Outputs, size);
        if (offset != 0) scale = Builder.Offset(scale, offset);
        return Builder.Multiply(Builder.Multiply(x, Builder.Broadcast(root, x.Shape, last)), Builder.BroadcastTo(scale, x.Shape));
    }

    /// <summary>Whole numbers that data gives, as distributions over the rows of a table (theory §4), so that every row is reached.</summary>
    public Node Indices(string input, int length, ConfigSize rows) => Builder.Data($"{input} among {rows.Value}", new Shape(Batch, length, rows), DataKind.Distribution);

    /// <summary>Rows of a table that indices pick.</summary>
    public Node LookUp(Node indices, string module, ConfigSize rows, ConfigSize size)
    {
        At(module, "look-up");
        var read = Builder.Contract("bsr", "rd", "bsd", indices, Weight(module + ".weight", ParameterRole.LookUp, [AxisMeaning.Row, AxisMeaning.Output], rows, size));
        return Adapter?.AddedRows(this, indices, module, rows, size) is { } added ? Builder.Add(read, added) : read;
    }

    /// <summary>
    /// Rows of a table of positions, [positions, features], the first place at row <paramref name="first"/>. Where the table is longer than the sequence, the last place reads a mixture of all rows from there on:
    /// longer sequences read them, and an answer for any mixture is one for every row (theory §5).
    /// </summary>
    public Node Positions(Node table, int length, int first, string key)
    {
        var rows = table.Shape[0];
        if (length > rows - first) throw FamilyErrors.TooLongSequence(Config.Path, length, key, rows - first);
        if (length == rows - first || IsExact) return Rows(length);
        var choice = Builder.Data("a later position", new Shape(rows - first), DataKind.Distribution);
        var reached = first == 0 ? choice : Builder.Concat(0, Builder.Fill(Rational.Zero, new Shape(first)), choice);
        var last = Builder.Reshape(reached, new Shape(1, rows));
        return Builder.Contract("tr", "rd", "td", length == 1 ? last : Builder.Concat(0, Selection(length - 1), last), table);

        Node Rows(int count)
        {
            var strides = table.Shape.Strides();
            return Builder.Gather(table, new IndexMap.Affine(table.Shape, new Shape(count, table.Shape[1]), first * strides[0], new Axes(strides)));
        }

        Node Selection(int count)
        {
            var ones = new double[count * rows];
            for (var place = 0; place < count; place++) ones[place * rows + first + place] = 1;
            return Builder.Constant(new DoubleTensor(ones), new Shape(count, rows));
        }
    }

    /// <summary>A dropout of the configuration.</summary>
    public Node Dropped(Node x, string module, Rational probability)
    {
        if (probability.Sign <= 0) return x;
        HasDropout = true;
        return options.Dropout ? Builder.Multiply(x, Builder.Data($"mask of {module}", x.Shape, DataKind.Mask)) : x;
    }

    /// <summary>Features from one place on.</summary>
    public Node Features(Node x, int first, int count)
    {
        if (first == 0 && count == x.Shape[x.Shape.Rank - 1]) return x;
        return Builder.Gather(x, new IndexMap.Affine(x.Shape, new Shape([.. x.Shape.Sizes.SkipLast(1), count]), first, new Axes(x.Shape.Strides())));
    }

    /// <summary>Attention of heads side by side; gives [batch, positions, heads · features].</summary>
    public Node Attention(string module, Node queries, Node keys, Node values, AttentionSettings settings)
    {
        At(module, "attention");
        var products = new ScaledDotProducts(Builder, queries, keys, values)
        {
            Scale = settings.Scale,
            Softcap = settings.Softcap,
            IsCausal = settings.IsCausal,
            Window = settings.Window,
            Mask = new AttentionMask(settings.Bias, null),
            // What softmax sends back sums to zero: reasons name it.
            OnScores = scores => From(scores, "softmax"),
            OnShares = shares => Dropped(From(shares, "attention"), module, settings.Dropout),
        };
        return ScaledDotProducts.Joined(Builder, products.Mixed());

        Node From(Node node, string kind)
        {
            At(module, kind);
            return node;
        }
    }

    /// <summary>[batch, positions, heads · features] with a head axis in front of the positions.</summary>
    public Node Heads(Node x, int heads) => ScaledDotProducts.Heads(Builder, x, heads);

    /// <summary>An activation function by the name configurations have for it.</summary>
    /// <exception cref="TiebreakException">There is none of the name.</exception>
    public Node Activation(string key, string name, Node x)
    {
        At(key, name);
        return name switch
        {
            "silu" or "swish" => Nonlinearities.Swish(Builder, x, Rational.One),
            "gelu" or "gelu_python" => Nonlinearities.Gelu(Builder, x),
            "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" or "gelu_accurate" => Nonlinearities.FastGelu(Builder, x),
            "quick_gelu" => Nonlinearities.Swish(Builder, x, Rational.Parse("1.702")),
            "relu" => Nonlinearities.Relu(Builder, x),
            "tanh" => Builder.Apply(FunctionKind.Tanh, x),
            "sigmoid" => Nonlinearities.Sigmoid(Builder, x),
            _ => throw FamilyErrors.NotSupported(Config.Path, $"`{key}` is `{name}`"),
        };
    }

    /// <summary>The sum of a stream and what a module adds to it.</summary>
    public Node Residual(Node x, Node added, string module)
    {
        At(module, "residual");
        return Builder.Add(x, added);
    }
}

/// <summary>What differs between attentions.</summary>
readonly record struct AttentionSettings(Rational Scale)
{
    /// <summary>Scores are bent to stay below this; 0 leaves them.</summary>
    public Rational Softcap { get; init; }

    /// <summary>Whether a query sees only the keys up to its own place.</summary>
    public bool IsCausal { get; init; }

    /// <summary>How many keys each query sees, back from its own place; null for all.</summary>
    public int? Window { get; init; }

    /// <summary>Added to the scores; repeats to [batch, heads, queries, keys].</summary>
    public Node? Bias { get; init; }

    /// <summary>The chance that a share is dropped.</summary>
    public Rational Dropout { get; init; }
}
