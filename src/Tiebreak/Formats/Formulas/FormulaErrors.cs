using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas;

/// <summary>
/// What can be wrong with a formula, in words: one line that begins <c>path:line:column: </c>, and the source line with a caret
/// under the place as details. A place is an offset into the text.
/// </summary>
internal sealed class FormulaErrors(string path, string text)
{
    const int WidestLine = 100;
    readonly int[] _lineStarts = [0, .. Enumerable.Range(0, text.Length).Where(k => text[k] == '\n').Select(k => k + 1)];

    public TiebreakException At(int place, string message, Exception? inner = null)
    {
        place = Math.Clamp(place, 0, text.Length);
        var line = LineOf(place);
        var start = _lineStarts[line - 1];
        var end = line < _lineStarts.Length ? _lineStarts[line] - 1 : text.Length;
        var position = $"{path}:{line}:{place - start + 1}: ";
        return inner is null
            ? new TiebreakException(position + message) { Details = Excerpt(start, end, place) }
            : new TiebreakException(position + message, inner) { Details = Excerpt(start, end, place) };
    }

    public TiebreakException TooLarge(long bytes, long limit) =>
        new($"{path}: {bytes} bytes are more than a formula may have ({limit}); put large tensors into .npy files and name them with file(\"…\")");

    public TiebreakException NoLoss() => At(text.TrimEnd().Length, "the formula has no loss; end it with a line `loss expression`");

    public TiebreakException SecondLoss(int place, int firstLine) => At(place, $"a second loss (the first is in line {firstLine}); add the two in one line");

    public TiebreakException LossNotScalar(int place, Shape shape) => At(place, $"the loss must be one number, and this has shape {shape}; write sum(…) or mean(…)");

    public TiebreakException UnknownKeyword(int place, string found, IEnumerable<string> keywords)
    {
        var nearest = NearestName.Find(found, keywords);
        return At(place, $"a line begins with {string.Join(", ", keywords.Select(word => $"`{word}`"))}, and this with `{Shorten(found)}`{(nearest is null ? "; to name a part write `let name = …`" : $"; did you mean `{nearest}`?")}");
    }

    public TiebreakException UnknownName(int place, string name, IReadOnlyCollection<string> known)
    {
        var nearest = NearestName.Find(name, known);
        return At(place, $"`{Shorten(name)}` is not declared{(nearest is null ? "; declare it above with param, const, data or let" : $"; did you mean `{nearest}`?")}");
    }

    public TiebreakException UnknownFunction(int place, string name, IReadOnlyCollection<string> known)
    {
        var nearest = NearestName.Find(name, known);
        return At(place, $"there is no function `{Shorten(name)}`; {(nearest is null ? $"there are {string.Join(" ", known.Order(StringComparer.Ordinal))}" : $"did you mean `{nearest}`?")}");
    }

    public TiebreakException DeclaredTwice(int place, string name, int line) => At(place, $"`{Shorten(name)}` is declared a second time (first in line {line}); choose another name");

    public TiebreakException Shapes(int place, string operation, Shape left, Shape right, string rule) => At(place, $"{operation} does not fit shapes {left} and {right}; {rule}");

    public TiebreakException TooManyElements(int place, Shape shape, long limit) => At(place, $"a tensor of shape {shape} has more than {limit} elements; make it smaller");

    /// <summary>The line of a place, from 1.</summary>
    public int LineOf(int place)
    {
        var found = Array.BinarySearch(_lineStarts, place);
        return found >= 0 ? found + 1 : ~found;
    }

    public static string Shorten(string word) => word.Length <= 40 ? word : word[..37] + "…";

    string Excerpt(int start, int end, int place)
    {
        // Of a very long line only the neighbourhood of the place is shown.
        if (end - start > WidestLine)
        {
            start = Math.Max(start, place - (WidestLine / 2));
            end = Math.Min(end, start + WidestLine);
        }

        var line = text[start..end].TrimEnd().ToCharArray();
        for (var k = 0; k < line.Length; k++)
            if (char.IsControl(line[k])) line[k] = ' ';
        return $"  {new string(line)}\n  {new string(' ', place - start)}^";
    }
}
