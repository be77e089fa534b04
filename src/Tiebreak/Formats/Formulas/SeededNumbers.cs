namespace Tiebreak.Formats.Formulas;

/// <summary>
/// The numbers behind <c>uniform(…)</c> and <c>normal(…)</c>: the same on every machine and for ever, because only exactly rounded
/// operations are used. SplitMix64 (Steele, Lea, Flood 2014), state = seed; a unit number is its top 53 bits · 2⁻⁵³; a normal number is the
/// sum of twelve unit numbers less 6 (mean 0, deviation 1, and close to the normal curve out to three deviations). Every value is rounded
/// to float32, as a framework would hold it.
/// </summary>
internal sealed class SeededNumbers(ulong seed)
{
    ulong _state = seed;

    /// <summary>Numbers evenly spread from <paramref name="low"/> to <paramref name="high"/>.</summary>
    public double[] Uniform(int count, double low, double high)
    {
        var values = new double[count];
        for (var k = 0; k < count; k++) values[k] = (float)(low + ((high - low) * NextUnit()));
        return values;
    }

    /// <summary>Numbers around <paramref name="mean"/> with the given standard deviation.</summary>
    public double[] Normal(int count, double mean, double deviation)
    {
        var values = new double[count];
        for (var k = 0; k < count; k++)
        {
            var sum = -6.0;
            for (var term = 0; term < 12; term++) sum += NextUnit();
            values[k] = (float)(mean + (deviation * sum));
        }

        return values;
    }

    double NextUnit()
    {
        _state += 0x9E3779B97F4A7C15;
        var bits = _state;
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        bits ^= bits >> 31;
        return (bits >> 11) * (1.0 / (1UL << 53));
    }
}
