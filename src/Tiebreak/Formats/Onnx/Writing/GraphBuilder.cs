using System.Runtime.InteropServices;
using global::Onnx;
using Google.Protobuf;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using AttributeType = Onnx.AttributeProto.Types.AttributeType;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Formats.Onnx.Writing;

/// <summary>An ONNX graph under construction. Equal lists of integers and equal numbers are written once.</summary>
sealed class GraphBuilder(OnnxElementType elementType)
{
    /// <summary>Protocol buffers hold at most 2 GiB; some room is left for everything but weights.</summary>
    const long MostBytes = int.MaxValue - (64L << 20);

    readonly HashSet<string> _names = new(StringComparer.Ordinal);
    readonly Dictionary<Axes, string> _integers = [];
    readonly Dictionary<double, string> _numbers = [];
    long _bytes;
    int _values;

    /// <summary>The graph so far.</summary>
    public GraphProto Graph { get; } = new() { Name = "program" };

    /// <summary>What the model computes with.</summary>
    public DataType ElementType { get; } = elementType == OnnxElementType.Float32 ? DataType.Float : DataType.Double;

    /// <summary>A name that nothing else has: the wanted one, or that with a number.</summary>
    public string Unique(string wanted)
    {
        var name = wanted;
        for (var k = 2; name.Length == 0 || !_names.Add(name); k++) name = $"{wanted} {k}";
        return name;
    }

    /// <summary>Declares an input.</summary>
    public string Input(string wanted, Shape shape)
    {
        var name = Unique(wanted);
        Graph.Input.Add(Describe(name, shape));
        return name;
    }

    /// <summary>
    /// Declares the outputs, each a name that is wanted and a value, and returns the names they get. An operator's result is renamed; only inputs, initializers and
    /// values that are several outputs are copied.
    /// </summary>
    public List<string> Outputs(IEnumerable<(string Wanted, string Value, Shape Shape)> outputs)
    {
        var made = Graph.Node.SelectMany(node => node.Output).ToHashSet(StringComparer.Ordinal);
        var renamed = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new List<string>();
        foreach (var (wanted, value, shape) in outputs)
        {
            var name = Unique(wanted);
            names.Add(name);
            Graph.Output.Add(Describe(name, shape));
            if (!made.Contains(value) || !renamed.TryAdd(value, name)) Append("Identity", [value], name);
        }

        foreach (var node in Graph.Node)
        {
            for (var k = 0; k < node.Input.Count; k++) node.Input[k] = renamed.GetValueOrDefault(node.Input[k], node.Input[k]);
            for (var k = 0; k < node.Output.Count; k++) node.Output[k] = renamed.GetValueOrDefault(node.Output[k], node.Output[k]);
        }

        return names;
    }

    /// <summary>Adds an operator and names its first result.</summary>
    public string Add(string type, ReadOnlySpan<string> inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        var output = NewValue();
        Append(type, inputs, output).Attribute.AddRange(attributes.ToArray());
        return output;
    }

    /// <summary>Adds an operator of which only the second result is wanted.</summary>
    public string AddForSecond(string type, ReadOnlySpan<string> inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        var node = Append(type, inputs, NewValue());
        node.Attribute.AddRange(attributes.ToArray());
        node.Output.Add(NewValue());
        return node.Output[1];
    }

    /// <summary>An integer attribute.</summary>
    public static AttributeProto Int(string name, long value) => new() { Name = name, Type = AttributeType.Int, I = value };

    /// <summary>A list of integers as an attribute.</summary>
    public static AttributeProto Ints(string name, params IEnumerable<int> values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeType.Ints };
        attribute.Ints.AddRange(values.Select(value => (long)value));
        return attribute;
    }

    /// <summary>A text attribute.</summary>
    public static AttributeProto Text(string name, string value) => new() { Name = name, Type = AttributeType.String, S = ByteString.CopyFromUtf8(value) };

    /// <summary>A list of integers as a value.</summary>
    public string Integers(params ReadOnlySpan<int> values)
    {
        var key = new Axes(values);
        if (_integers.TryGetValue(key, out var known)) return known;
        var wide = new long[values.Length];
        for (var k = 0; k < wide.Length; k++) wide[k] = values[k];
        return _integers[key] = Initializer(new Shape(values.Length), DataType.Int64, MemoryMarshal.AsBytes<long>(wide).ToArray());
    }

    /// <summary>One number, of rank 0.</summary>
    public string Number(double value) =>
        _numbers.TryGetValue(value, out var known) ? known : _numbers[value] = Numbers(new DoubleTensor([value]), Shape.Scalar);

    /// <summary>Fixed numbers.</summary>
    public string Numbers(ExactTensor values, Shape shape)
    {
        const int block = 1 << 16;
        var size = ElementType == DataType.Float ? sizeof(float) : sizeof(double);
        if (values.Count > MostBytes / size) throw TooLarge();
        var bytes = new byte[values.Count * size];
        var doubles = new double[Math.Min(values.Count, block)];
        for (long start = 0; start < values.Count; start += block)
        {
            var part = doubles.AsSpan(0, (int)Math.Min(block, values.Count - start));
            if (values.HasDoubles) values.ReadDoubles(start, part);
            else for (var k = 0; k < part.Length; k++) part[k] = values[start + k].ToDouble();
            var room = bytes.AsSpan((int)(start * size), part.Length * size);
            if (ElementType == DataType.Double) MemoryMarshal.AsBytes(part).CopyTo(room);
            else for (var k = 0; k < part.Length; k++) MemoryMarshal.Cast<byte, float>(room)[k] = (float)part[k];
        }

        return Initializer(shape, ElementType, bytes);
    }

    /// <summary>Fixed Booleans.</summary>
    public string Flags(bool[] flags, Shape shape) => Initializer(shape, DataType.Bool, MemoryMarshal.AsBytes<bool>(flags).ToArray());

    /// <summary>One value everywhere.</summary>
    public string Fill(double value, Shape shape) => shape.Rank == 0 ? Number(value) : Expand(Number(value), shape);

    /// <summary>The same elements under another shape.</summary>
    public string Reshape(string value, Shape from, Shape to) =>
        from == to ? value
        : to.Sizes.Contains(0) ? Add("Reshape", [value, Integers(to.Sizes.Span)], Int("allowzero", 1))
        : Add("Reshape", [value, Integers(to.Sizes.Span)]);

    /// <summary>Repeats to a shape by the rules of broadcasting.</summary>
    public string Expand(string value, Shape to) => Add("Expand", [value, Integers(to.Sizes.Span)]);

    /// <summary>Result axis k is the value's axis order[k].</summary>
    public string Transpose(string value, params ReadOnlySpan<int> order)
    {
        for (var axis = 0; axis < order.Length; axis++)
            if (order[axis] != axis) return Add("Transpose", [value], Ints("perm", order.ToArray()));
        return value;
    }

    /// <summary>Numbers of another type.</summary>
    public string Cast(string value, DataType to) => Add("Cast", [value], Int("to", (long)to));

    NodeProto Append(string type, ReadOnlySpan<string> inputs, string output)
    {
        var node = new NodeProto { OpType = type };
        node.Input.AddRange(inputs.ToArray());
        node.Output.Add(output);
        Graph.Node.Add(node);
        return node;
    }

    string NewValue() => Unique($"value {_values++}");

    string Initializer(Shape shape, DataType type, byte[] bytes)
    {
        _bytes += bytes.Length;
        if (_bytes > MostBytes) throw TooLarge();
        var tensor = new TensorProto { Name = NewValue(), DataType = (int)type, RawData = UnsafeByteOperations.UnsafeWrap(bytes) };
        tensor.Dims.AddRange(shape.Sizes.Select(size => (long)size));
        Graph.Initializer.Add(tensor);
        return tensor.Name;
    }

    ValueInfoProto Describe(string name, Shape shape)
    {
        var sizes = new TensorShapeProto();
        sizes.Dim.AddRange(shape.Sizes.Select(size => new TensorShapeProto.Types.Dimension { DimValue = size }));
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)ElementType, Shape = sizes } } };
    }

    static TiebreakException TooLarge() => new("the weights and constants of the program are larger than the 2 GiB an ONNX file can hold; let the weights be inputs of the written model");
}
