using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Tiebreak.Formats.Tokenizers;

/// <summary>
/// Reads the tokens of a <c>tokenizer.json</c> as Hugging Face's tokenizers save it: <c>model.vocab</c> (BPE, WordPiece, WordLevel: ids by token; Unigram: tokens with scores, in order) and <c>added_tokens</c>, which win.
/// One pass over the mapped file; merges and everything else are skipped.
/// </summary>
sealed class TokenizerFile
{
    const long Longest = 1L << 28;
    const int MostTokens = 1 << 22; // the largest vocabularies have about a million
    const int MostDepth = 64;

    readonly string _path;
    readonly ArrayBufferWriter<byte> _texts = new();
    readonly List<TokenPlace> _places = [];
    readonly Dictionary<int, TokenPlace> _added = [];
    bool _hasVocabulary;
    bool _isByteLevel;

    TokenizerFile(string path) => _path = path;

    /// <summary>Reads a file.</summary>
    /// <exception cref="TiebreakException">It cannot be read, is no tokenizer, or gives an id that cannot be meant; names the file, the token and the remedy.</exception>
    public static Vocabulary Read(string path)
    {
        if (path.Length == 0) throw new TiebreakException("`--tokenizer` needs the name of a file, tokenizer.json");
        using var file = new MappedFile(path);
        if (file.Length > Longest) throw TokenizerErrors.TooLong(path, file.Length, Longest);
        var text = file.Slice(0, (int)file.Length);
        if (text.StartsWith("\uFEFF"u8)) text = text[3..];
        if (!text.TrimStart(" \t\r\n"u8).StartsWith("{"u8)) throw TokenizerErrors.NotTokenizer(path);
        try
        {
            var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = MostDepth });
            return new TokenizerFile(path).Root(ref reader);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw TokenizerErrors.NotJson(path, error);
        }
    }

    Vocabulary Root(ref Utf8JsonReader reader)
    {
        var (hasModel, hasAdded) = (false, false);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("model"u8)) Model(ref reader, ref hasModel);
            else if (reader.ValueTextEquals("added_tokens"u8)) Added(ref reader, ref hasAdded);
            else if (reader.ValueTextEquals("pre_tokenizer"u8) || reader.ValueTextEquals("decoder"u8)) Part(ref reader);
            else reader.Skip();
        }

        while (reader.Read()) reader.Skip(); // what follows the object is an error, which this throws
        if (!_hasVocabulary) throw TokenizerErrors.NoVocabulary(_path);
        foreach (var (id, place) in _added) Place(id) = place;
        var vocabulary = new Vocabulary(_path, _texts.WrittenMemory, _places, _isByteLevel);
        return vocabulary.Count > 0 ? vocabulary : throw TokenizerErrors.NoTokens(_path);
    }

    void Model(ref Utf8JsonReader reader, ref bool isKnown)
    {
        if (isKnown) throw TokenizerErrors.Twice(_path, "model");
        isKnown = true;
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return;
        if (reader.TokenType != JsonTokenType.StartObject) throw TokenizerErrors.Shape(_path, "`model`", "an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!reader.ValueTextEquals("vocab"u8))
            {
                reader.Skip();
                continue;
            }

            if (_hasVocabulary) throw TokenizerErrors.Twice(_path, "vocab");
            _hasVocabulary = true;
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartObject) ByToken(ref reader);
            else if (reader.TokenType == JsonTokenType.StartArray) InOrder(ref reader);
            else throw TokenizerErrors.Shape(_path, "`model.vocab`", "an object with an id for each token, or a list of tokens with their scores");
        }
    }

    void ByToken(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var place = Text(ref reader, isAdded: false);
            reader.Read();
            var (id, wrong) = TryId(ref reader);
            Add(id ?? throw TokenizerErrors.Id(_path, Quoted(place), wrong!, MostTokens - 1), place);
        }
    }

    void InOrder(ref Utf8JsonReader reader)
    {
        for (var id = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; id++)
        {
            if (id == MostTokens) throw TokenizerErrors.TooMany(_path, MostTokens);
            var isPair = reader.TokenType == JsonTokenType.StartArray && reader.Read() && reader.TokenType == JsonTokenType.String;
            var place = isPair ? Text(ref reader, isAdded: false) : TokenPlace.None;
            if (!isPair || !reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.Read() || reader.TokenType != JsonTokenType.EndArray)
                throw TokenizerErrors.Shape(_path, $"entry {id} of `model.vocab`", "a token and its score");
            Add(id, place);
        }
    }

    void Added(ref Utf8JsonReader reader, ref bool isKnown)
    {
        if (isKnown) throw TokenizerErrors.Twice(_path, "added_tokens");
        isKnown = true;
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return;
        if (reader.TokenType != JsonTokenType.StartArray) throw TokenizerErrors.Shape(_path, "`added_tokens`", "a list");
        for (var number = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; number++)
        {
            var what = $"entry {number} of `added_tokens`";
            if (reader.TokenType != JsonTokenType.StartObject) throw TokenizerErrors.Shape(_path, what, "an object with `id` and `content`");
            var place = TokenPlace.None;
            int? id = null;
            string? wrong = null; // of an id whose token may still follow
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (isId, isContent) = (reader.ValueTextEquals("id"u8), reader.ValueTextEquals("content"u8));
                reader.Read();
                if (isId) (id, wrong) = TryId(ref reader);
                else if (isContent) place = reader.TokenType == JsonTokenType.String ? Text(ref reader, isAdded: true) : throw TokenizerErrors.Shape(_path, $"the `content` of {what}", "a text");
                reader.Skip();
            }

            if (wrong is not null && place.Length >= 0) throw TokenizerErrors.Id(_path, Quoted(place), wrong, MostTokens - 1);
            if (id is not { } value || place.Length < 0) throw TokenizerErrors.Shape(_path, what, "an object with `id` and `content`");
            if (!_added.TryAdd(value, place) && !Bytes(_added[value]).SequenceEqual(Bytes(place))) throw TokenizerErrors.SameId(_path, value, Quoted(_added[value]), Quoted(place));
        }
    }

    // The parts of a tokenizer are of types, and sequences of them hold others.
    void Part(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray)) return;
        for (var depth = reader.CurrentDepth; reader.Read() && reader.CurrentDepth > depth;)
        {
            if (reader.TokenType != JsonTokenType.PropertyName || !reader.ValueTextEquals("type"u8)) continue;
            reader.Read();
            _isByteLevel |= reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("ByteLevel"u8);
        }
    }

    TokenPlace Text(ref Utf8JsonReader reader, bool isAdded)
    {
        var room = _texts.GetSpan(reader.ValueSpan.Length + 1); // escapes are longer than what they stand for
        var length = reader.ValueSpan.Length;
        if (reader.ValueIsEscaped) length = reader.CopyString(room);
        else reader.ValueSpan.CopyTo(room);
        if (!Utf8.IsValid(room[..length])) throw TokenizerErrors.NotText(_path, isAdded ? "an added token" : $"the token behind {_places.Count} others");
        var place = new TokenPlace(_texts.WrittenCount, length, isAdded);
        _texts.Advance(length);
        return place;
    }

    // An id, or what stands there in place of one.
    static (int? Id, string? Wrong) TryId(ref Utf8JsonReader reader)
    {
        const int longest = 20;
        if (reader.TokenType != JsonTokenType.Number) return (null, "no number");
        if (reader.TryGetInt32(out var id) && id is >= 0 and < MostTokens) return (id, null);
        return (null, reader.ValueSpan.Length > longest ? "a long number" : Encoding.UTF8.GetString(reader.ValueSpan));
    }

    void Add(int id, TokenPlace token)
    {
        ref var place = ref Place(id);
        if (place.Length >= 0 && !Bytes(place).SequenceEqual(Bytes(token))) throw TokenizerErrors.SameId(_path, id, Quoted(place), Quoted(token));
        place = token;
    }

    ref TokenPlace Place(int id)
    {
        while (_places.Count <= id) _places.Add(TokenPlace.None);
        return ref CollectionsMarshal.AsSpan(_places)[id];
    }

    ReadOnlySpan<byte> Bytes(TokenPlace place) => _texts.WrittenSpan.Slice(place.Start, place.Length);

    string Quoted(TokenPlace place) => TokenText.Quoted(Encoding.UTF8.GetString(Bytes(place)[..Math.Min(place.Length, 256)]));
}
