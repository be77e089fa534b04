using Google.Protobuf.Collections;
using global::Onnx;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>One node of the graph while it is lowered: its operands, attributes and results, and the program to add to.</summary>
sealed class OperatorCall(GraphLowering lowering, NodeProto node, long opset)
{
    /// <summary>The program under construction.</summary>
    public ProgramBuilder Builder => lowering.Builder;

    /// <summary>What was asked for.</summary>
    public LoweringOptions Options => lowering.Options;

    /// <summary>The walk this node is part of.</summary>
    public GraphLowering Lowering => lowering;

    /// <summary>The opset version of the operator's domain.</summary>
    public long Opset => opset;

    /// <summary>The node as the file has it.</summary>
    public NodeProto Proto => node;

    /// <summary>For instance <c>Conv</c>.</summary>
    public string OpType => node.OpType;

    /// <summary>The node's own name, or its first output's.</summary>
    public string Name => GraphLowering.NameOf(node);

    /// <summary>How many operands are written, optional ones left out included.</summary>
    public int InputCount => node.Input.Count;

    /// <summary>How many results are written.</summary>
    public int OutputCount => node.Output.Count;

    /// <summary>Whether an optional operand is given.</summary>
    public bool Has(int input) => input < node.Input.Count && node.Input[input].Length > 0;

    /// <summary>Whether somebody may use an optional result.</summary>
    public bool HasOutput(int output) => output < node.Output.Count && node.Output[output].Length > 0 && lowering.IsUsed(node.Output[output]);

    /// <summary>The name of a result in the graph.</summary>
    public string OutputName(int output) => output < node.Output.Count ? node.Output[output] : "";

    /// <summary>An operand.</summary>
    public Value Input(int input) => Has(input) ? lowering.ValueOf(node.Input[input], this) : throw Fail($"its operand {input} is missing; export the model again");

    /// <summary>An operand that is a sequence.</summary>
    public IReadOnlyList<Value> Items(int input) => Input(input).Items ?? throw Fail($"its operand {input} (`{node.Input[input]}`) must be a sequence; export the model again");

    /// <summary>An operand as a node of the program; known numbers become constants.</summary>
    public Node Node(int input) => NodeOf(Input(input), input);

    /// <summary>An operand's shape.</summary>
    public Shape Shape(int input) => Input(input).Shape;

    /// <summary>An operand that must be known whole numbers: a shape, axes, indices.</summary>
    public long[] Integers(int input) =>
        Input(input).Integers ?? throw Fail($"its operand {input} (`{node.Input[input]}`) must be constant once the sizes are known, but it depends on data; export the model with fixed shapes there");

    /// <summary>An operand that must be known real numbers: bounds, scales, ratios.</summary>
    public Rational[] Settings(int input) =>
        TryKnown(Input(input)) ?? throw Fail($"its operand {input} (`{node.Input[input]}`) must be a constant; export the model with a constant there");

    /// <summary>An operand that must be one known real number.</summary>
    public Rational Setting(int input)
    {
        var values = Settings(input);
        return values.Length == 1 ? values[0] : throw Fail($"its operand {input} (`{node.Input[input]}`) must be a single number, not {values.Length}");
    }

    /// <summary>The value of an operand where it is known, of at most so many finite numbers; else null.</summary>
    public static Rational[]? TryKnown(Value value, int most = 4096)
    {
        if (value.Integers is { } integers && integers.Length <= most) return [.. integers.Select(number => (Rational)number)];
        if (value.Known is null || value.Known.Count > most) return null;
        var values = new Rational[value.Known.Count];
        for (var k = 0; k < values.Length; k++)
        {
            if (!IsFinite(value.Known, k)) return null;
            values[k] = value.Known[k];
        }

        return values;
    }

    /// <summary>Names a result.</summary>
    public void Set(int output, Value value)
    {
        if (output < node.Output.Count && node.Output[output].Length > 0) lowering.Define(node.Output[output], value, this);
    }

    /// <summary>Names the first result.</summary>
    public void Set(Node result) => Set(0, Value.Of(result));

    /// <summary>Says what a parameter behind an operand does, and what the operand's axes mean.</summary>
    public void UsedAs(int input, ParameterRole role, params ReadOnlySpan<AxisMeaning> meanings)
    {
        if (Has(input) && Input(input).Weight is { } view) lowering.Roles.Note(view, role, meanings);
    }

    /// <summary>Whether an attribute is written.</summary>
    public bool HasAttribute(string name) => Find(name) is not null;

    /// <summary>An integer attribute.</summary>
    public long Int(string name, long otherwise) => Find(name)?.I ?? otherwise;

    /// <summary>A float attribute: exactly the float32 that is stored.</summary>
    public Rational Float(string name, float otherwise)
    {
        var value = Find(name)?.F ?? otherwise;
        return float.IsFinite(value) ? Rational.FromDouble(value) : throw Fail($"its attribute {name} is {value}; it must be a finite number");
    }

    /// <summary>A list of integers, or null if it is not written.</summary>
    public int[]? Ints(string name)
    {
        if (Find(name) is not { } attribute) return null;
        return Narrow(attribute.Ints, name);
    }

    /// <summary>A list of floats, or null if it is not written.</summary>
    public RepeatedField<float>? Floats(string name) => Find(name)?.Floats;

    /// <summary>A text attribute.</summary>
    public string Text(string name, string otherwise) => Find(name)?.S.ToStringUtf8() ?? otherwise;

    /// <summary>A tensor attribute, or null if it is not written.</summary>
    public OnnxTensor? Tensor(string name) => Find(name)?.T is { } tensor ? lowering.Tensors.Read(tensor) : null;

    /// <summary>An attribute as it stands in the file, or null.</summary>
    public AttributeProto? Find(string name)
    {
        foreach (var attribute in node.Attribute)
        {
            if (!string.Equals(attribute.Name, name, StringComparison.Ordinal)) continue;
            if (attribute.RefAttrName.Length > 0) throw Fail($"its attribute {name} refers to a function's attribute, which is not supported; inline the model's functions");
            return attribute;
        }

        return null;
    }

    /// <summary>An axis counted from the end if negative.</summary>
    public int Axis(long axis, int rank)
    {
        var from0 = axis < 0 ? axis + rank : axis;
        return from0 >= 0 && from0 < rank ? (int)from0 : throw Fail($"axis {axis} does not exist in a tensor of rank {rank}");
    }

    /// <summary>Distinct ascending axes counted from the end if negative.</summary>
    public int[] AxesOf(IEnumerable<long> axes, int rank)
    {
        var sorted = axes.Select(axis => Axis(axis, rank)).Order().ToArray();
        if (sorted.Distinct().Count() != sorted.Length) throw Fail("it names an axis twice");
        return sorted;
    }

    /// <summary>Axes given as attribute in old opsets and as operand in new ones; null if neither is there.</summary>
    public long[]? AxesAttributeOrInput(int input, string name = "axes") =>
        Has(input) ? Integers(input) : Find(name) is { } attribute ? [.. attribute.Ints] : null;

    /// <summary>Whole numbers as sizes.</summary>
    public int[] Narrow(IEnumerable<long> numbers, string what)
    {
        var narrow = new List<int>();
        foreach (var number in numbers)
            narrow.Add(number is >= int.MinValue and <= int.MaxValue ? (int)number : throw Fail($"its {what} hold {number}, which is out of range"));
        return [.. narrow];
    }

    /// <summary>A value as a node of the program.</summary>
    public Node NodeOf(Value value, int input = -1)
    {
        if (value.Node is not null) return value.Node;
        if (value.Known is not null)
        {
            if (value.Known.HasDoubles && value.Kind == ElementKind.Float && !IsFinite(value.Known))
                throw Fail($"its operand {(input >= 0 && input < node.Input.Count ? $"`{node.Input[input]}`" : "")} holds NaN or infinity, which has a meaning only as a mask before a softmax; replace it by a finite number");
            return lowering.ConstantNode(value);
        }

        if (value.Integers is not null) return Builder.Constant(Exact(value.Integers), value.Shape);
        if (value.Numbers is not null) return value.Numbers();
        if (value.Items is not null) throw Fail("it takes a tensor and is given a sequence; export the model again");
        throw Fail($"its operand {(input >= 0 && input < node.Input.Count ? $"`{node.Input[input]}`" : "")} is whole-number data used as a number, which is not supported here; give it as a float input");
    }

    /// <summary>Whole numbers as exact numbers.</summary>
    public static ExactTensor Exact(long[] integers) =>
        integers.Length > 0 && Array.TrueForAll(integers, number => number == integers[0])
            ? new UniformTensor(integers.Length, integers[0])
            : new RationalTensor([.. integers.Select(number => (Rational)number)]);

    /// <summary>An error at this node.</summary>
    public TiebreakException Fail(string problem) => lowering.Fail(this, problem);

    static bool IsFinite(ExactTensor tensor)
    {
        var block = new double[Math.Min(tensor.Count, 4096)];
        for (long start = 0; start < tensor.Count; start += block.Length)
        {
            var part = block.AsSpan(0, (int)Math.Min(block.Length, tensor.Count - start));
            tensor.ReadDoubles(start, part);
            foreach (var number in part)
                if (!double.IsFinite(number)) return false;
        }

        return true;
    }

    static bool IsFinite(ExactTensor tensor, long index)
    {
        if (!tensor.HasDoubles) return true;
        Span<double> one = stackalloc double[1];
        tensor.ReadDoubles(index, one);
        return double.IsFinite(one[0]);
    }
}
