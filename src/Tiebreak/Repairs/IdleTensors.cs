using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>
/// Tensors that do nothing: the outputs are the same whatever their numbers are, because nothing reads them, or because what follows cancels them. A derivative that is zero at a random point is zero everywhere, so what has
/// none where its own numbers are random, and those of all like it, can have any.
/// </summary>
static class IdleTensors
{
    /// <summary>Their names.</summary>
    /// <param name="model">The model, its weights named.</param>
    /// <param name="options">Seed, kinks, threads, cancellation.</param>
    public static IReadOnlyList<string> Of(Model model, RefinementOptions options)
    {
        var tensors = model.Parameters.Concat(model.Frozen).ToArray();
        var needed = new bool[model.Program.Nodes.Count];
        foreach (var (_, node) in model.Program.Outputs) needed[node.Id] = true;
        for (var id = needed.Length - 1; id >= 0; id--)
            if (needed[id])
                foreach (var operand in model.Program.Nodes[id].Operands) needed[operand.Id] = true;
        var read = model.Program.Nodes.Where(node => needed[node.Id] && node.Primitive is Primitive.Parameter).Select(node => ((Primitive.Parameter)node.Primitive).Name).ToHashSet(StringComparer.Ordinal);
        var program = Gradient.Of(model.Program, model.OutputIsLoss, read);
        var flat = WithoutGradient(program, model, [], 300, options);
        var idle = flat.Count == 0 ? flat : WithoutGradient(program, model, flat, 301, options);
        var trained = model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
        return [.. tensors.Select(tensor => tensor.Name).Where(name => idle.Contains(name) || (trained.Contains(name) && !read.Contains(name)))];
    }

    // Gates that order decides for the numbers of the start are open questions for others.
    static HashSet<string> WithoutGradient(TensorProgram program, Model model, HashSet<string> others, int number, RefinementOptions options)
    {
        var (field, seed) = SameFunction.Draw(options, number);
        var names = program.Outputs.ToLookup(output => output.Node.Id, output => output.Name);
        var flat = program.Outputs.Select(output => output.Name).ToHashSet(StringComparer.Ordinal);
        new PointRun(program, field, seed, new OtherNumbers(new RandomPoint(State.AllStuck(model), seed), others, seed), null, null, options).Evaluate([.. program.Outputs.Select(output => output.Node).DistinctBy(node => node.Id)], (node, _, chunk) =>
        {
            if (chunk.ContainsAnyExcept(0UL)) flat.ExceptWith(names[node.Id]);
        });
        return others.Count == 0 ? flat : [.. flat.Intersect(others, StringComparer.Ordinal)];
    }

    /// <summary>A point with random numbers in some tensors.</summary>
    sealed class OtherNumbers(IParameterPoint point, HashSet<string> changed, ulong seed) : IParameterPoint
    {
        public void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values)
            where TField : struct, IField
        {
            point.Fill(field, lane, name, start, values);
            if (!changed.Contains(name)) return;
            var random = new RandomFunction(seed, RandomFunction.Purpose($"idle {name}"));
            for (var k = 0; k < values.Length; k++) values[k] = random.Below(field.Modulus, (ulong)(start + k));
        }
    }
}
