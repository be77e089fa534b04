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

    /// <summary>Draws all numbers of a tensor, each such that its file can hold it; in small tensors no two of one magnitude, so that none is tied by rounding.</summary>
    public static ExactTensor Draw(ParameterTensor tensor, RepairSetting setting)
    {
        var random = new RandomNumbers(setting.Random(tensor, "fresh weights"));
        var values = Drawn(tensor, random, setting);
        if (tensor.Role is ParameterRole.Bias or ParameterRole.Scale) Shift(tensor, values);
        var seen = values.Length <= MostCompared ? new HashSet<double>() : null;
        for (var k = 0; k < values.Length; k++)
        {
            var value = setting.Round(tensor, values[k]);
            for (ulong redraw = 1; seen is not null && redraw <= Redraws && (value == 0 || !seen.Add(Math.Abs(value))); redraw++)
                value = setting.Round(tensor, values[k] * (1 + random.Symmetric((ulong)k, 512 + redraw) / 8)); // too coarse a format to tell them apart
            values[k] = value;
        }

        return setting.Exact(tensor, values);
    }

    /// <summary>What was drawn, in words.</summary>
    public static string Words(ParameterTensor tensor, RepairSetting setting)
    {
        if (tensor.Role is ParameterRole.Bias or ParameterRole.Scale) return $"moved by a normal distribution of deviation {Gentle}";
        var fans = Fans.Of(tensor);
        return setting.Options.Initialiser switch
        {
            Initialiser.HeNormal => $"He, normal (fan-in {fans.In})",
            Initialiser.HeUniform => $"He, uniform (fan-in {fans.In})",
            Initialiser.XavierNormal => $"Xavier, normal (fan-in {fans.In}, fan-out {fans.Out})",
            Initialiser.XavierUniform => $"Xavier, uniform (fan-in {fans.In}, fan-out {fans.Out})",
            Initialiser.LeCunNormal => $"LeCun, normal (fan-in {fans.In})",
            Initialiser.LeCunUniform => $"LeCun, uniform (fan-in {fans.In})",
            Initialiser.Orthogonal => "orthogonal",
            _ => $"truncated normal (fan-in {fans.In})",
        };
    }

    static double[] Drawn(ParameterTensor tensor, RandomNumbers random, RepairSetting setting)
    {
        var fans = Fans.Of(tensor);
        var isGentle = tensor.Role is ParameterRole.Bias or ParameterRole.Scale;
        var initialiser = setting.Options.Initialiser;
        if (!isGentle && initialiser == Initialiser.Orthogonal && tensor.Shape.Rank > 1) return Orthogonal.Draw(tensor, random, setting.Refinement.Cancellation);
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

    static void Shift(ParameterTensor tensor, double[] values)
    {
        var old = new double[values.Length];
        tensor.Start.ReadNearest(0, old);
        for (var k = 0; k < values.Length; k++) values[k] += old[k];
    }
}
