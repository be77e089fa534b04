using System.Text;

namespace Tiebreak.Formats.Tokenizers;

/// <summary>The tokens of a tokenizer by their ids. Their text is decoded when it is asked for: a report names few of them.</summary>
sealed class Vocabulary
{
    /// <summary>Longer tokens lose their end.</summary>
    const int LongestText = 4096;

    readonly ReadOnlyMemory<byte> _texts;
    readonly IReadOnlyList<TokenPlace> _places;
    readonly bool _isByteLevel;

    /// <summary>Takes what was read.</summary>
    /// <param name="path">The file, as the user gave it.</param>
    /// <param name="texts">The tokens in UTF-8, one behind the other.</param>
    /// <param name="places">For each id where its token is; a length of −1 where there is none.</param>
    /// <param name="isByteLevel">Whether tokens are written in the <see cref="ByteAlphabet"/>.</param>
    public Vocabulary(string path, ReadOnlyMemory<byte> texts, IReadOnlyList<TokenPlace> places, bool isByteLevel)
    {
        (Path, _texts, _places, _isByteLevel) = (path, texts, places, isByteLevel);
        Count = places.Count(place => place.Length >= 0);
    }

    /// <summary>The file, as the user gave it.</summary>
    public string Path { get; }

    /// <summary>How many ids have a token.</summary>
    public int Count { get; }

    /// <summary>One more than the highest id.</summary>
    public int End => _places.Count;

    /// <summary>How many tokens have ids from here on.</summary>
    public int CountFrom(int id)
    {
        var count = 0;
        for (; id < _places.Count; id++)
            if (_places[id].Length >= 0) count++;
        return count;
    }

    /// <summary>
    /// The token of an id, null where it has none. Byte-level tokens become the text they stand for, or stay as they are written where that is a part of a character; the <c>▁</c> of SentencePiece stays.
    /// </summary>
    public string? this[int id]
    {
        get
        {
            if (id < 0 || id >= _places.Count || _places[id] is not { Length: >= 0 } place) return null;
            var bytes = _texts.Span.Slice(place.Start, place.Length);
            var text = Encoding.UTF8.GetString(bytes[..Cut(bytes)]);
            if (_isByteLevel && !place.IsAdded) text = ByteAlphabet.Decode(text) ?? text;
            return bytes.Length > LongestText ? text + "…" : text;
        }
    }

    // Not inside a character.
    static int Cut(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= LongestText) return bytes.Length;
        var end = LongestText;
        while ((bytes[end] & 0xC0) == 0x80) end--;
        return end;
    }
}

/// <summary>Where the text of a token is.</summary>
/// <param name="Start">Its first byte.</param>
/// <param name="Length">Its bytes; −1 for no token.</param>
/// <param name="IsAdded">Whether it was added to the vocabulary, and so is written as it is meant.</param>
readonly record struct TokenPlace(int Start, int Length, bool IsAdded)
{
    /// <summary>No token.</summary>
    public static TokenPlace None { get; } = new(0, -1, false);
}
