using System.Text.Json;
using Tiebreak.Programs;

namespace Tiebreak.MakeCheckpoint;

/// <summary>Slices of a tensor that are made equal to the first of them; or to the same place of another tensor.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Axis">The axis they lie along.</param>
/// <param name="Width">How wide they are.</param>
/// <param name="Places">Where they begin.</param>
public sealed record Copied(string Tensor, int Axis, int Width, params int[] Places)
{
    /// <summary>The tensor that all is copied from; null for the first slice of its own.</summary>
    public string? Source { get; init; }

    /// <summary>Whether its numbers never move, so that they are in no class.</summary>
    public bool IsStuck { get; init; }

    /// <summary>How many numbers are equal to others: all members of their sets.</summary>
    public long Members(Shape shape) => IsStuck ? 0 : shape.Count / shape[Axis] * Width * (Source is null ? Places.Length : 2);
}

/// <summary>What was planted: copies, and whether training leaves them copies.</summary>
/// <param name="Kind">units, heads, tokens or experts.</param>
/// <param name="Layer">The layer; null for tokens.</param>
/// <param name="Members">The units, heads, tokens or experts that are equal.</param>
/// <param name="Stays">Whether they stay equal whatever the data.</param>
/// <param name="Because">Why, in a few words.</param>
/// <param name="Copies">What is copied.</param>
public sealed record PlantedTie(string Kind, int? Layer, int[] Members, bool Stays, string Because, IReadOnlyList<Copied> Copies)
{
    /// <summary>The ties of a checkpoint: units in the first and the last layer, heads and experts in the first.</summary>
    /// <exception cref="TiebreakException">The model is too small for them, or has none of the kind.</exception>
    public static IReadOnlyList<PlantedTie> In(Architecture architecture, MakeOptions options)
    {
        var size = architecture.Size;
        var ties = new List<PlantedTie>();
        foreach (var kind in options.Ties)
        {
            switch (kind)
            {
                case "units":
                    Need(size.Inner >= 8, $"{size.Inner} units");
                    if (size.Layers > 1) Units(0, size.Inner / 3, size.Inner - 1);
                    Units(size.Layers - 1, 1, size.Inner / 2, size.Inner - 2);
                    break;
                case "heads":
                    var each = size.Heads / size.SharedHeads;
                    Need(size.Heads > 1, "one head");
                    var isNoisy = options.Dropout > 0 && architecture is Gpt2;
                    ties.Add(new(kind, 0, [0, 1], !isNoisy, isNoisy ? "dropout of attention breaks them by noise alone" : each > 1 ? "equal queries and outgoing weights, and one head of keys and values" : "equal queries, keys, values and outgoing weights", [.. architecture.Heads(0, 0, 1)]));
                    break;
                case "tokens":
                    Need(size.Vocabulary >= 8, $"{size.Vocabulary} tokens");
                    int[] tokens = [size.Vocabulary / 7, size.Vocabulary / 2];
                    ties.Add(new(kind, null, tokens, false, "data may hold one token without the other", [.. architecture.Tokens(tokens[0], tokens[1])]));
                    break;
                default:
                    var stays = size.Chosen == size.Experts;
                    ties.Add(new(kind, 0, [0, 1], stays, stays ? "equal weights, equal rows of the router, and every token takes all experts" : "a token may take one of them without the other", [.. architecture.Experts(0, 0, 1)]));
                    break;
            }
        }

        return ties;

        void Units(int layer, params int[] units) => ties.Add(new("units", layer, units, true, "equal incoming and outgoing weights", [.. architecture.Units(layer, units)]));

        void Need(bool isThere, string what)
        {
            if (!isThere) throw new TiebreakException($"{what} leave no room for ties; take a larger model, or `--ties none`");
        }
    }

    /// <summary>The text of <c>planted.json</c>: the ties, and what a check is to count.</summary>
    public static byte[] Json(Architecture architecture, IReadOnlyList<PlantedTie> ties)
    {
        var shapes = architecture.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("parameters", architecture.Parameters);
            json.WriteNumber("lockstep", ties.Where(tie => tie.Stays).Sum(tie => tie.Copies.Sum(copied => copied.Members(shapes[copied.Tensor]))));
            json.WriteNumber("stuck", architecture.Stuck);
            json.WriteStartArray("ties");
            foreach (var tie in ties)
            {
                json.WriteStartObject();
                json.WriteString("kind", tie.Kind);
                if (tie.Layer is { } layer) json.WriteNumber("layer", layer);
                Numbers("members", tie.Members);
                json.WriteBoolean("stays", tie.Stays);
                json.WriteString("because", tie.Because);
                json.WriteStartArray("copies");
                foreach (var copied in tie.Copies)
                {
                    json.WriteStartObject();
                    json.WriteString("tensor", copied.Tensor);
                    if (copied.Source is not null) json.WriteString("source", copied.Source);
                    json.WriteNumber("axis", copied.Axis);
                    json.WriteNumber("width", copied.Width);
                    Numbers("places", copied.Places);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();

            void Numbers(string name, int[] numbers)
            {
                json.WriteStartArray(name);
                foreach (var number in numbers) json.WriteNumberValue(number);
                json.WriteEndArray();
            }
        }

        buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }
}
