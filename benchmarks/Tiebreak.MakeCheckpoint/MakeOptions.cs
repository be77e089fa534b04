using System.Globalization;
using Tiebreak.Formats.Safetensors;

namespace Tiebreak.MakeCheckpoint;

/// <summary>What a checkpoint is to be like.</summary>
public sealed record MakeOptions
{
    /// <summary>What <c>--help</c> prints.</summary>
    public const string Help = """
        Writes a checkpoint of random weights in the layout that Hugging Face's transformers save, with ties planted.

          Tiebreak.MakeCheckpoint --family gpt2|llama|mixtral --parameters N [options] OUT

          --family NAME        gpt2, llama (3.2) or mixtral
          --parameters N       about how many; 124439808 of gpt2 and 1235814400 of llama are exactly GPT-2 and Llama 3.2 1B
          --layers, --width, --heads, --kv-heads, --inner, --vocab, --experts, --chosen N
                               sizes of one's own in place of those that --parameters would give
          --dtype NAME         float32, bfloat16 or float16 [default: bfloat16, of gpt2 float32]
          --ties LIST          units, heads, tokens, experts, or none [default: units,heads,tokens]
          --shard-size BYTES   the largest file; 2000000000, for instance [default: one file]
          --dropout P          that of gpt2, which breaks copied heads by noise [default: 0]
          --seed S             of all numbers [default: 0]

        OUT is a new folder; planted.json in it says which ties there are.

        """;

    /// <summary>The architecture's <c>model_type</c>.</summary>
    public required string Family { get; init; }

    /// <summary>The new folder.</summary>
    public required string Output { get; init; }

    /// <summary>About how many parameters; ignored where all sizes are given.</summary>
    public long Parameters { get; init; } = 1_000_000;

    /// <summary>Sizes that were asked for, by the word of their option.</summary>
    public IReadOnlyDictionary<string, int> Sizes { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>How numbers are stored; null for what the family is published in.</summary>
    public SafetensorsType? Type { get; init; }

    /// <summary>Which kinds of ties to plant.</summary>
    public IReadOnlyList<string> Ties { get; init; } = ["units", "heads", "tokens"];

    /// <summary>The largest file, in bytes.</summary>
    public long ShardSize { get; init; } = long.MaxValue;

    /// <summary>The rate of dropouts, where the family has them.</summary>
    public double Dropout { get; init; }

    /// <summary>Decides all numbers.</summary>
    public ulong Seed { get; init; }

    /// <summary>Reads the command line.</summary>
    /// <exception cref="TiebreakException">A word is not understood.</exception>
    public static MakeOptions Parse(IReadOnlyList<string> args)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        string? output = null;
        for (var k = 0; k < args.Count; k++)
        {
            if (!args[k].StartsWith("--", StringComparison.Ordinal)) output = output is null ? args[k] : throw new TiebreakException($"`{args[k]}` is one word too many; OUT is `{output}`");
            else if (k + 1 == args.Count) throw new TiebreakException($"`{args[k]}` needs a value");
            else values[args[k][2..]] = args[++k];
        }

        string[] sizes = ["layers", "width", "heads", "kv-heads", "inner", "vocab", "experts", "chosen"];
        string[] known = ["family", "parameters", "dtype", "ties", "shard-size", "dropout", "seed", .. sizes];
        if (values.Keys.FirstOrDefault(word => !known.Contains(word, StringComparer.Ordinal)) is { } unknown) throw new TiebreakException($"there is no option `--{unknown}`; see --help");
        string[] kinds = ["units", "heads", "tokens", "experts"];
        string[] ties = values.GetValueOrDefault("ties") switch { null => kinds[..3], "none" => [], var list => list.Split(',') };
        if (ties.FirstOrDefault(tie => !kinds.Contains(tie, StringComparer.Ordinal)) is { } wrong) throw new TiebreakException($"`--ties` is of {string.Join(", ", kinds)}, or none, not `{wrong}`");
        return new MakeOptions
        {
            Family = values.GetValueOrDefault("family") ?? throw new TiebreakException("no `--family` given; see --help"),
            Output = output ?? throw new TiebreakException("no OUT given; see --help"),
            Parameters = Whole("parameters", 1_000_000),
            Sizes = sizes.Where(values.ContainsKey).ToDictionary(word => word, word => (int)Math.Min(int.MaxValue, Whole(word, 0)), StringComparer.Ordinal),
            Type = values.GetValueOrDefault("dtype") switch
            {
                null => null,
                "float32" => SafetensorsType.F32,
                "bfloat16" => SafetensorsType.BF16,
                "float16" => SafetensorsType.F16,
                var other => throw new TiebreakException($"`--dtype` is float32, bfloat16 or float16, not `{other}`"),
            },
            Ties = ties,
            ShardSize = Whole("shard-size", long.MaxValue),
            Dropout = !values.TryGetValue("dropout", out var rate) ? 0 : double.TryParse(rate, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and < 1 ? share : throw new TiebreakException($"`--dropout` takes a share below 1, not `{rate}`"),
            Seed = values.TryGetValue("seed", out var seed) ? ulong.TryParse(seed, out var number) ? number : throw new TiebreakException($"`--seed` takes a whole number, not `{seed}`") : 0,
        };

        long Whole(string word, long otherwise) =>
            !values.TryGetValue(word, out var typed) ? otherwise
            : long.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0 ? value
            : double.TryParse(typed, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && real >= 1 && real < 1e15 ? (long)real // 2e9
            : throw new TiebreakException($"`--{word}` takes a whole number above 0, not `{typed}`");
    }
}
