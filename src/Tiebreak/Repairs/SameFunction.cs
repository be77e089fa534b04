using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>Whether two models compute the same, exactly, at random points of a field.</summary>
static class SameFunction
{
    /// <summary>How many random points, each modulo a prime of its own, equality is checked at; one of them is the start.</summary>
    public const int Points = 3;

    /// <summary>The outputs of a model at some random points of a set.</summary>
    /// <param name="model">The model.</param>
    /// <param name="state">Where its parameters may be.</param>
    /// <param name="points">How many points.</param>
    /// <param name="options">Seed, kinks, order, threads.</param>
    public static ulong[][][] Outputs(Model model, State state, int points, RefinementOptions options)
    {
        var gates = new GatesByOrder(model.Program, options).Of(state, null, 1);
        return [.. Enumerable.Range(1, points).Select(number => Draw(options, number)).Select(draw => Sums(new PointRun(model.Program, draw.Field, draw.Seed, new RandomPoint(state, draw.Seed), null, gates, options), model.Program))];
    }

    /// <summary>The first output in which a small model differs from a large one at the same points; null if none does.</summary>
    /// <param name="large">The model as it was.</param>
    /// <param name="state">Where its parameters may be.</param>
    /// <param name="outputs">What <see cref="Outputs"/> gave for those.</param>
    /// <param name="small">The model as it is now, with exact start values.</param>
    /// <param name="plans">What became of parameters and masks.</param>
    /// <param name="options">Seed, kinks, order, threads.</param>
    public static string? Difference(Model large, State state, ulong[][][] outputs, Model small, IReadOnlyDictionary<string, TensorPlan> plans, RefinementOptions options)
    {
        if (!large.Program.Outputs.Select(output => (output.Name, output.Node.Shape)).SequenceEqual(small.Program.Outputs.Select(output => (output.Name, output.Node.Shape)))) return "without them the outputs would have other sizes";
        var gates = new GatesByOrder(small.Program, options).Of(ShrunkPoint.StateOf(small, large, state, plans), null, 1);
        for (var number = 1; number <= outputs.Length; number++)
        {
            var (field, seed) = Draw(options, number);
            var shrunk = new ShrunkPoint(field, seed, new RandomPoint(state, seed), plans);
            var after = Sums(new PointRun(small.Program, field, seed, shrunk, shrunk, gates, options), small.Program);
            for (var k = 0; k < after.Length; k++)
                if (!outputs[number - 1][k].AsSpan().SequenceEqual(after[k])) return $"without them the model would compute another `{large.Program.Outputs[k].Name}`, as something in it depends on how many they are";
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
}

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
