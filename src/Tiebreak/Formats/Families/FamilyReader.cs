using Tiebreak.Formats.Safetensors;
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

    FamilyReader(FamilyConfig config, Family family, SafetensorsCheckpoint checkpoint, LoraAdapter? adapter)
    {
        (_config, _family, _checkpoint, _adapter) = (config, family, checkpoint, adapter);
    }

    /// <inheritdoc/>
    public string Format => "safetensors";

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => [.. _adapter?.Files ?? [], _config.Path, .. _checkpoint.Files];

    /// <inheritdoc/>
    public IReadOnlyList<string> FreeDims => _family.FreeDims(_config);

    /// <inheritdoc/>
    public IReadOnlyList<DataInput> Inputs => _family.Inputs(_config);

    /// <summary>Opens a folder, a safetensors file or an index.</summary>
    /// <exception cref="TiebreakException">A file is missing or malformed, or the family is not known: the file, the tensor and the remedy.</exception>
    public static IModelFile Open(string path)
    {
        var folder = Directory.Exists(path) ? path : Path.GetDirectoryName(path) ?? "";
        if (LoraAdapter.IsIn(path)) return OpenAdapter(folder, path);
        var checkpoint = SafetensorsCheckpoint.Open(path);
        try
        {
            var (config, family) = FamilyOf(folder, checkpoint);
            return new FamilyReader(config, family, checkpoint, adapter: null);
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
        var weights = new FamilyWeights(_checkpoint, _config);
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
            return new FamilyReader(config, family, checkpoint, adapter);
        }
        catch
        {
            checkpoint?.Dispose();
            adapter.Dispose();
            throw;
        }
    }
}
