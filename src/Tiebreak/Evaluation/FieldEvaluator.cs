using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>
/// Runs a program over one field, or over two at once, at one random point: data leaves are drawn, functions are random oracles, parameters come
/// from a point. With two lanes an oracle sees both, so that two elements must collide in both to be confused (ErrorBound.cs).
/// </summary>
sealed unsafe partial class FieldEvaluator<TField> where TField : struct, IField
{
    const int FillBlock = 1 << 14;
    const int LargestWhole = 1 << 22; // elements of a weight that is written out as a whole: 32 MiB

    readonly TField[] _fields;
    readonly ulong _seed;
    readonly Oracles _oracles;
    readonly Workers _workers;
    readonly BufferPool _pool;
    readonly IParameterPoint _point;
    readonly IDataPoint? _data;
    readonly GateDecisions? _gates;
    readonly TensorProgram _program;
    readonly View[]?[] _values;
    readonly List<Node> _singularities = [];
    long _kinks;

    FieldEvaluator(TField[] fields, ulong seed, KinkConvention kinks, TensorProgram program, IParameterPoint point, IDataPoint? data, GateDecisions? gates, Workers workers, BufferPool pool)
    {
        (_fields, _seed, _program, _point, _data, _gates, _workers, _pool) = (fields, seed, program, point, data, gates, workers, pool);
        _oracles = new Oracles(seed, kinks);
        _values = new View[]?[program.Nodes.Count];
    }

    /// <summary>Receives values of an output: lane, first position, and the values from there on. Lanes of one output come one after the other.</summary>
    public delegate void OutputReader(string name, int lane, long start, ReadOnlySpan<ulong> chunk);

    /// <summary>Evaluates the program's outputs and hands each to <paramref name="output"/> as soon as it is known.</summary>
    public static EvaluationEvents Run(
        TField[] fields, ulong seed, KinkConvention kinks, TensorProgram program, IParameterPoint point, Workers workers, BufferPool pool, OutputReader output, IDataPoint? data = null,
        GateDecisions? gates = null)
    {
        var evaluator = new FieldEvaluator<TField>(fields, seed, kinks, program, point, data, gates, workers, pool);
        evaluator.Run(output);
        return new EvaluationEvents(evaluator._kinks, evaluator._singularities);
    }

    void Run(OutputReader output)
    {
        var uses = Uses(out var recomputed);
        var outputsOf = _program.Outputs.ToLookup(named => named.Node.Id, named => named.Name);
        foreach (var node in _program.Nodes)
        {
            if (uses[node.Id] == 0) continue;
            if (uses[node.Id] == 1 && outputsOf[node.Id].SingleOrDefault() is { } only && Contraction.IsProduct(node))
            {
                for (var lane = 0; lane < _fields.Length; lane++) HandProduct(only, node, lane, output);
                foreach (var operand in node.Operands) ReleaseUse(operand, recomputed, uses);
                continue;
            }

            if (!recomputed[node.Id])
            {
                _values[node.Id] = Evaluate(node);
                foreach (var operand in node.Operands) ReleaseUse(operand, recomputed, uses);
            }

            foreach (var name in outputsOf[node.Id])
            {
                for (var lane = 0; lane < _fields.Length; lane++) Hand(name, node, lane, output);
                ReleaseUse(node, recomputed, uses);
            }
        }
    }

    // How often each needed node is read. Leaves without randomness of their own, and plain looks at them, are made anew for each reader instead of being kept:
    // a weight matrix is needed forward and backward, and must not lie in memory between.
    int[] Uses(out bool[] recomputed)
    {
        var uses = new int[_program.Nodes.Count];
        recomputed = Rematerialization.OfLeaves(_program);
        foreach (var (_, node) in _program.Outputs) uses[node.Id]++;
        for (var id = uses.Length - 1; id >= 0; id--)
            if (uses[id] > 0 && !recomputed[id])
                foreach (var operand in _program.Nodes[id].Operands) uses[operand.Id]++;
        return uses;
    }

    void ReleaseUse(Node node, bool[] recomputed, int[] uses)
    {
        if (recomputed[node.Id] || --uses[node.Id] > 0) return;
        foreach (var lane in _values[node.Id]!) lane.Buffer.Release();
        _values[node.Id] = null;
    }

    void Hand(string name, Node node, int lane, OutputReader output)
    {
        var value = Contiguous(Value(node, lane));
        for (long start = 0; start < node.Shape.Count; start += FillBlock)
            output(name, lane, start, new ReadOnlySpan<ulong>(value.Start + start, (int)Math.Min(FillBlock, node.Shape.Count - start)));
        value.Buffer.Release();
    }

    // The gradient of a dense layer at one sample is a product of two vectors, as large as its weights: made and handed over piece by piece, never whole.
    void HandProduct(string name, Node node, int lane, OutputReader output)
    {
        const int Piece = FillBlock << 6;
        var contract = (Primitive.Contract)node.Primitive;
        View left = Value(node.Operands[0], lane), right = Value(node.Operands[1], lane);
        View a = Contraction.Align(left, contract.Left, contract.Output, node.Shape), b = Contraction.Align(right, contract.Right, contract.Output, node.Shape);
        var piece = _pool.Rent(Math.Min(Piece, node.Shape.Count));
        for (long start = 0; start < node.Shape.Count; start += Piece)
        {
            var end = Math.Min(start + Piece, node.Shape.Count);
            Elementwise.Combine<TField, Elementwise.Product<TField>>(_fields[lane], a, b, start, end, piece.Numbers, _workers);
            for (var position = start; position < end; position += FillBlock)
                output(name, lane, position, new ReadOnlySpan<ulong>(piece.Numbers + (position - start), (int)Math.Min(FillBlock, end - position)));
        }

        piece.Release();
        foreach (var view in new[] { left, right, a, b }) view.Buffer.Release();
    }

    // A use of the node's value, which the caller must release.
    View Value(Node node, int lane)
    {
        if (_values[node.Id] is not { } known) return EvaluateLane(node, lane);
        known[lane].Buffer.Retain();
        return known[lane];
    }

    View[] Evaluate(Node node)
    {
        if (Streamed(node) is { } streamed) return streamed;
        var lanes = new View[_fields.Length];
        if (node.Primitive is not (Primitive.Apply or Primitive.Choose))
        {
            for (var lane = 0; lane < lanes.Length; lane++) lanes[lane] = EvaluateLane(node, lane);
            return lanes;
        }

        var pointers = new ulong*[lanes.Length];
        for (var lane = 0; lane < lanes.Length; lane++)
        {
            lanes[lane] = Copied(Value(node.Operands[0], lane));
            pointers[lane] = lanes[lane].Start;
        }

        if (node.Primitive is Primitive.Choose choose)
        {
            _kinks += Elementwise.Choose(_fields, _oracles, choose, node.Shape, pointers, _workers);
        }
        else
        {
            var (kinks, singular) = Elementwise.Apply(_fields, _oracles, ((Primitive.Apply)node.Primitive).Function, pointers, node.Shape.Count, _workers);
            _kinks += kinks;
            if (singular > 0) _singularities.Add(node);
        }

        for (var lane = 0; lane < lanes.Length; lane++) _gates?.Apply(node.Id, _fields[lane], pointers[lane], node.Shape.Count);
        return lanes;
    }

    View EvaluateLane(Node node, int lane)
    {
        var field = _fields[lane];
        View result;
        switch (node.Primitive)
        {
            case Primitive.Parameter parameter:
                return Filled(node.Shape, (start, values) => _point.Fill(field, lane, parameter.Name, start, values));
            case Primitive.Constant constant:
                return Constant(field, constant.Values, node.Shape);
            case Primitive.Data data:
                return Data(field, lane, data, node.Shape);
            case Primitive.Concat concat:
                return Concat(concat, node, lane);
            case Primitive.Add:
                return Combine<Elementwise.Sum<TField>>(field, Value(node.Operands[0], lane), Value(node.Operands[1], lane));
            case Primitive.Multiply:
                return Combine<Elementwise.Product<TField>>(field, Value(node.Operands[0], lane), Value(node.Operands[1], lane));
            case Primitive.Contract contract when LargeParameter(node) is { } large:
                return ContractInBlocks(field, lane, contract, node, large);
            case Primitive.Contract contract:
                return Contract(field, contract, node, Value(node.Operands[0], lane), Value(node.Operands[1], lane));
        }

        var operand = Value(node.Operands[0], lane);
        switch (node.Primitive)
        {
            case Primitive.Broadcast broadcast:
                result = operand.Broadcast(broadcast);
                break;
            case Primitive.Transpose transpose:
                result = operand.Transpose(transpose);
                break;
            case Primitive.Reshape reshape:
                return Reshape(operand, reshape.Target);
            case Primitive.Gather gather:
                return Gather(operand, gather.Map);
            case Primitive.ReduceSum reduce:
                result = Rent(node.Shape);
                Sums.Reduce(field, operand, reduce.Axes.Span, result.Start, _workers);
                break;
            case Primitive.ScatterAdd scatter:
                result = Rent(node.Shape);
                Sums.ScatterAdd(field, operand, scatter.Map, result.Start, _workers);
                break;
            case Primitive.Negate:
                result = Copied(operand);
                Elementwise.Negate(field, result.Start, node.Shape.Count, _workers);
                return result;
            case Primitive.Reciprocal:
                result = Copied(operand);
                if (Elementwise.Reciprocal(field, result.Start, node.Shape.Count, _workers) > 0 && !_singularities.Contains(node)) _singularities.Add(node);
                return result;
            default:
                throw new InvalidOperationException($"cannot evaluate {node}");
        }

        operand.Buffer.Release();
        return result;
    }

    View Rent(Shape shape) => new(_pool.Rent(shape.Count), 0, shape, shape.Strides());

    View Copied(View operand)
    {
        var copy = Rent(operand.Shape);
        Elementwise.Copy(operand, copy.Start, _workers);
        operand.Buffer.Release();
        return copy;
    }

    View Contiguous(View operand) => operand.IsContiguous ? operand : Copied(operand);

    delegate void Filler(long start, Span<ulong> values);

    View Filled(Shape shape, Filler fill)
    {
        var view = Rent(shape);
        _workers.Share(shape.Count, (start, end) =>
        {
            for (var position = start; position < end; position += FillBlock)
                fill(position, new Span<ulong>(view.Start + position, (int)Math.Min(FillBlock, end - position)));
        });
        return view;
    }

    View Constant(TField field, ExactTensor values, Shape shape)
    {
        if (values is UniformTensor uniform)
        {
            var one = new View(_pool.Rent(1), 0, shape, new int[shape.Rank]);
            *one.Start = ExactImages.Image(field, uniform.Value);
            return one;
        }

        return Filled(shape, (start, span) => ExactImages.Fill(field, values, start, span));
    }

    View Data(TField field, int lane, Primitive.Data data, Shape shape)
    {
        if (_data is not null)
        {
            var given = Rent(shape);
            if (_data.TryFill(field, lane, data, shape, new Span<ulong>(given.Start, checked((int)shape.Count)))) return given;
            given.Buffer.Release();
        }

        var drawn = new DrawnData(_seed + (ulong)lane, data);
        return drawn.Complete(field, Filled(shape, (start, values) => drawn.Fill(field, start, values)));
    }

    View Combine<TOperation>(TField field, View left, View right) where TOperation : struct, Elementwise.IBinary<TField>
    {
        var result = Rent(left.Shape);
        Elementwise.Combine<TField, TOperation>(field, left, right, result.Start, _workers);
        left.Buffer.Release();
        right.Buffer.Release();
        return result;
    }

    View Contract(TField field, Primitive.Contract contract, Node node, View left, View right)
    {
        View result;
        if (Contraction.IsProduct(node))
        {
            result = Combine<Elementwise.Product<TField>>(
                field, Contraction.Align(left, contract.Left, contract.Output, node.Shape), Contraction.Align(right, contract.Right, contract.Output, node.Shape));
        }
        else
        {
            result = Rent(node.Shape);
            Contraction.Run(field, contract, left, right, result, _workers);
        }

        left.Buffer.Release();
        right.Buffer.Release();
        return result;
    }

    // Which operand is a weight matrix too large to be written out whole; null if neither.
    static int? LargeParameter(Node node)
    {
        if (typeof(TField) == typeof(ZeroPattern) || Contraction.IsProduct(node)) return null;
        for (var side = 0; side < 2; side++)
            if (node.Operands[side] is { Primitive: Primitive.Parameter, Shape: { Rank: >= 2, Count: > LargestWhole } }) return side;
        return null;
    }

    // The values of a large weight are made a stretch of its first axis at a time. Where that axis is summed over, the stretches' results are added.
    View ContractInBlocks(TField field, int lane, Primitive.Contract contract, Node node, int side)
    {
        var weight = node.Operands[side];
        var name = ((Primitive.Parameter)weight.Primitive).Name;
        var letter = (side == 0 ? contract.Left : contract.Right)[0];
        var otherAxis = (side == 0 ? contract.Right : contract.Left).IndexOf(letter, StringComparison.Ordinal);
        var outputAxis = contract.Output.IndexOf(letter, StringComparison.Ordinal);
        var other = Value(node.Operands[1 - side], lane);
        var result = Rent(node.Shape);
        int rows = weight.Shape[0], width = (int)(weight.Shape.Count / rows), step = Math.Max(1, LargestWhole / width);
        for (var first = 0; first < rows; first += step)
        {
            var count = Math.Min(step, rows - first);
            var begin = (long)first * width;
            var block = Filled(new Shape([count, .. weight.Shape.Sizes.Span[1..]]), (start, values) => _point.Fill(field, lane, name, begin + start, values));
            var slice = other.Slice(otherAxis, first, count);
            var target = outputAxis >= 0 ? result.Slice(outputAxis, first, count) : first == 0 ? result.Slice(-1, 0, 0) : Rent(node.Shape);
            Contraction.Run(field, contract, side == 0 ? block : slice, side == 0 ? slice : block, target, _workers);
            if (outputAxis < 0 && first > 0) Elementwise.Combine<TField, Elementwise.Sum<TField>>(field, result, target, result.Start, _workers);
            foreach (var view in new[] { block, slice, target }) view.Buffer.Release();
        }

        other.Buffer.Release();
        return result;
    }

    View Reshape(View operand, Shape target)
    {
        var view = operand.Reshape(target);
        if (view is null)
        {
            var copy = Copied(operand);
            return new View(copy.Buffer, 0, target, target.Strides());
        }

        operand.Buffer.Release();
        return view;
    }

    View Gather(View operand, IndexMap map)
    {
        var source = Contiguous(operand); // positions count row-major
        if (map is IndexMap.Affine affine)
        {
            var view = source.Share(source.Offset + affine.Offset, affine.Target, affine.Strides.ToArray());
            source.Buffer.Release();
            return view;
        }

        var table = (IndexMap.Table)map;
        var result = Rent(map.Target);
        _workers.Share(map.Target.Count, (start, end) =>
        {
            for (var i = start; i < end; i++) result.Start[i] = table.Positions[i] < 0 ? 0 : source.Start[table.Positions[i]];
        });
        source.Buffer.Release();
        return result;
    }

    View Concat(Primitive.Concat concat, Node node, int lane)
    {
        var result = Rent(node.Shape);
        var strides = node.Shape.Strides();
        long outer = 1, start = 0;
        for (var axis = 0; axis < concat.Axis; axis++) outer *= node.Shape[axis];
        long row = strides.Length == 0 ? 1 : (long)strides[concat.Axis] * node.Shape[concat.Axis];
        foreach (var operandNode in node.Operands)
        {
            var operand = Contiguous(Value(operandNode, lane));
            var run = (long)strides[concat.Axis] * operand.Shape[concat.Axis];
            if (run > 0) Elementwise.CopyBlocks(operand.Start, result.Start + start, outer, run, row, _workers);
            start += run;
            operand.Buffer.Release();
        }

        return result;
    }
}
