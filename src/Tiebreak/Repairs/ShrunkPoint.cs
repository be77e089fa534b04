using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>A point of a large model as the point of the small one that stands for it: the same slices, the same sums, the same data.</summary>
/// <param name="field">The field of the point.</param>
/// <param name="seed">The seed of the data.</param>
/// <param name="point">The large model's parameters.</param>
/// <param name="plans">What became of them.</param>
sealed class ShrunkPoint(PrimeField field, ulong seed, IParameterPoint point, IReadOnlyDictionary<string, TensorPlan> plans) : IParameterPoint, IDataPoint
{
    readonly Dictionary<string, ulong[]> _made = new(StringComparer.Ordinal);

    public void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values) where TField : struct, IField
    {
        if (!plans.TryGetValue(name, out var plan)) point.Fill(field, lane, name, start, values);
        else Made(name, plan).AsSpan((int)start, values.Length).CopyTo(values);
    }

    /// <summary>Masks of dropouts are drawn for the large model.</summary>
    public bool TryFill<TField>(TField field, int lane, Primitive.Data leaf, Shape shape, Span<ulong> values) where TField : struct, IField
    {
        if (leaf.Kind != DataKind.Mask || !plans.TryGetValue(leaf.Name, out var plan)) return false;
        var drawn = new ulong[plan.OldShape.Count];
        new DrawnData(seed + (ulong)lane, leaf).Fill(field, 0, drawn);
        plan.Apply(drawn, (a, _) => a, a => a).CopyTo(values);
        return true;
    }

    ulong[] Made(string name, TensorPlan plan)
    {
        lock (_made)
        {
            if (_made.TryGetValue(name, out var known)) return known;
            const int Block = 1 << 16;
            var old = new ulong[plan.OldShape.Count];
            for (var start = 0; start < old.Length; start += Block) point.Fill(field, 0, name, start, old.AsSpan(start, Math.Min(Block, old.Length - start)));
            return _made[name] = plan.Apply(old, field.Add, field.Negate);
        }
    }

    /// <summary>A set that contains the small model's point wherever the large one's lies in its own: what was stuck is, the rest moves.</summary>
    public static State StateOf(Model small, Model large, State state, IReadOnlyDictionary<string, TensorPlan> plans)
    {
        const int Mixed = int.MaxValue;
        var classes = state.Classes;
        var codes = new int[small.Parameters.Count][];
        for (var k = 0; k < codes.Length; k++)
        {
            var name = small.Parameters[k].Name;
            var old = state.Codes[Enumerable.Range(0, large.Parameters.Count).First(tensor => large.Parameters[tensor].Name == name)];
            codes[k] = plans.TryGetValue(name, out var plan) ? plan.Apply(old, (a, b) => a == 0 && b == 0 ? 0 : Mixed, a => -a) : [.. old];
            for (var i = 0; i < codes[k].Length; i++)
                if (Math.Abs((long)codes[k][i]) == Mixed) codes[k][i] = ++classes;
        }

        return new State(small, codes, [0, .. Enumerable.Repeat(1, classes)]);
    }
}
