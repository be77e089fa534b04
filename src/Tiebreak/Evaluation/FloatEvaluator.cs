using System.Numerics;
using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>One output of a program.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Values">Its values, row-major.</param>
public readonly record struct OutputValues(string Name, Shape Shape, double[] Values);

/// <summary>
/// Computes a program in float64, plainly: gates and choices take the branch that real numbers take. The judge of lowerings (what a graph means according to somebody
/// else's expected outputs, its program must compute), and the arithmetic in which witnesses train.
/// </summary>
public static class FloatEvaluator
{
    /// <summary>The values of all outputs.</summary>
    /// <param name="program">The program.</param>
    /// <param name="leaf">The values of a parameter or data leaf, row-major; they are read, never written.</param>
    public static IReadOnlyList<OutputValues> Evaluate(TensorProgram program, Func<Node, double[]> leaf) => Evaluate(program, leaf, threads: 1);

    /// <summary>The values of all outputs, with more than one core for large products; the numbers do not depend on how many.</summary>
    public static IReadOnlyList<OutputValues> Evaluate(TensorProgram program, Func<Node, double[]> leaf, int threads)
    {
        var values = new double[]?[program.Nodes.Count];
        var uses = Uses(program);
        var outputs = new double[]?[values.Length];
        foreach (var (_, node) in program.Outputs) outputs[node.Id] = [];
        foreach (var node in program.Nodes)
        {
            if (uses[node.Id] == 0) continue;
            var operands = new double[node.Operands.Count][];
            for (var k = 0; k < operands.Length; k++) operands[k] = values[node.Operands[k].Id]!;
            values[node.Id] = Value(node, operands, leaf, threads);
            if (outputs[node.Id] is not null) outputs[node.Id] = values[node.Id];
            foreach (var operand in node.Operands)
                if (--uses[operand.Id] == 0) values[operand.Id] = null; // a reshape shares its operand's array, so arrays are left to the collector
        }

        return [.. program.Outputs.Select(output => new OutputValues(output.Name, output.Node.Shape, outputs[output.Node.Id]!))];
    }

    // How often each needed node is read, an output once more.
    static int[] Uses(TensorProgram program)
    {
        var uses = new int[program.Nodes.Count];
        foreach (var (_, node) in program.Outputs) uses[node.Id]++;
        for (var id = uses.Length - 1; id >= 0; id--)
            if (uses[id] > 0)
                foreach (var operand in program.Nodes[id].Operands) uses[operand.Id]++;
        return uses;
    }

    static double[] Value(Node node, double[][] x, Func<Node, double[]> leaf, int threads)
    {
        var result = node.Primitive is Primitive.Parameter or Primitive.Data or Primitive.Reshape ? [] : new double[node.Shape.Count];
        switch (node.Primitive)
        {
            case Primitive.Parameter or Primitive.Data:
                return leaf(node);
            case Primitive.Reshape:
                return x[0];
            case Primitive.Constant constant:
                if (constant.Values.HasDoubles) constant.Values.ReadDoubles(0, result);
                else for (var k = 0; k < result.Length; k++) result[k] = constant.Values[k].ToDouble();
                break;
            case Primitive.Add:
                for (var k = 0; k < result.Length; k++) result[k] = x[0][k] + x[1][k];
                break;
            case Primitive.Multiply:
                for (var k = 0; k < result.Length; k++) result[k] = x[0][k] * x[1][k];
                break;
            case Primitive.Negate:
                for (var k = 0; k < result.Length; k++) result[k] = -x[0][k];
                break;
            case Primitive.Reciprocal:
                for (var k = 0; k < result.Length; k++) result[k] = 1 / x[0][k];
                break;
            case Primitive.Apply apply:
                for (var k = 0; k < result.Length; k++) result[k] = FloatFunctions.Apply(apply.Function, x[0][k]);
                break;
            case Primitive.Choose choose:
                FloatFunctions.Choose(choose, x[0], node.Shape[node.Shape.Rank - 1], result);
                break;
            case Primitive.Contract contract:
                Contract(contract, node, x, result, threads);
                break;
            case Primitive.ReduceSum reduce:
                Add(x[0], node.Operands[0].Shape, 0, Kept(node.Operands[0].Shape, reduce.Axes, node.Shape), result);
                break;
            case Primitive.Broadcast broadcast:
                Read(x[0], node.Shape, 0, Kept(node.Shape, broadcast.Axes, node.Operands[0].Shape), result);
                break;
            case Primitive.Transpose transpose:
                var strides = node.Operands[0].Shape.Strides();
                Read(x[0], node.Shape, 0, [.. transpose.Order.Select(axis => strides[axis])], result);
                break;
            case Primitive.Gather { Map: IndexMap.Affine map }:
                Read(x[0], map.Target, map.Offset, map.Strides.ToArray(), result);
                break;
            case Primitive.Gather { Map: IndexMap.Table map }:
                for (var k = 0; k < result.Length; k++)
                    if (map.Positions[k] >= 0) result[k] = x[0][map.Positions[k]];
                break;
            case Primitive.ScatterAdd { Map: IndexMap.Affine map }:
                Add(x[0], map.Target, map.Offset, map.Strides.ToArray(), result);
                break;
            case Primitive.ScatterAdd { Map: IndexMap.Table map }:
                for (var k = 0; k < x[0].Length; k++)
                    if (map.Positions[k] >= 0) result[map.Positions[k]] += x[0][k];
                break;
            case Primitive.Concat concat:
                Concat(concat.Axis, node, x, result);
                break;
            default:
                throw new NotSupportedException(node.ToString());
        }

        return result;
    }

    // For each axis of a shape its stride in a smaller one that lacks some of its axes; 0 for those.
    static int[] Kept(Shape shape, Axes dropped, Shape smaller)
    {
        var strides = smaller.Strides();
        var kept = new int[shape.Rank];
        for (int axis = 0, next = 0; axis < kept.Length; axis++)
            if (!dropped.Span.Contains(axis)) kept[axis] = strides[next++];
        return kept;
    }

    // result[k] = x[offset + Σ strides·indices of k].
    static void Read(double[] x, Shape shape, int offset, int[] strides, double[] result)
    {
        if (result.Length == 0) return;
        var (inner, step) = Innermost(shape, strides);
        var rows = new Odometer(shape.Sizes.Span, strides);
        for (var start = 0; start < result.Length; start += inner, rows.Next())
            for (int k = 0, from = offset + rows.First; k < inner; k++, from += step) result[start + k] = x[from];
    }

    // result[offset + Σ strides·indices of k] += x[k].
    static void Add(double[] x, Shape shape, int offset, int[] strides, double[] result)
    {
        if (x.Length == 0) return;
        var (inner, step) = Innermost(shape, strides);
        var rows = new Odometer(shape.Sizes.Span, strides);
        for (var start = 0; start < x.Length; start += inner, rows.Next())
            for (int k = 0, to = offset + rows.First; k < inner; k++, to += step) result[to] += x[start + k];
    }

    static (int Size, int Stride) Innermost(Shape shape, int[] strides) => shape.Rank == 0 ? (1, 0) : (shape[shape.Rank - 1], strides[^1]);

    static void Contract(Primitive.Contract contract, Node node, double[][] x, double[] result, int threads)
    {
        var (left, right) = (node.Operands[0].Shape, node.Operands[1].Shape);
        var sizes = new Dictionary<char, int>();
        for (var axis = 0; axis < left.Rank; axis++) sizes[contract.Left[axis]] = left[axis];
        for (var axis = 0; axis < right.Rank; axis++) sizes[contract.Right[axis]] = right[axis];
        if (sizes.ContainsValue(0)) return;

        // The longest axis goes innermost, where a turn costs least; the others in the order of the output, then those that are summed.
        var letters = (contract.Output + string.Concat(sizes.Keys.Where(letter => !contract.Output.Contains(letter)))).OrderBy(letter => sizes[letter] == sizes.Values.Max()).ToArray();
        int[] loops = [.. letters.Select(letter => sizes[letter])];
        var (ls, rs, os) = (StridesOf(contract.Left, left, letters), StridesOf(contract.Right, right, letters), StridesOf(contract.Output, node.Shape, letters));

        // An axis of the output is shared out: no two parts write to one place, and each sum is taken in one order.
        var shared = Array.FindIndex(letters, letter => contract.Output.Contains(letter) && sizes[letter] > 1);
        var work = loops.Aggregate(1.0, (product, size) => product * size);
        if (threads <= 1 || shared < 0 || work < 1 << 20)
        {
            Contract(x[0], x[1], result, loops, ls, rs, os, (0, 0, 0));
            return;
        }

        var (size, parts) = (loops[shared], Math.Min(loops[shared], 4 * threads));
        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = threads }, part =>
        {
            int from = (int)((long)size * part / parts), to = (int)((long)size * (part + 1) / parts);
            var own = (int[])loops.Clone();
            own[shared] = to - from;
            Contract(x[0], x[1], result, own, ls, rs, os, (from * ls[shared], from * rs[shared], from * os[shared]));
        });
    }

    static void Contract(double[] a, double[] b, double[] result, int[] loops, int[] ls, int[] rs, int[] os, (int Left, int Right, int Output) start)
    {
        var (inner, l, r, o) = loops.Length == 0 ? (1, 0, 0, 0) : (loops[^1], ls[^1], rs[^1], os[^1]);
        var rows = new Odometer(loops, ls, rs, os);
        do
        {
            var (i, j, to) = (start.Left + rows.First, start.Right + rows.Second, start.Output + rows.Third);
            if (o == 0)
            {
                var sum = 0.0;
                for (var k = 0; k < inner; k++, i += l, j += r) sum += a[i] * b[j];
                result[to] += sum;
            }
            else if ((l, r, o) == (0, 1, 1))
            {
                AddScaled(b.AsSpan(j, inner), a[i], result.AsSpan(to, inner));
            }
            else if ((l, r, o) == (1, 0, 1))
            {
                AddScaled(a.AsSpan(i, inner), b[j], result.AsSpan(to, inner));
            }
            else
            {
                for (var k = 0; k < inner; k++, i += l, j += r, to += o) result[to] += a[i] * b[j];
            }
        }
        while (rows.Next());
    }

    // What convolutions over large images spend their time in.
    static void AddScaled(ReadOnlySpan<double> x, double factor, Span<double> result)
    {
        var k = 0;
        for (; k <= x.Length - Vector<double>.Count; k += Vector<double>.Count)
            (new Vector<double>(result[k..]) + new Vector<double>(x[k..]) * factor).CopyTo(result[k..]);
        for (; k < x.Length; k++) result[k] += x[k] * factor;
    }

    static int[] StridesOf(string own, Shape shape, char[] letters)
    {
        var strides = shape.Strides();
        return [.. letters.Select(letter => own.IndexOf(letter) is >= 0 and var axis ? strides[axis] : 0)];
    }

    static void Concat(int axis, Node node, double[][] x, double[] result)
    {
        if (result.Length == 0) return;
        var stride = node.Shape.Strides()[axis];
        int row = stride * node.Shape[axis], start = 0;
        for (var operand = 0; operand < x.Length; operand++)
        {
            var run = stride * node.Operands[operand].Shape[axis];
            for (int from = 0, to = start; from < x[operand].Length; from += run, to += row) Array.Copy(x[operand], from, result, to, run);
            start += run;
        }
    }

    /// <summary>Counts through all axes but the innermost, and keeps up to three positions on the way.</summary>
    ref struct Odometer(ReadOnlySpan<int> sizes, ReadOnlySpan<int> first, ReadOnlySpan<int> second = default, ReadOnlySpan<int> third = default)
    {
        readonly ReadOnlySpan<int> _sizes = sizes;
        readonly ReadOnlySpan<int> _first = first;
        readonly ReadOnlySpan<int> _second = second;
        readonly ReadOnlySpan<int> _third = third;
        readonly int[] _counter = new int[sizes.Length];

        public int First { get; private set; }

        public int Second { get; private set; }

        public int Third { get; private set; }

        /// <summary>Goes on to the next row; false after the last.</summary>
        public bool Next()
        {
            for (var axis = _sizes.Length - 2; axis >= 0; axis--)
            {
                var turn = ++_counter[axis] == _sizes[axis] ? 1 - _sizes[axis] : 1;
                First += turn * _first[axis];
                if (_second.Length > 0) Second += turn * _second[axis];
                if (_third.Length > 0) Third += turn * _third[axis];
                if (turn == 1) return true;
                _counter[axis] = 0;
            }

            return false;
        }
    }
}
