using System.Text;
using Tiebreak.Formats.Tokenizers;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Formats.Tokenizers;

/// <summary>What is read of a tokenizer.json, and every way in which it can be broken: one line with the file, what is wrong and the remedy.</summary>
public sealed class TokenizerTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    string Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    string Write(byte[] bytes)
    {
        var path = _folder.File("tokenizer.json");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    Vocabulary Read(string text) => TokenizerFile.Read(Write(text));

    string Refused(string path)
    {
        var error = Assert.Throws<TiebreakException>(() => TokenizerFile.Read(path));
        Assert.StartsWith(path + ": ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        return error.Message[(path.Length + 2)..];
    }

    static IEnumerable<string?> Tokens(Vocabulary vocabulary) => Enumerable.Range(0, vocabulary.End).Select(id => vocabulary[id]);

    [Fact]
    public void Ids_by_token_and_added_tokens_that_win()
    {
        var vocabulary = Read("""
            {"version":"1.0","added_tokens":[{"id":4,"content":"<|extra|>","special":true},{"content":"[PAD]","id":0}],
            "model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{"the":1,"##ing":2,"[unused0]":0},"merges":[["a","b"],["c","d"]]}}
            """);
        Assert.Equal(["[PAD]", "the", "##ing", null, "<|extra|>"], Tokens(vocabulary));
        Assert.Equal((4, 5, 1), (vocabulary.Count, vocabulary.End, vocabulary.CountFrom(3)));
        Assert.Null(vocabulary[-1]);
        Assert.Null(vocabulary[int.MaxValue]);
    }

    [Fact]
    public void Tokens_with_scores_in_order() =>
        Assert.Equal(["<pad>", "▁the", "é\n"], Tokens(Read("""{"model":{"type":"Unigram","unk_id":0,"vocab":[["<pad>",0.0],["▁the",-3.5],["\u00e9\n",-1e1]]},"added_tokens":null}""")));

    [Theory]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":false}""", "null")]
    [InlineData("null", """{"type":"ByteLevel"}""")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"x"}},{"type":"ByteLevel"}]}""", """{"type":"Fuse"}""")]
    public void Byte_level_tokens_become_text(string preTokenizer, string decoder)
    {
        var parts = $"\"pre_tokenizer\":{preTokenizer},\"decoder\":{decoder},";
        var vocabulary = Read("""{"added_tokens":[{"id":6,"content":"Ġ"}],""" + parts + "\"model\":" + """{"type":"BPE","vocab":{"Ġthe":0,"Ċ":1,"Ã©":2,"Ã":3,"ä¸Ń":4,"日":5}}}""");
        // Half a character stays as it is written, and so does what is not of the alphabet; what was added is meant literally.
        Assert.Equal([" the", "\n", "é", "Ã", "中", "日", "Ġ"], Tokens(vocabulary));
    }

    [Fact]
    public void Elsewhere_the_letters_of_bytes_are_letters() =>
        Assert.Equal(["Ġthe"], Tokens(Read("""{"pre_tokenizer":{"type":"Metaspace"},"model":{"vocab":{"Ġthe":0}}}""")));

    [Fact]
    public void Every_byte_has_its_letter()
    {
        var ascii = string.Concat(Enumerable.Range(0, 128).Select(value => value is > 32 and < 127 ? (char)value : (char)(value <= 32 ? 256 + value : 256 + 33)));
        Assert.Equal(string.Concat(Enumerable.Range(0, 128).Select(value => (char)value)), ByteAlphabet.Decode(ascii));
    }

    [Fact]
    public void A_long_token_is_cut_between_characters()
    {
        var token = Read("{\"model\":{\"vocab\":{\"a" + new string('é', 5000) + "\":0}}}")[0]!;
        Assert.Equal("a" + new string('é', 2047) + "…", token);
    }

    [Fact]
    public void A_mark_of_the_byte_order_is_no_error() => Assert.Equal(["a"], Tokens(Read("\uFEFF {\"model\":{\"vocab\":{\"a\":0}}} ")));

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData("#version: 0.2\nĠ t\n", "does not begin with `{`, so it is no tokenizer in JSON; give the tokenizer.json that was saved with the model, not tokenizer.model or merges.txt")]
    [InlineData("[1]", "does not begin with `{`")]
    [InlineData("{", "is not JSON")]
    [InlineData("""{"model":{"vocab":{"a":0""", "is not JSON")]
    [InlineData("""{"model":{"vocab":{"a":0}}} x""", "is not JSON")]
    [InlineData("""{"model":{"vocab":{"a":0}},"model":{}}""", "`model` stands twice")]
    [InlineData("""{"model":{"vocab":{"a":0},"vocab":{}}}""", "`vocab` stands twice")]
    [InlineData("""{"added_tokens":[],"added_tokens":[],"model":{"vocab":{"a":0}}}""", "`added_tokens` stands twice")]
    [InlineData("""{"tokenizer_class":"GPT2Tokenizer"}""", "has no `model` with a `vocab`; give the tokenizer.json that was saved with the model, not tokenizer_config.json or vocab.json")]
    [InlineData("""{"the":0,"of":1}""", "has no `model` with a `vocab`")]
    [InlineData("""{"model":null}""", "has no `model` with a `vocab`")]
    [InlineData("""{"model":[]}""", "`model` must be an object")]
    [InlineData("""{"model":{"vocab":3}}""", "`model.vocab` must be an object with an id for each token, or a list of tokens with their scores")]
    [InlineData("""{"model":{"vocab":{}}}""", "names no token")]
    [InlineData("""{"model":{"vocab":{"a\nb\u202e":-1}}}""", "the id of the token \"a\\nb\\u202E\" is -1, but ids are whole numbers from 0 to 4194303")]
    [InlineData("""{"model":{"vocab":{"a":99999999999}}}""", "the id of the token \"a\" is 99999999999, but")]
    [InlineData("""{"model":{"vocab":{"a":4194304}}}""", "the id of the token \"a\" is 4194304, but")]
    [InlineData("""{"model":{"vocab":{"a":1.5}}}""", "the id of the token \"a\" is 1.5, but")]
    [InlineData("""{"model":{"vocab":{"a":1000000000000000000000000000000}}}""", "the id of the token \"a\" is a long number, but")]
    [InlineData("""{"model":{"vocab":{"a":"0"}}}""", "the id of the token \"a\" is no number, but")]
    [InlineData("""{"model":{"vocab":{"a":{"b":1}}}}""", "the id of the token \"a\" is no number, but")]
    [InlineData("""{"model":{"vocab":{"a":3,"b":3}}}""", "the id 3 belongs to two tokens, \"a\" and \"b\"")]
    [InlineData("""{"model":{"vocab":[["a",0],["b"]]}}""", "entry 1 of `model.vocab` must be a token and its score")]
    [InlineData("""{"model":{"vocab":["a"]}}""", "entry 0 of `model.vocab`")]
    [InlineData("""{"model":{"vocab":[[1,"a"]]}}""", "entry 0 of `model.vocab`")]
    [InlineData("""{"model":{"vocab":[["a",0,0]]}}""", "entry 0 of `model.vocab`")]
    [InlineData("""{"model":{"vocab":{"a\ud800":0}}}""", "is not JSON")]
    [InlineData("""{"added_tokens":{}}""", "`added_tokens` must be a list")]
    [InlineData("""{"added_tokens":["a"]}""", "entry 0 of `added_tokens` must be an object with `id` and `content`")]
    [InlineData("""{"added_tokens":[{"id":1}]}""", "entry 0 of `added_tokens` must be")]
    [InlineData("""{"added_tokens":[{"content":"a"}]}""", "entry 0 of `added_tokens` must be")]
    [InlineData("""{"added_tokens":[{"id":1,"content":7}]}""", "the `content` of entry 0 of `added_tokens` must be a text")]
    [InlineData("""{"added_tokens":[{"id":-7,"content":"a"}]}""", "the id of the token \"a\" is -7, but")]
    [InlineData("""{"added_tokens":[{"id":1,"content":"a"},{"id":1,"content":"b"}]}""", "the id 1 belongs to two tokens, \"a\" and \"b\"")]
    public void What_is_broken_is_refused_with_what_and_remedy(string text, string message) => Assert.StartsWith(message, Refused(Write(text)), StringComparison.Ordinal);

    [Fact]
    public void Depth_is_bounded() => Assert.StartsWith("is not JSON: The maximum configured depth", Refused(Write("{\"x\":" + new string('[', 5000) + new string(']', 5000) + "}")), StringComparison.Ordinal);

    [Fact]
    public void Bytes_that_are_no_text_are_refused() =>
        Assert.StartsWith("the token behind 0 others is not text in UTF-8", Refused(Write([.. "{\"model\":{\"vocab\":{\""u8, 0xFF, 0xC3, .. "\":0}}}"u8])), StringComparison.Ordinal);

    [Fact]
    public void Folders_and_files_that_are_not_there_are_refused()
    {
        Assert.StartsWith("this is a folder, not a file", Refused(_folder.Path), StringComparison.Ordinal);
        Assert.StartsWith("there is no such file", Refused(_folder.File("none.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_too_large_is_refused_unread()
    {
        var path = _folder.File("large.json");
        using (var file = File.Create(path)) file.SetLength((1L << 28) + 1);
        Assert.StartsWith("has 268435457 bytes, more than the 268435456 of any tokenizer", Refused(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(" the", "\" the\"")]
    [InlineData("a\"b\\c\n\r\t", "\"a\\\"b\\\\c\\n\\r\\t\"")]
    [InlineData("\u001b[31m\u0007\u009b", "\"\\u001B[31m\\u0007\\u009B\"")]
    [InlineData("\u202Eevil\u2066\u200F\uFEFF", "\"\\u202Eevil\\u2066\\u200F\\uFEFF\"")]
    [InlineData("\u00A0\u2028\uE000", "\"\\u00A0\\u2028\\uE000\"")]
    [InlineData("\u0301e\u0301", "\"\\u0301e\u0301\"")]
    [InlineData("日本😀", "\"日本😀\"")]
    [InlineData("", "\"\"")]
    public void Nothing_in_a_token_moves_a_terminal(string token, string shown) => Assert.Equal(shown, TokenText.Quoted(token));

    [Fact]
    public void Tags_beyond_the_first_plane_are_escaped_and_long_tokens_cut()
    {
        Assert.Equal("\"\\U000E0041\"", TokenText.Quoted("\U000E0041"));
        Assert.Equal($"\"{new string('a', 40)}\"", TokenText.Quoted(new string('a', 40)));
        Assert.Equal($"\"{new string('a', 40)}\"…", TokenText.Quoted(new string('a', 41)));
    }
}
