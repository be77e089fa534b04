using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// Whether the samples of a batch are computed one by one, or see each other as under batch normalisation (theory §5). Found by trying: at a random point the outputs of the
/// first sample must stay the same, exactly, when the second one changes; of a loss the samples must be summands.
/// </summary>
static class SampleIndependence
{
    /// <summary>Whether it holds for a model lowered at a batch of two.</summary>
    public static bool Holds(Model model, RefinementOptions options)
    {
        var before = Outputs(model, options, first: 1, second: 1);
        var after = Outputs(model, options, first: 1, second: 2);
        if (model.OutputIsLoss)
        {
            var (other, both) = (Outputs(model, options, first: 2, second: 1), Outputs(model, options, first: 2, second: 2));
            var field = default(Mersenne61);
            return before.Keys.All(name => before[name].Zip(both[name], field.Add).SequenceEqual(after[name].Zip(other[name], field.Add)));
        }

        foreach (var (name, node) in model.Program.Outputs)
        {
            if (node.Shape.Rank == 0 || node.Shape[0] % 2 != 0) return false;
            var half = before[name].Length / 2;
            if (!before[name].AsSpan(0, half).SequenceEqual(after[name].AsSpan(0, half))) return false;
        }

        return true;
    }

    static Dictionary<string, ulong[]> Outputs(Model model, RefinementOptions options, ulong first, ulong second)
    {
        using var pool = new BufferPool(idleLimit: 1 << 22);
        var outputs = model.Program.Outputs.ToDictionary(output => output.Name, output => new ulong[output.Node.Shape.Count], StringComparer.Ordinal);
        var workers = new Workers(options.Threads, options.Cancellation);
        FieldEvaluator<Mersenne61>.Run(
            [default], options.Seed, options.Kinks, model.Program, new AllMoving(options.Seed), workers, pool,
            (name, _, start, chunk) => chunk.CopyTo(outputs[name].AsSpan((int)start)), new TwoSamples(options.Seed, first, second));
        return outputs;
    }

    sealed class AllMoving(ulong seed) : IParameterPoint
    {
        public void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values) where TField : struct, IField
        {
            var random = new RandomFunction(seed, RandomFunction.Purpose($"parameter {name}"));
            for (var i = 0; i < values.Length; i++) values[i] = random.Below(field.Modulus, (ulong)(start + i));
        }
    }

    // Masks, and what has no axis of two samples, are left to chance: the same in all runs.
    sealed class TwoSamples(ulong seed, ulong first, ulong second) : IDataPoint
    {
        public bool TryFill<TField>(TField field, int lane, Primitive.Data leaf, Shape shape, Span<ulong> values) where TField : struct, IField
        {
            if (leaf.Kind is DataKind.Mask or DataKind.LossAdjoint || shape.Rank == 0 || shape[0] != 2) return false;
            var half = values.Length / 2;
            var width = leaf.Kind == DataKind.Distribution ? shape[shape.Rank - 1] : 0;
            for (var sample = 0; sample < 2; sample++)
            {
                var random = new RandomFunction(seed + (sample == 0 ? first : second), RandomFunction.Purpose($"sample {sample} {leaf.Name}"));
                var part = values.Slice(sample * half, half);
                for (var i = 0; i < half; i++) part[i] = random.Below(field.Modulus, (ulong)i);
                for (var row = 0; width > 0 && row < half; row += width)
                {
                    ulong others = 0;
                    for (var i = 0; i < width - 1; i++) others = field.Add(others, part[row + i]);
                    part[row + width - 1] = field.Subtract(1, others);
                }
            }

            return true;
        }
    }
}
