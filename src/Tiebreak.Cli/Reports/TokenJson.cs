using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tiebreak.Cli.Reports;

/// <summary>Tokens in JSON: whole, as they are, and each list on one line. What would turn the direction of writing is escaped, for JSON is looked at on terminals, too.</summary>
static class TokenJson
{
    /// <summary>A list; null stands for a row without a token.</summary>
    public static void Write(Utf8JsonWriter json, string name, IEnumerable<string?> tokens)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(List(tokens), skipInputValidation: true);
    }

    /// <summary>A list of lists.</summary>
    public static void Write(Utf8JsonWriter json, string name, IEnumerable<IEnumerable<string?>> groups)
    {
        json.WritePropertyName(name);
        json.WriteRawValue($"[{string.Join(", ", groups.Select(List))}]", skipInputValidation: true);
    }

    static string List(IEnumerable<string?> tokens) => $"[{string.Join(", ", tokens.Select(Value))}]";

    static string Value(string? token)
    {
        if (token is null) return "null";
        var text = new StringBuilder("\"");
        foreach (var symbol in JsonReport.Writing.Encoder!.Encode(token))
        {
            if (char.GetUnicodeCategory(symbol) is UnicodeCategory.Format or UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)symbol:X4}");
            else text.Append(symbol);
        }

        return text.Append('"').ToString();
    }
}
