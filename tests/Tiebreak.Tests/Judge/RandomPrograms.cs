using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Judge;

/// <summary>
/// Small random models out of all primitives, with start values from few numbers and with planted copies and mirror images, so that ties, zeros and mirrors abound.
/// </summary>
sealed class RandomPrograms
{
    const int MostElements = 24;
    static readonly Rational[] Starts = [0, 0, 0, 1, -1, new(1, 2), new(-1, 2), new(1, 10), 2];
    static readonly FunctionKind[] Functions =
    [
        FunctionKind.Tanh, FunctionKind.Tanh, FunctionKind.Step, FunctionKind.Step, FunctionKind.Exp, FunctionKind.Sign, FunctionKind.Sin, FunctionKind.Cos,
        FunctionKind.Erf, FunctionKind.Sqrt, FunctionKind.Atan, FunctionKind.Asinh, FunctionKind.Log, FunctionKind.Floor,
    ];

    readonly Random _random;
    readonly ProgramBuilder _builder = new();
    readonly List<ParameterTensor> _parameters = [];
    readonly List<Node> _nodes = [];
    int _data;

    RandomPrograms(int seed) => _random = new Random(seed);

    /// <summary>The model of a seed.</summary>
    public static Model Draw(int seed)
    {
        var programs = new RandomPrograms(seed);
        return seed % 3 == 0 ? programs.Layered() : programs.Anything();
    }

    /// <summary>The program and its start values, for a failing test.</summary>
    public static string Print(Model model) =>
        ProgramPrinter.Print(model.Program)
        + string.Join('\n', model.Parameters.Select(p => $"start {p.Name} {p.Shape}: {string.Join(' ', Enumerable.Range(0, (int)p.Shape.Count).Select(i => p.Start[i].ToString()))}"));

    // A directed graph of random primitives.
    Model Anything()
    {
        for (var k = _random.Next(1, 3); k > 0; k--) _nodes.Add(Data(RandomShape()));
        for (var k = _random.Next(1, 4); k > 0; k--) _nodes.Add(Parameter(RandomShape()));
        for (var steps = _random.Next(3, 14); steps > 0; steps--)
        {
            var node = Step(_nodes[_random.Next(_nodes.Count)]);
            if (node.Shape.Count is > 0 and <= MostElements) _nodes.Add(node);
        }

        var outputIsLoss = _random.Next(3) == 0;
        for (var k = 0; k < _random.Next(1, 3); k++)
        {
            var output = k == 0 ? _nodes[^1] : _nodes[_random.Next(_nodes.Count)];
            _builder.Output($"y{k}", output);
        }

        return Done(outputIsLoss);
    }

    Node Step(Node x)
    {
        switch (_random.Next(16))
        {
            case 0 or 1:
                var function = Functions[_random.Next(Functions.Length)];
                return _builder.Apply(function, x);
            case 2:
                return _builder.Multiply(x, _builder.Apply(FunctionKind.Step, x)); // relu
            case 3:
                return _random.Next(3) == 0 ? _builder.Reciprocal(_builder.Offset(_builder.Multiply(x, x), 1)) : _builder.Negate(x);
            case 4 or 5:
                return _builder.Add(x, Partner(x));
            case 6 or 7:
                return _builder.Multiply(x, Partner(x));
            case 8 or 9 when x.Shape.Rank >= 1:
                return MatrixProduct(x);
            case 10 when x.Shape.Rank >= 1:
                return _builder.ReduceSum(x, _random.Next(x.Shape.Rank));
            case 11:
                var axis = _random.Next(x.Shape.Rank + 1);
                var target = x.Shape.Sizes.ToArray().ToList();
                target.Insert(axis, _random.Next(2, 4));
                return _builder.Broadcast(x, new Shape([.. target]), axis);
            case 12 when x.Shape.Rank >= 2:
                return _random.Next(2) == 0
                    ? _builder.Transpose(x, [.. Enumerable.Range(0, x.Shape.Rank).Reverse()])
                    : _builder.Reshape(x, new Shape((int)x.Shape.Count));
            case 13:
                return Move(x);
            case 14 when x.Shape.Rank >= 1:
                var ties = _random.Next(2) == 0 ? TieBreak.First : TieBreak.Split;
                var allowed = _random.Next(2) == 0 ? null : new AllowedElements([.. Enumerable.Range(0, x.Shape[x.Shape.Rank - 1]).Select(i => i == 0 || _random.Next(2) == 0)]);
                var chosen = _builder.Choose(x, 1, ties, allowed);
                var size = x.Shape[x.Shape.Rank - 1];
                if (ties == TieBreak.First && size > 1 && _random.Next(3) == 0) chosen = _builder.Subtract(_builder.Choose(x, _random.Next(2, size + 1), ties), chosen); // the others among the largest
                return _builder.ReduceSum(_builder.Multiply(x, chosen), x.Shape.Rank - 1);
            case 15 when x.Shape.Rank >= 1:
                return _builder.Concat(0, x, Partner(x));
            default:
                return _builder.Offset(_builder.Scale(x, Starts[_random.Next(3, Starts.Length)]), Starts[_random.Next(Starts.Length)]);
        }
    }

    Node Partner(Node x)
    {
        var candidates = _nodes.Where(node => node.Shape == x.Shape).ToArray();
        return _random.Next(3) switch
        {
            0 when candidates.Length > 0 => candidates[_random.Next(candidates.Length)],
            1 when ParameterCount + x.Shape.Count <= 30 => Parameter(x.Shape),
            _ => Data(x.Shape),
        };
    }

    Node MatrixProduct(Node x)
    {
        var width = x.Shape[x.Shape.Rank - 1];
        var units = _random.Next(1, 4);
        var letters = "abcd"[..(x.Shape.Rank - 1)];
        var weight = ParameterCount + width * units <= 30 ? Parameter(new Shape(units, width)) : Data(new Shape(units, width));
        return _builder.Contract(letters + "i", "oi", letters + "o", x, weight);
    }

    Node Move(Node x)
    {
        var flat = _builder.Reshape(x, new Shape((int)x.Shape.Count));
        var count = (int)flat.Shape.Count;
        switch (_random.Next(4))
        {
            case 0 when count >= 3: // sliding windows of two
                return _builder.Gather(flat, new IndexMap.Affine(flat.Shape, new Shape(count - 1, 2), 0, new Axes(1, 1)));
            case 1 when count >= 2: // backwards
                return _builder.Gather(flat, new IndexMap.Affine(flat.Shape, flat.Shape, count - 1, new Axes(-1)));
            case 2: // by a table, with zeros and repetitions
                var target = new Shape(_random.Next(1, 6));
                return _builder.Gather(flat, new IndexMap.Table(flat.Shape, target, [.. Enumerable.Range(0, target[0]).Select(_ => _random.Next(-1, count))]));
            default: // into a longer tensor
                var room = new Shape(count + 2);
                return _random.Next(2) == 0
                    ? _builder.ScatterAdd(flat, new IndexMap.Affine(room, flat.Shape, 1, new Axes(1)))
                    : _builder.ScatterAdd(flat, new IndexMap.Table(room, flat.Shape, [.. Enumerable.Range(0, count).Select(_ => _random.Next(-1, count + 2))]));
        }
    }

    // One or two dense layers with planted copies, then what networks have: attention, gates, normalisation, an ensemble.
    Model Layered()
    {
        int inputs = _random.Next(2, 4), hidden = _random.Next(2, 5), samples = _random.Next(1, 4);
        var x = Data(new Shape(samples, inputs));
        Node Dense(Node input, int units, bool bias)
        {
            var weight = Parameter(new Shape(units, input.Shape[1]));
            var product = _builder.Contract("ni", "oi", "no", input, weight);
            return bias ? _builder.Add(product, _builder.BroadcastTo(Parameter(new Shape(units)), product.Shape)) : product;
        }

        Node Activate(Node node) => _random.Next(4) switch
        {
            0 => _builder.Multiply(node, _builder.Apply(FunctionKind.Step, node)),
            1 => _builder.Apply(FunctionKind.Tanh, node),
            2 => _builder.Offset(_builder.Scale(_builder.Apply(FunctionKind.Tanh, _builder.Scale(node, new(1, 2))), new(1, 2)), new(1, 2)), // sigmoid
            _ => node,
        };

        Node Softmax(Node node)
        {
            var e = _builder.Apply(FunctionKind.Exp, node);
            var last = node.Shape.Rank - 1;
            return _builder.Divide(e, _builder.Broadcast(_builder.ReduceSum(e, last), e.Shape, last));
        }

        Node y;
        switch (_random.Next(5))
        {
            case 0: // attention of the samples among themselves, with a key bias
                Node q = Dense(x, 2, true), k = Dense(x, 2, true), v = Dense(x, 2, false);
                y = _builder.Contract("nm", "mv", "nv", Softmax(_builder.Contract("nd", "md", "nm", q, k)), v);
                break;
            case 1: // experts behind a router
                var router = Softmax(Dense(x, 2, false));
                y = Fill(new Shape(samples, 1));
                for (var expert = 0; expert < 2; expert++)
                {
                    var gate = _builder.Gather(router, new IndexMap.Affine(router.Shape, new Shape(samples, 1), expert, new Axes(2, 1)));
                    y = _builder.Add(y, _builder.Multiply(Activate(Dense(x, 1, true)), gate));
                }

                break;
            case 2: // normalised over the samples
                var h = Dense(x, 2, true);
                var mean = _builder.Scale(_builder.ReduceSum(h, 0), new Rational(1, samples));
                var centred = _builder.Subtract(h, _builder.Broadcast(mean, h.Shape, 0));
                var variance = _builder.Offset(_builder.Scale(_builder.ReduceSum(_builder.Multiply(centred, centred), 0), new Rational(1, samples)), new(1, 100));
                y = Dense(Activate(_builder.Divide(centred, _builder.Broadcast(_builder.Apply(FunctionKind.Sqrt, variance), h.Shape, 0))), 1, true);
                break;
            default:
                y = Dense(Activate(Dense(x, hidden, _random.Next(2) == 0)), _random.Next(1, 3), _random.Next(2) == 0);
                break;
        }

        _builder.Output("y", y);
        return Done(outputIsLoss: false);
    }

    long ParameterCount => _parameters.Sum(parameter => parameter.Shape.Count);

    Shape RandomShape() => _random.Next(4) switch
    {
        0 => Shape.Scalar,
        1 => new Shape(_random.Next(1, 4)),
        _ => new Shape(_random.Next(1, 4), _random.Next(1, 4)),
    };

    Node Fill(Shape shape) => _builder.Fill(Rational.Zero, shape);

    Node Data(Shape shape) => _builder.Data($"x{_data++}", shape, shape.Rank > 0 && _random.Next(5) == 0 ? DataKind.Distribution : DataKind.Free);

    Node Parameter(Shape shape)
    {
        var same = _parameters.Where(p => p.Shape == shape).ToArray();
        if (same.Length > 0 && _random.Next(6) == 0) return _builder.Parameter(same[0].Name, shape); // shared
        var name = $"p{_parameters.Count}";
        _parameters.Add(new ParameterTensor(name, shape, same.Length > 0 && _random.Next(3) == 0 ? same[0].Start : Start(shape)));
        return _builder.Parameter(name, shape);
    }

    ExactTensor Start(Shape shape)
    {
        var count = (int)shape.Count;
        if (_random.Next(3) == 0) return new UniformTensor(count, Starts[_random.Next(Starts.Length)]);
        var values = Enumerable.Range(0, count).Select(_ => Starts[_random.Next(Starts.Length)]).ToArray();
        if (shape.Rank == 2 && shape[0] > 1 && _random.Next(2) == 0)
        {
            // The last row copies or mirrors the first.
            var sign = _random.Next(2) == 0 ? Rational.One : -Rational.One;
            for (var i = 0; i < shape[1]; i++) values[count - shape[1] + i] = sign * values[i];
        }

        return values.All(value => value.TryGetDouble(out _)) ? new DoubleTensor([.. values.Select(value => value.ToDouble())]) : new RationalTensor(values);
    }

    Model Done(bool outputIsLoss) => new() { Program = _builder.Build(), Parameters = _parameters, OutputIsLoss = outputIsLoss };
}
