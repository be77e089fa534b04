using System.Numerics;
using System.Runtime.InteropServices;

namespace Tiebreak.Refinement.Streaming;

/// <summary>Which words occur more than once. Nearly all occur once; those are kept out of the table by two bits for each.</summary>
static class RepeatedKeys
{
    /// <summary>The words that occur twice or more in some lists together, and how often.</summary>
    /// <param name="lists">The lists.</param>
    /// <param name="words">The words of a list.</param>
    /// <param name="name">What counts of a word, as a random-looking word; the same for words that shall be one.</param>
    public static Dictionary<ulong, int> Among<TList>(IReadOnlyCollection<TList> lists, Func<TList, ulong[]> words, Func<TList, ulong, ulong> name)
    {
        var buckets = BitOperations.RoundUpToPowerOf2((ulong)Math.Max(64, lists.Sum(list => 8L * words(list).Length)));
        var (once, twice) = (new ulong[buckets / 64], new ulong[buckets / 64]);
        foreach (var list in lists)
        {
            foreach (var own in words(list))
            {
                var (word, bit) = PlaceOf(name(list, own));
                twice[word] |= once[word] & bit;
                once[word] |= bit;
            }
        }

        var counts = new Dictionary<ulong, int>();
        foreach (var list in lists)
        {
            foreach (var own in words(list))
            {
                var known = name(list, own);
                var (word, bit) = PlaceOf(known);
                if ((twice[word] & bit) != 0) CollectionsMarshal.GetValueRefOrAddDefault(counts, known, out _)++;
            }
        }

        foreach (var (known, count) in counts)
            if (count == 1) counts.Remove(known);
        return counts;

        (ulong Word, ulong Bit) PlaceOf(ulong known) => ((known >> 32 & buckets - 1) / 64, 1UL << (int)(known >> 32 & 63));
    }

    /// <summary>The places of words that occur twice or more in one list, group by group, each in ascending order.</summary>
    /// <param name="words">The list.</param>
    /// <param name="ignored">Bits that do not count.</param>
    public static IReadOnlyList<int[]> Groups(ulong[] words, ulong ignored)
    {
        var counts = Among([words], list => list, (_, word) => word & ~ignored);
        if (counts.Count == 0) return [];
        return [.. Enumerable.Range(0, words.Length).Where(place => counts.ContainsKey(words[place] & ~ignored)).GroupBy(place => words[place] & ~ignored).Select(group => group.ToArray())];
    }
}
