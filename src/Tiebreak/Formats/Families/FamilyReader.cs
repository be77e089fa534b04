using Tiebreak.Formats.Safetensors;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>
/// A checkpoint of a known family: a folder with <c>config.json</c> and safetensors files, one such file beside its <c>config.json</c>, or a folder with a LoRA adapter. Weights are
/// read from the mapped files while they are used: keep the reader open as long.
/// </summary>
public sealed class FamilyReader : IModelFile
{
    const string ConfigName = "config.json";

    readonly FamilyConfig _config;
    readonly Family _family;
    readonly SafetensorsCheckpoint _checkpoint;
    readonly LoraAdapter? _adapter;
    FamilyWeights? _weights; // of the last program

    FamilyReader(string whole, FamilyConfig config, Family family, SafetensorsCheckpoint checkpoint, LoraAdapter? adapter)
    {
        (Whole, _config, _family, _checkpoint, _adapter) = (whole, config, family, checkpoint, adapter);
    }

    /// <inheritdoc/>
    public string Format => "safetensors";

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => [.. _adapter?.Files ?? [], _config.Path, .. _checkpoint.Files];

    /// <inheritdoc/>
    public string Whole { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> FreeDims => _family.FreeDims(_config);

    /// <inheritdoc/>
    public IReadOnlyList<DataInput> Inputs => _family.Inputs(_config);

    /// <summary>Opens a folder, a safetensors file or an index.</summary>
    /// <exception cref="TiebreakException">A file is missing or malformed, or the family is not known: the file, the tensor and the remedy.</exception>
    public static IModelFile Open(string path) => Open(path, besides: null);

    /// <summary>Opens one whose configuration may also lie in a second folder.</summary>
    internal static IModelFile Open(string path, string? besides)
    {
        var folder = Directory.Exists(path) ? path : Path.GetDirectoryName(path) ?? "";
        if (LoraAdapter.IsIn(path)) return OpenAdapter(folder, path);
        var checkpoint = SafetensorsCheckpoint.Open(path);
        try
        {
            var (config, family) = FamilyOf(besides is null || File.Exists(Path.Combine(folder, ConfigName)) ? folder : besides, checkpoint);
            var isFile = !Directory.Exists(path) && checkpoint.Path == checkpoint.Shards[0].Path;
            return new FamilyReader(isFile ? path : WholeFolder(folder), config, family, checkpoint, adapter: null);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Model Lower(LoweringOptions options)
    {
        if (options.Opaque.Count > 0) throw FamilyErrors.OptionOfGraphs(_checkpoint.Path, "--opaque");
        if (options.Batch is <= 0) throw new TiebreakException($"--batch {options.Batch}: the batch size must be at least 1");
        var weights = _weights = new FamilyWeights(_checkpoint, _config);
        var layers = new FamilyLayers(_config, weights, options, _adapter?.Fresh());
        try
        {
            _family.Build(layers);
        }
        catch (Exception error) when (error is ArgumentException or OverflowException)
        {
            // Sizes that contradict each other; the builder's message says how.
            throw FamilyErrors.Misfit(_config.Path, FileErrors.OneLine(error.Message));
        }

        return FamilyModel.Of(layers, [.. weights.Used(_config.Text("model_type", ""), options.Freeze)], layers.Adapter, options, _checkpoint.Path);
    }

    /// <inheritdoc/>
    public FloatFormat? StoredAs(string tensor) => (_adapter?.Find(tensor) ?? _checkpoint.Find(tensor))?.Type.FormatOf();

    /// <inheritdoc/>
    public void WriteChanged(StagedFiles files, ModelChanges changes)
    {
        if (_adapter is not null)
        {
            if (changes.Tensors.Keys.Concat(changes.Dropped).FirstOrDefault(name => _adapter.Find(name) is null) is { } own) throw LoraErrors.OfBase(own, _checkpoint.Path);
            _adapter.WriteChanged(files, changes);
            return;
        }

        // What repeats a tensor repeats its new numbers.
        ExactTensor? Numbers(string name) => changes.Of(name, _checkpoint) ?? (_weights?.OriginalOf(name) is { } original && _checkpoint.Find(original)?.Shape == _checkpoint.Find(name)!.Shape ? changes.Of(original, _checkpoint) : null);
        CheckpointWriting.Write(files, _checkpoint, _config, Numbers);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _checkpoint.Dispose();
        _adapter?.Dispose();
    }

    static (FamilyConfig Config, Family Family) FamilyOf(string folder, SafetensorsCheckpoint checkpoint)
    {
        var file = Path.Combine(folder, ConfigName);
        if (!File.Exists(file)) throw FamilyErrors.NoConfig(folder, checkpoint);
        var config = FamilyConfig.Read(file);
        var type = config.Text("model_type", "");
        if (type.Length == 0) throw FamilyErrors.NoKey(file, "model_type");
        return (config, Family.Find(type) ?? throw FamilyErrors.UnknownFamily(file, type, string.Join(", ", Family.Known), checkpoint));
    }

    /// <summary>A folder under a name that is never empty.</summary>
    internal static string WholeFolder(string folder) => folder.Length == 0 ? "." : folder;

    // An adapter is analysed in its base where that lies on this machine, else each of its layers alone.
    static IModelFile OpenAdapter(string folder, string path)
    {
        var adapter = LoraAdapter.Open(folder, path);
        SafetensorsCheckpoint? checkpoint = null;
        try
        {
            if (adapter.BaseFolder is not { } home) return new LoneAdapter(adapter);
            checkpoint = SafetensorsCheckpoint.Open(home);
            var (config, family) = FamilyOf(home, checkpoint);
            return new FamilyReader(adapter.Home, config, family, checkpoint, adapter);
        }
        catch
        {
            checkpoint?.Dispose();
            adapter.Dispose();
            throw;
        }
    }
}
