using System.Text.Json.Nodes;
using Tiebreak.Formats.Safetensors;
using Tiebreak.MakeCheckpoint;
using Tiebreak.Programs;
using Tiebreak.Proofs.Reasons;
using Tiebreak.Tests.Formats.Families;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Benchmarks;

/// <summary>The checkpoints that benchmarks are run on: real layouts, in which a check finds what was planted and nothing else.</summary>
public sealed class MadeCheckpointTests
{
    static MakeOptions Options(TemporaryFolder folder, string words) => MakeOptions.Parse([.. words.Split(' '), folder.File("made")]);

    [Theory]
    [InlineData("--family gpt2 --parameters 60000 --layers 2 --width 32 --vocab 64 --seed 3")]
    [InlineData("--family gpt2 --layers 1 --width 32 --vocab 40 --dtype bfloat16")]
    [InlineData("--family llama --parameters 100000 --ties units,heads,tokens")]
    [InlineData("--family llama --layers 2 --width 32 --heads 4 --kv-heads 4 --inner 24 --vocab 20 --dtype float16")]
    [InlineData("--family mixtral --parameters 50000 --layers 2 --width 32 --inner 40 --vocab 30 --experts 4 --chosen 4 --ties units,heads,tokens,experts")]
    [InlineData("--family mixtral --layers 1 --width 32 --inner 40 --vocab 30 --experts 4 --chosen 2 --ties experts,units --dtype float32")]
    [InlineData("--family llama --layers 1 --width 32 --inner 40 --vocab 30 --ties none")]
    public void What_was_planted_is_found_and_nothing_else(string words)
    {
        using var folder = new TemporaryFolder();
        var made = CheckpointMaker.Make(Options(folder, words));
        var outcome = new FamilyOutcome(folder.File("made"));
        var stays = made.Ties.Where(tie => tie.Stays).SelectMany(tie => tie.Copies).ToArray();
        Assert.Equal(stays.SelectMany(copied => Sets(made.Architecture, copied)).Order(StringComparer.Ordinal), outcome.Tied.Order(StringComparer.Ordinal));
        var size = made.Architecture.Size;
        outcome.OnlyStuck(made.Architecture is Gpt2 ? [.. Enumerable.Range(0, size.Layers).Select(layer => $"transformer.h.{layer}.attn.c_attn.bias[{size.Width}..{2 * size.Width - 1}]")] : []);

        // What is equal and comes apart is said to.
        foreach (var tie in made.Ties.Where(tie => !tie.Stays))
            Assert.Contains(outcome.Result.Findings, finding => finding.Rule == "TB012" && finding.Message.Contains(tie.Copies[0].Tensor, StringComparison.Ordinal));
        var planted = JsonNode.Parse(File.ReadAllText(folder.File("made", CheckpointMaker.PlantedName)))!;
        var counts = outcome.Result.Counts!;
        Assert.Equal((counts.Parameters, counts.Lockstep, counts.Stuck), ((long)planted["parameters"]!, (long)planted["lockstep"]!, (long)planted["stuck"]!));
        Assert.Equal(made.Ties.Count, planted["ties"]!.AsArray().Count);
    }

    [Fact]
    public void Reasons_are_told_of_what_is_too_large_to_be_held_and_the_rest_is_refused_at_once()
    {
        using var folder = new TemporaryFolder();
        var made = CheckpointMaker.Make(Options(folder, "--family llama --parameters 400000 --ties units --seed 2"));
        var copied = made.Ties[0].Copies.First(copy => copy is { Source: null, Width: 1, Axis: 0 });
        string[] rows = [.. copied.Places.Take(2).Select(place => $"{copied.Tensor}[{place},*]")];
        var stages = new List<string>();
        var little = new CheckOptions { Memory = 20 << 20, Progress = new Stages(stages) };
        Explanation held = Why.Of(folder.File("made"), rows[0], rows[1]), streamed = Why.Of(folder.File("made"), rows[0], rows[1], little);
        Assert.Equal((ExplainedVerdict.Lockstep, ExplainedVerdict.Lockstep), (held.Verdict, streamed.Verdict));
        Assert.Contains(streamed.Notes, note => note.Contains("were streamed", StringComparison.Ordinal));
        Assert.DoesNotContain(held.Notes, note => note.Contains("were streamed", StringComparison.Ordinal));

        stages.Clear();
        Assert.StartsWith("a verdict for each of ", Assert.Throws<TiebreakException>(() => Check.Model(folder.File("made"), little with { Witness = true })).Message, StringComparison.Ordinal);
        Assert.Equal("no", Assert.Throws<TiebreakException>(() => Check.Model(folder.File("made"), little with { Refuses = count => count > 100_000 ? "no" : null })).Message);
        Assert.All(stages, stage => Assert.Equal("reading", stage));
    }

    sealed class Stages(List<string> seen) : IProgress<CheckProgress>
    {
        public void Report(CheckProgress value) => seen.Add(value.Stage);
    }

    // Places that are equal, written as FamilyOutcome has them.
    static IEnumerable<string> Sets(Architecture architecture, Copied copied)
    {
        if (copied.IsStuck) return [];
        var shape = architecture.Tensors.Single(tensor => tensor.Name == copied.Tensor).Shape;
        if (copied.Source is not null) return Enumerable.Range(0, (int)shape.Count).Select(k => $"{copied.Source}[{k}] {copied.Tensor}[{k}]");
        var slices = copied.Places.Select(place => FamilyOutcome.Slice([.. shape.Sizes], copied.Axis, place, copied.Width)).ToArray();
        return Enumerable.Range(0, slices[0].Length).Select(k => string.Join(" ", slices.Select(slice => slice[k]).Order().Select(k => $"{copied.Tensor}[{k}]")));
    }

    [Theory]
    [InlineData("--family gpt2 --parameters 124439808", 124_439_808, 12, 768, 12, 12, 50257)]
    [InlineData("--family llama --parameters 1235814400", 1_235_814_400, 16, 2048, 32, 8, 128256)]
    [InlineData("--family llama --parameters 8030261248 --layers 32 --width 4096 --heads 32 --kv-heads 8 --inner 14336", 7_504_924_672, 32, 4096, 32, 8, 128256)]
    public void Known_models_have_their_own_sizes(string words, long parameters, int layers, int width, int heads, int shared, int vocabulary)
    {
        using var folder = new TemporaryFolder();
        var architecture = Architecture.Of(Options(folder, words));
        var size = architecture.Size;
        Assert.Equal((parameters, layers, width, heads, shared, vocabulary), (architecture.Parameters, size.Layers, size.Width, size.Heads, size.SharedHeads, size.Vocabulary));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("mixtral")]
    public void Any_number_of_parameters_is_nearly_met(string family)
    {
        using var folder = new TemporaryFolder();
        foreach (var wanted in new[] { 1e6, 1e7, 1e8, 1e9, 2e9 })
            Assert.InRange(Architecture.Of(Options(folder, $"--family {family} --parameters {wanted:R}")).Parameters / wanted, 0.6, 1.6);
    }

    [Fact]
    public void Shards_hold_the_same_numbers_as_one_file_and_the_seed_decides_them()
    {
        const string Words = "--family llama --layers 2 --width 32 --inner 40 --vocab 30 --seed";
        using TemporaryFolder one = new(), parts = new(), other = new();
        CheckpointMaker.Make(Options(one, $"{Words} 5"));
        Assert.True(CheckpointMaker.Make(Options(parts, $"{Words} 5 --shard-size 6000")).Shards > 2);
        CheckpointMaker.Make(Options(other, $"{Words} 6"));
        Assert.All(Directory.GetFiles(parts.File("made"), "*.safetensors"), path => Assert.InRange(new FileInfo(path).Length, 1, 6000 + 4096)); // with its header
        using SafetensorsCheckpoint whole = SafetensorsCheckpoint.Open(one.File("made")), shards = SafetensorsCheckpoint.Open(parts.File("made")), another = SafetensorsCheckpoint.Open(other.File("made"));
        Assert.Equal(whole.Tensors.Select(tensor => tensor.Name), shards.Tensors.Select(tensor => tensor.Name));
        foreach (var tensor in whole.Tensors)
        {
            byte[] Bytes(SafetensorsCheckpoint checkpoint) => checkpoint.Find(tensor.Name)!.Bytes(0, (int)tensor.Length).ToArray();
            Assert.Equal(Bytes(whole), Bytes(shards));
            Assert.NotEqual(Bytes(whole), Bytes(another));
        }

        Assert.Contains("holds files", Assert.Throws<TiebreakException>(() => CheckpointMaker.Make(Options(one, $"{Words} 5"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SafetensorsType.F32)]
    [InlineData(SafetensorsType.BF16)]
    [InlineData(SafetensorsType.F16)]
    public void Numbers_are_spread_as_they_should_be(SafetensorsType type)
    {
        const int Count = 1_000_000; // more than a part that is made at once
        var random = new RandomWeights("w", 0.02, 1, 7);
        var bytes = new byte[Count * type.SizeOf()];
        Action<long, Span<byte>> fill = type switch { SafetensorsType.F32 => random.Float32, SafetensorsType.BF16 => random.BFloat16, _ => random.Float16 };
        fill(0, bytes);
        using var folder = new TemporaryFolder();
        SafetensorsWriter.Write(folder.File("w.safetensors"), [SafetensorsEntry.Of("w", type, new Shape(Count), bytes)]);
        using var file = SafetensorsFile.Open(folder.File("w.safetensors"));
        var values = new double[Count];
        file.Tensors[0].Values.ReadDoubles(0, values);
        var mean = values.Average();
        Assert.InRange(mean, 0.9998, 1.0002);
        Assert.InRange(Math.Sqrt(values.Average(value => (value - mean) * (value - mean))), 0.0198, 0.0202);
        Assert.InRange(values.Count(value => Math.Abs(value - 1) < 0.02) / (double)Count, 0.64, 0.72); // two thirds, as of a normal distribution
        var middle = new byte[100 * type.SizeOf()];
        fill(777_777, middle);
        Assert.Equal(bytes.AsSpan(777_777 * type.SizeOf(), middle.Length).ToArray(), middle);
    }

    [Theory]
    [InlineData("--family bert", "`--family` is gpt2, llama or mixtral")]
    [InlineData("--family gpt2 --ties experts", "has no experts")]
    [InlineData("--family gpt2 --ties planets", "`--ties` is of units")]
    [InlineData("--family gpt2 --dtype int8", "`--dtype` is float32")]
    [InlineData("--family llama --width 32 --heads 3", "do not divide a width of 32")]
    [InlineData("--family mixtral --experts 4 --chosen 5 --width 32", "cannot be chosen")]
    [InlineData("--family llama --widht 32", "there is no option `--widht`")]
    [InlineData("--family llama --layers 0", "takes a whole number above 0")]
    [InlineData("--family llama --layers 1 --width 32 --inner 4", "leave no room for ties")]
    public void What_makes_no_sense_is_refused_in_a_line(string words, string why)
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<TiebreakException>(() => CheckpointMaker.Make(Options(folder, words)));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }
}
