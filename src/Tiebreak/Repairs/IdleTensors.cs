using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>Tensors that do nothing: the outputs are the same whatever their numbers are, because nothing reads them, or because what follows cancels them.</summary>
static class IdleTensors
{
    const int MostTried = 32;

    /// <summary>Their names. Those without a gradient at the start are given random numbers, all at once and, if that changes an output, one by one.</summary>
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
        var flat = WithoutGradient(model, read, options);
        var idle = Together(model, flat, options) ? flat : [.. flat.Take(MostTried).Where(name => Together(model, [name], options))];
        return [.. tensors.Select(tensor => tensor.Name).Where(name => idle.Contains(name, StringComparer.Ordinal) || (model.Parameters.Any(parameter => parameter.Name == name) && !read.Contains(name)))];
    }

    static string[] WithoutGradient(Model model, HashSet<string> read, RefinementOptions options)
    {
        var program = Gradient.Of(model.Program, model.OutputIsLoss, read);
        var state = State.AllStuck(model);
        var (field, seed) = SameFunction.Draw(options, 300);
        var names = program.Outputs.ToLookup(output => output.Node.Id, output => output.Name);
        var moving = new HashSet<string>(StringComparer.Ordinal);
        new PointRun(program, field, seed, new RandomPoint(state, seed), null, new GatesByOrder(program, options).Of(state, null, 1), options).Evaluate([.. program.Outputs.Select(output => output.Node).DistinctBy(node => node.Id)], (node, _, chunk) =>
        {
            if (chunk.ContainsAnyExcept(0UL)) moving.UnionWith(names[node.Id]);
        });
        return [.. read.Where(name => !moving.Contains(name)).Order(StringComparer.Ordinal)];
    }

    // One random field is enough to see that an output depends on a tensor.
    static bool Together(Model model, string[] names, RefinementOptions options)
    {
        if (names.Length == 0) return true;
        var state = State.AllStuck(model);
        var changed = names.ToHashSet(StringComparer.Ordinal);
        var (field, seed) = SameFunction.Draw(options, 301);
        ulong[] Prints(IParameterPoint point)
        {
            var nodes = model.Program.Outputs.Select(output => output.Node).DistinctBy(node => node.Id).ToArray();
            var prints = new PointRun(model.Program, field, seed, point, null, new GatesByOrder(model.Program, options).Of(state, null, 1), options).Prints(nodes);
            return [.. nodes.Select(node => prints[node.Id])];
        }

        return Prints(new RandomPoint(state, seed)).SequenceEqual(Prints(new OtherNumbers(new RandomPoint(state, seed), changed, seed)));
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
