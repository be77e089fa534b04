using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Recurrent layers, unrolled step by step.</summary>
sealed class Recurrent
{
    const int MostSteps = 4096;

    readonly OperatorCall _call;
    readonly ProgramBuilder _builder;
    readonly Node _x; // [steps, batch, inputs]
    readonly bool _batchFirst;
    readonly int _hidden;
    readonly int _directions;
    readonly int _gates;

    Recurrent(OperatorCall call, int gates)
    {
        _call = call;
        _builder = call.Builder;
        _gates = gates;
        _batchFirst = call.Int("layout", 0) != 0;
        var x = call.Node(0);
        if (x.Shape.Rank != 3) throw call.Fail($"its input of shape {x.Shape} must have steps, batch and features");
        _x = _batchFirst ? _builder.Transpose(x, 1, 0, 2) : x;
        var (w, r) = (call.Shape(1), call.Shape(2));
        if (w.Rank != 3 || r.Rank != 3 || r[2] < 1 || w[1] != gates * r[2] || r[1] != gates * r[2] || w[0] != r[0] || w[2] != _x.Shape[2]) throw call.Fail($"weights of shapes {w} and {r} do not fit an input of shape {x.Shape}");
        _hidden = r[2];
        _directions = w[0];
        var direction = call.Text("direction", "forward");
        if (_directions != (direction is "bidirectional" ? 2 : 1)) throw call.Fail($"weights of {_directions} directions do not fit the direction `{direction}`");
        if (_x.Shape[0] > MostSteps) throw call.Fail($"it has {_x.Shape[0]} steps, more than {MostSteps}; choose smaller sizes");
        if (call.HasAttribute("clip")) throw call.Fail("it clips its cells, which is not supported; export the model without clip");
        if (call.Has(4) && Array.Exists(call.Integers(4), length => length != _x.Shape[0])) throw call.Fail("its sequences differ in length, which is not supported; leave sequence_lens out");
        if (call.Has(3) && call.Shape(3) != new Shape(_directions, 2 * gates * _hidden)) throw call.Fail($"a bias of shape {call.Shape(3)} does not fit {_directions} directions of {_hidden} units");
        if (call.Has(7) && call.Shape(7) != new Shape(_directions, 3 * _hidden)) throw call.Fail($"peepholes of shape {call.Shape(7)} do not fit {_directions} directions of {_hidden} units");
        for (var k = 1; k <= 2; k++) call.UsedAs(k, ParameterRole.Dense, AxisMeaning.Other, AxisMeaning.Output, AxisMeaning.Input);
        call.UsedAs(3, ParameterRole.Bias, AxisMeaning.Other, AxisMeaning.Output);
    }

    public static void Rnn(OperatorCall call)
    {
        var layer = new Recurrent(call, 1);
        layer.Run(hasCell: false, (direction, step, state, _) =>
        {
            var f = layer.Activation(direction, 0, 1, "Tanh");
            return (f(layer._builder.Add(layer.Input(direction, step, 0), layer.Hidden(direction, 0, state))), state);
        });
    }

    public static void Gru(OperatorCall call)
    {
        var layer = new Recurrent(call, 3);
        var builder = layer._builder;
        var resetsAfter = call.Int("linear_before_reset", 0) != 0;
        layer.Run(hasCell: false, (direction, step, state, _) =>
        {
            var f = layer.Activation(direction, 0, 2, "Sigmoid");
            var g = layer.Activation(direction, 1, 2, "Tanh");
            var update = f(builder.Add(layer.Input(direction, step, 0), layer.Hidden(direction, 0, state)));
            var reset = f(builder.Add(layer.Input(direction, step, 1), layer.Hidden(direction, 1, state)));
            var recalled = resetsAfter ? builder.Multiply(reset, layer.Hidden(direction, 2, state)) : layer.Hidden(direction, 2, builder.Multiply(reset, state));
            var candidate = g(builder.Add(layer.Input(direction, step, 2), recalled));
            return (builder.Add(builder.Multiply(Comparisons.Opposite(builder, update), candidate), builder.Multiply(update, state)), state);
        });
    }

    public static void Lstm(OperatorCall call)
    {
        var layer = new Recurrent(call, 4);
        var builder = layer._builder;
        var coupled = call.Int("input_forget", 0) != 0;
        layer.Run(hasCell: true, (direction, step, state, cell) =>
        {
            var f = layer.Activation(direction, 0, 3, "Sigmoid");
            var g = layer.Activation(direction, 1, 3, "Tanh");
            var h = layer.Activation(direction, 2, 3, "Tanh");
            Node Gate(int gate) => builder.Add(layer.Input(direction, step, gate), layer.Hidden(direction, gate, state));
            var input = f(layer.Peeped(direction, 0, Gate(0), cell));
            var forget = coupled ? Comparisons.Opposite(builder, input) : f(layer.Peeped(direction, 2, Gate(2), cell));
            var next = builder.Add(builder.Multiply(forget, cell), builder.Multiply(input, g(Gate(3))));
            var output = f(layer.Peeped(direction, 1, Gate(1), next));
            return (builder.Multiply(output, h(next)), next);
        });
    }

    void Run(bool hasCell, Func<int, int, Node, Node, (Node State, Node Cell)> step)
    {
        var (steps, batch) = (_x.Shape[0], _x.Shape[1]);
        var all = new Node[_directions][];
        var cells = new Node[_directions];
        for (var direction = 0; direction < _directions; direction++)
        {
            var state = Start(direction, 5);
            var cell = hasCell ? Start(direction, 6) : state;
            all[direction] = new Node[steps];
            var backward = direction == 1 || _call.Text("direction", "forward") is "reverse";
            for (var k = 0; k < steps; k++)
            {
                var at = backward ? steps - 1 - k : k;
                (state, cell) = step(direction, at, state, cell);
                all[direction][at] = state;
            }

            cells[direction] = cell;
        }

        var last = Enumerable.Range(0, _directions).Select(direction => all[direction][direction == 1 || _call.Text("direction", "forward") is "reverse" ? 0 : steps - 1]).ToArray();
        if (_call.HasOutput(0))
        {
            var rows = all.Select(states => _builder.Concat(0, [.. states.Select(state => _builder.Reshape(state, new Shape(1, 1, batch, _hidden)))]));
            var y = _builder.Concat(1, [.. rows]);
            _call.Set(0, Value.Of(_batchFirst ? _builder.Transpose(y, 2, 0, 1, 3) : y));
        }

        if (_call.HasOutput(1)) _call.Set(1, Value.Of(Ends(last)));
        if (_call.HasOutput(2)) _call.Set(2, Value.Of(Ends(cells)));
    }

    Node Ends(Node[] ends)
    {
        var joined = _builder.Concat(0, [.. ends.Select(end => _builder.Reshape(end, new Shape(1, _x.Shape[1], _hidden)))]);
        return _batchFirst ? _builder.Transpose(joined, 1, 0, 2) : joined;
    }

    Node Start(int direction, int input)
    {
        var shape = new Shape(_x.Shape[1], _hidden);
        if (!_call.Has(input)) return _builder.Fill(Rational.Zero, shape);
        var start = _batchFirst && _call.Shape(input).Rank == 3 ? _builder.Transpose(_call.Node(input), 1, 0, 2) : _call.Node(input);
        if (start.Shape != new Shape(_directions, shape[0], _hidden)) throw _call.Fail($"its start state {input} has shape {_call.Shape(input)}, which does not fit {_directions} directions, a batch of {shape[0]} and {_hidden} units");
        return Part(start, direction, 0, shape);
    }

    /// <summary>W·x + b of one gate at one step.</summary>
    Node Input(int direction, int step, int gate)
    {
        var w = Part(_call.Node(1), direction, gate * _hidden, new Shape(_hidden, _x.Shape[2]));
        var all = WithBias(_builder.Contract("tni", "hi", "tnh", _x, w), direction, gate);
        return Part(all, step, 0, new Shape(_x.Shape[1], _hidden));
    }

    /// <summary>R·h + b of one gate.</summary>
    Node Hidden(int direction, int gate, Node state)
    {
        var r = Part(_call.Node(2), direction, gate * _hidden, new Shape(_hidden, _hidden));
        return WithBias(_builder.Contract("ni", "hi", "nh", state, r), direction, _gates + gate);
    }

    Node WithBias(Node sum, int direction, int block) =>
        _call.Has(3) ? _builder.Add(sum, _builder.BroadcastTo(Part(_call.Node(3), direction, block * _hidden, new Shape(_hidden)), sum.Shape)) : sum;

    Node Peeped(int direction, int block, Node sum, Node cell) =>
        _call.Has(7) ? _builder.Add(sum, _builder.Multiply(cell, _builder.BroadcastTo(Part(_call.Node(7), direction, block * _hidden, new Shape(_hidden)), sum.Shape))) : sum;

    /// <summary>A block of rows of one slice of the first axis.</summary>
    Node Part(Node node, int slice, int row, Shape shape)
    {
        var strides = node.Shape.Strides();
        return _builder.Gather(node, new IndexMap.Affine(node.Shape, shape, slice * strides[0] + row * strides[1], new Axes(strides.AsSpan(1))));
    }

    Func<Node, Node> Activation(int direction, int index, int each, string otherwise)
    {
        var names = _call.Find("activations")?.Strings;
        if (names is { Count: > 0 } && names.Count < _directions * each) throw _call.Fail($"it names {names.Count} activations in place of {_directions * each}");
        var name = names is { Count: > 0 } ? names[direction * each + index].ToStringUtf8() : otherwise;
        if (names is not { Count: > 0 }) return RecurrentActivation.Of(_call, name, null, null);
        // Constants stand in the order of the functions that have one.
        var before = names.Take(direction * each + index).Select(other => other.ToStringUtf8()).ToList();
        return RecurrentActivation.Of(_call, name, Constant("activation_alpha", before.Count(RecurrentActivation.HasAlpha)), Constant("activation_beta", before.Count(RecurrentActivation.HasBeta)));
    }

    Rational? Constant(string attribute, int place) => _call.Floats(attribute) is { } constants && place < constants.Count ? Rational.FromDouble(constants[place]) : null;
}
