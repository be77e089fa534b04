using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Writing;

/// <summary>
/// Contractions of sliding windows as convolutions: a layer's, and its gradient by the kernel, in which positions and kernel change roles. And windows added up
/// again as transposed convolutions: the gradient by the input. Runtimes never write the windows out, which are many times larger than what they slide over.
/// </summary>
sealed class ConvolutionWriting
{
    readonly Node _node;
    readonly Primitive.Contract _contract;
    readonly AxisLists _lists;
    readonly SlidAxis[] _axes;
    readonly bool _isLeft;
    readonly bool _isTransposed;
    readonly Dictionary<char, int> _sizes = [];

    ConvolutionWriting(Node node, Node contraction, AxisLists lists, SlidAxis[] axes, bool isLeft, bool isTransposed)
    {
        (_node, _contract, _lists, _axes, _isLeft, _isTransposed) = (node, (Primitive.Contract)contraction.Primitive, lists, axes, isLeft, isTransposed);
        for (var axis = 0; axis < _contract.Left.Length; axis++) _sizes[_contract.Left[axis]] = contraction.Operands[0].Shape[axis];
        for (var axis = 0; axis < _contract.Right.Length; axis++) _sizes[_contract.Right[axis]] = contraction.Operands[1].Shape[axis];
        for (var axis = 0; axis < axes.Length; axis++) _sizes[Whole(axis)] = lists.Source[axis];
        var (slid, kernel) = (contraction.Operands[isLeft ? 0 : 1], contraction.Operands[isLeft ? 1 : 0]);
        Operands = isTransposed ? [slid, kernel] : [slid.Operands[0], kernel];
    }

    /// <summary>What the convolution reads: what is slid over or laid out, and the kernel.</summary>
    public Node[] Operands { get; }

    string Own => _isLeft ? _contract.Left : _contract.Right;

    string Other => _isLeft ? _contract.Right : _contract.Left;

    /// <summary>How to write a node as a convolution; null if it is none.</summary>
    public static ConvolutionWriting? Of(Node node)
    {
        if (node.Shape.Count == 0) return null;
        switch (node.Primitive)
        {
            case Primitive.Contract contract:
                foreach (var isLeft in (bool[])[true, false])
                {
                    var windows = node.Operands[isLeft ? 0 : 1];
                    if (windows is not { Primitive: Primitive.Gather { Map: IndexMap.Affine map }, Shape.Count: > 0 }) continue;
                    var (own, other) = isLeft ? (contract.Left, contract.Right) : (contract.Right, contract.Left);
                    bool? IsPlace(char letter) => !other.Contains(letter) ? true : contract.Output.Contains(letter) ? null : false;
                    var lists = AxisLists.Of(map);
                    if (SlidAxes.Of(lists, own, map.Target, IsPlace) is { } axes) return new ConvolutionWriting(node, node, lists, axes, isLeft, isTransposed: false);
                }

                return null;
            case Primitive.ScatterAdd { Map: IndexMap.Affine map } when node.Operands[0] is { Primitive: Primitive.Contract contract, Shape.Count: > 0 } spread:
                var found = AxisLists.Of(map);
                var ways = new List<(SlidAxis[] Axes, bool IsLeft)>();
                foreach (var isLeft in (bool[])[true, false])
                {
                    var (own, other) = isLeft ? (contract.Left, contract.Right) : (contract.Right, contract.Left);
                    bool? IsPlace(char letter) => !other.Contains(letter) ? true : own.Contains(letter) ? null : false;
                    if (SlidAxes.Of(found, contract.Output, map.Target, IsPlace) is { } axes) ways.Add((axes, isLeft));
                }

                if (ways.Count == 0 || spread.Operands.Any(operand => operand.Shape.Count == 0)) return null;
                var way = ways.MinBy(way => way.Axes.Aggregate(1L, (taps, axis) => taps * axis.Taps)); // the smaller of the two is the kernel
                return new ConvolutionWriting(node, spread, found, way.Axes, way.IsLeft, isTransposed: true);
            default:
                return null;
        }
    }

    /// <summary>Writes it.</summary>
    public string Write(GraphBuilder graph, string input, string kernel) => _isTransposed ? Transposed(graph, input, kernel) : Forward(graph, input, kernel);

    string Forward(GraphBuilder graph, string input, string kernel)
    {
        var layout = string.Concat(_axes.Select((axis, k) => axis.Plain ?? Whole(k).ToString()));
        var plain = string.Concat(_axes.Select(axis => axis.Plain));
        var samples = Of(plain, letter => !Other.Contains(letter));
        var (groups, channels) = (Shared(plain), Of(plain, letter => Other.Contains(letter) && !_contract.Output.Contains(letter)));
        var x = new LetteredValue(input, layout, _sizes);
        x = x with { Name = graph.Reshape(input, Operands[0].Shape, x.Shape) };
        x = x.Ordered(graph, samples + groups + channels + Of(layout, letter => !plain.Contains(letter)));
        var name = graph.Reshape(x.Name, x.Shape, new Shape([x.Size(samples), x.Size(groups + channels), .. Slid.Select(axis => _lists.Source[axis])]));
        for (var k = 0; k < Slid.Length; k++)
        {
            var (axis, size) = (_axes[Slid[k]], _lists.Source[Slid[k]]);
            if (axis.Start == 0 && size - axis.Extent < axis.Stride) continue; // there is no room for another window
            name = graph.Add("Slice", [name, graph.Integers(axis.Start), graph.Integers(axis.Start + axis.Extent), graph.Integers(2 + k), graph.Integers(1)]);
        }

        var w = new LetteredValue(kernel, Other, _sizes).Narrow(graph);
        var made = Of(w.Letters, letter => !Own.Contains(letter));
        w = w.Ordered(graph, groups + made + channels + Taps);
        var weights = graph.Reshape(w.Name, w.Shape, new Shape([w.Size(groups + made), w.Size(channels), .. Slid.Select(axis => _axes[axis].Taps)]));
        var result = graph.Add("Conv", [name, weights], Attributes(x.Size(groups)));
        var y = new LetteredValue(result, samples + groups + made + Places, _sizes);
        y = y with { Name = graph.Reshape(result, new Shape([y.Size(samples), y.Size(groups + made), .. Slid.Select(axis => _axes[axis].Places)]), y.Shape) };
        y = y.Ordered(graph, Of(_contract.Output, y.Letters.Contains));
        return graph.Reshape(y.Name, y.Shape, _node.Shape);
    }

    string Transposed(GraphBuilder graph, string input, string kernel)
    {
        var x = new LetteredValue(input, Own, _sizes).Narrow(graph);
        var w = new LetteredValue(kernel, Other, _sizes).Narrow(graph);
        var samples = Of(x.Letters, letter => !Other.Contains(letter) && !Places.Contains(letter));
        var (groups, channels) = (Shared(x.Letters), Of(x.Letters, letter => Other.Contains(letter) && !_contract.Output.Contains(letter)));
        var made = Of(w.Letters, letter => !Own.Contains(letter) && !Taps.Contains(letter));
        x = x.Ordered(graph, samples + groups + channels + Places);
        w = w.Ordered(graph, groups + channels + made + Taps);
        var laid = graph.Reshape(x.Name, x.Shape, new Shape([x.Size(samples), x.Size(groups + channels), .. Slid.Select(axis => _axes[axis].Places)]));
        var weights = graph.Reshape(w.Name, w.Shape, new Shape([w.Size(groups + channels), w.Size(made), .. Slid.Select(axis => _axes[axis].Taps)]));
        var result = graph.Add("ConvTranspose", [laid, weights], Attributes(x.Size(groups)));
        int[] before = [0, 0, .. Slid.Select(axis => _axes[axis].Start)];
        int[] after = [0, 0, .. Slid.Select(axis => _lists.Source[axis] - _axes[axis].Start - _axes[axis].Extent)];
        if (before.Concat(after).Any(pad => pad != 0)) result = graph.Add("Pad", [result, graph.Integers([.. before, .. after])]);
        var y = new LetteredValue(result, samples + groups + made + string.Concat(Slid.Select(Whole)), _sizes);
        y = y with { Name = graph.Reshape(result, new Shape([x.Size(samples), x.Size(groups) * w.Size(made), .. Slid.Select(axis => _lists.Source[axis])]), y.Shape) };
        y = y.Ordered(graph, string.Concat(_axes.Select((axis, k) => axis.Plain ?? Whole(k).ToString())));
        return graph.Reshape(y.Name, y.Shape, _node.Shape);
    }

    int[] Slid => [.. Enumerable.Range(0, _axes.Length).Where(axis => _axes[axis].Plain is null)];

    string Places => string.Concat(Slid.Select(axis => _axes[axis].Place));

    string Taps => string.Concat(Slid.Select(axis => _axes[axis].Tap));

    global::Onnx.AttributeProto[] Attributes(int groups) =>
    [
        GraphBuilder.Ints("strides", Slid.Select(axis => _axes[axis].Stride)),
        GraphBuilder.Ints("dilations", Slid.Select(axis => _axes[axis].Dilation)),
        GraphBuilder.Int("group", groups),
    ];

    string Shared(string letters) => Of(letters, letter => Own.Contains(letter) && Other.Contains(letter) && _contract.Output.Contains(letter));

    /// <summary>A letter for an axis that is slid over; no contraction uses such.</summary>
    static char Whole(int axis) => (char)('\uE000' + axis);

    static string Of(string letters, Func<char, bool> wanted) => string.Concat(letters.Where(wanted));
}
