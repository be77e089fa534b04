using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Refinement;
using Xunit;

namespace Tiebreak.Tests.Judge;

/// <summary>The engine against the slow judge: classes, signs, stuck parameters and first steps must be the same on every program.</summary>
public sealed class EngineAgreesWithJudgeTests
{
    const int Programs = 600;

    static readonly int More = int.TryParse(Environment.GetEnvironmentVariable("TIEBREAK_MORE"), out var more) ? Math.Max(1, more) : 1;

    [Fact]
    public void On_random_programs()
    {
        int judged = 0, tied = 0, stuck = 0, mirrored = 0, late = 0;
        for (var seed = 0; seed < Programs * More; seed++)
        {
            var model = RandomPrograms.Draw(seed);
            Partition expected;
            try
            {
                expected = ScalarJudge.Judge(model, seed);
            }
            catch (DivideByZeroException)
            {
                continue; // a singular program; the engine reports those in a test of its own
            }

            var actual = SmallestInvariantSet.Find(model, new RefinementOptions { Seed = (ulong)seed }).Partition;
            if (actual is null) continue; // singular in a part of the gradient that forward mode does not visit
            Assert.True(expected.SameAs(actual), $"seed {seed}\n{RandomPrograms.Print(model)}\njudge  {Text(expected)}\nengine {Text(actual)}");
            judged++;
            if (actual.Classes > 0 && actual.Classes + actual.Stuck < actual.Codes.Sum(codes => codes.Length)) tied++;
            if (actual.Stuck > 0) stuck++;
            if (actual.Codes.Any(codes => codes.Any(code => code < 0))) mirrored++;
            if (actual.FirstSteps.Any(step => step > 1)) late++;
        }

        // The programs must be worth judging.
        Assert.True(judged > Programs * 3 / 4, $"only {judged} judged");
        Assert.True(tied > judged / 8 && stuck > judged / 10 && mirrored > judged / 50 && late > judged / 50, $"judged {judged}: tied {tied}, stuck {stuck}, mirrored {mirrored}, late {late}");
    }

    static string Text(Partition partition) =>
        string.Join(" | ", partition.Codes.Select(codes => string.Join(',', codes))) + " steps " + string.Join(',', partition.FirstSteps.Skip(1));
}
