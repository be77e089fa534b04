using Tiebreak.Programs;

namespace Tiebreak.Conformance;

/// <summary>
/// Computes a program in float64, slowly and obviously: gates and choices take the branch that real numbers take. The judge of lowerings:
/// what a graph means according to somebody else's expected outputs, its program must compute.
/// </summary>
public static class FloatEvaluator
{
    /// <summary>The values of all outputs; leaves are asked for by their node.</summary>
    public static IReadOnlyList<OutputValues> Evaluate(TensorProgram program, Func<Node, double[]> leaf)
    {
        var values = new double[program.Nodes.Count][];
        var needed = new bool[values.Length];
        foreach (var (_, node) in program.Outputs) needed[node.Id] = true;
        foreach (var node in program.Nodes.Reverse())
            if (needed[node.Id])
                foreach (var operand in node.Operands) needed[operand.Id] = true;
        foreach (var node in program.Nodes)
            if (needed[node.Id]) values[node.Id] = Value(node, [.. node.Operands.Select(operand => values[operand.Id])], leaf);
        return [.. program.Outputs.Select(output => new OutputValues(output.Name, output.Node.Shape, values[output.Node.Id]))];
    }

    static double[] Value(Node node, double[][] x, Func<Node, double[]> leaf)
    {
        switch (node.Primitive)
        {
            case Primitive.Parameter or Primitive.Data:
                return leaf(node);
            case Primitive.Constant constant:
                var numbers = new double[constant.Values.Count];
                if (constant.Values.HasDoubles) constant.Values.ReadDoubles(0, numbers);
                else for (var k = 0; k < numbers.Length; k++) numbers[k] = constant.Values[k].ToDouble();
                return numbers;
            case Primitive.Add:
                return [.. x[0].Zip(x[1], (a, b) => a + b)];
            case Primitive.Multiply:
                return [.. x[0].Zip(x[1], (a, b) => a * b)];
            case Primitive.Negate:
                return [.. x[0].Select(a => -a)];
            case Primitive.Reciprocal:
                return [.. x[0].Select(a => 1 / a)];
            case Primitive.Apply apply:
                return [.. x[0].Select(a => Apply(apply.Function, a))];
            case Primitive.Choose choose:
                return Choose(choose, x[0], node.Shape);
            case Primitive.Contract contract:
                return Contract(contract, node, x);
            case Primitive.ReduceSum reduce:
                return ReduceSum(reduce.Axes, node.Operands[0].Shape, node.Shape, x[0]);
            case Primitive.Broadcast broadcast:
                var repeated = new double[node.Shape.Count];
                for (var k = 0; k < repeated.Length; k++) repeated[k] = x[0][Flat(Drop(Indices(k, node.Shape), broadcast.Axes), node.Operands[0].Shape)];
                return repeated;
            case Primitive.Reshape:
                return x[0];
            case Primitive.Transpose transpose:
                var transposed = new double[node.Shape.Count];
                for (var k = 0; k < transposed.Length; k++)
                {
                    var to = Indices(k, node.Shape);
                    var from = new int[to.Length];
                    for (var axis = 0; axis < to.Length; axis++) from[transpose.Order[axis]] = to[axis];
                    transposed[k] = x[0][Flat(from, node.Operands[0].Shape)];
                }

                return transposed;
            case Primitive.Gather gather:
                return [.. Enumerable.Range(0, (int)node.Shape.Count).Select(k => Position(gather.Map, k)).Select(position => position < 0 ? 0 : x[0][position])];
            case Primitive.ScatterAdd scatter:
                var sums = new double[node.Shape.Count];
                for (var k = 0; k < x[0].Length; k++)
                    if (Position(scatter.Map, k) is >= 0 and var position) sums[position] += x[0][k];
                return sums;
            case Primitive.Concat concat:
                return Concat(concat.Axis, node, x);
            default:
                throw new NotSupportedException(node.ToString());
        }
    }

    static double Apply(ScalarFunction function, double v) => function.Kind switch
    {
        FunctionKind.Exp => Math.Exp(v),
        FunctionKind.Log => Math.Log(v),
        FunctionKind.Sqrt => Math.Sqrt(v),
        FunctionKind.Power => Math.Pow(v, function.Exponent),
        FunctionKind.Tanh => Math.Tanh(v),
        FunctionKind.Erf => Erf(v),
        FunctionKind.Sin => Math.Sin(v),
        FunctionKind.Cos => Math.Cos(v),
        FunctionKind.Atan => Math.Atan(v),
        FunctionKind.Asin => Math.Asin(v),
        FunctionKind.Asinh => Math.Asinh(v),
        FunctionKind.Acosh => Math.Acosh(v),
        FunctionKind.Atanh => Math.Atanh(v),
        FunctionKind.Step => v > 0 ? 1 : v < 0 ? 0 : function.AtZero,
        FunctionKind.Sign => Math.Sign(v),
        FunctionKind.Floor => Math.Floor(v),
        FunctionKind.Round => Math.Round(v, MidpointRounding.ToEven),
        _ => throw new NotSupportedException(function.ToString()),
    };

    /// <summary>Maclaurin series up to 3, then 1: enough for comparisons at 10⁻⁵.</summary>
    static double Erf(double v)
    {
        if (Math.Abs(v) > 5) return Math.Sign(v);
        double sum = 0, term = v;
        for (var n = 0; n < 200; n++)
        {
            sum += term / (2 * n + 1);
            term *= -v * v / (n + 1);
        }

        return 2 / Math.Sqrt(Math.PI) * sum;
    }

    static double[] Choose(Primitive.Choose choose, double[] x, Shape shape)
    {
        var weights = new double[x.Length];
        var size = shape[shape.Rank - 1];
        for (var start = 0; start < x.Length; start += size)
        {
            var allowed = Enumerable.Range(start, size).Where(k => choose.Allowed is null || choose.Allowed.Flags[k % choose.Allowed.Flags.Length]).ToArray();
            if (choose.Ties == TieBreak.Split && choose.Count == 1)
            {
                var best = allowed.Where(k => x[k] == allowed.Max(other => x[other])).ToArray();
                foreach (var k in best) weights[k] = 1.0 / best.Length;
            }
            else
            {
                foreach (var k in allowed.OrderByDescending(k => x[k]).ThenBy(k => k).Take(choose.Count)) weights[k] = 1;
            }
        }

        return weights;
    }

    static double[] Contract(Primitive.Contract contract, Node node, double[][] x)
    {
        var (left, right) = (node.Operands[0].Shape, node.Operands[1].Shape);
        var sizes = new Dictionary<char, int>();
        for (var axis = 0; axis < left.Rank; axis++) sizes[contract.Left[axis]] = left[axis];
        for (var axis = 0; axis < right.Rank; axis++) sizes[contract.Right[axis]] = right[axis];
        var letters = contract.Output + string.Concat(sizes.Keys.Where(letter => !contract.Output.Contains(letter)));
        var loops = new Shape([.. letters.Select(letter => sizes[letter])]);
        var (ls, rs, os) = (StridesOf(contract.Left, left, letters), StridesOf(contract.Right, right, letters), StridesOf(contract.Output, node.Shape, letters));
        var result = new double[node.Shape.Count];
        if (loops.Count == 0) return result;
        var counter = new int[letters.Length];
        int l = 0, r = 0, o = 0;
        while (true)
        {
            result[o] += x[0][l] * x[1][r];
            var axis = counter.Length - 1;
            for (; axis >= 0; axis--)
            {
                (l, r, o) = (l + ls[axis], r + rs[axis], o + os[axis]);
                if (++counter[axis] < loops[axis]) break;
                (l, r, o) = (l - ls[axis] * loops[axis], r - rs[axis] * loops[axis], o - os[axis] * loops[axis]);
                counter[axis] = 0;
            }

            if (axis < 0) return result;
        }
    }

    static int[] StridesOf(string own, Shape shape, string letters)
    {
        var strides = shape.Strides();
        return [.. letters.Select(letter => own.IndexOf(letter) is >= 0 and var axis ? strides[axis] : 0)];
    }

    static double[] ReduceSum(Axes axes, Shape from, Shape to, double[] x)
    {
        var sums = new double[to.Count];
        for (var k = 0; k < x.Length; k++) sums[Flat(Drop(Indices(k, from), axes), to)] += x[k];
        return sums;
    }

    static double[] Concat(int axis, Node node, double[][] x)
    {
        var result = new double[node.Shape.Count];
        var begin = 0;
        for (var operand = 0; operand < x.Length; operand++)
        {
            var shape = node.Operands[operand].Shape;
            for (var k = 0; k < x[operand].Length; k++)
            {
                var at = Indices(k, shape);
                at[axis] += begin;
                result[Flat(at, node.Shape)] = x[operand][k];
            }

            begin += shape[axis];
        }

        return result;
    }

    static int Position(IndexMap map, int k)
    {
        if (map is IndexMap.Table table) return table.Positions[k];
        var affine = (IndexMap.Affine)map;
        var indices = Indices(k, map.Target);
        var position = affine.Offset;
        for (var axis = 0; axis < indices.Length; axis++) position += affine.Strides[axis] * indices[axis];
        return position;
    }

    static int[] Indices(int k, Shape shape)
    {
        var indices = new int[shape.Rank];
        for (var axis = shape.Rank - 1; axis >= 0; axis--) (k, indices[axis]) = (k / shape[axis], k % shape[axis]);
        return indices;
    }

    static int Flat(int[] indices, Shape shape)
    {
        var flat = 0;
        for (var axis = 0; axis < indices.Length; axis++) flat = flat * shape[axis] + indices[axis];
        return flat;
    }

    static int[] Drop(int[] indices, Axes axes) => [.. indices.Where((_, axis) => !axes.Contains(axis))];
}
