using Tiebreak.Formats.Safetensors;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>
/// A folder that PEFT saved: low-rank factors for some layers of a base ("LoRA: Low-Rank Adaptation of Large Language Models", 2021), and whole tensors that take the place of the base's. The adapter is trained, the base
/// stays as it is.
/// </summary>
sealed class LoraAdapter : IDisposable
{
    const string ConfigName = "adapter_config.json";
    const string WeightsName = "adapter_model.safetensors";
    const string Prefix = "base_model.model.";

    readonly string _folder;
    readonly FamilyConfig _config;
    readonly SafetensorsCheckpoint _checkpoint;
    readonly HashSet<string> _used = new(StringComparer.Ordinal);
    readonly Dictionary<string, int> _tokenAxes = new(StringComparer.Ordinal); // of factors and tables with a place for each token
    readonly HashSet<string> _replaced = new(StringComparer.Ordinal);

    LoraAdapter(string folder, FamilyConfig config, SafetensorsCheckpoint checkpoint)
    {
        (_folder, _config, _checkpoint) = (folder, config, checkpoint);
    }

    /// <summary>The adapter's file.</summary>
    public string Path => _checkpoint.Path;

    /// <summary>All files read, the configuration first.</summary>
    public IReadOnlyList<string> Files => [_config.Path, .. _checkpoint.Files];

    /// <summary>What it is put upon, by its name for people.</summary>
    public string BaseName => _config.Text("base_model_name_or_path", "");

    /// <summary>The folder of the base, if it is on this machine.</summary>
    public string? BaseFolder => BaseFrom(_folder);

    /// <summary>The folder of the adapter: the names of its files are fixed, so it is never a file alone.</summary>
    public string Home => FamilyReader.WholeFolder(_folder);

    /// <summary>Names of the base's tensors whose place is taken.</summary>
    public IReadOnlySet<string> Replaced => _replaced;

    /// <summary>The tensors that are trained, in the file's order.</summary>
    /// <exception cref="TiebreakException">One was not used: the base has no such layer.</exception>
    public IReadOnlyList<ParameterTensor> Trained
    {
        get
        {
            foreach (var tensor in _checkpoint.Tensors)
                if (!_used.Contains(tensor.Name)) throw LoraErrors.AdaptsNothing(tensor, BaseName);
            return [.. _checkpoint.Tensors.Select(Tensor)];
        }
    }

    /// <summary>Whether a path means an adapter: its folder, or its file with weights.</summary>
    public static bool IsIn(string path) => Directory.Exists(path)
        ? File.Exists(System.IO.Path.Combine(path, ConfigName)) && !File.Exists(System.IO.Path.Combine(path, SafetensorsCheckpoint.SingleName))
        : System.IO.Path.GetFileName(path) == WeightsName && File.Exists(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path) ?? "", ConfigName));

    /// <summary>Reads configuration and weights.</summary>
    /// <exception cref="TiebreakException">A file is missing or malformed, or the adapter is of another kind.</exception>
    public static LoraAdapter Open(string folder, string path)
    {
        var config = FamilyConfig.Read(System.IO.Path.Combine(folder, ConfigName));
        if (config.Text("peft_type", "LORA") is var kind && kind != "LORA") throw LoraErrors.OtherKind(config.Path, kind);
        if (config.Flag("use_dora", false)) throw LoraErrors.OtherKind(config.Path, "DoRA");
        var checkpoint = SafetensorsCheckpoint.Open(path, WeightsName);
        var adapter = new LoraAdapter(folder, config, checkpoint);
        try
        {
            foreach (var tensor in checkpoint.Tensors)
                if (!tensor.Name.StartsWith(Prefix, StringComparison.Ordinal)) throw LoraErrors.OtherName(tensor, Prefix);
            return adapter;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of a name; null where it has none.</summary>
    public SafetensorsTensor? Find(string name) => _checkpoint.Find(name);

    /// <summary>Writes the adapter with other numbers in some of its tensors.</summary>
    /// <exception cref="TiebreakException">A file cannot be written, or the base would not be found from there.</exception>
    public void WriteChanged(StagedFiles files, ModelChanges changes)
    {
        if (BaseFolder is { } home && BaseFrom(files.Folder) is var other && (other is null || System.IO.Path.GetFullPath(other) != System.IO.Path.GetFullPath(home))) throw LoraErrors.BaseOutOfReach(_config.Path, BaseName, files.Folder);
        CheckpointWriting.Write(files, _checkpoint, _config, name => changes.Of(name, _checkpoint));
    }

    /// <summary>The same adapter before anything was used.</summary>
    public LoraAdapter Fresh() => new(_folder, _config, _checkpoint);

    /// <summary>The layers that have low-rank factors, by the name the adapter has for them, with their factors; whether they are look-ups.</summary>
    public IEnumerable<(string Module, SafetensorsTensor Down, SafetensorsTensor Up, bool IsLookUp)> Pairs()
    {
        foreach (var down in _checkpoint.Tensors)
        {
            foreach (var (end, other, isLookUp) in new[] { (".lora_A.weight", ".lora_B.weight", false), (".lora_embedding_A", ".lora_embedding_B", true) })
            {
                if (!down.Name.EndsWith(end, StringComparison.Ordinal)) continue;
                var module = down.Name[..^end.Length];
                var up = _checkpoint.Find(module + other) ?? throw LoraErrors.NoPartner(down, module + other);
                if (down.Shape.Rank != 2 || up.Shape.Rank != 2 || up.Shape[1] != down.Shape[0]) throw LoraErrors.Misfit(down, up);
                yield return (module[Prefix.Length..], down, up, isLookUp);
            }
        }
    }

    /// <summary>Tensors that are no low-rank factors.</summary>
    public IEnumerable<SafetensorsTensor> Whole() => _checkpoint.Tensors.Where(tensor => !tensor.Name.Contains(".lora_", StringComparison.Ordinal));

    /// <summary>The tensor that takes the place of the base's; null where none does.</summary>
    /// <exception cref="TiebreakException">It has another shape.</exception>
    public ParameterTensor? Replacement(string name, ParameterTensor own)
    {
        var tensor = Whole().FirstOrDefault(whole => IsFor(whole.Name[Prefix.Length..], name));
        if (tensor is null) return null;
        if (tensor.Shape != own.Shape) throw LoraErrors.OtherShape(tensor, own.Shape, BaseName);
        _used.Add(tensor.Name);
        _replaced.Add(name);
        if (own.TokenAxis is { } axis) _tokenAxes[tensor.Name] = axis;
        return Tensor(tensor);
    }

    /// <summary>What the factors of a dense layer add to what it makes of x; null where it has none.</summary>
    /// <exception cref="TiebreakException">Their shapes do not fit the layer.</exception>
    public Node? Added(FamilyLayers layers, Node x, string module, ConfigSize inputs, ConfigSize outputs)
    {
        if (Pair(module, isLookUp: false) is not var (name, down, up)) return null;
        if (down.Shape[1] != inputs.Value || up.Shape[0] != outputs.Value) throw LoraErrors.OtherLayer(down, up, inputs, outputs, layers.Config.Name);
        layers.At(name, "adapter");
        var builder = layers.Builder;
        if (outputs.IsVocabulary) _tokenAxes[up.Name] = 0;
        var narrow = builder.Contract("bsi", "ri", "bsr", layers.Dropped(x, name, _config.Number("lora_dropout", Rational.Zero)), Parameter(builder, down));
        return builder.Scale(builder.Contract("bsr", "or", "bso", narrow, Parameter(builder, up)), ScaleOf(name, down.Shape[0]));
    }

    /// <summary>What the factors of a look-up add to the rows it reads; null where it has none.</summary>
    /// <exception cref="TiebreakException">Their shapes do not fit the table.</exception>
    public Node? AddedRows(FamilyLayers layers, Node indices, string module, ConfigSize rows, ConfigSize size)
    {
        if (Pair(module, isLookUp: true) is not var (name, down, up)) return null;
        if (down.Shape[1] != rows.Value || up.Shape[0] != size.Value) throw LoraErrors.OtherLayer(down, up, rows, size, layers.Config.Name);
        layers.At(name, "adapter");
        var builder = layers.Builder;
        if (rows.IsVocabulary) _tokenAxes[down.Name] = 1;
        var narrow = builder.Contract("bsi", "ri", "bsr", indices, Parameter(builder, down));
        return builder.Scale(builder.Contract("bsr", "or", "bso", narrow, Parameter(builder, up)), ScaleOf(name, down.Shape[0]));
    }

    /// <summary>What the low-rank product of a layer is multiplied with: alpha over the rank, or over its root.</summary>
    /// <exception cref="TiebreakException">An alpha is given for a regular expression.</exception>
    public Rational ScaleOf(string module, int rank)
    {
        var alpha = _config.Number("lora_alpha", 8);
        foreach (var (pattern, value) in _config.Named("alpha_pattern"))
        {
            // PEFT takes such keys as the end of a name; it would take a regular expression, too.
            if (pattern.Any(symbol => !char.IsAsciiLetterOrDigit(symbol) && symbol is not ('.' or '_' or '-'))) throw LoraErrors.PatternNotSupported(_config.Path, pattern);
            if (IsFor(module, pattern)) alpha = Rational.FromDouble(value);
        }

        return _config.Flag("use_rslora", false) ? alpha * Layers.ScaledDotProducts.DefaultScale(rank) : alpha / rank;
    }

    /// <summary>A trained tensor of the adapter.</summary>
    public ParameterTensor Tensor(SafetensorsTensor tensor)
    {
        var isFactor = tensor.Shape.Rank == 2;
        return new ParameterTensor(tensor.Name, tensor.Shape, tensor.Values)
        {
            Role = isFactor ? ParameterRole.Dense : tensor.Name.EndsWith(".bias", StringComparison.Ordinal) ? ParameterRole.Bias : ParameterRole.Other,
            AxisMeanings = isFactor ? [AxisMeaning.Output, AxisMeaning.Input] : [],
            TokenAxis = _tokenAxes.TryGetValue(tensor.Name, out var axis) ? axis : null,
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _checkpoint.Dispose();

    // PEFT takes the name as it is; relative to the adapter is what people mean.
    string? BaseFrom(string folder) =>
        BaseName.Length == 0 ? null
        : new[] { System.IO.Path.Combine(folder, BaseName), BaseName }.FirstOrDefault(place => File.Exists(System.IO.Path.Combine(place, "config.json")));

    (string Module, SafetensorsTensor Down, SafetensorsTensor Up)? Pair(string module, bool isLookUp)
    {
        foreach (var (name, down, up, lookUp) in Pairs())
            if (lookUp == isLookUp && IsFor(name, module)) return (name, down, up);
        return null;
    }

    Node Parameter(ProgramBuilder builder, SafetensorsTensor tensor)
    {
        _used.Add(tensor.Name);
        return builder.Parameter(tensor.Name, tensor.Shape);
    }

    // A checkpoint of a bare model has its names without the prefix that the adapter's model had.
    static bool IsFor(string adapted, string name) => adapted == name || adapted.EndsWith("." + name, StringComparison.Ordinal);
}
