namespace Tiebreak.Refinement.Streaming;

/// <summary>One word of bits for each place of an axis. Nearly always it is the same everywhere, and kept once.</summary>
sealed class PlaceBits
{
    readonly ulong[]? _each;
    readonly ulong _all;

    PlaceBits(int length, ulong all) => (Length, _all) = (length, all);

    PlaceBits(ulong[] each) => (Length, _each) = (each.Length, each);

    /// <summary>How many places.</summary>
    public int Length { get; }

    /// <summary>The word of a place.</summary>
    public ulong this[int place] => _each is null ? _all : _each[place];

    /// <summary>The different words; none if there are no places.</summary>
    public IReadOnlyCollection<ulong> Patterns => _patterns ??= Length == 0 ? [] : _each is null ? [_all] : [.. _each.Distinct()];

    IReadOnlyCollection<ulong>? _patterns;

    /// <summary>How often each word occurs.</summary>
    public IEnumerable<KeyValuePair<ulong, int>> Counts => Length == 0 ? [] : _each is null ? [new(_all, Length)] : _each.CountBy(bits => bits);

    /// <summary>Keeps the words of all places.</summary>
    public static PlaceBits Of(ReadOnlySpan<ulong> each) => each.Length == 0 || !each.ContainsAnyExcept(each[0]) ? new PlaceBits(each.Length, each.Length == 0 ? 0 : each[0]) : new PlaceBits(each.ToArray());

    /// <summary>Whether all places have the same words.</summary>
    public bool IsSameAs(PlaceBits other) => Length == other.Length && (_each is null || other._each is null ? _each == other._each && _all == other._all : _each.AsSpan().SequenceEqual(other._each));
}
