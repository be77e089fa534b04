using Tiebreak.Formats;
using Tiebreak.Numbers;

namespace Tiebreak.Repairs;

/// <summary>Fresh start values for a tensor.</summary>
static class FreshWeights
{
    const double TruncatedDeviation = 0.87962566103423978; // of a normal distribution cut at two deviations
    const double Gentle = 0.02; // for biases and scales, which stay near what they were
    const int MostCompared = 4096;
    const ulong Redraws = 8;

    /// <summary>
    /// Draws those numbers of a tensor that are stuck or share a class, each such that its file can hold it; the others stay. In small tensors no two are of one magnitude, so that none is tied
    /// by rounding, unless <paramref name="asNamed"/> wants the distribution as its name says: entries of an orthogonal matrix of two rows come in pairs.
    /// </summary>
    public static (ExactTensor Values, long Drawn) Draw(RepairState state, int number, RepairSetting setting, bool asNamed = false)
    {
        var tensor = state.Model.Parameters[number];
        var random = new RandomNumbers(setting.Random(tensor, "fresh weights"));
        var values = Drawn(tensor, random, setting);
        var old = new double[values.Length];
        tensor.Start.ReadNearest(0, old);
        var codes = state.Partition.Codes[number];
        var isGentle = tensor.Role is ParameterRole.Bias or ParameterRole.Scale;
        var seen = values.Length <= MostCompared && !(asNamed && IsOrthogonal(tensor, setting)) ? new HashSet<double>() : null;
        var format = setting.Format(tensor);
        long drawn = 0;
        for (var k = 0; k < values.Length; k++)
        {
            if (!state.IsBound(codes[k]))
            {
                values[k] = old[k];
                continue;
            }

            drawn++;
            if (isGentle) values[k] += old[k];
            var value = format.Round(values[k]);
            for (ulong redraw = 1; seen is not null && redraw <= Redraws && (value == 0 || !seen.Add(Math.Abs(value))); redraw++)
                value = format.Round(values[k] * (1 + random.Symmetric((ulong)k, 512 + redraw) / 8)); // too coarse a format to tell them apart
            values[k] = value;
        }

        return (setting.Kept(tensor, old, values), drawn);
    }

    /// <summary>What was done to a tensor by drawing some of its numbers.</summary>
    public static TensorRepair Repair(ParameterTensor tensor, string how, string words, long drawn, RepairSetting setting)
    {
        var count = tensor.Shape.Count;
        var rest = drawn < count && IsOrthogonal(tensor, setting) ? ", but with the numbers that stayed its rows are not orthonormal" : "";
        return new TensorRepair(tensor.Name, how, $"{words}{(drawn < count ? $" in {drawn:N0} of {count:N0} places" : "")}: {Words(tensor, setting)}{rest}", drawn, count);
    }

    /// <summary>Whether a tensor gets orthonormal rows or columns.</summary>
    public static bool IsOrthogonal(ParameterTensor tensor, RepairSetting setting) =>
        setting.Options.Initialiser == Initialiser.Orthogonal && tensor.Role is not (ParameterRole.Bias or ParameterRole.Scale) && tensor.Shape.Rank > 1;

    static string Words(ParameterTensor tensor, RepairSetting setting)
    {
        if (tensor.Role is ParameterRole.Bias or ParameterRole.Scale) return $"shifted by numbers of a normal distribution of deviation {Gentle}";
        var fans = Fans.Of(tensor);
        return setting.Options.Initialiser switch
        {
            Initialiser.HeNormal => $"He, normal (fan-in {fans.In})",
            Initialiser.HeUniform => $"He, uniform (fan-in {fans.In})",
            Initialiser.XavierNormal => $"Xavier, normal (fan-in {fans.In}, fan-out {fans.Out})",
            Initialiser.XavierUniform => $"Xavier, uniform (fan-in {fans.In}, fan-out {fans.Out})",
            Initialiser.LeCunNormal => $"LeCun, normal (fan-in {fans.In})",
            Initialiser.LeCunUniform => $"LeCun, uniform (fan-in {fans.In})",
            Initialiser.Orthogonal => IsOrthogonal(tensor, setting) ? "orthogonal" : $"normal of variance 1/{fans.In}, as a vector has no rows to be orthonormal",
            _ => $"truncated normal (fan-in {fans.In})",
        };
    }

    static double[] Drawn(ParameterTensor tensor, RandomNumbers random, RepairSetting setting)
    {
        var fans = Fans.Of(tensor);
        var isGentle = tensor.Role is ParameterRole.Bias or ParameterRole.Scale;
        var initialiser = setting.Options.Initialiser;
        if (IsOrthogonal(tensor, setting)) return Orthogonal.Draw(tensor, random, setting.Refinement.Cancellation);
        var variance = isGentle ? Gentle * Gentle : initialiser switch
        {
            Initialiser.HeNormal or Initialiser.HeUniform => 2 / fans.In,
            Initialiser.XavierNormal or Initialiser.XavierUniform => 2 / (fans.In + fans.Out),
            _ => 1 / fans.In,
        };
        var isUniform = !isGentle && initialiser is Initialiser.HeUniform or Initialiser.XavierUniform or Initialiser.LeCunUniform;
        var isTruncated = !isGentle && initialiser == Initialiser.TruncatedNormal;
        var factor = Math.Sqrt(isUniform ? 3 * variance : variance) / (isTruncated ? TruncatedDeviation : 1);
        var values = new double[tensor.Shape.Count];
        for (var k = 0; k < values.Length; k++)
            values[k] = factor * (isUniform ? random.Symmetric((ulong)k) : isTruncated ? random.Truncated((ulong)k) : random.Normal((ulong)k));
        return values;
    }
}
