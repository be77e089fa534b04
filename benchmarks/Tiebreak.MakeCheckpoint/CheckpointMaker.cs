using System.Text;
using System.Text.Json;
using Tiebreak.Formats.Safetensors;

namespace Tiebreak.MakeCheckpoint;

/// <summary>What was written.</summary>
/// <param name="Architecture">The model.</param>
/// <param name="Ties">The ties in it.</param>
/// <param name="Parameters">How many numbers.</param>
/// <param name="Bytes">How many bytes they have.</param>
/// <param name="Shards">In how many files.</param>
public sealed record MadeCheckpoint(Architecture Architecture, IReadOnlyList<PlantedTie> Ties, long Parameters, long Bytes, int Shards);

/// <summary>Writes checkpoints of random weights with planted ties, in a few megabytes of memory whatever their size.</summary>
public static class CheckpointMaker
{
    /// <summary>The file that lists the ties.</summary>
    public const string PlantedName = "planted.json";

    /// <summary>Writes one.</summary>
    /// <exception cref="TiebreakException">Sizes or ties make no sense, or the folder holds something.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static MadeCheckpoint Make(MakeOptions options)
    {
        var architecture = Architecture.Of(options);
        var ties = PlantedTie.In(architecture, options);
        var type = options.Type ?? (architecture is Gpt2 ? SafetensorsType.F32 : SafetensorsType.BF16);
        if (Directory.Exists(options.Output) && Directory.EnumerateFileSystemEntries(options.Output).Any()) throw new TiebreakException($"`{options.Output}` holds files; name a new folder");
        Directory.CreateDirectory(options.Output);

        var copies = ties.SelectMany(tie => tie.Copies).ToLookup(copied => copied.Tensor, StringComparer.Ordinal);
        SafetensorsEntry[] entries = [.. architecture.Tensors.Select(tensor => SafetensorsEntry.Of(tensor.Name, type, tensor.Shape, new WeightStream(tensor, type, options.Seed, [.. copies[tensor.Name]]).WriteTo))];
        var shards = Shards(entries, options.ShardSize);
        for (var k = 0; k < shards.Count; k++) SafetensorsWriter.Write(Path.Combine(options.Output, NameOf(k, shards.Count)), shards[k], new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" });
        var bytes = entries.Sum(entry => entry.Length);
        if (shards.Count > 1) File.WriteAllBytes(Path.Combine(options.Output, "model" + SafetensorsCheckpoint.IndexEnd), Index(shards, bytes));
        var word = type switch { SafetensorsType.F32 => "float32", SafetensorsType.BF16 => "bfloat16", _ => "float16" };
        File.WriteAllText(Path.Combine(options.Output, "config.json"), architecture.Config(word, options.Dropout));
        File.WriteAllBytes(Path.Combine(options.Output, PlantedName), PlantedTie.Json(architecture, ties));
        return new MadeCheckpoint(architecture, ties, architecture.Parameters, bytes, shards.Count);
    }

    static string NameOf(int shard, int count) => count == 1 ? SafetensorsCheckpoint.SingleName : $"model-{shard + 1:D5}-of-{count:D5}.safetensors";

    // One after the other, as save_pretrained does it; a tensor that is larger than a shard has one to itself.
    static List<List<SafetensorsEntry>> Shards(IEnumerable<SafetensorsEntry> entries, long largest)
    {
        var shards = new List<List<SafetensorsEntry>>();
        var left = 0L;
        foreach (var entry in entries)
        {
            if (shards.Count == 0 || entry.Length > left)
            {
                shards.Add([]);
                left = largest;
            }

            shards[^1].Add(entry);
            left -= entry.Length;
        }

        return shards;
    }

    static byte[] Index(List<List<SafetensorsEntry>> shards, long bytes)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", bytes);
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            for (var k = 0; k < shards.Count; k++)
                foreach (var entry in shards[k]) json.WriteString(entry.Name, NameOf(k, shards.Count));
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return [.. buffer.ToArray(), .. Encoding.UTF8.GetBytes("\n")];
    }
}
