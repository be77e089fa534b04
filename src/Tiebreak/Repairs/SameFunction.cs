using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>Whether two models compute the same: exactly, at random points of a field, and in float64 with the numbers that are stored.</summary>
static class SameFunction
{
    /// <summary>How many random points, each modulo a prime of its own, equality is checked at.</summary>
    public const int Points = 3;

    /// <summary>Multiplications beyond which nothing is computed in float64: plain loops would take minutes.</summary>
    public const double MostFloatWork = 3e9;

    /// <summary>The first output in which the small model differs from the large one; null if none does.</summary>
    /// <param name="large">The model as it was.</param>
    /// <param name="state">Where its parameters may be.</param>
    /// <param name="small">The model as it is now, with exact start values.</param>
    /// <param name="plans">What became of parameters and masks.</param>
    /// <param name="options">Seed, kinks, order, threads.</param>
    /// <exception cref="TiebreakException">The models do not have the same outputs.</exception>
    public static string? Difference(Model large, State state, Model small, IReadOnlyDictionary<string, TensorPlan> plans, RefinementOptions options)
    {
        if (!large.Program.Outputs.Select(output => (output.Name, output.Node.Shape)).SequenceEqual(small.Program.Outputs.Select(output => (output.Name, output.Node.Shape)))) return "its outputs have other names or sizes";
        var (gatesOfLarge, gatesOfSmall) = (new GatesByOrder(large.Program, options).Of(state, null, 1), new GatesByOrder(small.Program, options).Of(ShrunkPoint.StateOf(small, large, state, plans), null, 1));
        for (var number = 1; number <= Points; number++)
        {
            var (field, seed) = Draw(options, number);
            var point = new RandomPoint(state, seed);
            var shrunk = new ShrunkPoint(field, seed, point, plans);
            var before = Sums(new PointRun(large.Program, field, seed, point, null, gatesOfLarge, options), large.Program);
            var after = Sums(new PointRun(small.Program, field, seed, shrunk, shrunk, gatesOfSmall, options), small.Program);
            for (var k = 0; k < before.Length; k++)
                if (!before[k].AsSpan().SequenceEqual(after[k])) return $"its output `{large.Program.Outputs[k].Name}` is another";
        }

        return null;
    }

    /// <summary>A field in which all numbers have images, and a seed.</summary>
    public static (PrimeField Field, ulong Seed) Draw(RefinementOptions options, int number)
    {
        var seed = new RandomFunction(options.Seed, RandomFunction.Purpose("same function")).Word((ulong)number);
        return (PrimeField.Draw(seed), seed);
    }

    static ulong[][] Sums(PointRun run, TensorProgram program)
    {
        var values = program.Outputs.Select(output => new ulong[output.Node.Shape.Count]).ToArray();
        run.Evaluate([.. program.Outputs.Select(output => output.Node).DistinctBy(node => node.Id)], (node, start, chunk) =>
        {
            for (var k = 0; k < values.Length; k++)
                if (program.Outputs[k].Node.Id == node.Id) chunk.CopyTo(values[k].AsSpan((int)start));
        });
        return values;
    }

    /// <summary>How far the outputs are apart in float64 on random data, with the numbers that are stored; null if that would take too long.</summary>
    public static FloatDifference? InFloat(Model large, Model small, ulong seed)
    {
        if (Work.Multiplications(large.Program) > MostFloatWork) return null;
        var (before, after) = (Outputs(large, seed), Outputs(small, seed));
        double most = 0, relative = 0, ulps = 0, norm = 0;
        foreach (var (left, right) in before.Zip(after))
        {
            for (var k = 0; k < left.Values.Length; k++)
            {
                var (a, b) = (left.Values[k], right.Values[k]);
                if (a.Equals(b)) continue;
                var difference = Math.Abs(a - b);
                most = Math.Max(most, difference);
                ulps = Math.Max(ulps, difference / Math.Max(Math.BitIncrement(Math.Abs(a)) - Math.Abs(a), double.Epsilon));
            }

            norm = Math.Max(norm, left.Values.DefaultIfEmpty(0).Max(Math.Abs));
        }

        relative = most == 0 ? 0 : most / norm;
        return new FloatDifference(most, relative, ulps);
    }

    static IReadOnlyList<OutputValues> Outputs(Model model, ulong seed)
    {
        var stored = model.Parameters.Concat(model.Frozen).ToDictionary(parameter => parameter.Name, parameter => parameter.Start, StringComparer.Ordinal);
        var known = new Dictionary<int, double[]>();
        return FloatEvaluator.Evaluate(model.Program, node =>
        {
            if (known.TryGetValue(node.Id, out var values)) return values;
            values = new double[node.Shape.Count];
            if (node.Primitive is Primitive.Parameter parameter) stored[parameter.Name].ReadNearest(0, values);
            else Draw((Primitive.Data)node.Primitive, node.Shape, seed, values);
            return known[node.Id] = values;
        });
    }

    static void Draw(Primitive.Data leaf, Shape shape, ulong seed, double[] values)
    {
        var random = new RandomFunction(seed, RandomFunction.Purpose(leaf.Name));
        for (var k = 0; k < values.Length; k++) values[k] = random.Word((ulong)k) / 9223372036854775808.0 - 1;
        if (leaf.Kind == DataKind.Mask) Array.Fill(values, 1);
        if (leaf.Kind != DataKind.Distribution) return;
        var width = shape[shape.Rank - 1];
        for (var row = 0; row < values.Length; row += width)
        {
            var chosen = (int)(random.Word((ulong)(values.Length + row)) % (ulong)width);
            for (var k = 0; k < width; k++) values[row + k] = k == chosen ? 1 : 0;
        }
    }
}

/// <summary>How far two models' outputs are apart on the same random data.</summary>
/// <param name="Absolute">The largest difference of two numbers.</param>
/// <param name="Relative">The same, as a share of the largest output.</param>
/// <param name="Ulps">The largest difference in units of the last place of the number it is at, in float64.</param>
public sealed record FloatDifference(double Absolute, double Relative, double Ulps);

/// <summary>What a program costs.</summary>
static class Work
{
    /// <summary>Multiplications of all contractions that outputs need.</summary>
    public static double Multiplications(TensorProgram program)
    {
        var needed = new bool[program.Nodes.Count];
        foreach (var (_, node) in program.Outputs) needed[node.Id] = true;
        double work = 0;
        for (var id = needed.Length - 1; id >= 0; id--)
        {
            if (!needed[id]) continue;
            var node = program.Nodes[id];
            foreach (var operand in node.Operands) needed[operand.Id] = true;
            if (node.Primitive is not Primitive.Contract contract) continue;
            work += contract.Left.Where(letter => !contract.Output.Contains(letter)).Aggregate((double)node.Shape.Count, (product, letter) => product * node.Operands[0].Shape[contract.Left.IndexOf(letter, StringComparison.Ordinal)]);
        }

        return work;
    }
}
