using System.Globalization;
using System.Text;

namespace Tiebreak.Formats.Tokenizers;

/// <summary>Tokens as they may stand on a terminal: whoever wrote the file chose them, so nothing in them may move the cursor, turn the direction of writing or end the quotation.</summary>
static class TokenText
{
    const int Most = 40;

    /// <summary>A token in quotation marks, what is not plainly visible as an escape; of a long one the beginning, and an ellipsis behind the quotation.</summary>
    public static string Quoted(string token)
    {
        var text = new StringBuilder("\"");
        foreach (var rune in token.EnumerateRunes())
        {
            var shown = Shown(rune, isFirst: text.Length == 1);
            if (text.Length + shown.Length > Most + 1) return text.Append("\"…").ToString();
            text.Append(shown);
        }

        return text.Append('"').ToString();
    }

    static string Shown(Rune rune, bool isFirst) => rune.Value switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        ' ' => " ",
        _ => IsVisible(Rune.GetUnicodeCategory(rune), isFirst) ? rune.ToString() : rune.Value <= 0xFFFF ? $"\\u{rune.Value:X4}" : $"\\U{rune.Value:X8}",
    };

    // Marks would join the quotation mark before them; spaces other than the usual one look like it.
    static bool IsVisible(UnicodeCategory category, bool isFirst) => category switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator => false,
        UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned => false,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.SpacingCombiningMark => !isFirst,
        _ => true,
    };
}
