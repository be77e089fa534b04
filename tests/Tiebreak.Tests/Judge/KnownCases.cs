using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Judge;

/// <summary>Networks whose answer is known (see the counts in <see cref="JudgeTests"/>), built by hand rather than read from files.</summary>
sealed class KnownCases
{
    readonly ProgramBuilder _b = new();
    readonly List<ParameterTensor> _parameters = [];
    int _drawn;

    /// <summary>3-4-4-2; weights and biases as given for the three layers.</summary>
    public static Model Mlp(Func<ProgramBuilder, Node, Node> activation, double?[] weights)
    {
        var c = new KnownCases();
        var x = c._b.Data("x", new Shape(1, 3));
        var h = activation(c._b, c.Dense("fc1", x, 4, c.Numbers(12, weights[0]), new double[4]));
        h = activation(c._b, c.Dense("fc2", h, 4, c.Numbers(16, weights[1]), new double[4]));
        return c.Finish(c.Dense("fc3", h, 2, c.Numbers(8, weights[2]), new double[2]));
    }

    /// <summary>A hidden layer of distinct units, some of them then made copies of others.</summary>
    public static Model OneHiddenLayer(Func<ProgramBuilder, Node, Node> activation, int units, params ReadOnlySpan<(int From, int To, int Sign)> copies)
    {
        var c = new KnownCases();
        var (w1, b1, w2) = (c.Numbers(units * 3), c.Numbers(units), c.Numbers(2 * units));
        foreach (var (from, to, sign) in copies)
        {
            for (var k = 0; k < 3; k++) w1[to * 3 + k] = sign * w1[from * 3 + k];
            b1[to] = sign * b1[from];
            for (var k = 0; k < 2; k++) w2[k * units + to] = sign * w2[k * units + from];
        }

        var h = activation(c._b, c.Dense("fc1", c._b.Data("x", new Shape(1, 3)), units, w1, b1));
        return c.Finish(c.Dense("fc2", h, 2, w2, new double[2]));
    }

    /// <summary>Two members with the same numbers, added.</summary>
    public static Model Ensemble()
    {
        var c = new KnownCases();
        var x = c._b.Data("x", new Shape(1, 3));
        var members = Enumerable.Range(0, 2).Select(member =>
        {
            c._drawn = 0; // the same seed
            var h = c._b.Apply(FunctionKind.Tanh, c.Dense($"member{member}.fc1", x, 4, c.Numbers(12), c.Numbers(4)));
            return c.Dense($"member{member}.fc2", h, 2, c.Numbers(8), c.Numbers(2));
        }).ToArray();
        return c.Finish(c._b.Add(members[0], members[1]));
    }

    /// <summary>xᵀWx with a symmetric W.</summary>
    public static Model SymmetricBilinear()
    {
        var c = new KnownCases();
        var x = c._b.Data("x", new Shape(1, 3));
        return c.Finish(c._b.ReduceSum(c._b.Multiply(c.Dense("W", x, 3, [1, 2, 3, 2, 4, 5, 3, 5, 6], null), x), 1));
    }

    /// <summary>Dense 2-3, normalisation over the batch (axis 0) or over the units (axis 1), relu, dense 3-2.</summary>
    public static Model BiasBeforeNormalisation(int axis)
    {
        var c = new KnownCases();
        var b = c._b;
        var h = b.Normalise(c.Dense("fc1", b.Data("x", new Shape(4, 2)), 3, c.Numbers(6), c.Numbers(3)), axis);
        h = b.Multiply(h, b.BroadcastTo(c.Parameter("norm.weight", new Shape(3), c.Numbers(3)), h.Shape));
        h = b.Add(h, b.BroadcastTo(c.Parameter("norm.bias", new Shape(3), c.Numbers(3)), h.Shape));
        return c.Finish(c.Dense("fc2", b.Relu(h), 2, c.Numbers(6), c.Numbers(2)));
    }

    /// <summary>Three experts copied from one MLP 3-4-2 under a dense softmax router.</summary>
    public static Model UpcycledExperts(double? router)
    {
        var c = new KnownCases();
        var b = c._b;
        var x = b.Data("x", new Shape(1, 3));
        var gates = b.Softmax(c.Dense("router", x, 3, c.Numbers(9, router), null));
        var (up, down) = (c.Numbers(12), c.Numbers(8));
        Node? sum = null;
        for (var k = 0; k < 3; k++)
        {
            var y = c.Dense($"expert{k}.down", b.Relu(c.Dense($"expert{k}.up", x, 4, up, null)), 2, down, null);
            var gate = b.Gather(gates, new IndexMap.Affine(gates.Shape, new Shape(1, 2), k, new Axes(0, 0)));
            sum = sum is null ? b.Multiply(y, gate) : b.Add(sum, b.Multiply(y, gate));
        }

        return c.Finish(sum!);
    }

    /// <summary>Two heads of width 2 over width 4 and three positions, with an output layer and a head of two: 88 parameters.</summary>
    public static Model Attention(bool equalHeads = false, bool zeroQueriesAndKeys = false)
    {
        var c = new KnownCases();
        var b = c._b;
        var x = b.Data("x", new Shape(3, 4));
        double[] Projection(bool zero, int rows)
        {
            // Row r belongs to head r / 2; an equal head repeats the rows of the first.
            var numbers = c.Numbers(rows, zero ? 0 : null);
            for (var i = numbers.Length / 2; equalHeads && i < numbers.Length; i++) numbers[i] = numbers[i - numbers.Length / 2];
            return numbers;
        }

        Node Heads(string name, bool zero) => b.Reshape(c.Dense(name, x, 4, Projection(zero, 16), Projection(zero, 4)), new Shape(3, 2, 2));
        var (q, k, v) = (Heads("q", zeroQueriesAndKeys), Heads("k", zeroQueriesAndKeys), Heads("v", false));
        var scores = b.Scale(b.Contract("qhi", "khi", "hqk", q, k), Rational.FromDouble(Math.Sqrt(0.5)));
        var mixed = b.Reshape(b.Contract("hqk", "khi", "qhi", b.Softmax(scores), v), new Shape(3, 4));
        var output = c.Numbers(16);
        for (var i = 0; equalHeads && i < 16; i++)
            if (i % 4 >= 2) output[i] = output[i - 2];
        var y = c.Dense("o", mixed, 4, output, c.Numbers(4));
        return c.Finish(c.Dense("head", y, 2, c.Numbers(8), null));
    }

    /// <summary>Convolutions 2→3 with padding and 3→4 with stride 2 on 5 × 5, relu, average, dense; every weight 0.1, biases zero.</summary>
    public static Model ConstantConvolutions()
    {
        var c = new KnownCases();
        var b = c._b;
        var x = b.Data("x", new Shape(2, 5, 5));
        var padded = b.Gather(x, new IndexMap.Table(x.Shape, new Shape(2, 7, 7), [.. Enumerable.Range(0, 98).Select(k =>
            (k / 7 % 7, k % 7) is (> 0 and < 6, > 0 and < 6) and var (row, column) ? k / 49 * 25 + (row - 1) * 5 + column - 1 : -1)]));
        var windows = b.Gather(padded, new IndexMap.Affine(padded.Shape, new Shape(2, 5, 5, 3, 3), 0, new Axes(49, 7, 1, 7, 1)));
        var h = b.Contract("ocuv", "cyxuv", "oyx", c.Parameter("conv1.weight", new Shape(3, 2, 3, 3), c.Numbers(54, 0.1)), windows);
        h = b.Relu(b.Add(h, b.Broadcast(c.Parameter("conv1.bias", new Shape(3), new double[3]), h.Shape, 1, 2)));
        windows = b.Gather(h, new IndexMap.Affine(h.Shape, new Shape(3, 2, 2, 3, 3), 0, new Axes(25, 10, 2, 5, 1)));
        h = b.Relu(b.Contract("ocuv", "cyxuv", "oyx", c.Parameter("conv2.weight", new Shape(4, 3, 3, 3), c.Numbers(108, 0.1)), windows));
        var mean = b.Scale(b.ReduceSum(h, 1, 2), new Rational(1, 4));
        return c.Finish(c.Dense("fc", b.Reshape(mean, new Shape(1, 4)), 2, c.Numbers(8, 0.1), new double[2]));
    }

    Node Dense(string name, Node x, int units, double[] weight, double[]? bias) =>
        _b.Dense(x, Parameter($"{name}.weight", new Shape(units, x.Shape[1]), weight), bias is null ? null : Parameter($"{name}.bias", new Shape(units), bias));

    Node Parameter(string name, Shape shape, double[] values)
    {
        _parameters.Add(new ParameterTensor(name, shape, new DoubleTensor(values)));
        return _b.Parameter(name, shape);
    }

    /// <summary>All the given value; or different ones, as a random initialisation draws them.</summary>
    double[] Numbers(int count, double? value = null) =>
        [.. Enumerable.Range(0, count).Select(_ => value ?? (++_drawn % 2 == 0 ? 1 : -1) * (0.25 + 0.001 * _drawn))];

    Model Finish(Node output)
    {
        _b.Output("y", output);
        return new Model { Program = _b.Build(), Parameters = _parameters, OutputIsLoss = false };
    }
}
