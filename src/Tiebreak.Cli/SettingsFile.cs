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
    const string RangeKey = "input-range"; // one value of two numbers, which may be a list

    static readonly string[] Keys =
    [
        "select", "ignore", "fail-on", "loss", "freeze", "trainable", "outputs", "also-output", "opaque", "optimizer", "weight-decay", "group", "batch-norm", "dropout", "batch", "input-range",
        "seed", "error-bound", "witness", "laws",
    ];

    static readonly (string Table, string Option)[] Tables = [("dim", "--dim"), ("levels", "--level")];

    /// <summary>One thing that the file says.</summary>
    /// <param name="Option">The option it sets.</param>
    /// <param name="Value">Its value; null for a switch.</param>
    /// <param name="At">The file and line, for messages.</param>
    internal readonly record struct Setting(string Option, string? Value, string At)
    {
        /// <summary>Whether a complaint is about this setting: it names the option, or what it was set to.</summary>
        public bool IsMeant(string complaint) => complaint.Contains($"`{Option}", StringComparison.Ordinal) || complaint.StartsWith($"{Option} ", StringComparison.Ordinal)
            || (Value is { Length: > 0 } && Array.Exists([Value, .. Value.Split('=', 2)], part => part.Length > 0 && complaint.Contains($"`{part}`", StringComparison.Ordinal)));
    }

    /// <summary>The settings that are in force and the arguments with them, if there are any.</summary>
    /// <param name="parsed">The arguments, parsed.</param>
    /// <param name="args">The arguments, the command first.</param>
    /// <exception cref="TiebreakException">The file cannot be read or says what is not known; names it and the line.</exception>
    public static (string[] Args, IReadOnlyList<Setting> Settings) Applied(ParseResult parsed, string[] args)
    {
        var options = parsed.CommandResult.Command.Options.ToDictionary(option => option.Name, StringComparer.Ordinal);
        if (!options.TryGetValue("--config", out var config) || parsed.GetValue<bool>("--no-config")) return (args, []);
        var typed = parsed.GetValue((Option<string>)config);
        if (typed is null && parsed.GetValue<string>("MODEL") is not { Length: > 0 }) return (args, []);
        var path = typed ?? Path.Combine(FolderOf(parsed.GetValue<string>("MODEL")!), Name);
        if (typed is null && !File.Exists(path)) return (args, []);
        var settings = Read(path).Where(setting => options.TryGetValue(setting.Option, out var option) && parsed.GetResult(option) is null or { Implicit: true }).ToList();
        foreach (var setting in settings)
            if (setting.Value is null != options[setting.Option] is Option<bool>) throw new TiebreakException($"{setting.At}: `{setting.Option[2..]}` {(setting.Value is null ? "needs a value" : "is true or false")}");
        // In one word each, so that no value can be taken for an option.
        return ([args[0], .. settings.Select(setting => setting.Value is null ? setting.Option : $"{setting.Option}={setting.Value}"), .. typed is null ? new[] { $"--config={path}" } : [], .. args[1..]], settings);
    }

    // The settings of a checkpoint lie in its folder, also when the folder itself is the model.
    static string FolderOf(string model) => Directory.Exists(model) ? model : Path.GetDirectoryName(model) ?? "";

    static List<Setting> Read(string path)
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
        var settings = new List<Setting>();
        foreach (var entry in document.KeyValues)
        {
            var table = Array.Find(Tables, known => known.Table == Part(entry.Key?.Key));
            if (table.Table is not null && entry.Key!.DotKeys.ChildrenCount == 1)
                AddTable(table.Option, [(string.Concat(entry.Key.DotKeys.Select(dotted => Part(dotted.Key))), entry)]);
            else if (table.Table is not null && entry.Value is InlineTableSyntax inline)
                AddTable(table.Option, inline.Items.Where(item => item.KeyValue is not null).Select(item => (KeyOf(item.KeyValue!.Key), item.KeyValue!)));
            else
                AddOption(entry);
        }

        foreach (var table in document.Tables)
        {
            var name = KeyOf(table.Name);
            if (Array.Find(Tables, known => known.Table == name) is not { Option: { } option }) throw Unknown(path, table, name, [.. Tables.Select(known => $"[{known.Table}]")]);
            AddTable(option, table.Items.Select(entry => (KeyOf(entry.Key), entry)));
        }

        return settings;

        string At(SyntaxNode node) => $"{path}, line {LineOf(node)}";

        void AddTable(string option, IEnumerable<(string Key, KeyValueSyntax Entry)> entries)
        {
            foreach (var (key, entry) in entries) settings.Add(new Setting(option, $"{key}={Value(path, entry, key, entry.Value)}", At(entry)));
        }

        void AddOption(KeyValueSyntax entry)
        {
            var key = KeyOf(entry.Key);
            if (!Keys.Contains(key, StringComparer.Ordinal)) throw Unknown(path, entry, key, Keys);
            if (entry.Value is BooleanValueSyntax flag)
            {
                if (flag.Value) settings.Add(new Setting($"--{key}", null, At(entry)));
                return; // a switch that is off is no setting
            }

            string[] values = entry.Value is ArraySyntax list ? [.. list.Items.Select(item => Value(path, entry, key, item.Value))] : [Value(path, entry, key, entry.Value)];
            foreach (var value in key == RangeKey ? [string.Join(',', values)] : values) settings.Add(new Setting($"--{key}", value, At(entry)));
        }
    }

    static string Value(string path, KeyValueSyntax entry, string key, ValueSyntax? value) => value switch
    {
        StringValueSyntax text => text.Value ?? "",
        IntegerValueSyntax number => number.Value.ToString(CultureInfo.InvariantCulture),
        FloatValueSyntax number => number.Value.ToString("R", CultureInfo.InvariantCulture),
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
