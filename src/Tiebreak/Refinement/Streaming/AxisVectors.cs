using Tiebreak.Numbers;

namespace Tiebreak.Refinement.Streaming;

/// <summary>The vectors that make the gradient of a matrix' rows, or of its columns, in one gradient (theory §6).</summary>
/// <param name="Lanes">For each field, those of all positions.</param>
/// <param name="Moduli">The fields' primes.</param>
/// <param name="Places">How many rows or columns.</param>
readonly record struct AxisVectors(PlaceVector[][] Lanes, ulong[] Moduli, int Places)
{
    /// <summary>The key of a place (<see cref="AxisKeys.Keys"/>), and the positions at which it is not zero (<see cref="AxisKeys.Moving"/>).</summary>
    public (ulong Key, ulong Moving) Key(int place)
    {
        var positions = Lanes[0].Length;
        var (moving, hash, isSigned, negative) = (0UL, (ulong)positions * 0x9E3779B97F4A7C15 + 1, false, false);
        for (var t = 0; t < positions; t++)
        {
            for (var lane = 0; lane < Lanes.Length; lane++)
            {
                var value = Lanes[lane][t][place];
                if (value != 0)
                {
                    moving |= 1UL << (t & 63);
                    if (!isSigned) (isSigned, negative) = (true, value > Moduli[lane] / 2);
                    if (negative) value = Moduli[lane] - value;
                }

                hash = Mixing.Mixed(hash ^ value);
            }
        }

        return (hash & ~AxisKeys.SignBit | (negative ? AxisKeys.SignBit : 0), moving);
    }

    /// <summary>In the first field: position by position, the numbers of some places.</summary>
    public ulong[] Sample(int[] places) => [.. Lanes[0].SelectMany(vector => places.Select(place => vector[place]))];
}

/// <summary>One number for each place of an axis, as they lie in a larger array: place k has number start + k·step.</summary>
/// <param name="Values">The array.</param>
/// <param name="Start">Where the first is.</param>
/// <param name="Step">From one to the next.</param>
readonly record struct PlaceVector(ulong[] Values, int Start, int Step)
{
    /// <summary>The number of a place.</summary>
    public ulong this[int place] => Values[Start + place * Step];
}
