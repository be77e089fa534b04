using System.Numerics;
using System.Runtime.InteropServices;

namespace Tiebreak.Refinement.Streaming;

/// <summary>Words that occur more than once. Nearly all occur once; those are kept out of the table by two bits for each.</summary>
sealed class RepeatedKeys
{
    readonly ulong[] _twice;
    readonly Dictionary<ulong, int> _counts = [];

    RepeatedKeys(ulong[] twice) => _twice = twice;

    /// <summary>How many words.</summary>
    public int Count => _counts.Count;

    /// <summary>How often each occurs.</summary>
    public IEnumerable<int> Counts => _counts.Values;

    /// <summary>Whether a word is one of them.</summary>
    public bool Contains(ulong word) => IsMarked(word) && _counts.ContainsKey(word);

    /// <summary>The words that occur twice or more in some lists together.</summary>
    /// <param name="lists">The lists.</param>
    /// <param name="words">The words of a list.</param>
    /// <param name="name">What counts of a word, as a random-looking word; the same for words that shall be one.</param>
    public static RepeatedKeys Among<TList>(IReadOnlyCollection<TList> lists, Func<TList, ulong[]> words, Func<TList, ulong, ulong> name)
    {
        var buckets = BitOperations.RoundUpToPowerOf2((ulong)Math.Max(64, lists.Sum(list => 8L * words(list).Length)));
        var (once, twice) = (new ulong[buckets / 64], new ulong[buckets / 64]);
        foreach (var list in lists)
        {
            foreach (var own in words(list))
            {
                var known = name(list, own);
                ref var first = ref once[Place(known, once.Length)];
                twice[Place(known, twice.Length)] |= first & Bit(known);
                first |= Bit(known);
            }
        }

        var repeated = new RepeatedKeys(twice);
        foreach (var list in lists)
        {
            foreach (var own in words(list))
            {
                var known = name(list, own);
                if (repeated.IsMarked(known)) CollectionsMarshal.GetValueRefOrAddDefault(repeated._counts, known, out _)++;
            }
        }

        foreach (var (known, count) in repeated._counts)
            if (count == 1) repeated._counts.Remove(known);
        return repeated;
    }

    /// <summary>The places of words that occur twice or more in one list, group by group, each in ascending order.</summary>
    /// <param name="words">The list; random in the upper halves, where words are told apart first.</param>
    /// <param name="ignored">Bits that do not count.</param>
    public static IReadOnlyList<int[]> Groups(ulong[] words, ulong ignored)
    {
        var repeated = Among([words], list => list, (_, word) => word & ~ignored);
        if (repeated.Count == 0) return [];
        return [.. Enumerable.Range(0, words.Length).Where(place => repeated.Contains(words[place] & ~ignored)).GroupBy(place => words[place] & ~ignored).Select(group => group.ToArray())];
    }

    bool IsMarked(ulong word) => (_twice[Place(word, _twice.Length)] & Bit(word)) != 0;

    // The number of words of bits is a power of two.
    static int Place(ulong word, int length) => (int)(word >> 38) & length - 1;

    static ulong Bit(ulong word) => 1UL << (int)(word >> 32);
}
