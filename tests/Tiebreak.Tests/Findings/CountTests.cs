using CsCheck;
using Tiebreak.Findings;
using Xunit;

namespace Tiebreak.Tests.Findings;

public sealed class CountTests
{
    [Fact]
    public void A_constant_network_has_the_numbers_of_the_contract()
    {
        var result = HandMade.ConstantMlp().Check();
        Assert.Equal(new VerdictCounts(46, 10, 0, 44, 0, 1), result.Counts);
        var first = result.Tensors[0];
        Assert.Equal(("fc1.weight", 12L, 3, 0L, 12L, 0L, 1, 1), (first.Name, first.Parameters, first.Classes, first.Stuck, first.Lockstep, first.Mirrored, first.FirstStepMin, first.FirstStepMax));
        Assert.Equal([[0, 1, 2, 3]], result.Units[0].Groups);
    }

    [Fact]
    public void Empty_models_and_tensors_have_an_answer()
    {
        Assert.Equal(new VerdictCounts(0, 0, 0, 0, 0, 0), new HandMade().Check().Counts);
        var result = new HandMade().Dense("none", [0, 3]).Dense("narrow", [3, 0]).Bias("nothing").Other("one", [1, 1], 1).Other("scalar", [], 0).Check();
        Assert.Equal(new VerdictCounts(2, 1, 1, 0, 0, 1), result.Counts);
        Assert.Equal(["TB002"], result.Findings.Select(finding => finding.Rule));
    }

    [Fact]
    public void Slices_are_grouped_as_a_comparison_of_all_pairs_says() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 5], Gen.Int[1, 3], Gen.Int[0, 2], Gen.Int[0, 1000]).Sample((a, b, c, axis, seed) =>
        {
            var random = new Random(seed);
            int[] shape = [a, b, c];
            var codes = Enumerable.Range(0, a * b * c).Select(_ => random.Next(-1, 2)).ToArray();
            var grouping = SliceGrouping.OfCodes(codes, shape, axis);
            for (var left = 0; left < shape[axis]; left++)
            {
                for (var right = left + 1; right < shape[axis]; right++)
                {
                    var (x, y) = (Slice(codes, shape, axis, left), Slice(codes, shape, axis, right));
                    var together = x.Any(code => code != 0) && (x.SequenceEqual(y) || x.SequenceEqual(y.Select(code => -code)));
                    Assert.Equal(together, grouping.GroupOf[left] >= 0 && grouping.GroupOf[left] == grouping.GroupOf[right]);
                }
            }

            foreach (var group in grouping.Groups)
            {
                var head = Slice(codes, shape, axis, group.Members[0]);
                for (var k = 0; k < group.Members.Length; k++)
                    Assert.Equal(head.Select(code => group.Negated[k] ? -code : code), Slice(codes, shape, axis, group.Members[k]));
                Assert.Equal(head.Contains(0), group.HasStuck);
            }
        });

    static int[] Slice(int[] codes, int[] shape, int axis, int place)
    {
        var strides = new[] { shape[1] * shape[2], shape[2], 1 };
        return [.. codes.Where((_, index) => index / strides[axis] % shape[axis] == place)];
    }

    [Fact]
    public void Counts_agree_with_counting_one_by_one() =>
        Gen.Int[-3, 3].Array[1, 12].Select(Gen.Int[-3, 3].Array[1, 12]).Sample((left, right) =>
        {
            var result = new HandMade().Other("a", [left.Length], left).Other("b", [right.Length], right).Check([0, 1, 2, 3]);
            int[] all = [.. left, .. right];
            Assert.Equal(all.Count(code => code == 0), result.Counts!.Stuck);
            Assert.Equal(all.Count(code => code != 0 && all.Count(other => Math.Abs(other) == Math.Abs(code)) > 1), result.Counts.Lockstep);
            Assert.Equal(all.Count(code => code != 0 && all.Contains(-Math.Abs(code)) && all.Count(other => Math.Abs(other) == Math.Abs(code)) > 1), result.Counts.Mirrored);
            Assert.Equal(right.Where(code => code != 0).Select(Math.Abs).Distinct().Count(), result.Tensors[1].Classes);
            Assert.Equal(right.Select(Math.Abs).Max(), result.Tensors[1].FirstStepMax);
        });
}
