using CsCheck;
using Tiebreak.Formats;
using Tiebreak.Refinement;
using Xunit;

namespace Tiebreak.Tests.Judge;

/// <summary>How another answer about a model relates to the judge's.</summary>
enum Likeness
{
    Same,

    /// <summary>Training keeps together more than is proved: allowed, and rare.</summary>
    Looser,

    Contradiction,

    /// <summary>The judge says itself that section 3 does not decide this model.</summary>
    RestsOnKink,

    DividesByZero,
}

/// <summary>Samples models, and shows the one on which two answers differ.</summary>
static class Agreement
{
    const int FewWhateverTheCount = 2, RareShare = 20;

    public static readonly int More = int.TryParse(Environment.GetEnvironmentVariable("TIEBREAK_MORE"), out var more) ? Math.Max(1, more) : 1;

    /// <summary>Contradictions fail at once; looser answers fail unless they are rare. Models that divide by zero are dropped.</summary>
    public static void Sample(Gen<Model> models, int count, Func<Model, (Likeness Likeness, Partition? Other)> compare)
    {
        var counts = new Dictionary<Likeness, int>();
        var looser = new List<string>();
        models.Sample(model =>
        {
            Likeness likeness;
            Partition? other = null;
            try
            {
                (likeness, other) = compare(model);
            }
            catch (DivisionByExactZeroException)
            {
                likeness = Likeness.DividesByZero;
            }

            counts[likeness] = counts.GetValueOrDefault(likeness) + 1;
            if (likeness == Likeness.Looser) looser.Add(RandomModels.Show(model) + Show(model, other!));
            if (likeness == Likeness.Contradiction) throw new InvalidOperationException(Show(model, other!));
        }, iter: (long)count * More, threads: 1, print: RandomModels.Show);
        var summary = string.Join(", ", counts.Select(pair => $"{pair.Value} {pair.Key}"));
        TestContext.Current.TestOutputHelper?.WriteLine(summary + string.Concat(looser));
        Assert.True(looser.Count <= FewWhateverTheCount + counts.GetValueOrDefault(Likeness.Same) / RareShare, summary + string.Concat(looser));
        Assert.True(counts.GetValueOrDefault(Likeness.Same) * 2 > count * More, summary); // else the generator makes nothing worth a look
    }

    static string Show(Model model, Partition other) => $"\njudge: {ScalarJudge.Judge(model).Partition.Show()}\nother: {other.Show()}\n";
}
