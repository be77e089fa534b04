using System.Text.Json;
using Tiebreak.Numbers;

namespace Tiebreak.Formats.Families;

/// <summary>A <c>config.json</c>: sizes, choices and numbers by key. A key that is null counts as left out.</summary>
sealed class FamilyConfig
{
    const long Longest = 1 << 24;
    const int MostElements = 1 << 28;

    readonly JsonElement _root;

    FamilyConfig(string path, JsonElement root)
    {
        Path = path;
        _root = root;
    }

    /// <summary>As the user gave it.</summary>
    public string Path { get; }

    /// <summary>Its file name, for messages about other files.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>The classes that saved the weights, for instance <c>LlamaForCausalLM</c>.</summary>
    public IReadOnlyList<string> Architectures => Find("architectures") is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)] : [];

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="TiebreakException">It cannot be read or is no JSON object.</exception>
    public static FamilyConfig Read(string path)
    {
        using var file = new MappedFile(path);
        if (file.Length > Longest) throw FamilyErrors.TooLong(path, file.Length, Longest);
        try
        {
            using var document = JsonDocument.Parse(file.Slice(0, (int)file.Length).ToArray(), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new JsonException("it is not an object");
            return new FamilyConfig(path, document.RootElement.Clone());
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw FamilyErrors.NotJson(path, error);
        }
    }

    /// <summary>Whether it has the key, and not as null.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>A part that is an object, read like the whole; null where there is none.</summary>
    public FamilyConfig? Part(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } part => new FamilyConfig(Path, part),
        _ => throw FamilyErrors.Key(Path, key, "an object"),
    };

    /// <summary>How many keys it has.</summary>
    public int Keys => _root.EnumerateObject().Count();

    /// <summary>A size, at least 1.</summary>
    public ConfigSize Size(string key) => Has(key) ? Size(key, 0) : throw FamilyErrors.NoKey(Path, key);

    /// <summary>A size, at least 1, or what it is where the key is left out.</summary>
    public ConfigSize Size(string key, ConfigSize fallback) => Find(key) switch
    {
        null => fallback with { Text = $"{key}, which is {fallback.Text}" },
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out var value) && value is >= 1 and <= MostElements => new ConfigSize(value, key),
        _ => throw FamilyErrors.Key(Path, key, $"a whole number from 1 to {MostElements}"),
    };

    /// <summary>A whole number, 0 allowed.</summary>
    public int Count(string key, int fallback) => Find(key) switch
    {
        null => fallback,
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out var value) && value is >= 0 and <= MostElements => value,
        _ => throw FamilyErrors.Key(Path, key, $"a whole number from 0 to {MostElements}"),
    };

    /// <summary>Whether something is on.</summary>
    public bool Flag(string key, bool fallback) => Find(key) switch
    {
        null => fallback,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw FamilyErrors.Key(Path, key, "true or false"),
    };

    /// <summary>A word.</summary>
    public string Text(string key, string fallback) => Find(key) switch
    {
        null => fallback,
        { ValueKind: JsonValueKind.String } text => text.GetString()!,
        _ => throw FamilyErrors.Key(Path, key, "a text"),
    };

    /// <summary>A number, exactly as its decimals say.</summary>
    public Rational Number(string key, Rational fallback) => Find(key) switch
    {
        null => fallback,
        { ValueKind: JsonValueKind.Number } number when number.TryGetDouble(out var value) && double.IsFinite(value) => value == 0 ? Rational.Zero : Math.Abs(value) is > 1e-30 and < 1e30 ? Rational.Parse(number.GetRawText()) : Rational.FromDouble(value),
        _ => throw FamilyErrors.Key(Path, key, "a number"),
    };

    /// <summary>A number as the nearest double.</summary>
    public double Double(string key, double fallback) => Number(key, Rational.FromDouble(fallback)).ToDouble();

    /// <summary>A list of numbers; null where there is none.</summary>
    public double[]? Doubles(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number) => [.. list.EnumerateArray().Select(item => item.GetDouble())],
        _ => throw FamilyErrors.Key(Path, key, "a list of numbers"),
    };

    /// <summary>A list of words; null where there is none.</summary>
    public IReadOnlyList<string>? Texts(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) => [.. list.EnumerateArray().Select(item => item.GetString()!)],
        _ => throw FamilyErrors.Key(Path, key, "a list of texts"),
    };

    /// <summary>The numbers of an object by name, for instance a rank for each pattern; empty where there is none.</summary>
    public IReadOnlyList<(string Name, double Value)> Named(string key) => Find(key) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Object } map when map.EnumerateObject().All(entry => entry.Value.ValueKind == JsonValueKind.Number) => [.. map.EnumerateObject().Select(entry => (entry.Name, entry.Value.GetDouble()))],
        _ => throw FamilyErrors.Key(Path, key, "numbers by name"),
    };

    /// <summary>Whether the key holds a text, not a list or number.</summary>
    public bool IsText(string key) => Find(key) is { ValueKind: JsonValueKind.String };

    JsonElement? Find(string key) => _root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
