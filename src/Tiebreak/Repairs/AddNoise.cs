using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Proofs;

namespace Tiebreak.Repairs;

/// <summary>
/// Noise on copies, as Net2Net breaks the symmetry of widened layers (Chen, Goodfellow and Shlens 2016): of each class the first member stays, the others get noise of a share of their tensor's
/// deviation; where that is zero, of a share of the value; where that is zero, too, of the share itself.
/// </summary>
sealed class AddNoise : IRepairMethod
{
    const ulong Attempts = 8; // where a format is too coarse for so little noise

    /// <inheritdoc/>
    public RepairState Apply(RepairState state, RepairSetting setting)
    {
        var noisy = new Dictionary<int, (ExactTensor Values, long Changed)>();
        var isMet = new bool[state.Partition.Classes + 1];
        for (var tensor = 0; tensor < state.Model.Parameters.Count; tensor++)
        {
            setting.Progress("adding noise");
            var parameter = state.Model.Parameters[tensor];
            var codes = state.Partition.Codes[tensor];
            if (!Array.Exists(codes, code => code != 0 && state.IsBound(code))) continue;
            var values = new double[codes.Length];
            parameter.Start.ReadNearest(0, values);
            var deviation = Deviation(values);
            var random = new RandomNumbers(setting.Random(parameter, "noise"));
            var old = (double[])values.Clone();
            var format = setting.Format(parameter);
            long changed = 0;
            for (var k = 0; k < codes.Length; k++)
            {
                var number = Math.Abs(codes[k]);
                if (number == 0 || !state.IsBound(number)) continue;
                if (!isMet[number])
                {
                    isMet[number] = true;
                    continue;
                }

                var size = setting.Options.Scale * (deviation > 0 ? deviation : values[k] != 0 ? Math.Abs(values[k]) : 1);
                for (ulong attempt = 0; attempt < Attempts && values[k] == old[k]; attempt++) values[k] = format.Round(old[k] + size * (1 << (int)attempt) * random.Normal((ulong)k, attempt));
                if (values[k] != old[k]) changed++;
            }

            if (changed > 0) noisy[tensor] = (setting.Kept(parameter, old, values), changed);
        }

        var choice = MinimalSet.ToFree(state, setting, noisy.ToDictionary(entry => entry.Key, entry => entry.Value.Values), Reinitialise.Reluctant(state.Model, noisy.Keys));
        var repaired = state.After(
            choice.Tensors.ToDictionary(tensor => tensor, tensor => noisy[tensor].Values),
            choice.Partition,
            choice.Tensors.Select(tensor => (Name: state.Model.Parameters[tensor].Name, noisy[tensor].Changed, Count: state.Partition.Codes[tensor].Length))
                .Select(tensor => new TensorRepair(tensor.Name, "noise", $"noise on {tensor.Changed:N0} of {tensor.Count:N0} numbers, scale {setting.Options.Scale}", tensor.Changed, tensor.Count)));
        return choice.IsMinimal ? repaired : repaired.Noting("the model is too large to look for the fewest tensors, so all copies got noise");
    }

    static double Deviation(double[] values)
    {
        var mean = values.Average();
        var variance = values.Average(value => (value - mean) * (value - mean));
        return variance <= mean * mean * 1e-30 ? 0 : Math.Sqrt(variance);
    }
}
