using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>
/// The angles of rotary embeddings, with the ways that longer contexts stretch them (<c>rope_scaling</c>, or <c>rope_parameters</c> of later configurations). Cosines and sines are the nearest doubles:
/// what counts is that each is one fixed number.
/// </summary>
sealed class RotaryAngles
{
    readonly double[] _frequencies;
    readonly double _factor = 1; // of cosines and sines

    /// <summary>Reads how angles grow from a configuration.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="features">How many features of a head turn; even.</param>
    /// <param name="theta">The base where the configuration has none.</param>
    /// <exception cref="TiebreakException">The way of stretching is not known.</exception>
    public RotaryAngles(FamilyConfig config, int features, double theta)
    {
        var scaling = config.Part("rope_parameters") ?? config.Part("rope_scaling");
        var wavelengthBase = scaling?.Has("rope_theta") == true ? scaling.Double("rope_theta", theta) : config.Double("rope_theta", theta);
        _frequencies = [.. Enumerable.Range(0, features / 2).Select(k => Math.Pow(wavelengthBase, -2.0 * k / features))];
        if (scaling is not null) _factor = Stretched(config, scaling, features, wavelengthBase);
        if (!double.IsFinite(_factor) || !Array.TrueForAll(_frequencies, double.IsFinite)) throw FamilyErrors.Misfit(config.Path, "its rotary embeddings turn by angles that are no numbers");
    }

    // Changes the frequencies; gives the factor of cosines and sines.
    double Stretched(FamilyConfig config, FamilyConfig scaling, int features, double wavelengthBase)
    {
        var type = scaling.Text("rope_type", scaling.Text("type", "default"));
        switch (type)
        {
            case "default" or "dynamic": // dynamic ones are stretched only beyond the lengths that are analysed
                return 1;
            case "linear":
                Each(frequency => frequency / scaling.Double("factor", 1));
                return 1;
            case "llama3":
                Llama3(config, scaling);
                return 1;
            case "longrope" or "su":
                return Long(config, scaling);
            case "yarn" when !scaling.Has("mscale") && !scaling.Has("mscale_all_dim"):
                return Yarn(config, scaling, features, wavelengthBase);
            default:
                throw FamilyErrors.NotSupported(config.Path, $"its rotary embeddings are stretched by `{type}`");
        }
    }

    /// <summary>Cosines and sines of the first places, each [1, places, features / 2].</summary>
    public (Node Cosines, Node Sines) Of(ProgramBuilder builder, int places)
    {
        return (Table(Math.Cos), Table(Math.Sin));

        Node Table(Func<double, double> function) => builder.Constant(
            new DoubleTensor([.. from place in Enumerable.Range(0, places) from frequency in _frequencies select _factor * function(place * frequency)]),
            new Shape(1, places, _frequencies.Length));
    }

    void Each(Func<double, double> change)
    {
        for (var k = 0; k < _frequencies.Length; k++) _frequencies[k] = change(_frequencies[k]);
    }

    // Long waves are stretched, short ones stay, those between go from one to the other.
    void Llama3(FamilyConfig config, FamilyConfig scaling)
    {
        var (factor, low, high) = (scaling.Double("factor", 8), scaling.Double("low_freq_factor", 1), scaling.Double("high_freq_factor", 4));
        var original = Original(config, scaling);
        Each(frequency =>
        {
            var turns = original * frequency / (2 * Math.PI); // over the original context
            if (turns > high) return frequency;
            if (turns < low) return frequency / factor;
            var share = (turns - low) / (high - low);
            return (1 - share) * frequency / factor + share * frequency;
        });
    }

    // A factor for each frequency; those of short contexts, since the sequences that are analysed are.
    double Long(FamilyConfig config, FamilyConfig scaling)
    {
        var factors = scaling.Doubles("short_factor") ?? throw FamilyErrors.NoKey(config.Path, "short_factor");
        if (factors.Length != _frequencies.Length) throw FamilyErrors.Key(config.Path, "short_factor", $"a list of {_frequencies.Length} numbers");
        for (var k = 0; k < factors.Length; k++) _frequencies[k] /= factors[k];
        var original = Original(config, scaling);
        var stretch = config.Double("max_position_embeddings", original) / original;
        return scaling.Double("attention_factor", stretch <= 1 ? 1 : Math.Sqrt(1 + Math.Log(stretch) / Math.Log(original)));
    }

    // "YaRN", 2023: long waves are stretched, short ones stay, between a ramp over the features.
    double Yarn(FamilyConfig config, FamilyConfig scaling, int features, double wavelengthBase)
    {
        var factor = scaling.Double("factor", 1);
        var original = Original(config, scaling);
        double Feature(double turns) => features * Math.Log(original / (turns * 2 * Math.PI)) / (2 * Math.Log(wavelengthBase));
        var low = Math.Max(Math.Floor(Feature(scaling.Double("beta_fast", 32))), 0);
        var high = Math.Min(Math.Ceiling(Feature(scaling.Double("beta_slow", 1))), features - 1);
        if (high == low) high += 0.001;
        for (var k = 0; k < _frequencies.Length; k++)
        {
            var stretched = Math.Clamp((k - low) / (high - low), 0, 1);
            _frequencies[k] *= stretched / factor + 1 - stretched;
        }

        return scaling.Double("attention_factor", factor <= 1 ? 1 : 0.1 * Math.Log(factor) + 1);
    }

    static double Original(FamilyConfig config, FamilyConfig scaling) =>
        scaling.Double("original_max_position_embeddings", config.Double("original_max_position_embeddings", config.Double("max_position_embeddings", 8192)));
}
