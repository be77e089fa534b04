using global::Onnx;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Writing;

/// <summary>
/// Writes the nodes of a program in order. A value that repeats along axes is kept unrepeated as long as only elementwise arithmetic reads it, which
/// repeats by itself.
/// </summary>
sealed class ProgramWriting(TensorProgram program, OnnxWriterOptions options)
{
    const int Opset = 17, IrVersion = 8;

    readonly GraphBuilder _graph = new(options.ElementType);
    readonly string?[] _whole = new string?[program.Nodes.Count];
    readonly (string Name, Shape Shape)[] _unrepeated = new (string, Shape)[program.Nodes.Count];
    readonly ConvolutionWriting?[] _convolutions = new ConvolutionWriting?[program.Nodes.Count];
    readonly List<(string Name, Node Leaf)> _inputs = [];

    /// <summary>Writes everything that the outputs need.</summary>
    public WrittenProgram Write()
    {
        var needed = new bool[program.Nodes.Count];
        foreach (var (_, node) in program.Outputs) needed[node.Id] = true;
        for (var id = needed.Length - 1; id >= 0; id--)
            if (needed[id] && !IsEmptySum(program.Nodes[id]))
                foreach (var operand in OperandsOf(program.Nodes[id])) needed[operand.Id] = true;
        foreach (var node in program.Nodes)
            if (needed[node.Id]) Write(node);
        var outputs = _graph.Outputs([.. program.Outputs.Select(output => (output.Name, Whole(output.Node), output.Node.Shape))]);
        var model = new ModelProto { IrVersion = IrVersion, ProducerName = "tiebreak", Graph = _graph.Graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = Opset });
        return new WrittenProgram(model, _inputs, outputs);
    }

    void Write(Node node)
    {
        switch (node.Primitive)
        {
            case Primitive.Constant { Values: UniformTensor uniform }:
                _unrepeated[node.Id] = (_graph.Number(uniform.Value.ToDouble()), Shape.Scalar);
                break;
            case Primitive.Broadcast broadcast:
                var sizes = broadcast.Target.Sizes.ToArray();
                foreach (var axis in broadcast.Axes) sizes[axis] = 1;
                var unrepeated = new Shape(sizes);
                _unrepeated[node.Id] = (_graph.Reshape(Whole(node.Operands[0]), node.Operands[0].Shape, unrepeated), unrepeated);
                break;
            default:
                _whole[node.Id] = Value(node);
                _unrepeated[node.Id] = (_whole[node.Id]!, node.Shape);
                break;
        }
    }

    string Value(Node node)
    {
        if (IsEmptySum(node)) return _graph.Fill(0, node.Shape);
        if (_convolutions[node.Id] is { } convolution) return convolution.Write(_graph, Whole(convolution.Operands[0]), Whole(convolution.Operands[1]));
        string X() => Whole(node.Operands[0]);
        switch (node.Primitive)
        {
            case Primitive.Parameter parameter:
                return options.Weights(parameter.Name) is { } values ? _graph.Numbers(values, node.Shape) : Input(parameter.Name, node);
            case Primitive.Data data:
                return Input(data.Name, node);
            case Primitive.Constant constant:
                return _graph.Numbers(constant.Values, node.Shape);
            case Primitive.Add:
                return Elementwise("Add", node);
            case Primitive.Multiply:
                return Elementwise("Mul", node);
            case Primitive.Negate:
                return _graph.Add("Neg", [X()]);
            case Primitive.Reciprocal:
                return _graph.Add("Reciprocal", [X()]);
            case Primitive.Apply apply:
                return FunctionWriting.Write(_graph, apply.Function, X());
            case Primitive.Choose choose:
                return ChoiceWriting.Write(_graph, choose, X(), node.Shape);
            case Primitive.Contract:
                return ContractionWriting.Write(_graph, node, X(), Whole(node.Operands[1]));
            case Primitive.ReduceSum when LargestOf(node) is { } x:
                return _graph.Add("ReduceMax", [Whole(x)], GraphBuilder.Ints("axes", x.Shape.Rank - 1), GraphBuilder.Int("keepdims", 0));
            case Primitive.ReduceSum reduce:
                return _graph.Add("ReduceSum", [X(), _graph.Integers(reduce.Axes.Span)], GraphBuilder.Int("keepdims", 0));
            case Primitive.Reshape:
                return _graph.Reshape(X(), node.Operands[0].Shape, node.Shape);
            case Primitive.Transpose transpose:
                return _graph.Transpose(X(), transpose.Order.Span);
            case Primitive.Gather gather:
                return MovementWriting.Gather(_graph, gather.Map, X());
            case Primitive.ScatterAdd scatter:
                return MovementWriting.ScatterAdd(_graph, scatter.Map, X());
            case Primitive.Concat concat:
                return _graph.Add("Concat", [.. node.Operands.Select(Whole)], GraphBuilder.Int("axis", concat.Axis));
            default:
                throw new InvalidOperationException($"no ONNX operators for {node}");
        }
    }

    string Elementwise(string type, Node node)
    {
        var (left, right) = (_unrepeated[node.Operands[0].Id], _unrepeated[node.Operands[1].Id]);
        var repeats = ProgramBuilder.CommonShape(left.Shape, right.Shape) == node.Shape;
        return _graph.Add(type, [repeats ? left.Name : Whole(node.Operands[0]), right.Name]);
    }

    string Whole(Node node) => _whole[node.Id] ??= _unrepeated[node.Id].Shape == node.Shape ? _unrepeated[node.Id].Name : _graph.Expand(_unrepeated[node.Id].Name, node.Shape);

    string Input(string wanted, Node leaf)
    {
        var name = _graph.Input(wanted, leaf.Shape);
        _inputs.Add((name, leaf));
        return name;
    }

    /// <summary>What the node's operators read: where several nodes become one operator, what the first of them read.</summary>
    IReadOnlyList<Node> OperandsOf(Node node)
    {
        if (LargestOf(node) is { } x) return [x];
        if (options.ElementType == OnnxElementType.Float32) _convolutions[node.Id] = ConvolutionWriting.Of(node); // ONNX Runtime convolves in float32 only
        return _convolutions[node.Id]?.Operands ?? node.Operands;
    }

    /// <summary>x, where the node is Σ choose(x)·x along the last axis, which is the largest element; else null.</summary>
    static Node? LargestOf(Node node)
    {
        if (node.Primitive is not Primitive.ReduceSum { Axes: { Count: 1 } axes } || node.Operands[0] is not { Primitive: Primitive.Multiply } product || axes[0] != product.Shape.Rank - 1) return null;
        var (one, other) = (product.Operands[0], product.Operands[1]);
        return Chooses(other, one) ? one : Chooses(one, other) ? other : null;

        static bool Chooses(Node choice, Node x) => choice.Primitive is Primitive.Choose { Count: 1, Allowed: null } && ReferenceEquals(choice.Operands[0], x);
    }

    // Runtimes differ in what they make of sums over no elements.
    static bool IsEmptySum(Node node) =>
        node.Primitive is Primitive.Contract or Primitive.ReduceSum or Primitive.Gather or Primitive.ScatterAdd && node.Operands.Any(operand => operand.Shape.Count == 0);
}
