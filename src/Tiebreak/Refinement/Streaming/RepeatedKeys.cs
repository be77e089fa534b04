using System.Numerics;
using System.Runtime.InteropServices;

namespace Tiebreak.Refinement.Streaming;

/// <summary>Which classes of rows and columns have more than one member, over all matrices. Nearly all have one; those are kept out of the table by two bits for each.</summary>
static class RepeatedKeys
{
    /// <summary>Classes, without signs, and how many members they have: two or more.</summary>
    public static Dictionary<ulong, int> Of(IReadOnlyCollection<AxisKeys> axes)
    {
        var buckets = BitOperations.RoundUpToPowerOf2((ulong)Math.Max(64, axes.Sum(axis => 8L * axis.Keys.Length)));
        var (once, twice) = (new ulong[buckets / 64], new ulong[buckets / 64]);
        foreach (var axis in axes)
        {
            foreach (var key in axis.Keys)
            {
                var (word, bit) = PlaceOf(key, buckets);
                twice[word] |= once[word] & bit;
                once[word] |= bit;
            }
        }

        var counts = new Dictionary<ulong, int>();
        foreach (var axis in axes)
        {
            foreach (var key in axis.Keys)
            {
                var (word, bit) = PlaceOf(key, buckets);
                if ((twice[word] & bit) != 0) CollectionsMarshal.GetValueRefOrAddDefault(counts, key & ~AxisKeys.SignBit, out _)++;
            }
        }

        foreach (var (key, count) in counts)
            if (count == 1) counts.Remove(key);
        return counts;
    }

    // Keys are random words; the sign takes no part.
    static (ulong Word, ulong Bit) PlaceOf(ulong key, ulong buckets)
    {
        var bucket = key >> 32 & buckets - 1;
        return (bucket / 64, 1UL << (int)(bucket % 64));
    }
}
