using System.Globalization;
using Tiebreak.Numbers;

namespace Tiebreak.Formats.Tables;

/// <summary>What the first line of a CSV file says: what separates its fields, and their names.</summary>
static class CsvLayout
{
    /// <summary>The separator of a file: a comma, or if its first line has none a semicolon or a tab.</summary>
    public static char Delimiter(ReadOnlySpan<char> start)
    {
        var (semicolon, tab, quoted) = (false, false, false);
        foreach (var symbol in start)
        {
            if (symbol == '"') quoted = !quoted; // a doubled quote turns it twice
            if (quoted) continue;
            if (symbol is ',') return ',';
            if (symbol is '\r' or '\n') break;
            semicolon |= symbol == ';';
            tab |= symbol == '\t';
        }

        return semicolon ? ';' : tab ? '\t' : ',';
    }

    /// <summary>Checks the names of the header.</summary>
    public static void Check(Table table, IReadOnlyList<string> names)
    {
        if (names.All(name => name.Length == 0)) throw table.Broken("has an empty first line; write the column names there");
        if (names.All(name => DecimalText.Parse(name, out _, out _) is not DecimalKind.Text))
            throw table.Broken($"has no header: its first line is numbers ({Excerpt(string.Join(", ", names))}); put a line with the column names above it");
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var column = 0; column < names.Count; column++)
        {
            if (names[column].Length == 0) throw table.Broken($"has no name for column {column + 1} of {names.Count} in its header; give it one, or drop the separator at the end of the line");
            if (!places.TryAdd(names[column], column))
                throw table.Broken($"names columns {places[names[column]] + 1} and {column + 1} both `{Excerpt(names[column])}`; rename one of them");
        }
    }

    /// <summary>What is wrong with a value that is no decimal, and what to do about it.</summary>
    public static string Complaint(ReadOnlySpan<char> text, DecimalKind kind, char delimiter)
    {
        var shown = Excerpt(text.Trim().ToString());
        return kind switch
        {
            DecimalKind.Missing => "has no value; fill it in or drop the row",
            DecimalKind.NotFinite => $"is {shown}; only finite numbers can be computed with: replace it or drop the row",
            DecimalKind.TooFar => $"is a number of {text.Trim().Length} characters ({shown}) beyond what is read: at most {DecimalText.MostCharacters} characters and exponents up to ±{DecimalText.FarthestExponent}; round it",
            _ when shown.ToUpperInvariant() is "NA" or "N/A" or "<NA>" or "NULL" or "NONE" or "NIL" or "?" or "-" or "." or "MISSING" =>
                $"has no value ({shown}); fill it in or drop the row",
            _ when delimiter != ',' && shown.Contains(',') && double.TryParse(shown.Replace(',', '.'), NumberStyles.Float, CultureInfo.InvariantCulture, out _) =>
                $"is \"{shown}\", which is no number here; write decimals with a point",
            _ => $"is the text \"{shown}\", not a number; encode texts as numbers, or leave the column out",
        };
    }

    /// <summary>A text as it can stand in a message of one line.</summary>
    public static string Excerpt(string text)
    {
        const int Most = 40;
        var plain = string.Concat(text.Take(Most).Select(symbol => char.IsControl(symbol) || char.IsSurrogate(symbol) ? ' ' : symbol));
        return text.Length > Most ? plain + "…" : plain;
    }
}
