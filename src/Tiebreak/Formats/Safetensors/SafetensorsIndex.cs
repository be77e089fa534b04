using System.Text.Json;

namespace Tiebreak.Formats.Safetensors;

/// <summary>The index of a sharded checkpoint (<c>model.safetensors.index.json</c>): which shard holds which tensor.</summary>
sealed class SafetensorsIndex
{
    const long Longest = 1L << 28;
    const string Map = "weight_map";

    SafetensorsIndex(string path, List<(string Tensor, string Shard)> entries)
    {
        Path = path;
        Entries = entries;
        Shards = [.. entries.Select(entry => entry.Shard).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>As the user gave it.</summary>
    public string Path { get; }

    /// <summary>Each tensor and the name of its shard, in the index' order.</summary>
    public IReadOnlyList<(string Tensor, string Shard)> Entries { get; }

    /// <summary>The shards' names, in order of appearance.</summary>
    public IReadOnlyList<string> Shards { get; }

    /// <summary>Reads an index; the shards need not be there yet.</summary>
    /// <exception cref="TiebreakException">It is no index, or names a shard outside its folder.</exception>
    public static SafetensorsIndex Read(string path)
    {
        using var file = new MappedFile(path);
        if (file.Length > Longest) throw SafetensorsErrors.IndexTooLong(path, file.Length, Longest);
        try
        {
            using var document = JsonDocument.Parse(file.Slice(0, (int)file.Length).ToArray(), new JsonDocumentOptions { AllowDuplicateProperties = false });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(Map, out var map) || map.ValueKind != JsonValueKind.Object) throw SafetensorsErrors.IndexEntry(path, $"has no `{Map}`");
            var entries = new List<(string Tensor, string Shard)>();
            foreach (var entry in map.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.String) throw SafetensorsErrors.IndexEntry(path, $"gives `{entry.Name}` no name of a shard");
                var shard = entry.Value.GetString()!;
                if (!IsPlainName(shard)) throw SafetensorsErrors.ShardOutside(path, shard);
                entries.Add((entry.Name, shard));
            }

            return entries.Count > 0 ? new SafetensorsIndex(path, entries) : throw SafetensorsErrors.IndexEntry(path, $"has an empty `{Map}`");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw SafetensorsErrors.IndexJson(path, error);
        }
    }

    // A downloaded index must not make anybody read files elsewhere.
    static bool IsPlainName(string shard) => shard.Length > 0 && shard is not ("." or "..") && shard.AsSpan().IndexOfAny("/\\:\0") < 0;
}
