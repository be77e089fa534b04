using System.Numerics;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Refinement;
using Tiebreak.Tests.Judge;
using Tiebreak.Verification;
using Xunit;

namespace Tiebreak.Tests.Verification;

/// <summary>The separate verifier agrees with the engine where the engine is right, and with nothing else.</summary>
public sealed class VerifierTests
{
    static readonly int Programs = 200 * Agreement.More;

    [Fact]
    public void Residues_compute_as_big_integers_do()
    {
        var random = new Randomness([1, 2, 3]);
        for (var k = 0; k < 200; k++)
        {
            var prime = new Randomness([(byte)k]).Prime();
            Assert.InRange(UInt128.Log2(prime), (UInt128)119, (UInt128)119);
            var residues = new Residues(prime);
            var (a, b) = ((BigInteger)random.Draw(residues, (UInt128)k, 1), (BigInteger)random.Draw(residues, (UInt128)k, 2));
            Assert.Equal(residues.Of(a * b), residues.Multiply(residues.Of(a), residues.Of(b)));
            Assert.Equal(residues.Of(a + b), residues.Add(residues.Of(a), residues.Of(b)));
            Assert.Equal(residues.Of(-a), residues.Negate(residues.Of(a)));
            Assert.Equal(residues.One, residues.Multiply(residues.Of(a), residues.Inverse(residues.Of(a))));
            Assert.Equal(residues.Of(BigInteger.One), residues.Multiply(residues.Of(new Rational(1, 3)), residues.Of(new BigInteger(3))));
            Assert.NotEqual(residues.IsNegative(residues.Of(a)), residues.IsNegative(residues.Of(-a)));
        }
    }

    [Fact]
    public void What_the_engine_finds_is_proved_and_what_it_does_not_is_refused()
    {
        int proved = 0, refused = 0;
        var wrong = new List<string>();
        for (var seed = 0; seed < Programs; seed++)
        {
            var model = RandomPrograms.Draw(seed);
            if (SmallestInvariantSet.Find(model, new RefinementOptions { Seed = (ulong)seed }).Partition is not { } partition) continue;
            var verdict = Verify(model, new Claim(partition.Codes, partition.FirstSteps), seed);
            if (verdict.IsProved) proved++;
            else wrong.Add($"seed {seed}: {verdict.Violation}\n{RandomPrograms.Print(model)}");
            foreach (var mutant in Mutants(partition, new Random(seed)))
            {
                refused++;
                if (mutant.Malformed() is null) Assert.False(Verify(model, mutant, seed).IsProved, $"seed {seed}\n{RandomPrograms.Print(model)}");
            }
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} of {wrong.Count + proved} not proved\n{string.Join("\n\n", wrong.Take(3))}");
        Assert.InRange(refused, 200, int.MaxValue);
    }

    static Tiebreak.Verification.Verdict Verify(Model model, Claim claim, int seed) => Verifier.Check(model, claim, new VerifierOptions { Key = BitConverter.GetBytes(seed) });

    // One change each: a parameter joins another class, leaves its class, turns its sign, stops, begins, or begins later.
    static IEnumerable<Claim> Mutants(Partition partition, Random random)
    {
        var places = partition.Codes.SelectMany((codes, tensor) => codes.Select((code, place) => (tensor, place, code))).ToArray();
        Claim With(int tensor, int place, int code, params int[] moreSteps) => Renumbered([.. partition.Codes.Select((codes, t) => codes.Select((old, k) => t == tensor && k == place ? code : old).ToArray())], [.. partition.FirstSteps, .. moreSteps]);
        var (first, other) = (places[random.Next(places.Length)], places[random.Next(places.Length)]);
        if (first.code != 0 && other.code != 0 && Math.Abs(first.code) != Math.Abs(other.code)) yield return With(first.tensor, first.place, other.code);
        if (first.code != 0) yield return With(first.tensor, first.place, 0);
        if (first.code == 0) yield return With(first.tensor, first.place, partition.Classes + 1, 1);
        if (places.Count(place => Math.Abs(place.code) == Math.Abs(first.code)) > 1 && first.code != 0) yield return With(first.tensor, first.place, -first.code);
        if (places.Count(place => Math.Abs(place.code) == Math.Abs(first.code)) > 1 && first.code != 0) yield return With(first.tensor, first.place, partition.Classes + 1, partition.FirstSteps[Math.Abs(first.code)]);
        if (partition.Classes > 0) yield return new Claim(partition.Codes, [.. partition.FirstSteps.Select((step, number) => number == 1 ? step + 1 : step)]);
    }

    internal static Claim Renumbered(int[][] codes, int[] steps)
    {
        var names = new Dictionary<int, int>();
        List<int> firstSteps = [0];
        foreach (var tensor in codes)
        {
            for (var k = 0; k < tensor.Length; k++)
            {
                if (tensor[k] == 0) continue;
                if (names.TryAdd(Math.Abs(tensor[k]), tensor[k] > 0 ? firstSteps.Count : -firstSteps.Count)) firstSteps.Add(steps[Math.Abs(tensor[k])]);
                tensor[k] = Math.Sign(tensor[k]) * names[Math.Abs(tensor[k])];
            }
        }

        return new Claim(codes, firstSteps);
    }
}
