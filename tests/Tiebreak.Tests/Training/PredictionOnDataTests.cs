using System.Globalization;
using Tiebreak.Tests.House;
using Tiebreak.Tests.Judge;
using Tiebreak.Tests.Proofs;
using Tiebreak.Training;
using Xunit;

namespace Tiebreak.Tests.Training;

/// <summary>What is predicted for a table, real training in float64 on that table keeps: on random networks and tables with equal, opposite, constant and zero columns.</summary>
public sealed class PredictionOnDataTests
{
    const int Networks = 60;

    [Fact]
    public void Training_on_the_table_keeps_what_was_predicted_for_it()
    {
        using var folder = new TemporaryFolder();
        int tied = 0, silent = 0, looser = 0, networks = 0;
        var shown = new List<string>();
        for (var seed = 0; seed < Networks * Agreement.More; seed++)
        {
            var formula = new CaseLikeNetworks(seed).Formula();
            File.WriteAllText(folder.File("m.tb"), formula);
            WriteTable(folder.File("d.csv"), formula, seed);
            TrainingResult result;
            try
            {
                result = Trainer.Run(folder.File("m.tb"), new CheckOptions { Data = folder.File("d.csv") }, new TrainingOptions { Steps = 25, Rate = new(1, 256), Batch = 1, Seed = (ulong)seed });
            }
            catch (TiebreakException error) when (error.Message.Contains("no longer finite", StringComparison.Ordinal))
            {
                continue; // a loss without a floor: training runs away
            }

            var data = result.Prediction.Analysis.Data!;
            if (result.Prediction.Analysis.Partition!.Classes < data.Any.Partition!.Classes) tied++;
            if (result.Prediction.Analysis.Partition!.Stuck > data.Any.Partition!.Stuck) silent++;
            networks++;
            var size = Math.Max(1, result.Record.Steps.SelectMany(step => step.Values).DefaultIfEmpty(0).Max(Math.Abs));
            var seen = $"seed {seed}: spread {result.Record.LargestSpread}, stuck moved by {result.Record.StuckMovement}\n{formula}\n{File.ReadAllText(folder.File("d.csv"))}";
            // A normalisation of equal numbers stands on its tip: it multiplies rounding by 300 in every step, so only the first steps can be looked at.
            var steps = formula.Contains("rsqrt", StringComparison.Ordinal) ? result.Record.Steps.Take(2) : result.Record.Steps;
            Assert.True(steps.All(step => step.Spread <= 1e-9 * size && step.Stuck <= 1e-9 * size), seen);
            Assert.True(result.Record.Earlier.All(number => result.Record.Members(number) > 0 && result.Record.FirstMoved(number) > 0 && IsRounding(result, number)), $"moved too early\n{seen}");
            if (result.Record.Separations.Any(separation => separation.Value == 0)) looser++;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"of {networks} networks {tied} have ties by data, {silent} stuck parameters by data; in {looser} some class was not told apart in 25 steps");
        Assert.True(tied * 5 > networks && silent * 20 > networks, $"of {networks} networks {tied} have ties by data, {silent} stuck parameters by data");
    }

    // A class said to start late may be moved by rounding, by next to nothing.
    static bool IsRounding(TrainingResult result, int number) => result.Record.EarliestMovement(number) < 1e-12;

    static void WriteTable(string path, string formula, int seed)
    {
        var random = new Random(seed);
        var names = formula.Split('\n').Where(line => line.StartsWith("data ", StringComparison.Ordinal)).SelectMany(Leaves).ToArray();
        var rows = random.Next(1, 6);
        var kinds = names.Select(_ => random.Next(6)).ToArray();
        var lines = new List<string> { string.Join(',', names.Select(name => $"\"{name}\"")) };
        for (var row = 0; row < rows; row++)
        {
            var common = random.Next(-20, 21) / 8.0;
            lines.Add(string.Join(',', kinds.Select(kind => (kind switch { 0 or 1 => common, 2 => -common, 3 => 0.5, 4 => 0, _ => random.Next(-20, 21) / 8.0 }).ToString(CultureInfo.InvariantCulture))));
        }

        File.WriteAllLines(path, lines);
    }

    static IEnumerable<string> Leaves(string line)
    {
        foreach (var leaf in line["data ".Length..].Split(", "))
        {
            var bracket = leaf.IndexOf('[');
            if (bracket < 0)
            {
                yield return leaf;
                continue;
            }

            var sizes = leaf[(bracket + 1)..^1].Split(',').Select(int.Parse).ToArray();
            for (var k = 0; k < sizes.Aggregate(1, (product, size) => product * size); k++)
                yield return sizes.Length == 1 ? $"{leaf[..bracket]}[{k}]" : $"{leaf[..bracket]}[{k / sizes[1]},{k % sizes[1]}]";
        }
    }
}
