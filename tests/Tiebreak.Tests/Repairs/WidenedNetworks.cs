using global::Onnx;
using Google.Protobuf;
using Tiebreak.Tests.Formats.Onnx;

namespace Tiebreak.Tests.Repairs;

/// <summary>
/// Random networks, and the same widened as Net2Net does it: units, channels, heads and experts copied several times at several depths, their outgoing weights split among the copies, all permuted. All numbers are
/// multiples of 2⁻¹⁰, so nothing is rounded.
/// </summary>
sealed class WidenedNetworks
{
    const float Unit = 1f / 1024;

    readonly Random _random;
    readonly bool _splitsEqually;
    readonly OnnxModelBuilder _narrow = new();
    readonly OnnxModelBuilder _wide = new();
    readonly Dictionary<string, long[]> _shapes = new(StringComparer.Ordinal);
    int _made;

    WidenedNetworks(int seed, bool splitsEqually) => (_random, _splitsEqually) = (new Random(seed), splitsEqually);

    /// <summary>A network, its wide twin, and the sizes of the narrow one's weights.</summary>
    public sealed record Pair(byte[] Narrow, byte[] Wide, IReadOnlyDictionary<string, long[]> Shapes);

    /// <summary>Kinds of networks.</summary>
    public static readonly string[] Kinds = ["mlp", "cnn", "transformer"];

    /// <summary>Draws one.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="splitsEqually">Whether outgoing weights are split in equal parts, so that copies stay in lockstep.</param>
    public static Pair Draw(string kind, int seed, bool splitsEqually = false)
    {
        var network = new WidenedNetworks(seed, splitsEqually);
        switch (kind)
        {
            case "mlp":
                network.Mlp();
                break;
            case "cnn":
                network.Cnn();
                break;
            default:
                network.Transformer();
                break;
        }

        return new Pair(network._narrow.Proto().ToByteArray(), network._wide.Proto().ToByteArray(), network._shapes);
    }

    void Mlp()
    {
        var inputs = Fixed(_random.Next(2, 5));
        Input("x", 3, inputs.Narrow);
        var (value, dim) = ("x", inputs);
        for (var layer = _random.Next(2, 5); layer > 0; layer--)
        {
            var next = layer == 1 ? Fixed(_random.Next(1, 4)) : Widened(_random.Next(2, 5));
            value = Dense(value, dim, next);
            if (layer > 1) value = Act(value);
            dim = next;
        }

        Output(value);
    }

    void Cnn()
    {
        var inputs = Fixed(_random.Next(1, 3));
        Input("x", 2, inputs.Narrow, 4, 4);
        var first = Widened(_random.Next(2, 4));
        var value = Act(Normalised(Conv("x", inputs, first, 3), first));
        if (_random.Next(2) == 0) value = Act(Depthwise(value, first));
        var second = Widened(_random.Next(2, 4));
        var branch = Act(Conv(value, first, second, 1));
        if (_random.Next(2) == 0) branch = Node("Add", [branch, Conv(value, first, second, 3)]); // a residual sum
        if (_random.Next(2) == 0)
        {
            var joined = Joined(first, second);
            branch = Node("Concat", [value, branch], OnnxModelBuilder.Int("axis", 1));
            second = joined;
        }

        if (_random.Next(2) == 0)
        {
            branch = Node("Flatten", [Node("GlobalAveragePool", [branch])]);
            Output(Dense(branch, second, Fixed(2)));
        }
        else
        {
            branch = Node("MaxPool", [branch], new AttributeProto { Name = "kernel_shape", Type = AttributeProto.Types.AttributeType.Ints, Ints = { 2, 2 } }, new AttributeProto { Name = "strides", Type = AttributeProto.Types.AttributeType.Ints, Ints = { 2, 2 } });
            Output(Dense(Node("Flatten", [branch]), Times(second, 4), Fixed(2)));
        }
    }

    void Transformer()
    {
        var model = Fixed(_random.Next(3, 5));
        Input("x", 2, 3, model.Narrow);
        var attended = Node("Add", ["x", Attention("x", model)]);
        var value = Node("LayerNormalization", [attended, Weight("norm.scale", [As(model)]), Weight("norm.bias", [As(model)])]);
        if (_random.Next(2) == 0)
        {
            var hidden = Widened(_random.Next(2, 4));
            var up = Act(Node("Add", [Node("MatMul", [value, Weight("up", [As(model), As(hidden)])]), Weight("up.bias", [As(hidden)])]));
            value = Node("Add", [value, Node("MatMul", [up, Weight("down", [Outgoing(hidden), As(model)])])]);
        }
        else
        {
            value = Node("Add", [value, Experts(value, model)]);
        }

        Output(value);
    }

    string Attention(string x, Dim model)
    {
        var (heads, size) = (Widened(_random.Next(1, 3)), Fixed(2));
        var all = Product(heads, size);
        string Heads(string name)
        {
            var made = Node("Add", [Node("MatMul", [x, Weight($"{name}.weight", [As(model), As(all)])]), Weight($"{name}.bias", [As(all)])]);
            return Node("Transpose", [Reshape(made, [0, 0, heads.Narrow, size.Narrow], [0, 0, heads.Wide.Length, size.Narrow])], Perm(0, 2, 1, 3));
        }

        var (queries, keys, values) = (Heads("query"), Heads("key"), Heads("value"));
        var scores = Node("Softmax", [Node("MatMul", [queries, Node("Transpose", [keys], Perm(0, 1, 3, 2))])], OnnxModelBuilder.Int("axis", -1));
        var merged = Reshape(Node("Transpose", [Node("MatMul", [scores, values])], Perm(0, 2, 1, 3)), [0, 0, -1], [0, 0, -1]);
        return Node("MatMul", [merged, Weight("out.weight", [Outgoing(all), As(model)])]);
    }

    string Experts(string x, Dim model)
    {
        var (experts, hidden) = (Widened(_random.Next(2, 4)), Widened(2));
        var gates = Node("Sigmoid", [Node("MatMul", [x, Weight("router", [As(model), As(experts)])])]);
        var up = Act(Node("Einsum", [x, Weight("experts.up", [As(experts), As(model), As(hidden)])], Equation("btd,edh->bteh")));
        var down = Node("Einsum", [up, Weight("experts.down", [Outgoing(experts), Outgoing(hidden), As(model)])], Equation("bteh,ehd->bted"));
        var gated = Node("Mul", [down, Node("Unsqueeze", [gates, Integers(3)])]);
        return Node("ReduceSum", [gated, Integers(2)], OnnxModelBuilder.Int("keepdims", 0));
    }

    string Dense(string value, Dim from, Dim to) => Node("Gemm", [value, Weight($"w{_made}", [As(to), Outgoing(from)]), Weight($"b{_made}", [As(to)])], OnnxModelBuilder.Int("transB", 1));

    string Conv(string value, Dim from, Dim to, int kernel)
    {
        var pads = new AttributeProto { Name = "pads", Type = AttributeProto.Types.AttributeType.Ints };
        pads.Ints.AddRange(Enumerable.Repeat((long)(kernel / 2), 4));
        return Node("Conv", [value, Weight($"w{_made}", [As(to), Outgoing(from), As(Fixed(kernel)), As(Fixed(kernel))]), Weight($"b{_made}", [As(to)])], pads);
    }

    string Depthwise(string value, Dim dim)
    {
        var pads = new AttributeProto { Name = "pads", Type = AttributeProto.Types.AttributeType.Ints, Ints = { 1, 1, 1, 1 } };
        var (narrow, wide) = (OnnxModelBuilder.Int("group", dim.Narrow), OnnxModelBuilder.Int("group", dim.Wide.Length));
        var weight = Weight($"w{_made}", [As(dim), As(Fixed(1)), As(Fixed(3)), As(Fixed(3))]);
        var output = $"v{_made++}";
        _narrow.Node("Conv", [value, weight], [output], pads, narrow);
        _wide.Node("Conv", [value, weight], [output], pads, wide);
        return output;
    }

    string Normalised(string value, Dim dim)
    {
        var name = $"bn{_made}";
        return Node("BatchNormalization", [value, Weight($"{name}.scale", [As(dim)]), Weight($"{name}.bias", [As(dim)]), Weight($"{name}.mean", [As(dim)]), Weight($"{name}.var", [As(dim)], isPositive: true)]);
    }

    string Act(string value) => Node(_random.Next(4) switch { 0 => "Relu", 1 => "Tanh", 2 => "Sigmoid", _ => "Elu" }, [value]);

    // An axis: its narrow size, and for each wide place the narrow one it is a copy of.
    sealed record Dim(int Narrow, int[] Wide);

    readonly record struct WeightAxis(Dim Dim, bool IsOutgoing);

    static WeightAxis As(Dim dim) => new(dim, false);

    static WeightAxis Outgoing(Dim dim) => new(dim, true);

    static Dim Fixed(int size) => new(size, [.. Enumerable.Range(0, size)]);

    static Dim Product(Dim outer, Dim inner) => new(outer.Narrow * inner.Narrow, [.. outer.Wide.SelectMany(o => inner.Wide.Select(i => o * inner.Narrow + i))]);

    static Dim Times(Dim dim, int size) => Product(dim, Fixed(size));

    static Dim Joined(Dim left, Dim right) => new(left.Narrow + right.Narrow, [.. left.Wide, .. right.Wide.Select(place => place + left.Narrow)]);

    Dim Widened(int size)
    {
        var places = new List<int>(Enumerable.Range(0, size));
        if (_splitsEqually)
        {
            for (var place = 0; place < size; place++)
                if (_random.Next(2) == 0) places.AddRange(Enumerable.Repeat(place, _random.Next(2) == 0 ? 1 : 3)); // two or four in all: parts without rounding
        }
        else
        {
            for (var copies = _random.Next(1, 4); copies > 0; copies--) places.Add(_random.Next(size));
        }

        return new Dim(size, [.. places.OrderBy(_ => _random.Next())]);
    }

    string Weight(string name, WeightAxis[] axes, bool isPositive = false)
    {
        var narrow = axes.Select(axis => axis.Dim.Narrow).ToArray();
        var values = new float[narrow.Aggregate(1, (count, size) => count * size)];
        for (var k = 0; k < values.Length; k++) values[k] = (isPositive ? _random.Next(256, 1024) : _random.Next(-512, 512)) * Unit * (_splitsEqually ? 64 : 1) / (_splitsEqually ? 64 : 1);
        if (_splitsEqually) for (var k = 0; k < values.Length; k++) values[k] = MathF.Round(values[k] * 64) / 64 + 1f / 64;
        _narrow.Weight(name, [.. narrow.Select(size => (long)size)], values);
        _shapes[name] = [.. narrow.Select(size => (long)size)];
        var sizes = narrow.ToArray();
        for (var axis = 0; axis < axes.Length; axis++) (values, sizes[axis]) = (Widen(values, sizes, axis, axes[axis]), axes[axis].Dim.Wide.Length);
        _wide.Weight(name, [.. sizes.Select(size => (long)size)], values);
        return name;
    }

    float[] Widen(float[] values, int[] sizes, int axis, WeightAxis how)
    {
        int outer = sizes[..axis].Aggregate(1, (count, size) => count * size), inner = sizes[(axis + 1)..].Aggregate(1, (count, size) => count * size), size = sizes[axis];
        var wide = how.Dim.Wide;
        var result = new float[outer * wide.Length * inner];
        var copies = wide.GroupBy(place => place).ToDictionary(group => group.Key, group => group.Count());
        for (var o = 0; o < outer; o++)
        {
            for (var i = 0; i < inner; i++)
            {
                var rest = Enumerable.Range(0, size).Select(place => values[(o * size + place) * inner + i]).ToArray();
                var left = new Dictionary<int, int>(copies);
                for (var k = 0; k < wide.Length; k++)
                {
                    var (place, at) = (wide[k], (o * wide.Length + k) * inner + i);
                    if (!how.IsOutgoing) result[at] = rest[place];
                    else if (_splitsEqually) result[at] = rest[place] / copies[place];
                    else if (--left[place] == 0) result[at] = rest[place];
                    else rest[place] -= result[at] = _random.Next(-512, 512) * Unit;
                }
            }
        }

        return result;
    }

    void Input(string name, params int[] sizes)
    {
        _narrow.Input(name, [.. sizes.Select(size => (long)size)]);
        _wide.Input(name, [.. sizes.Select(size => (long)size)]);
    }

    void Output(string value)
    {
        _narrow.Node("Identity", [value], ["y"]).Output("y");
        _wide.Node("Identity", [value], ["y"]).Output("y");
    }

    string Node(string type, string[] inputs, params AttributeProto[] attributes)
    {
        var output = $"v{_made++}";
        _narrow.Node(type, inputs, [output], attributes);
        _wide.Node(type, inputs, [output], attributes);
        return output;
    }

    string Reshape(string value, long[] narrow, long[] wide)
    {
        var (shape, output) = ($"shape{_made}", $"v{_made++}");
        _narrow.Integers(shape, narrow).Node("Reshape", [value, shape], [output]);
        _wide.Integers(shape, wide).Node("Reshape", [value, shape], [output]);
        return output;
    }

    string Integers(params long[] numbers)
    {
        var name = $"n{_made++}";
        _narrow.Integers(name, numbers);
        _wide.Integers(name, numbers);
        return name;
    }

    static AttributeProto Perm(params long[] order)
    {
        var attribute = new AttributeProto { Name = "perm", Type = AttributeProto.Types.AttributeType.Ints };
        attribute.Ints.AddRange(order);
        return attribute;
    }

    static AttributeProto Equation(string text) => new() { Name = "equation", Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(text) };
}
