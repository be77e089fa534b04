namespace Tiebreak.Cli.Reports;

/// <summary>Breaks sentences into lines.</summary>
static class WrappedText
{
    /// <summary>Breaks between words; further lines are indented like the text after the head, by four after an indented head, or as given. A word longer than a line stays whole.</summary>
    public static IEnumerable<string> Lines(string head, string text, int width, int? indent = null)
    {
        var margin = new string(' ', indent ?? (head.Length > 4 && head.StartsWith(' ') ? 4 : head.Length));
        var line = head;
        var isEmpty = true;
        foreach (var word in text.Split(' '))
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
}
