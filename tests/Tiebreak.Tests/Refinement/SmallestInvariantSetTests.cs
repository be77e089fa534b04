using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Xunit;

namespace Tiebreak.Tests.Refinement;

/// <summary>Small networks whose answer can be worked out by hand (theory §7).</summary>
public sealed class SmallestInvariantSetTests
{
    static readonly Rational Tenth = new(1, 10);

    [Fact]
    public void Constant_mlp_has_ten_degrees_of_freedom()
    {
        var partition = Find(Mlp(FunctionKind.Tanh, [3, 4, 4, 2], Tenth)).Partition!;
        Assert.Equal(10, partition.Classes);
        Assert.Equal(0, partition.Stuck);
        Assert.Equal([1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3], partition.Codes[0]);
        Assert.All(partition.FirstSteps.Skip(1), step => Assert.Equal(1, step));
    }

    [Fact]
    public void Zero_tanh_mlp_moves_only_its_output_bias()
    {
        var partition = Find(Mlp(FunctionKind.Tanh, [3, 4, 4, 2], Rational.Zero)).Partition!;
        Assert.Equal((2, 44), (partition.Classes, partition.Stuck));
    }

    [Fact]
    public void Zero_mlp_with_an_activation_that_lifts_zero_starts_layer_after_layer()
    {
        var partition = Find(Mlp(FunctionKind.Exp, [3, 4, 4, 2], Rational.Zero)).Partition!; // exp 0 is not 0, as sigmoid 0 is not
        Assert.Equal((10, 0), (partition.Classes, partition.Stuck));
        Assert.Equal([3, 2, 1], new[] { 0, 2, 4 }.Select(tensor => partition.FirstSteps[partition.Codes[tensor][0]]));
    }

    [Fact]
    public void A_linear_loss_from_zero_is_free_unless_its_data_are_equal()
    {
        Assert.Equal(2, Find(Linear("x1")).Partition!.Classes);
        Assert.Equal(1, Find(Linear("x0")).Partition!.Classes);

        static Model Linear(string second)
        {
            var b = new ProgramBuilder();
            Node a = b.Parameter("a", Shape.Scalar), c = b.Parameter("b", Shape.Scalar);
            b.Output("loss", b.Add(b.Multiply(a, b.Data("x0", Shape.Scalar)), b.Multiply(c, b.Data(second, Shape.Scalar))));
            return Model(b, ("a", Shape.Scalar, 0), ("b", Shape.Scalar, 0));
        }
    }

    [Fact]
    public void A_power_of_two_that_the_field_takes_for_one_is_told_apart()
    {
        // 2⁶¹ = 1 modulo 2⁶¹ − 1: the frozen factors 1 and 2⁻⁶¹ have one image there, and only a random prime sees the difference.
        var b = new ProgramBuilder();
        Node a = b.Parameter("a", Shape.Scalar), c = b.Parameter("b", Shape.Scalar);
        Node x = b.Data("x", Shape.Scalar);
        var small = b.Fill(Rational.FromDouble(Math.ScaleB(1, -61)), Shape.Scalar);
        b.Output("loss", b.Multiply(x, b.Add(a, b.Multiply(small, c))));
        Assert.Equal(2, Find(Model(b, ("a", Shape.Scalar, Tenth), ("b", Shape.Scalar, Tenth))).Partition!.Classes);
    }

    [Fact]
    public void Division_by_an_exact_zero_is_reported_not_swallowed()
    {
        var b = new ProgramBuilder { Origin = "line 3" };
        Node a = b.Parameter("a", Shape.Scalar);
        b.Output("loss", b.Divide(b.Data("x", Shape.Scalar), a));
        var result = Find(Model(b, ("a", Shape.Scalar, 0)));
        Assert.Null(result.Partition);
        Assert.Equal(["line 3"], result.SingularOrigins);
    }

    [Fact]
    public void What_a_kink_at_the_start_separates_stays_apart()
    {
        // At g = 0 the two gates disagree, so p moves at step 1 and q does not; ever after both gates look the same. Training has separated them by then.
        var b = new ProgramBuilder();
        Node p = b.Parameter("p", Shape.Scalar), q = b.Parameter("q", Shape.Scalar), g = b.Parameter("g", Shape.Scalar), x = b.Data("x", Shape.Scalar);
        Node Gated(Node factor, double atZero) => b.Multiply(b.Multiply(x, factor), b.Apply(new ScalarFunction(FunctionKind.Step, atZero), g));
        b.Output("loss", b.Add(b.Add(Gated(p, 1), Gated(q, 0)), b.Multiply(b.Data("z", Shape.Scalar), g)));
        var result = Find(Model(b, ("p", Shape.Scalar, 0), ("q", Shape.Scalar, 0), ("g", Shape.Scalar, 0)));
        Assert.Equal(3, result.Partition!.Classes);
        Assert.True(result.MetKinks);
    }

    [Theory]
    [InlineData("oi", "ni")] // the weight's first axis is kept forward and summed over backward
    [InlineData("io", "ni")] // and the other way round
    public void A_weight_that_is_read_in_stretches_gives_the_same_answer(string weight, string input)
    {
        const int Inputs = 3000, Hidden = 2000;
        var b = new ProgramBuilder();
        var shape = weight == "oi" ? new Shape(Hidden, Inputs) : new Shape(Inputs, Hidden);
        Node first = b.Parameter("first", new Shape(Inputs)), w = b.Parameter("w", shape), last = b.Parameter("last", new Shape(1, Hidden));
        var x = b.Multiply(b.Data("x", new Shape(3, Inputs)), b.BroadcastTo(first, new Shape(3, Inputs)));
        var h = b.Apply(FunctionKind.Tanh, b.Contract(input, weight, "no", x, w));
        b.Output("y", b.Contract("no", "uo", "nu", h, last));
        var model = Model(b, ("first", first.Shape, Tenth), ("w", shape, Tenth), ("last", last.Shape, Tenth)) with { OutputIsLoss = false };
        Assert.Equal(Inputs + Inputs + 1, Find(model).Partition!.Classes);
    }

    [Fact]
    public void A_late_first_step_behind_a_large_tensor_is_the_true_one()
    {
        // Pairs come apart one after the other, the fourth is two rows of a tensor that rounds pass over while it stays as it is; the last one frees what it held.
        const int Links = 6, Large = 3;
        var pair = new Shape(2);
        var b = new ProgramBuilder();
        var parameters = new List<(string, Shape, Rational)>();
        Node Sum(Node vector) => b.ReduceSum(vector, 0);
        Node? before = null, loss = null;
        for (var link = 0; link < Links; link++)
        {
            var shape = link == Large ? new Shape(2, 600_000) : pair;
            parameters.Add(($"v{link}", shape, Tenth));
            var v = b.Parameter($"v{link}", shape);
            if (link == Large) v = b.ReduceSum(v, 1);
            var term = b.Multiply(v, before is null ? b.Data("x", pair) : b.Multiply(before, b.BroadcastTo(b.Data($"x{link}", Shape.Scalar), pair)));
            loss = loss is null ? Sum(term) : b.Add(loss, Sum(term));
            before = v;
        }

        parameters.Add(("held", Shape.Scalar, Rational.Zero));
        var difference = Sum(b.Multiply(before!, b.Constant(new RationalTensor([Rational.One, -Rational.One]), pair)));
        b.Output("loss", b.Add(loss!, b.Multiply(b.Multiply(b.Data("z", Shape.Scalar), b.Parameter("held", Shape.Scalar)), difference)));
        var partition = Find(Model(b, [.. parameters])).Partition!;
        Assert.Equal((2 * Links + 1, 0), (partition.Classes, partition.Stuck));
        Assert.Equal(Links + 1, partition.FirstSteps[partition.Codes[Links][0]]);
    }

    [Fact]
    public void One_thread_and_two_give_the_same_answer()
    {
        var model = Mlp(FunctionKind.Tanh, [3, 4, 4, 2], Tenth);
        var one = SmallestInvariantSet.Find(model, new RefinementOptions { Threads = 1 });
        var two = SmallestInvariantSet.Find(model, new RefinementOptions { Threads = 2, Seed = 5 });
        Assert.True(one.Partition!.SameAs(two.Partition!));
    }

    static RefinementResult Find(Model model)
    {
        var result = SmallestInvariantSet.Find(model, new RefinementOptions());
        Assert.InRange(result.ErrorBound, 0, 1e-18);
        return result;
    }

    static Model Mlp(FunctionKind activation, int[] widths, Rational weight)
    {
        var b = new ProgramBuilder();
        var parameters = new List<(string, Shape, Rational)>();
        var h = b.Data("x", new Shape(2, widths[0]));
        for (var layer = 1; layer < widths.Length; layer++)
        {
            var shape = new Shape(widths[layer], widths[layer - 1]);
            parameters.Add(($"fc{layer}.weight", shape, weight));
            parameters.Add(($"fc{layer}.bias", new Shape(widths[layer]), Rational.Zero));
            h = b.Contract("ni", "oi", "no", h, b.Parameter($"fc{layer}.weight", shape));
            h = b.Add(h, b.BroadcastTo(b.Parameter($"fc{layer}.bias", new Shape(widths[layer])), h.Shape));
            if (layer < widths.Length - 1) h = b.Apply(activation, h);
        }

        b.Output("y", h);
        return Model(b, [.. parameters]) with { OutputIsLoss = false };
    }

    static Model Model(ProgramBuilder builder, params (string Name, Shape Shape, Rational Value)[] parameters) => new()
    {
        Program = builder.Build(),
        Parameters = [.. parameters.Select(p => new ParameterTensor(p.Name, p.Shape, new UniformTensor(p.Shape.Count, p.Value)))],
        OutputIsLoss = true,
    };
}
