using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>
/// Parameters of which only the sum counts, wherever all others are: W[0,1] and W[1,0] of a quadratic form. What one gets and the other loses changes nothing, now or ever; their difference stays what it is made. Found by
/// equal gradients at a random point of all parameters, not just of those that training reaches.
/// </summary>
sealed class SplitSums : IRepairMethod
{
    const long MostParameters = 1 << 22;

    /// <inheritdoc/>
    public RepairState Apply(RepairState state, RepairSetting setting)
    {
        if (!state.HasBound || state.Model.Parameters.Sum(parameter => parameter.Shape.Count) > MostParameters) return state;
        setting.Progress("parameters of which only the sum counts");
        var model = state.Model;
        var transfers = new Dictionary<int, WeightTransfers>();
        WeightTransfers Of(int tensor) => transfers.TryGetValue(tensor, out var known) ? known : transfers[tensor] = new WeightTransfers(model.Parameters[tensor], setting);
        var together = new List<(int, int)>();
        foreach (var members in Alike(state, setting.Refinement))
        {
            for (var k = 0; k + 1 < members.Count; k++)
            {
                var (one, other) = (members[k], members[k + 1]);
                WeightTransfers.Between(Of(one.Tensor), one.Place, Of(other.Tensor), other.Place, one.IsNegative != other.IsNegative);
                if (one.Tensor != other.Tensor) together.Add((one.Tensor, other.Tensor));
            }
        }

        var changed = transfers.Where(entry => entry.Value.Count > 0).ToDictionary();
        var after = Split.Chosen(state, setting, changed, together, "only their sums count, which are kept");
        return ReferenceEquals(after, state) ? state : after with { Notes = [.. after.Notes, "where only a sum of parameters counts, they differ now, and training keeps their difference"] };
    }

    // Members of one class whose gradients are equal, up to sign, at two random points of everything.
    static IEnumerable<List<(int Tensor, int Place, bool IsNegative)>> Alike(RepairState state, RefinementOptions refinement)
    {
        var model = state.Model;
        var (first, second) = (Gradient(model, refinement, 201), Gradient(model, refinement, 202));
        var groups = new Dictionary<(int Class, ulong, ulong), List<(int, int, bool)>>();
        for (var tensor = 0; tensor < model.Parameters.Count; tensor++)
        {
            for (var place = 0; place < state.Partition.Codes[tensor].Length; place++)
            {
                var code = state.Partition.Codes[tensor][place];
                var (a, b) = (first.Values[tensor][place], second.Values[tensor][place]);
                if (code == 0 || a == 0) continue;
                var isNegative = a > first.Field.Negate(a);
                if (isNegative) (a, b) = (first.Field.Negate(a), second.Field.Negate(b));
                var key = (Math.Abs(code), a, b);
                if (!groups.TryGetValue(key, out var group)) groups.Add(key, group = []);
                group.Add((tensor, place, isNegative));
            }
        }

        return groups.Values.Where(group => group.Count > 1);
    }

    static (PrimeField Field, ulong[][] Values) Gradient(Model model, RefinementOptions refinement, int number)
    {
        var (field, seed) = SameFunction.Draw(refinement, number);
        var program = Gradients.Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
        var values = model.Parameters.Select(parameter => new ulong[parameter.Shape.Count]).ToArray();
        var index = Enumerable.Range(0, model.Parameters.Count).ToDictionary(k => model.Parameters[k].Name, StringComparer.Ordinal);
        var names = program.Outputs.ToLookup(output => output.Node.Id, output => output.Name);
        var run = new PointRun(program, field, seed, new Anywhere(model, seed), null, null, refinement);
        run.Evaluate([.. program.Outputs.Select(output => output.Node).DistinctBy(node => node.Id)], (node, start, chunk) =>
        {
            foreach (var name in names[node.Id]) chunk.CopyTo(values[index[name]].AsSpan((int)start));
        });
        return (field, values);
    }

    /// <summary>A point at which every parameter has a random value of its own.</summary>
    sealed class Anywhere(Model model, ulong seed) : IParameterPoint
    {
        readonly Dictionary<string, ParameterTensor> _frozen = model.Frozen.ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);

        public void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values) where TField : struct, IField
        {
            if (_frozen.TryGetValue(name, out var frozen))
            {
                ExactImages.Fill(field, frozen.Start, start, values);
                return;
            }

            var random = new RandomFunction(seed + (ulong)lane, RandomFunction.Purpose($"anywhere {name}"));
            for (var k = 0; k < values.Length; k++) values[k] = random.Below(field.Modulus, (ulong)(start + k));
        }
    }
}
