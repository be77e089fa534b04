using Tiebreak.Numbers;

namespace Tiebreak.Repairs;

/// <summary>Numbers of the usual distributions from a seeded function; a place gives the same number on every machine that has the same logarithm.</summary>
readonly struct RandomNumbers(RandomFunction random)
{
    const ulong Lanes = 1024; // words that one place may use
    const double Bound = 2; // deviations at which a truncated normal distribution ends

    /// <summary>In the open interval from 0 to 1.</summary>
    public double Unit(ulong place, ulong lane = 0) => ((random.Word(place * Lanes + lane) >> 12) + 0.5) / (1UL << 52);

    /// <summary>Uniform between −1 and 1.</summary>
    public double Symmetric(ulong place, ulong lane = 0) => 2 * Unit(place, lane) - 1;

    /// <summary>Normal, of deviation 1.</summary>
    public double Normal(ulong place, ulong lane = 0) => Math.Sqrt(-2 * Math.Log(Unit(place, 2 * lane))) * Math.Cos(2 * Math.PI * Unit(place, 2 * lane + 1));

    /// <summary>Normal of deviation 1 before it is cut at two deviations.</summary>
    public double Truncated(ulong place, ulong lane = 0)
    {
        for (var attempt = lane * 16; ; attempt++)
            if (Normal(place, attempt % (Lanes / 2)) is var value && Math.Abs(value) <= Bound) return value;
    }
}
