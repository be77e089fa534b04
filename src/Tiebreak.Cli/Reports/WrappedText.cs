namespace Tiebreak.Cli.Reports;

/// <summary>Breaks sentences into lines.</summary>
static class WrappedText
{
    /// <summary>
    /// Breaks between words; further lines are indented like the text after the head, by four after an indented head, or as given. A word longer than a line stays whole, and so does what stands in quotation marks: spaces
    /// belong to tokens.
    /// </summary>
    public static IEnumerable<string> Lines(string head, string text, int width, int? indent = null)
    {
        var margin = new string(' ', indent ?? (head.Length > 4 && head.StartsWith(' ') ? 4 : head.Length));
        var line = head;
        var isEmpty = true;
        foreach (var word in Words(text))
        {
            if (!isEmpty && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = margin + word;
                continue;
            }

            line = isEmpty ? head + word : $"{line} {word}";
            isEmpty = false;
        }

        yield return line;
    }

    static IEnumerable<string> Words(string text)
    {
        var start = 0;
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] == '"' && EndOfQuotation(text, at) is > 0 and var end) at = end;
            if (text[at] != ' ') continue;
            yield return text[start..at];
            start = at + 1;
        }

        yield return text[start..];
    }

    // −1 for a mark that nothing closes.
    static int EndOfQuotation(string text, int start)
    {
        for (var at = start + 1; at < text.Length; at++)
        {
            if (text[at] == '\\') at++;
            else if (text[at] == '"') return at;
        }

        return -1;
    }
}
