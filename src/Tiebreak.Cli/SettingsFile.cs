using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Tiebreak.Formats;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Tiebreak.Cli;

/// <summary>
/// A <c>tiebreak.toml</c> beside the model: options that belong to it. Each key is an option without its dashes; <c>[dim]</c> and <c>[levels]</c> are tables. What is typed on the command
/// line wins, and a command leaves alone what it has no option for.
/// </summary>
static class SettingsFile
{
    /// <summary>The name that is looked for.</summary>
    public const string Name = "tiebreak.toml";

    const long Largest = 1 << 20;

    static readonly string[] Keys =
    [
        "select", "ignore", "fail-on", "loss", "freeze", "trainable", "outputs", "also-output", "opaque", "optimizer", "weight-decay", "group", "batch-norm", "dropout", "batch", "input-range",
        "seed", "error-bound", "witness",
    ];

    static readonly (string Table, string Option)[] Tables = [("dim", "--dim"), ("levels", "--level")];

    /// <summary>The arguments with those of the settings that are in force, if there are any.</summary>
    /// <param name="parsed">The arguments, parsed.</param>
    /// <param name="args">The arguments, the command first.</param>
    /// <exception cref="TiebreakException">The file cannot be read or says what is not known; names it and the line.</exception>
    public static string[] Applied(ParseResult parsed, string[] args)
    {
        var options = parsed.CommandResult.Command.Options.ToDictionary(option => option.Name, StringComparer.Ordinal);
        if (!options.TryGetValue("--config", out var config) || parsed.GetValue<bool>("--no-config")) return args;
        var typed = parsed.GetValue((Option<string>)config);
        if (typed is null && parsed.GetValue<string>("MODEL") is not { Length: > 0 }) return args;
        var path = typed ?? Path.Combine(FolderOf(parsed.GetValue<string>("MODEL")!), Name);
        if (typed is null && !File.Exists(path)) return args;
        var settings = Read(path).Where(setting => options.TryGetValue(setting.Option, out var option) && parsed.GetResult(option) is null or { Implicit: true });
        string[] more = [.. settings.SelectMany(setting => setting.Value is null ? new[] { setting.Option } : [setting.Option, setting.Value])];
        return [args[0], .. more, .. typed is null ? new[] { "--config", path } : [], .. args[1..]];
    }

    // The settings of a checkpoint lie in its folder, also when the folder itself is the model.
    static string FolderOf(string model) => Directory.Exists(model) ? model : Path.GetDirectoryName(model) ?? "";

    static List<(string Option, string? Value)> Read(string path)
    {
        string text;
        try
        {
            if (new FileInfo(path).Length > Largest) throw new TiebreakException($"{path}: is larger than any settings; is it another file?");
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TiebreakException($"{path}: cannot be read: {error.Message}", error);
        }

        var document = SyntaxParser.Parse(text, path);
        if (document.HasErrors) throw new TiebreakException($"{path}, line {document.Diagnostics[0].Span.Start.Line + 1}: {document.Diagnostics[0].Message.TrimEnd('.')}");
        var settings = new List<(string, string?)>();
        foreach (var entry in document.KeyValues)
        {
            var key = KeyOf(entry.Key);
            if (!Keys.Contains(key, StringComparer.Ordinal)) throw Unknown(path, entry, key, Keys);
            foreach (var value in Values(path, entry, key))
            {
                if (value == "false") continue; // a switch that is off
                settings.Add(($"--{key}", value == "true" ? null : value));
            }
        }

        foreach (var table in document.Tables)
        {
            var name = KeyOf(table.Name);
            if (Array.Find(Tables, known => known.Table == name) is not { Option: { } option }) throw Unknown(path, table, name, [.. Tables.Select(known => $"[{known.Table}]")]);
            foreach (var entry in table.Items)
                foreach (var value in Values(path, entry, KeyOf(entry.Key))) settings.Add((option, $"{KeyOf(entry.Key)}={value}"));
        }

        return settings;
    }

    static IEnumerable<string> Values(string path, KeyValueSyntax entry, string key) =>
        entry.Value is ArraySyntax list ? list.Items.Select(item => Value(path, entry, key, item.Value)) : [Value(path, entry, key, entry.Value)];

    static string Value(string path, KeyValueSyntax entry, string key, ValueSyntax? value) => value switch
    {
        StringValueSyntax text => text.Value ?? "",
        IntegerValueSyntax number => number.Value.ToString(CultureInfo.InvariantCulture),
        FloatValueSyntax number => number.Value.ToString("R", CultureInfo.InvariantCulture),
        BooleanValueSyntax flag => flag.Value ? "true" : "false",
        _ => throw new TiebreakException($"{path}, line {LineOf(entry)}: `{key}` takes a text, a number, true or false, or a list of them"),
    };

    static TiebreakException Unknown(string path, SyntaxNode node, string key, IReadOnlyList<string> known)
    {
        var nearest = NearestName.Find(key, known);
        return new TiebreakException($"{path}, line {LineOf(node)}: there is no setting `{key}`; {(nearest is null ? $"known are {string.Join(", ", known)}" : $"did you mean `{nearest}`?")}");
    }

    static int LineOf(SyntaxNode node) => node.Span.Start.Line + 1;

    static string KeyOf(KeySyntax? key) => key is null ? "" : string.Concat(new[] { Part(key.Key) }.Concat(key.DotKeys.Select(dotted => "." + Part(dotted.Key))));

    static string Part(BareKeyOrStringValueSyntax? part) => part switch
    {
        StringValueSyntax text => text.Value ?? "",
        BareKeySyntax bare => bare.Key?.Text ?? "",
        _ => "",
    };
}
