using System.Globalization;
using System.Text;

namespace Tiebreak.Verification;

/// <summary>
/// Writes lists of integers in few letters: <c>5</c> is one number, <c>0*300</c> the same one 300 times, <c>1..64</c> each by one more, <c>-1..-64</c> each by one less; the parts are separated by commas.
/// Classes of free parameters count up, so a whole random tensor is one part.
/// </summary>
static class CodeRuns
{
    const int Shortest = 3; // two numbers are as short on their own

    /// <summary>The text of a list.</summary>
    public static string Write(ReadOnlySpan<int> numbers)
    {
        var text = new StringBuilder();
        for (var k = 0; k < numbers.Length;)
        {
            if (text.Length > 0) text.Append(',');
            var (equal, up, down) = (Run(numbers[k..], 0), Run(numbers[k..], 1), Run(numbers[k..], -1));
            var longest = Math.Max(equal, Math.Max(up, down));
            if (longest < Shortest) longest = 1;
            text.Append(numbers[k]);
            if (longest > 1) text.Append(longest == equal ? "*" : "..").Append(longest == equal ? equal : numbers[k + longest - 1]);
            k += longest;
        }

        return text.ToString();
    }

    /// <summary>Reads as many numbers as <paramref name="into"/> takes.</summary>
    /// <exception cref="FormatException">The text is no such list, or one of another length.</exception>
    public static void Read(string text, Span<int> into)
    {
        var at = 0;
        foreach (var range in text.AsSpan().Split(','))
        {
            var part = text.AsSpan(range);
            if (part.IsEmpty && into.IsEmpty && text.Length == 0) return;
            var times = part.IndexOf('*');
            var dots = part.IndexOf("..");
            var first = Number(times > 0 ? part[..times] : dots > 0 ? part[..dots] : part);
            var last = dots > 0 ? Number(part[(dots + 2)..]) : first;
            var count = times > 0 ? Number(part[(times + 1)..]) : Math.Abs((long)last - first) + 1;
            if (count < 1 || count > into.Length - at) throw new FormatException($"`{part.ToString()}` is more than the {into.Length:N0} numbers there should be");
            for (long k = 0; k < count; k++) into[at++] = (int)(first + Math.Sign((long)last - first) * k);
        }

        if (at != into.Length) throw new FormatException($"there are {at:N0} numbers, and {into.Length:N0} are needed");
    }

    static int Run(ReadOnlySpan<int> numbers, int step)
    {
        var length = 1;
        while (length < numbers.Length && numbers[length] == (long)numbers[length - 1] + step) length++;
        return length;
    }

    static int Number(ReadOnlySpan<char> text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException($"`{text.ToString()}` is no whole number");
}
