using System.Text;
using System.Text.Unicode;

namespace Tiebreak.Formats.Tokenizers;

/// <summary>
/// The letters in which byte-level tokenizers (GPT-2, Llama 3) write bytes: printable Latin-1 stands for itself, and the other bytes, in order, for the characters from U+0100 on; so a space is <c>Ġ</c>.
/// </summary>
static class ByteAlphabet
{
    const int First = 256;

    static readonly short[] ByteOf = Table();

    /// <summary>The text that a token stands for; null where its bytes are a part of a character, or it is not written in this alphabet.</summary>
    public static string? Decode(string token)
    {
        var bytes = new byte[token.Length];
        for (var k = 0; k < token.Length; k++)
        {
            if (token[k] >= ByteOf.Length || ByteOf[token[k]] < 0) return null;
            bytes[k] = (byte)ByteOf[token[k]];
        }

        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;
    }

    static bool IsItself(int value) => value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE and <= 0xFF;

    static short[] Table()
    {
        var others = Enumerable.Range(0, First).Where(value => !IsItself(value)).ToArray();
        var table = new short[First + others.Length];
        Array.Fill(table, (short)-1);
        for (short value = 0; value < First; value++)
            if (IsItself(value)) table[value] = value;
        for (var k = 0; k < others.Length; k++) table[First + k] = (short)others[k];
        return table;
    }
}
