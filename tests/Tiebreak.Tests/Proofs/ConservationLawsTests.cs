using Tiebreak.Findings;
using Tiebreak.Formats;
using Tiebreak.Proofs;
using Tiebreak.Refinement;
using Tiebreak.Tests.Formats.Formulas;
using Xunit;

namespace Tiebreak.Tests.Proofs;

/// <summary>Linear laws that no pattern shows (theory §8).</summary>
public sealed class ConservationLawsTests
{
    const string StuckByALaw = "param a = 0\nparam b = 0\nparam c = 0\ndata x, y\nloss a*x + 2*b*x + c*(b - 2*a)*y";

    [Fact]
    public void A_law_holds_what_no_pattern_does()
    {
        var (laws, partition) = Find(Formula.Lower(StuckByALaw));
        Assert.Equal(3, partition.Classes);
        Assert.Equal(1, laws.Dimension); // a and b move in proportion, c never
        Assert.Equal([0, 1, 2, 0], laws.Codes);
    }

    [Fact]
    public void What_a_law_holds_is_a_note_and_decided()
    {
        var result = Checked(StuckByALaw);
        Assert.Equal(0, result.Witness!.Undecided);
        Assert.Equal([3], result.Witness.HeldByLaw);
        Assert.Equal([1, 2], result.Witness.Splits.Select(split => split.Class));
        var finding = Assert.Single(result.Findings, finding => finding.Rule == "TB002");
        Assert.Equal(("law", Level.Note, "c"), (finding.StuckBy, finding.Level, finding.Tensor));
        Assert.Equal("1 parameter of `c` (its only number) never moves", finding.Message);
    }

    [Fact]
    public void Biases_of_a_softmax_keep_their_sum_and_nothing_is_stuck()
    {
        var (laws, partition) = Find(Formula.Lower("param W[3,2] = 0\nparam b[3] = 0\ndata x[2], target[3]\nloss -sum(target * log_softmax(W @ x + b))"));
        Assert.Equal((9, 3), (partition.Classes, laws.Laws)); // the biases, and the weights of each input
        Assert.Equal(9, laws.Codes.Skip(1).Select(Math.Abs).Distinct().Count());
        Assert.DoesNotContain(0, laws.Codes.Skip(1));
    }

    [Fact]
    public void Two_factors_keep_the_difference_of_their_squares_which_is_not_linear() =>
        Assert.Equal(0, Find(Formula.Lower("param a = 1\nparam b = 2\ndata x\nloss a*b*x")).Laws.Laws);

    [Fact]
    public void A_law_may_hold_classes_together()
    {
        // e never moves, as b − 2a is 0 for ever; and only e could tell c from d.
        var result = Checked("param a = 0\nparam b = 0\nparam c = 0\nparam d = 0\nparam e = 0\ndata x, y, z, v\nloss a*x + 2*b*x + e*(b - 2*a)*z + (c + d)*y + e*e*c*v");
        Assert.Equal(0, result.Witness!.Undecided);
        Assert.Equal([3, 4], result.Witness.TiedByLaw);
        Assert.Equal([5], result.Witness.HeldByLaw);
        Assert.Contains(result.Analysis.Model.Notes, note => note.Contains("keeps together", StringComparison.Ordinal));
    }

    [Fact]
    public void Too_many_classes_are_refused()
    {
        var model = Formula.Lower($"param w[{ConservationLaws.MostClasses + 1}] = 0\ndata x[{ConservationLaws.MostClasses + 1}]\nloss sum(w * x)");
        Assert.Null(ConservationLaws.Find(model, SmallestInvariantSet.Find(model, new RefinementOptions()).Partition!, new RefinementOptions()));
    }

    static (ConservationLaws Laws, Partition Partition) Find(Model model)
    {
        var partition = SmallestInvariantSet.Find(model, new RefinementOptions()).Partition!;
        return (ConservationLaws.Find(model, partition, new RefinementOptions())!, partition);
    }

    static CheckResult Checked(string formula)
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var path = Path.Combine(folder.FullName, "f.tb");
            File.WriteAllText(path, formula);
            return Check.Model(path, new CheckOptions { Witness = true });
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
