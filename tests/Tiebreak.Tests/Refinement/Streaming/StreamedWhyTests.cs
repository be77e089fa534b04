using Tiebreak.Formats;
using Tiebreak.Proofs.Reasons;
using Tiebreak.Refinement;
using Tiebreak.Refinement.Streaming;
using Tiebreak.Tests.Formats.Families;
using Tiebreak.Tests.House;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Refinement.Streaming;

/// <summary>What is said of a parameter, or of two, in a streamed model is what holding it says.</summary>
public sealed class StreamedWhyTests
{
    static readonly int Cases = 4 * Agreement.More;

    [Theory]
    [MemberData(nameof(RandomTransformers.Names), MemberType = typeof(RandomTransformers))]
    public void Verdicts_are_those_of_the_held_model(string family)
    {
        for (var seed = 1; seed <= Cases; seed++)
        {
            using var checkpoint = RandomTransformers.Draw(family, seed, seed % 2 == 0 ? null : toy =>
            {
                // Where many tensors are of one number throughout, nearly every unit is tied to others.
                var even = new Random(seed);
                foreach (var name in toy.Names.Where(_ => even.Next(2) == 0)) Array.Fill(toy[name], 0.25);
            });
            Agree(checkpoint, seed, []);
        }
    }

    [Fact]
    public void All_verdicts_are_met()
    {
        using var checkpoint = Mirrored();
        var seen = new HashSet<ExplainedVerdict>();
        Agree(checkpoint, seed: 1, seen);
        Assert.Equal(Enum.GetValues<ExplainedVerdict>(), seen.Order());
    }

    [Fact]
    public void Signs_are_each_pairs_own()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), """
            param W[2,3] = [[0.3, -0.7, 0.2], [0.4, 0.1, -0.6]]
            param S[2,3] = [[0.3, -0.7, 0.2], [-0.4, -0.1, 0.6]]
            param v[2]   = [0.5, 0.25]
            param u[2]   = [0.5, -0.25]
            data  x[3], y
            loss  (y - v @ tanh(W @ x) - u @ tanh(S @ x))**2
            """);
        Explanation Of(string row) => Why.Of(folder.File("m.tb"), $"W{row}", $"S{row}");
        Assert.Equal((ExplainedVerdict.Lockstep, ExplainedVerdict.Mirrored), (Of("[0,*]").Verdict, Of("[1,*]").Verdict));
        Assert.Equal("`W[*,0]` and `S[*,0]` are tied number by number, now and after every step: 1 pair is equal and 1 is each other's negative, whatever the data", Of("[*,0]").Headline);
    }

    [Fact]
    public void Signs_are_each_pairs_own_in_streamed_models()
    {
        using var checkpoint = Mirrored();
        var options = new CheckOptions { Dropout = false };
        using var file = Check.Open(checkpoint.Path, options);
        var step = 0;
        var model = new Sizes(file, Check.Lowering(options)).Smallest(ref step);
        var analysis = StreamedCheck.Of(model, _ => null, StreamedTensors.Of(model, least: 1), Check.Refinement(options), memory: null)!;
        const string Name = "model.layers.0.mlp.up_proj.weight";
        var tensor = Enumerable.Range(0, model.Parameters.Count).Single(k => model.Parameters[k].Name == Name);
        var width = model.Parameters[tensor].Shape[1];
        Explanation Of(int[] left, int[] right) => new StreamedWhy(analysis, "", CancellationToken.None).Of(new ParameterSlice(tensor, [.. left.Select(row => row * width)], "a"), new ParameterSlice(tensor, [.. right.Select(row => row * width)], "b"));
        Assert.Equal((ExplainedVerdict.Lockstep, ExplainedVerdict.Mirrored), (Of([0], [2]).Verdict, Of([0], [1]).Verdict));
        Assert.StartsWith("`a` and `b` are tied number by number, now and after every step: 1 pair is equal and 1 is each other's negative", Of([0, 0], [2, 1]).Headline, StringComparison.Ordinal);
    }

    static ToyCheckpoint Mirrored()
    {
        // Units of a gated layer that are equal but for the sign in and out of them; nothing passes the last norm's zeros but them.
        return RandomTransformers.Draw("llama", seed: 2, toy =>
        {
            Array.Fill(toy["model.layers.0.mlp.gate_proj.weight"], 0.5);
            var width = toy.Sizes("model.layers.0.mlp.up_proj.weight")[1];
            var units = toy.Sizes("model.layers.0.mlp.down_proj.weight")[1];
            for (var k = 0; k < toy["model.layers.0.mlp.up_proj.weight"].Length; k++) toy["model.layers.0.mlp.up_proj.weight"][k] = k / width % 2 == 0 ? 0.25 : -0.25;
            for (var k = 0; k < toy["model.layers.0.mlp.down_proj.weight"].Length; k++) toy["model.layers.0.mlp.down_proj.weight"][k] = k % units % 2 == 0 ? 0.125 : -0.125;
            Array.Fill(toy["model.layers.1.mlp.up_proj.weight"], 0);
            Array.Fill(toy["model.layers.1.mlp.down_proj.weight"], 0);
        });
    }

    static void Agree(ToyCheckpoint checkpoint, int seed, HashSet<ExplainedVerdict> seen)
    {
        var options = new CheckOptions { Dropout = false };
        using var file = Check.Open(checkpoint.Path, options);
        var held = Check.Of(file, checkpoint.Path, options, advises: false).Analysis;
        var step = 0;
        var model = new Sizes(file, Check.Lowering(options)).Smallest(ref step);
        var tensors = StreamedTensors.Of(model, least: 1);
        if (held.Partition is not { } partition || StreamedCheck.Of(model, _ => null, tensors, Check.Refinement(options), memory: null) is not { } analysis) return;
        var streamed = tensors.Trained.Select(matrix => matrix.Tensor.Name).ToHashSet(StringComparer.Ordinal);
        var why = new StreamedWhy(analysis, "whatever the data and the loss", CancellationToken.None);
        var random = new Random(seed);
        for (var k = 0; k < 400; k++)
        {
            var (left, right) = Pair(random, partition);
            var slice = Slice(model, left);
            var alone = why.Of(slice);
            Assert.Equal(Code(left) == 0 ? ExplainedVerdict.Stuck : ExplainedVerdict.Moves, alone.Verdict);
            if (Code(left) != 0) Assert.Contains($"from step {partition.FirstSteps[Math.Abs(Code(left))]} on", alone.Headline, StringComparison.Ordinal);
            seen.Add(alone.Verdict);
            if (left == right) continue;
            if (streamed.Contains(model.Parameters[left.Tensor].Name) != streamed.Contains(model.Parameters[right.Tensor].Name) && Code(left) != 0 && Code(right) != 0) continue; // not compared
            var both = why.Of(slice, Slice(model, right));
            var expected = Code(left) == 0 && Code(right) == 0 ? ExplainedVerdict.Stuck : Code(left) == Code(right) ? ExplainedVerdict.Lockstep : Code(left) == -Code(right) ? ExplainedVerdict.Mirrored : ExplainedVerdict.Apart;
            Assert.Equal(expected, both.Verdict);
            seen.Add(both.Verdict);
        }

        int Code((int Tensor, int Place) parameter) => partition.Codes[parameter.Tensor][parameter.Place];
    }

    [Fact]
    public void How_many_others_have_a_class_is_counted()
    {
        using var checkpoint = RandomTransformers.Draw("llama", seed: 1, toy => Array.Fill(toy["model.layers.0.mlp.gate_proj.weight"], 0.25));
        var options = new CheckOptions { Dropout = false };
        using var file = Check.Open(checkpoint.Path, options);
        var step = 0;
        var model = new Sizes(file, Check.Lowering(options)).Smallest(ref step);
        var tensors = StreamedTensors.Of(model, least: 1);
        var analysis = StreamedCheck.Of(model, _ => null, tensors, Check.Refinement(options), memory: null)!;
        var partition = StreamedCells.ToPartition(model, tensors.Trained, analysis.Streamed!.Result);
        for (var tensor = 0; tensor < model.Parameters.Count; tensor++)
        {
            if (tensors.Trained.All(matrix => matrix.Tensor.Name != model.Parameters[tensor].Name)) continue;
            for (var place = 0; place < partition.Codes[tensor].Length; place++)
            {
                var code = Math.Abs(partition.Codes[tensor][place]);
                if (code == 0) continue;
                var others = partition.Codes.Sum(codes => codes.Count(own => Math.Abs(own) == code)) - 1;
                var said = new StreamedWhy(analysis, "", CancellationToken.None).Of(Slice(model, (tensor, place))).Headline;
                Assert.Contains(others == 0 ? "nothing that it was compared with is in lockstep with it" : $"in lockstep with {others:N0} other", said, StringComparison.Ordinal);
            }
        }
    }

    // Half of the pairs are of one class.
    static ((int Tensor, int Place) Left, (int Tensor, int Place) Right) Pair(Random random, Partition partition)
    {
        (int Tensor, int Place) Any()
        {
            var tensor = random.Next(partition.Codes.Count);
            return (tensor, random.Next(partition.Codes[tensor].Length));
        }

        var left = Any();
        if (random.Next(2) == 0) return (left, Any());
        var code = Math.Abs(partition.Codes[left.Tensor][left.Place]);
        (int, int)[] alike = [.. from tensor in Enumerable.Range(0, partition.Codes.Count) from place in Enumerable.Range(0, partition.Codes[tensor].Length) where Math.Abs(partition.Codes[tensor][place]) == code select (tensor, place)];
        return (left, alike[random.Next(alike.Length)]);
    }

    static ParameterSlice Slice(Model model, (int Tensor, int Place) parameter) => new(parameter.Tensor, [parameter.Place], model.Parameters[parameter.Tensor].Name + PlacesText.Of(model.Parameters[parameter.Tensor].Shape, parameter.Place));
}
