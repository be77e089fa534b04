using Tiebreak.Formats.Safetensors;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>The weights of a checkpoint as a family asks for them: by name, at the shape its configuration says. Remembers what was asked for.</summary>
sealed class FamilyWeights
{
    // Caches of what the configuration says anyway, which old versions saved along.
    static readonly string[] Buffers = ["*rotary_emb.inv_freq", "*rotary_emb.cos_cached", "*rotary_emb.sin_cached", "*position_ids", "*token_type_ids"];

    readonly SafetensorsCheckpoint _checkpoint;
    readonly FamilyConfig _config;
    readonly Dictionary<string, ParameterTensor> _used = new(StringComparer.Ordinal);
    readonly Dictionary<string, string> _copies = new(StringComparer.Ordinal);
    readonly List<string> _buffers = [.. Buffers];

    public FamilyWeights(SafetensorsCheckpoint checkpoint, FamilyConfig config)
    {
        (_checkpoint, _config) = (checkpoint, config);
    }

    /// <summary>The checkpoint's file, for messages.</summary>
    public string Path => _checkpoint.Path;

    /// <summary>Names of tensors that were not used.</summary>
    public IEnumerable<string> Others => _checkpoint.Tensors.Select(tensor => tensor.Name).Where(name => !_used.ContainsKey(name));

    /// <summary>Whether there is a tensor of the name.</summary>
    public bool Has(string name) => _checkpoint.Find(name) is not null;

    /// <summary>Says that tensors of such names are caches or masks, never trained.</summary>
    public void AreBuffers(params ReadOnlySpan<string> globs) => _buffers.AddRange(globs);

    /// <summary>Says that a tensor, if it is there, only repeats another that the configuration shares.</summary>
    public void IsCopy(string name, string original) => _copies[name] = original;

    /// <summary>The tensor that one repeats; null where it stands for itself.</summary>
    public string? OriginalOf(string name) => _copies.GetValueOrDefault(name);

    /// <summary>The tensor of a name at a shape.</summary>
    /// <exception cref="TiebreakException">It is missing, of another shape, or holds no real numbers.</exception>
    public ParameterTensor Use(string name, ParameterRole role, AxisMeaning[] meanings, params ReadOnlySpan<ConfigSize> sizes)
    {
        if (_used.TryGetValue(name, out var used)) return used;
        var tensor = _checkpoint.Find(name) ?? throw FamilyErrors.NoTensor(Path, name, sizes.ToArray(), _config.Name, NearestName.Find(name, _checkpoint.Tensors.Select(other => other.Name).Where(other => !_used.ContainsKey(other))));
        var shape = Shape(sizes);
        if (tensor.Shape != shape) throw FamilyErrors.WrongShape(tensor, sizes.ToArray(), _config.Name);
        return _used[name] = new ParameterTensor(name, shape, tensor.Values) { Role = role, AxisMeanings = meanings, TokenAxis = TokenAxis(sizes) };
    }

    /// <summary>What was used, in the checkpoint's order.</summary>
    /// <exception cref="TiebreakException">A float tensor is left over that is neither known as a buffer nor frozen.</exception>
    public IEnumerable<ParameterTensor> Used(string family, IReadOnlyList<string> frozen)
    {
        var over = _checkpoint.Tensors.Where(tensor => !_used.ContainsKey(tensor.Name) && IsWeight(tensor) && !NameGlob.MatchesAny(frozen, tensor.Name)).ToArray();
        if (over.Length > 0) throw FamilyErrors.NotOfFamily(over[0], over.Length - 1, family, _config.Name);
        return _checkpoint.Tensors.Where(tensor => _used.ContainsKey(tensor.Name)).Select(tensor => _used[tensor.Name]);
    }

    bool IsWeight(SafetensorsTensor tensor) => tensor.Type.IsFloat() && tensor.Shape.Rank > 0 && !_copies.ContainsKey(tensor.Name) && !NameGlob.MatchesAny(_buffers, tensor.Name);

    static int? TokenAxis(ReadOnlySpan<ConfigSize> sizes)
    {
        for (var axis = 0; axis < sizes.Length; axis++)
            if (sizes[axis].IsVocabulary) return axis;
        return null;
    }

    static Shape Shape(ReadOnlySpan<ConfigSize> sizes)
    {
        var values = new int[sizes.Length];
        for (var k = 0; k < values.Length; k++) values[k] = sizes[k];
        return new Shape(values);
    }
}
