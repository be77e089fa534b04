using global::Onnx;
using Tiebreak.Formats;
using Tiebreak.Programs;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Conformance;

/// <summary>The values of a lowered case's leaves: start values for parameters, the case's inputs for data.</summary>
sealed class CaseLeaves
{
    readonly Dictionary<string, double[]> _inputs = new(StringComparer.Ordinal);
    readonly Dictionary<string, ParameterTensor> _weights;
    readonly bool _isLoss;

    public CaseLeaves(Model model, GraphProto graph, CaseTensors tensors)
    {
        _weights = model.Parameters.Concat(model.Frozen).ToDictionary(weight => weight.Name, StringComparer.Ordinal);
        _isLoss = graph.Node.Any(node => node.OpType.EndsWith("Loss", StringComparison.Ordinal));
        var read = model.Program.Nodes.Select(node => node.Primitive).OfType<Primitive.Data>().Select(data => InputOf(data)).ToHashSet(StringComparer.Ordinal);
        for (var k = 0; k < graph.Input.Count; k++)
        {
            if (!read.Contains(graph.Input[k].Name) || tensors.Input(k) is not { } tensor) continue;
            _inputs[graph.Input[k].Name] = CaseTensors.Numbers(tensor, (DataType)(graph.Input[k].Type?.TensorType?.ElemType ?? 0));
        }
    }

    /// <summary>The values of one leaf.</summary>
    public double[] Of(Node leaf)
    {
        if (leaf.Primitive is Primitive.Parameter parameter)
        {
            var start = new double[leaf.Shape.Count];
            _weights[parameter.Name].Start.ReadDoubles(0, start);
            return start;
        }

        var data = (Primitive.Data)leaf.Primitive;
        if (!_inputs.TryGetValue(InputOf(data), out var numbers)) throw new InvalidDataException($"the case has no values for {leaf}");
        if (data.Kind == DataKind.Distribution) numbers = OneHot(numbers, leaf.Shape);
        if (numbers.Length != leaf.Shape.Count) throw new InvalidDataException($"the case has {numbers.Length} values for {leaf}");
        return numbers;
    }

    double[] OneHot(double[] indices, Shape shape)
    {
        var rows = shape[shape.Rank - 1];
        var oneHot = new double[shape.Count];
        for (var k = 0; k < indices.Length && k * rows < oneHot.Length; k++)
        {
            // Gather counts negative indices from the end; a loss leaves them out.
            var row = (int)(indices[k] < 0 && !_isLoss ? indices[k] + rows : indices[k]);
            if (row >= 0 && row < rows) oneHot[k * rows + row] = 1;
        }

        return oneHot;
    }

    // An index is a leaf for each height of the tables that it reaches.
    static string InputOf(Primitive.Data data) =>
        data.Kind == DataKind.Distribution && data.Name.LastIndexOf(" among ", StringComparison.Ordinal) is >= 0 and var end ? data.Name[..end] : data.Name;
}
