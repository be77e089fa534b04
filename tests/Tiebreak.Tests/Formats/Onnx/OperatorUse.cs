using global::Onnx;
using Google.Protobuf;
using Tiebreak.Formats;
using Tiebreak.Programs;
using Tiebreak.Tests.Programs;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>
/// One node with its operands and attributes, lowered in a graph of its own. Every float operand that is not a constant can be trained, so that the
/// gradient for each can be looked at.
/// </summary>
sealed class OperatorUse(Dice dice, string domain, string type)
{
    /// <summary>Numbers are middles of steps of this width: two that differ do so by more than a difference quotient needs, and none is whole or a half.</summary>
    const double Spacing = 0.01;

    readonly OnnxModelBuilder _model = new();
    readonly List<string> _operands = [];
    readonly List<AttributeProto> _attributes = [];
    readonly List<Action<OnnxModelBuilder>> _after = [];
    readonly Dictionary<string, (double Low, double High)> _ranges = [];
    readonly HashSet<double> _drawn = [];
    string[] _results = ["y0"];
    string[]? _outputs;
    int _floats;
    int _weights;
    bool _inference;

    /// <summary>An operand that earlier parts of a network compute, of the given sizes.</summary>
    public OperatorUse X(params int[] sizes)
    {
        var (name, weight) = ($"x{_operands.Count}", Weight(sizes));
        _model.Input(name, Wide(sizes)).Node("Add", [name, weight], [$"h{_operands.Count}"]);
        return Operand($"h{_operands.Count}");
    }

    /// <summary>As <see cref="X(int[])"/>.</summary>
    public OperatorUse X(Shape shape) => X(shape.Sizes.ToArray());

    /// <summary>A tensor of the file: a kernel, a bias.</summary>
    public OperatorUse W(params int[] sizes) => Operand(Weight(sizes));

    /// <summary>The range of the numbers of the operand before; without it −2 to 2.</summary>
    public OperatorUse From(double low, double high)
    {
        _ranges[$"p{_weights - 1}"] = (low, high);
        return this;
    }

    /// <summary>Constant whole numbers: axes, sizes, indices.</summary>
    public OperatorUse Integers(params long[] values) => Integers([values.Length], values);

    /// <summary>Constant whole numbers of a shape.</summary>
    public OperatorUse Integers(int[] sizes, long[] values)
    {
        var tensor = OnnxModelBuilder.Whole($"c{_operands.Count}", values);
        tensor.Dims.Clear();
        tensor.Dims.AddRange(Wide(sizes));
        return Constant(tensor);
    }

    /// <summary>A constant vector.</summary>
    public OperatorUse Floats(params float[] values) => Floats([values.Length], values);

    /// <summary>A constant single number.</summary>
    public OperatorUse Number(float value) => Floats([], [value]);

    /// <summary>Constant truths of a shape.</summary>
    public OperatorUse Flags(int[] sizes)
    {
        var tensor = new TensorProto { Name = $"c{_operands.Count}", DataType = (int)DataType.Bool };
        tensor.Dims.AddRange(Wide(sizes));
        for (var k = new Shape(sizes).Count; k > 0; k--) tensor.Int32Data.Add(dice.Next(0, 1));
        return Constant(tensor);
    }

    /// <summary>Indices that are data.</summary>
    public OperatorUse Index(params int[] sizes)
    {
        _model.Input($"i{_operands.Count}", DataType.Int64, Wide(sizes));
        return Operand($"i{_operands.Count}");
    }

    /// <summary>Data that decides between two truths.</summary>
    public OperatorUse Gate(params int[] sizes)
    {
        _model.Input($"b{_operands.Count}", DataType.Bool, Wide(sizes));
        return Operand($"b{_operands.Count}");
    }

    /// <summary>An optional operand that is left out.</summary>
    public OperatorUse Nothing() => Operand("");

    public OperatorUse With(string name, long value) => With(OnnxModelBuilder.Int(name, value));

    public OperatorUse With(string name, float value) => With(OnnxModelBuilder.Float(name, value));

    public OperatorUse With(string name, string value) => With(new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(value) });

    public OperatorUse With(string name, int[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        attribute.Ints.AddRange(Wide(values));
        return With(attribute);
    }

    public OperatorUse With(string name, string[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Strings };
        attribute.Strings.AddRange(values.Select(ByteString.CopyFromUtf8));
        return With(attribute);
    }

    /// <summary>How many results the node has.</summary>
    public OperatorUse Results(int count)
    {
        _results = [.. Enumerable.Range(0, count).Select(k => $"y{k}")];
        return this;
    }

    public OperatorUse Opset(long opset)
    {
        _model.Opset(opset);
        return this;
    }

    /// <summary>Batch normalisation by stored statistics.</summary>
    public OperatorUse ForInference()
    {
        _inference = true;
        return this;
    }

    /// <summary>A second node, which makes a float output of the first one's results.</summary>
    public OperatorUse Then(string next, string[] operands, (string Name, long Value) attribute)
    {
        _after.Add(model => model.Node(next, operands, ["after"], OnnxModelBuilder.Int(attribute.Name, attribute.Value)));
        _outputs = ["after"];
        return this;
    }

    /// <summary>The truths that come out, as 0 and 1, times a number.</summary>
    public OperatorUse TimesNumber()
    {
        var weight = Weight([1]);
        _after.Add(model => model.Node("Cast", ["y0"], ["float"], OnnxModelBuilder.Int("to", (long)DataType.Float)).Node("Mul", ["float", weight], ["after"]));
        _outputs = ["after"];
        return this;
    }

    /// <summary>The program of the graph.</summary>
    public TensorProgram Lower()
    {
        _model.Node(domain, type, [.. _operands], _results, [.. _attributes]);
        foreach (var after in _after) after(_model);
        foreach (var output in _outputs ?? _results) _model.Output(output);
        return _model.Lower(new LoweringOptions { Trainable = ["p*"], Freeze = _floats > 0 ? ["f*"] : [], BatchNormTraining = !_inference }).Program;
    }

    /// <summary>Random numbers for a leaf of the program.</summary>
    public double[] Numbers(Node leaf)
    {
        var count = (int)leaf.Shape.Count;
        if (leaf.Primitive is Primitive.Data data)
        {
            if (data.Kind == DataKind.Free && data.Name.StartsWith('x')) return new double[count];
            if (data.Kind == DataKind.Distribution) return Distributions(count, leaf.Shape[leaf.Shape.Rank - 1]);
            return [.. Enumerable.Range(0, count).Select(_ => dice.Double(0, 1))];
        }

        var (low, high) = _ranges.GetValueOrDefault(((Primitive.Parameter)leaf.Primitive).Name, (-2, 2));
        return [.. Enumerable.Range(0, count).Select(_ => Draw(low, high))];
    }

    double Draw(double low, double high)
    {
        for (var tries = 0; ; tries++)
        {
            var number = (Math.Floor(dice.Double(low, high) / Spacing) + 0.5) * Spacing;
            if (_drawn.Add(number) || tries > 20) return number;
        }
    }

    double[] Distributions(int count, int rows)
    {
        var shares = Enumerable.Range(0, count).Select(_ => dice.Double(0.1, 1)).ToArray();
        for (var start = 0; start < count; start += rows)
        {
            var total = shares.AsSpan(start, rows).ToArray().Sum();
            for (var k = start; k < start + rows; k++) shares[k] /= total;
        }

        return shares;
    }

    string Weight(int[] sizes)
    {
        var name = $"p{_weights++}";
        _model.Weight(name, Wide(sizes), new float[new Shape(sizes).Count]);
        return name;
    }

    /// <summary>Constant numbers of a shape.</summary>
    public OperatorUse Floats(int[] sizes, float[] values)
    {
        var tensor = new TensorProto { Name = $"f{_floats++}", DataType = (int)DataType.Float };
        tensor.Dims.AddRange(Wide(sizes));
        tensor.FloatData.AddRange(values); // not raw bytes, which are read from the file while it is open
        return Constant(tensor);
    }

    OperatorUse Constant(TensorProto tensor)
    {
        _model.Tensor(tensor);
        return Operand(tensor.Name);
    }

    OperatorUse Operand(string name)
    {
        _operands.Add(name);
        return this;
    }

    OperatorUse With(AttributeProto attribute)
    {
        _attributes.Add(attribute);
        return this;
    }

    static long[] Wide(int[] sizes) => Array.ConvertAll(sizes, size => (long)size);
}
