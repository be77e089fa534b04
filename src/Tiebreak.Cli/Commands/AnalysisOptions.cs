using System.CommandLine;
using System.Globalization;
using Tiebreak.Formats;
using Tiebreak.Numbers;

namespace Tiebreak.Cli.Commands;

/// <summary>The options that change what is analysed: their help, and how their words become <see cref="CheckOptions"/>.</summary>
sealed class AnalysisOptions
{
    readonly Option<string> _data = One("--data", "FILE", "A table (CSV, Parquet, NPY, NPZ) that is all the data there is [default: any data]");
    readonly Option<string[]> _map = Many("--map", "LEAF=COLUMNS", "The columns of a data leaf, separated by commas and in order, or a pattern such as pixel*, where they are not found by name (repeatable)");
    readonly Option<string> _loss = One("--loss", "any|mse|cross-entropy|outputs", "What is known of the loss: nothing (any loss of the outputs), its name (the target's columns are `target`), or that the model's only output is the loss [default: any]");
    readonly Option<string[]> _freeze = Many("--freeze", "GLOB", "Treat these tensors as constants (repeatable)");
    readonly Option<string[]> _trainable = Many("--trainable", "GLOB", "Train these tensors even if they would not be (repeatable)");
    readonly Option<string[]> _dim = Many("--dim", "NAME=SIZE", "The size of a free dimension (repeatable)");
    readonly Option<string[]> _outputs = Many("--outputs", "GLOB", "The outputs that the loss sees (repeatable) [default: all]");
    readonly Option<string[]> _alsoOutput = Many("--also-output", "NAME", "An inner tensor that some loss sees, too (repeatable)");
    readonly Option<string[]> _opaque = Many("--opaque", "OP", "Take this operator of the graph as an unknown function of its operands (repeatable)");
    readonly Option<string> _dropout = One("--dropout", "on|off", "Whether dropouts of the graph draw masks [default: on]");
    readonly Option<string> _batchNorm = One("--batch-norm", "training|inference", "Whether batch normalisation uses the batch's statistics [default: training]");
    readonly Option<string> _batch = One("--batch", "N", "The batch size to analyse at [default: chosen]");
    readonly Option<string> _inputRange = One("--input-range", "LO,HI", "What all numbers of the data lie in [default: anything]");
    readonly Option<string> _optimizer = One("--optimizer", "NAME", $"What follows the gradients: {string.Join(", ", Optimizers.Names)} [default: sgd]");
    readonly Option<string> _weightDecay = One("--weight-decay", "W", "The strength of weight decay [default: 0]");
    readonly Option<string[]> _group = Many("--group", "GLOB", "These tensors have a learning rate of their own (repeatable)");
    readonly Option<bool> _witness = new("--witness") { Description = "Train for a few steps to show that what is claimed to move or come apart does; count what neither that nor a law decides" };
    readonly Option<string> _seed = One("--seed", "N", "The seed of every random choice [default: 0]");
    readonly Option<string> _config = One("--config", "FILE", $"Settings of the model [default: {SettingsFile.Name} beside it, if there is one]");
    readonly Option<bool> _noConfig = new("--no-config") { Description = "Leave settings beside the model alone" };
    readonly Option<string> _errorBound = One("--error-bound", "P", "The largest acceptable chance of a wrong claim [default: 1e-18]");

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in All) command.Add(option);
    }

    /// <summary>Adds those that make sense where the answer is for any data, whatever it is.</summary>
    public void AddWithoutDataTo(Command command)
    {
        foreach (var option in All.Where(option => option != _data && option != _map && option != _witness)) command.Add(option);
    }

    /// <summary>Those that make sense for a smaller model: data have another use there, which is told; it keeps all outputs for any data, and trains alike under gradient descent only.</summary>
    public void AddForSmallerTo(Command command, string use)
    {
        _data.Description = use;
        foreach (var option in new Option[] { _outputs, _inputRange, _optimizer, _weightDecay }) option.Hidden = true; // they get the reason why not
        foreach (var option in All.Where(option => option != _witness)) command.Add(option);
    }

    Option[] All => [_data, _map, _loss, _freeze, _trainable, _dim, _outputs, _alsoOutput, _opaque, _dropout, _batchNorm, _batch, _inputRange, _optimizer, _weightDecay, _group, _witness, _seed, _errorBound, _config, _noConfig];

    /// <summary>What the user typed.</summary>
    /// <exception cref="TiebreakException">A value means nothing.</exception>
    public CheckOptions Read(ParseResult parsed) => new()
    {
        Data = parsed.GetValue(_data),
        Map = Map(parsed),
        Loss = Word(parsed, _loss, [.. OptionValues.Losses]) switch
        {
            "mse" => LossKind.MeanSquaredError,
            "cross-entropy" => LossKind.CrossEntropy,
            "outputs" => LossKind.Outputs,
            _ => LossKind.Any,
        },
        Freeze = Globs(parsed, _freeze),
        Trainable = Globs(parsed, _trainable),
        Dims = Dims(parsed),
        Outputs = Globs(parsed, _outputs),
        AlsoOutputs = Globs(parsed, _alsoOutput),
        Opaque = Globs(parsed, _opaque),
        Dropout = Word(parsed, _dropout, "on", "off") == "on",
        BatchNormTraining = Word(parsed, _batchNorm, [.. OptionValues.BatchNorms]) == "training",
        Batch = parsed.GetValue(_batch) is { } batch ? Size(_batch.Name, batch) : null,
        InputRange = InputRange(parsed),
        Optimizer = Optimizer(parsed),
        WeightDecay = WeightDecay(parsed),
        Groups = Globs(parsed, _group),
        Witness = parsed.GetValue(_witness),
        Seed = Seed(parsed, _seed),
        ErrorBound = ErrorBound(parsed, _errorBound),
        Settings = parsed.GetValue(_noConfig) ? null : parsed.GetValue(_config),
    };

    /// <summary>One of a few words, the first if nothing was typed.</summary>
    /// <exception cref="TiebreakException">It is none of them.</exception>
    public static string Word(ParseResult parsed, Option<string> option, params ReadOnlySpan<string> words)
    {
        var typed = parsed.GetValue(option);
        if (typed is null) return words[0];
        foreach (var word in words)
            if (word == typed) return word;
        throw new TiebreakException($"`{option.Name}` is one of {string.Join(", ", words.ToArray())}, not `{typed}`");
    }

    /// <summary>An option with one value.</summary>
    public static Option<string> One(string name, string value, string description) => new(name) { HelpName = value, Description = description };

    /// <summary>An option that may be repeated.</summary>
    public static Option<string[]> Many(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };

    static string[] Globs(ParseResult parsed, Option<string[]> option)
    {
        var globs = parsed.GetValue(option) ?? [];
        return globs.Contains("", StringComparer.Ordinal) ? throw new TiebreakException($"`{option.Name}` needs a name or pattern, not an empty one") : globs;
    }

    Dictionary<string, IReadOnlyList<string>> Map(ParseResult parsed)
    {
        var map = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        var typed = parsed.GetValue(_map) ?? [];
        if (typed.Length > 0 && parsed.GetValue(_data) is null) throw new TiebreakException("`--map` names columns of a table; give one with `--data FILE`");
        foreach (var entry in typed)
        {
            var equals = entry.IndexOf('=', StringComparison.Ordinal);
            string[] columns = equals > 0 ? entry[(equals + 1)..].Split(',', StringSplitOptions.TrimEntries) : [];
            if (columns.Length == 0 || columns.Contains("", StringComparer.Ordinal)) throw new TiebreakException($"`--map` takes LEAF=COLUMN,COLUMN,…, not `{entry}`");
            if (!map.TryAdd(entry[..equals], columns)) throw new TiebreakException($"`--map` gives columns for `{entry[..equals]}` twice; give them all at once");
        }

        return map;
    }

    Dictionary<string, int> Dims(ParseResult parsed)
    {
        var dims = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var typed in parsed.GetValue(_dim) ?? [])
        {
            var equals = typed.LastIndexOf('=');
            if (equals <= 0) throw new TiebreakException($"`--dim` takes NAME=SIZE, not `{typed}`");
            var name = typed[..equals];
            var size = Size($"--dim {name}", typed[(equals + 1)..]);
            if (dims.TryGetValue(name, out var before) && before != size) throw new TiebreakException($"`--dim` gives `{name}` two sizes, {before} and {size}");
            dims[name] = size;
        }

        return dims;
    }

    static int Size(string option, string typed) =>
        int.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && OptionValues.IsSize(size)
            ? size
            : throw new TiebreakException($"`{option}` takes a whole number from 1 to {OptionValues.LargestSize}, not `{typed}`");

    (double Low, double High)? InputRange(ParseResult parsed)
    {
        if (parsed.GetValue(_inputRange) is not { } typed) return null;
        if (parsed.GetValue(_data) is not null) throw new TiebreakException("`--input-range` is for any data, and `--data` says which; leave one out");
        var parts = typed.Split(',');
        if (parts.Length == 2 && double.TryParse(parts[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var low) && double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var high) && OptionValues.IsRange(low, high))
            return (low, high);
        throw new TiebreakException($"`--input-range` takes the least and the largest number, for instance 0,1, not `{typed}`");
    }

    string Optimizer(ParseResult parsed)
    {
        var name = parsed.GetValue(_optimizer) ?? "sgd";
        Optimizers.Promise(name);
        return name;
    }

    Rational WeightDecay(ParseResult parsed)
    {
        const double Most = 1000;
        if (parsed.GetValue(_weightDecay) is not { } typed) return Rational.Zero;
        return double.TryParse(typed, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var near) && near is >= 0 and <= Most && typed.Length < 40
            ? Rational.Parse(typed)
            : throw new TiebreakException($"`--weight-decay` takes a number from 0 to {Most}, for instance 0.01, not `{typed}`");
    }

    /// <summary>How far units may be from equal; null if nothing was typed.</summary>
    /// <exception cref="TiebreakException">It is no share.</exception>
    public static double? Tolerance(ParseResult parsed, Option<string> option) =>
        parsed.GetValue(option) is not { } typed ? null
        : double.TryParse(typed, NumberStyles.Float, CultureInfo.InvariantCulture, out var tolerance) && OptionValues.IsTolerance(tolerance) ? tolerance
        : throw new TiebreakException($"`--tolerance` takes a number from 0 to below 1, for instance 1e-3, not `{typed}`");

    /// <summary>A seed; 0 if none was typed.</summary>
    /// <exception cref="TiebreakException">It is no number.</exception>
    public static ulong Seed(ParseResult parsed, Option<string> option) =>
        parsed.GetValue(option) is not { } typed ? 0
        : ulong.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed
        : throw new TiebreakException($"`--seed` takes a whole number from 0 to {ulong.MaxValue}, not `{typed}`");

    /// <summary>The largest acceptable chance of a wrong claim.</summary>
    /// <exception cref="TiebreakException">It is no such chance.</exception>
    public static double ErrorBound(ParseResult parsed, Option<string> option) =>
        parsed.GetValue(option) is not { } typed ? new CheckOptions().ErrorBound
        : double.TryParse(typed, NumberStyles.Float, CultureInfo.InvariantCulture, out var bound) && OptionValues.IsErrorBound(bound) ? bound
        : throw new TiebreakException($"`--error-bound` takes a chance from 1e-100 to 0.1, for instance 1e-18, not `{typed}`");
}
