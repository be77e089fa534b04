using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Proofs;
using Tiebreak.Refinement;
using Tiebreak.Repairs;
using Tiebreak.Tests.Formats.Formulas;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Repairs;

/// <summary>What methods make of models in memory: how few tensors they touch, and what that leaves.</summary>
public sealed class RepairMethodTests
{
    [Theory]
    [InlineData("one of two zero factors", "param a = 0\nparam b = 0\ndata x, y\nloss (y - a*b*x)**2", "a", true)]
    [InlineData("one of two zero matrices", "param A[2,3] = 0\nparam B[2,2] = 0\ndata x[3], y[2]\nloss sum((y - B @ (A @ x))**2)", "A", true)]
    [InlineData("two of three zero factors", "param a = 0\nparam b = 0\nparam c = 0\ndata x, y\nloss (y - a*b*c*x)**2", "a,b", true)]
    [InlineData("one layer of two that are constant", "param W[4,3] = 0.1\nparam v[4] = 0.1\ndata x[3], y\nloss (y - v @ tanh(W @ x))**2", "W", false)]
    [InlineData("the middle layer of three", "param W[4,3] = 0.1\nparam V[4,4] = 0.1\nparam u[4] = 0.1\ndata x[3], y\nloss (y - u @ tanh(V @ tanh(W @ x)))**2", "V", false)]
    [InlineData("one copy of two", "param A[2,2] = uniform(-1, 1, seed=1)\nparam a[2] = uniform(-1, 1, seed=2)\nparam B[2,2] = uniform(-1, 1, seed=1)\nparam b[2] = uniform(-1, 1, seed=2)\ndata x[2], y\nloss (y - a @ tanh(A @ x) - b @ tanh(B @ x))**2", "A", false)]
    [InlineData("weights rather than biases", "param W[3,2] = 0.1\nparam b[3] = 0.1\nparam v[3] = 0.1\ndata x[2], y\nloss (y - v @ tanh(W @ x + b))**2", "W", false)]
    public void As_few_tensors_as_will_do_are_touched(string what, string formula, string tensors, bool keepsFunction)
    {
        Assert.NotEmpty(what);
        var (before, after) = Apply(Formula.Lower(formula), RepairMethod.Reinit);
        Assert.Equal(tensors, string.Join(',', after.Repairs.Select(repair => repair.Tensor)));
        Assert.Equal((0, after.Partition.Codes.Sum(codes => codes.Length)), (after.Partition.Stuck, after.Partition.Classes));
        Assert.Equal(keepsFunction, FunctionChange.IsEqual(before.Model, after.Model, new RefinementOptions()));
    }

    [Fact]
    public void What_no_start_value_cures_is_left_alone()
    {
        // A product with a constant zero, and a pair of terms that always meet the same data.
        var (_, after) = Apply(Formula.Lower("param a = 0\nparam b = 0.5\nconst z = 0\ndata x, y\nloss (y - a*z*x - b*x)**2"), RepairMethod.Reinit);
        Assert.Empty(after.Repairs);
        Assert.Equal(1, after.Partition.Stuck);
    }

    [Fact]
    public void What_nothing_depends_on_is_not_drawn()
    {
        var (_, after) = Apply(Formula.Lower("param W[4,3] = 0.1\nparam v[4] = 0.1\nparam spare[2] = 0.1\ndata x[3], y\nloss (y - v @ tanh(W @ x))**2"), RepairMethod.Reinit);
        Assert.Equal("W", Assert.Single(after.Repairs).Tensor);
        Assert.Equal(2, after.Partition.Stuck);
    }

    [Theory]
    [InlineData(RepairMethod.Reinit)]
    [InlineData(RepairMethod.Noise)]
    public void Random_networks_get_all_the_freedom_that_fresh_values_give_and_no_tensor_is_touched_in_vain(RepairMethod method)
    {
        var touched = 0;
        Agreement.Sample(RandomModels.Networks, 60, model =>
        {
            if (Refined(model) is not { } partition) return (Likeness.DividesByZero, null);
            var setting = Setting(method);
            var state = new RepairState(model, partition);
            var result = RepairMethods.Of(method).Aggregate(state, (now, step) => step.Apply(now, setting));
            touched += result.Repairs.Count;
            if (Refined(result.Model) is not { } left || !left.SameAs(result.Partition)) return (Likeness.Contradiction, result.Partition);
            if (method == RepairMethod.Noise) return (left.Classes >= partition.Classes ? Likeness.Same : Likeness.Contradiction, left);

            // All of what was tied or stuck drawn anew by other means gives no more.
            var drawn = Reinitialisation.Bound(model, partition).ToDictionary(tensor => tensor, tensor => (ExactTensor)new DoubleTensor([.. Enumerable.Range(0, (int)model.Parameters[tensor].Shape.Count).Select(k => Math.Sin(k + 100 * tensor + 1))]));
            if (Refined(RepairState.With(model, drawn)) is { } all && all.Classes > left.Classes) return (Likeness.Contradiction, all);
            var last = result.Repairs.Where(repair => repair.How == "reinit").Select(repair => repair.Tensor).ToArray();
            foreach (var name in last.Length > 1 ? last : [])
            {
                var number = model.Parameters.Select(parameter => parameter.Name).ToList().IndexOf(name);
                var without = RepairState.With(result.Model, new Dictionary<int, ExactTensor> { [number] = model.Parameters[number].Start });
                if (Refined(without) is { } fewer && fewer.Classes >= left.Classes && fewer.Stuck <= left.Stuck) return (Likeness.Contradiction, fewer);
            }

            return (Likeness.Same, left);
        });
        Assert.True(touched > 5);
    }

    [Fact]
    public void Noise_is_small_and_on_all_copies_but_the_first()
    {
        var (before, after) = Apply(Formula.Lower("param W[4,3] = 0.5\nparam v[4] = [1, 1, 1, 1]\ndata x[3], y\nloss (y - v @ tanh(W @ x))**2"), RepairMethod.Noise);
        var repair = Assert.Single(after.Repairs);
        Assert.Equal(("W", "noise", 9L, 12L), (repair.Tensor, repair.How, repair.Changed, repair.Parameters));
        Assert.Equal(16, after.Partition.Classes);
        var (one, other) = (new double[12], new double[12]);
        before.Model.Parameters[0].Start.ReadNearest(0, one);
        after.Model.Parameters[0].Start.ReadNearest(0, other);
        Assert.Equal(one[..3], other[..3]);
        Assert.All(one.Zip(other).Skip(3), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 1e-6, 5 * 0.01 * 0.5));
    }

    static (RepairState Before, RepairState After) Apply(Model model, RepairMethod method)
    {
        var state = new RepairState(model, Refined(model)!);
        return (state, RepairMethods.Of(method).Aggregate(state, (now, step) => step.Apply(now, Setting(method, null))));
    }

    static Partition? Refined(Model model) => SmallestInvariantSet.Find(model, new RefinementOptions()).Partition;

    static RepairSetting Setting(RepairMethod method, FloatFormat? format = FloatFormat.Float32) => new(new FixOptions { Method = method }, new RefinementOptions(), _ => format);
}
