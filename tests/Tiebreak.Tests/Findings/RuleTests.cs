using Tiebreak.Findings;
using Tiebreak.Formats;
using Tiebreak.Refinement;
using Xunit;

namespace Tiebreak.Tests.Findings;

public sealed class RuleTests
{
    static Finding Only(CheckResult result, string rule)
    {
        Assert.Equal([rule], result.Findings.Select(finding => finding.Rule));
        Assert.Equal(RuleCatalogue.Find(rule).Name, result.Findings[0].Name);
        return result.Findings[0];
    }

    [Fact]
    public void A_parameter_that_meets_itself_is_no_bias()
    {
        using var folder = new Tiebreak.Tests.House.TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), "param a[3] = [1,2,4]\ndata x[3], y\nloss (y - a[0]*x[0]*0 - x @ (a - a))**2");
        Assert.DoesNotContain(Check.Model(folder.File("model.tb")).Findings, finding => finding.Rule == "TB004");
    }

    [Fact]
    public void Nothing_in_lockstep_raises_nothing() =>
        Assert.Empty(new HandMade().Dense("w", [2, 3], 1, 2, 3, 4, 5, 6).Bias("b", 7, 8).Check().Findings);

    [Fact]
    public void The_units_of_a_layer_are_one_finding_in_weight_bias_and_next_layer()
    {
        var finding = Only(
            new HandMade().Dense("fc1.weight", [3, 2], 1, 2, 1, 2, 3, 4).Bias("fc1.bias", 5, 5, 6).Dense("fc2.weight", [2, 3], 7, 7, 8, 9, 9, 10).Check(), "TB001");
        Assert.Equal(Level.Error, finding.Level);
        Assert.Equal("fc1.weight", finding.Tensor);
        Assert.Equal(0, finding.Axis);
        Assert.Equal([0, 1], finding.Indices);
        Assert.Equal(["fc1.weight", "fc1.bias", "fc2.weight"], finding.Tensors);
        Assert.Equal("units 0, 1 of `fc1.weight` stay equal for ever, and so do the same places of `fc1.bias` and `fc2.weight`", finding.Message);
    }

    [Fact]
    public void Several_groups_of_units_are_one_finding()
    {
        var finding = Only(new HandMade().Dense("w", [4, 2], 1, 2, 3, 4, 3, 4, 1, 2).Bias("b", 5, 6, 6, 5).Dense("v", [1, 4], 7, 8, 8, 7).Check(), "TB001");
        Assert.Equal("units {0, 3} and {1, 2} of `w` stay equal for ever, and so do the same places of `b` and `v`", finding.Message);
        Assert.Equal([0, 3], finding.Indices);
    }

    [Fact]
    public void Each_bias_joins_the_layer_named_like_it()
    {
        var result = new HandMade()
            .Dense("a.weight", [2, 2], 1, 2, 1, 2).Dense("b.weight", [2, 3], 3, 4, 5, 3, 4, 5).Bias("a.bias", 6, 6).Bias("b.bias", 7, 7).Check();
        Assert.Equal([["b.weight", "b.bias"], ["a.weight", "a.bias"]], result.Findings.Select(finding => finding.Tensors));
    }

    [Fact]
    public void Many_layers_whose_units_are_all_alike_are_one_finding()
    {
        var model = new HandMade();
        for (var layer = 0; layer < 6; layer++) model.Dense($"layer{layer}", [2, 2], 2 * layer + 1, 2 * layer + 2, 2 * layer + 1, 2 * layer + 2);
        var finding = Only(model.Check(), "TB001");
        Assert.Equal(6, finding.Tensors.Count);
        Assert.StartsWith("in each of 6 tensors, all their units stay equal for ever: `layer0` (2), ", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_symmetric_matrix_is_told_by_its_elements()
    {
        var finding = Only(new HandMade().Other("W", [3, 3], 1, 2, 3, 2, 4, 5, 3, 5, 6).Check(), "TB001");
        Assert.Equal("`W[0,1]` and `W[1,0]`; `W[0,2]` and `W[2,0]`; `W[1,2]` and `W[2,1]` stay equal for ever", finding.Message);
        Assert.Null(finding.Axis);
    }

    [Fact]
    public void Two_scalars_are_told_by_their_names() =>
        Assert.Equal("`a` and `b` stay equal for ever", Only(new HandMade().Other("a", [], 1).Other("b", [], 1).Check(), "TB001").Message);

    [Fact]
    public void Crossed_pairs_of_two_tensors_are_one_finding()
    {
        var finding = Only(new HandMade().Other("a", [5], 1, 2, 3, 4, 5).Other("b", [5], 5, 4, 3, 2, 1).Check(), "TB001");
        Assert.Equal("`a[4]` and `b[0]`; `a[3]` and `b[1]`; `a[2]` and `b[2]` stay equal for ever, and 2 more such pairs", finding.Message);
        Assert.Equal(["a", "b"], finding.Tensors);
    }

    [Fact]
    public void Slices_that_are_partly_stuck_are_equal_where_they_move()
    {
        var result = new HandMade().Dense("w", [2, 2], 1, 0, 1, 0).Check();
        Assert.Equal("units 0, 1 of `w` stay equal for ever wherever they move", result.Findings[0].Message);
    }

    [Fact]
    public void Equal_columns_that_no_layer_makes_are_inputs() =>
        Assert.Equal("inputs 0, 1 of `w` stay equal for ever", Only(new HandMade().Dense("w", [2, 3], 1, 1, 2, 3, 3, 4).Check(), "TB001").Message);

    [Fact]
    public void Equal_heads_are_blocks_of_rows()
    {
        var result = new HandMade().Dense("q", [4, 2], 1, 2, 3, 4, 1, 2, 3, 4).Check();
        Assert.Equal("blocks 0, 1 of 2 units each (heads, where this is attention) of `q` stay equal for ever", Only(result, "TB001").Message);
        var heads = Assert.Single(result.Units, unit => unit.Kind == "head");
        Assert.Equal([[0, 1]], heads.Groups);
        Assert.Equal(2, heads.SlicesPerUnit);
    }

    [Fact]
    public void Equal_heads_of_queries_keys_and_values_are_one_finding()
    {
        var finding = Only(new HandMade().Dense("q", [4, 1], 1, 2, 1, 2).Dense("k", [4, 1], 3, 4, 3, 4).Dense("v", [4, 1], 5, 6, 5, 6).Dense("o", [1, 4], 7, 8, 7, 8).Check(), "TB001");
        Assert.StartsWith("in each of 3 tensors, blocks 0, 1 of 2 units each (heads, where this is attention) stay equal for ever: `q` (4)", finding.Message, StringComparison.Ordinal);
        Assert.Equal(["q", "k", "v", "o"], finding.Tensors);
    }

    [Fact]
    public void A_stuck_tensor_is_reported_with_its_zeros()
    {
        var finding = Only(new HandMade().Other("A", [2, 2], 0, 0, 0, 0).Starting(0).Other("B", [2], 0, 0).Starting(0).Bias("c", 1, 2).Check(), "TB002");
        Assert.Equal("6 parameters of `A` (all 4) and `B` (all 2) never move", finding.Message);
        Assert.Equal("zero", finding.StuckBy);
        Assert.Contains("`A` and `B` start at zero", finding.Because, StringComparison.Ordinal);
        Assert.Contains("all but one of `A` and `B`", finding.Fix, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 0, 1, 2, 0, 3, 4)] // the first place of both kernels
    [InlineData(false, 0, 1, 2, 3, 0, 4)]
    public void Places_of_kernels_that_only_meet_padding_are_told_apart(bool expected, params int[] codes)
    {
        var finding = Only(new HandMade().Add("k", [2, 1, 3], ParameterRole.Convolution, [AxisMeaning.Output, AxisMeaning.Input, AxisMeaning.Window], codes).Check(), "TB002");
        Assert.Equal(expected, finding.Because.Contains("padding", StringComparison.Ordinal));
    }

    [Fact]
    public void Stuck_by_zero_and_by_cancellation_are_two_findings()
    {
        var result = new HandMade().Other("A", [2], 0, 1).Other("B", [2], 0, 2).Cancelling().Check();
        Assert.Equal([("TB002", "zero"), ("TB002", "cancellation")], result.Findings.Select(finding => (finding.Rule, finding.StuckBy)));
    }

    [Fact]
    public void What_no_output_depends_on_is_stuck_for_that_reason() =>
        Assert.Equal("nothing that the loss sees depends on them", Only(new HandMade().Other("head", [2], 0, 0).Unused().Bias("b", 1, 2).Check(), "TB002").Because);

    [Fact]
    public void Mirrored_units_are_told_apart_from_equal_ones()
    {
        var finding = Only(new HandMade().Dense("w", [3, 2], 1, 2, -1, -2, 3, 4).Bias("b", 5, -5, 6).Check(), "TB003");
        Assert.Equal("units 0, 1 of `w` stay each other's negative for ever, and so do the same places of `b`", finding.Message);
    }

    [Fact]
    public void Two_scalars_may_be_mirrored() =>
        Assert.Equal("`a` and `b` stay each other's negative for ever", Only(new HandMade().Other("a", [], 1).Other("b", [], -1).Check(), "TB003").Message);

    [Fact]
    public void Cancelled_biases_are_one_warning()
    {
        var finding = Only(new HandMade().Bias("k1.bias", 0, 0).Cancelling().Bias("k2.bias", 0, 0).Cancelling().Bias("c", 1, 2).Check(), "TB004");
        Assert.Equal(Level.Warning, finding.Level);
        Assert.Equal(["k1.bias", "k2.bias"], finding.Tensors);
        Assert.Equal("cancellation", finding.StuckBy);
    }

    [Fact]
    public void Copied_experts_are_one_finding_and_their_rows_none()
    {
        var finding = Only(
            new HandMade().Dense("expert0.up", [2, 2], 1, 2, 3, 4).Dense("expert0.down", [1, 2], 5, 6)
                .Dense("expert1.up", [2, 2], 1, 2, 3, 4).Dense("expert1.down", [1, 2], 5, 6).Check(), "TB007");
        Assert.Equal(["expert0.up", "expert0.down", "expert1.up", "expert1.down"], finding.Tensors);
        Assert.StartsWith("2 copies of 2 tensors (6 numbers each) stay equal for ever: `expert0.up` and `expert1.up`, and likewise those of `expert0.down`", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_tied_inside_copies_are_told_once()
    {
        var result = new HandMade().Dense("m0.w", [2, 2], 1, 2, 1, 2).Dense("m1.w", [2, 2], 1, 2, 1, 2).Check();
        Assert.Equal(["TB007", "TB001"], result.Findings.Select(finding => finding.Rule));
        Assert.Equal(["m0.w"], result.Findings[1].Tensors);
    }

    [Fact]
    public void A_late_start_is_a_note_for_each_step()
    {
        var result = new HandMade().Other("a", [2], 1, 2).Other("b", [2], 3, 4).Other("c", [2], 5, 6).Check([0, 1, 1, 2, 2, 3, 3]);
        Assert.Equal(["2 parameters of `b` (all 2) cannot move before step 2", "2 parameters of `c` (all 2) cannot move before step 3"], result.Findings.Select(finding => finding.Message));
        Assert.All(result.Findings, finding => Assert.Equal(("TB008", Level.Note), (finding.Rule, finding.Level)));
        Assert.Equal(3, result.Counts!.LastFirstStep);
    }

    [Fact]
    public void What_only_dropout_separates_is_a_warning()
    {
        var quiet = new HandMade().Dense("w", [2, 2], 1, 2, 1, 2).Bias("b", 3, 3).Partition();
        var model = new HandMade { Change = analysis => analysis with { WithoutNoise = quiet } }.Dense("w", [2, 2], 1, 2, 3, 4).Bias("b", 5, 6);
        var finding = Only(model.Check(), "TB009");
        Assert.Equal(Level.Warning, finding.Level);
        Assert.Equal("only dropout separates units 0, 1 of `w`, and units of `b`", finding.Message);
    }

    [Fact]
    public void Non_finite_parameters_leave_no_other_verdict()
    {
        var model = new HandMade { Change = analysis => analysis with { Partition = null, NonFinite = [new("w", "`w[0]` is NaN", "it is so in the file", "export it again")] } };
        var result = model.Other("w", [2], 0, 0).Check();
        Assert.Equal(Level.Error, Only(result, "TB011").Level);
        Assert.Null(result.Counts);
        Assert.Empty(result.Tensors);
    }

    [Fact]
    public void Equal_rows_that_are_free_are_a_note()
    {
        var finding = Only(new HandMade().Dense("w", [3, 2], 1, 2, 3, 4, 5, 6).Starting(7, 8, 7, 8, 0, 0).Check(), "TB012");
        Assert.Equal(Level.Note, finding.Level);
        Assert.Equal("equal now but free to separate, moving from step 1 on: units 0, 1 of `w`", finding.Message);
    }

    [Fact]
    public void A_zero_matrix_that_is_free_is_a_note() =>
        Assert.Contains("all 2 units of `w`", Only(new HandMade().Dense("w", [2, 2], 1, 2, 3, 4).Starting(0).Check(), "TB012").Message, StringComparison.Ordinal);

    [Fact]
    public void Cloned_layers_that_are_free_are_a_note() =>
        Assert.Contains(
            "`l0` and `l1` as wholes",
            Only(new HandMade().Dense("l0", [2, 2], 1, 2, 3, 4).Starting(1, 2, 3, 4).Dense("l1", [2, 2], 5, 6, 7, 8).Starting(1, 2, 3, 4).Check(), "TB012").Message,
            StringComparison.Ordinal);

    [Fact]
    public void What_another_convention_at_a_kink_undoes_is_a_warning()
    {
        var other = new HandMade().Dense("w", [2, 2], 1, 2, 3, 4).Partition();
        var finding = Only(new HandMade { Change = analysis => analysis with { AtOtherKinks = other } }.Dense("w", [2, 2], 1, 2, 1, 2).Check(), "TB001");
        Assert.True(finding.RestsOnKink);
        Assert.Equal("rests on a kink", finding.Certainty);
        Assert.Equal(Level.Warning, finding.Level);
    }

    [Fact]
    public void What_a_kink_elsewhere_changes_does_not_lower_a_finding()
    {
        var other = new HandMade().Dense("w", [2, 2], 1, 2, 1, 2).Other("a", [1], 3).Partition();
        var model = new HandMade { Change = analysis => analysis with { AtOtherKinks = other } }.Dense("w", [2, 2], 1, 2, 1, 2).Other("a", [1], 0);
        Assert.Equal([("TB001", false), ("TB002", true)], model.Check().Findings.Select(finding => (finding.Rule, finding.RestsOnKink)));
    }

    [Fact]
    public void Elementwise_constants_alone_are_at_most_a_warning()
    {
        var result = new HandMade().Other("mean", [2], 1, 1).With(parameter => parameter with { FromElementwiseConstant = true }).Check();
        Assert.Equal(Level.Warning, Only(result, "TB001").Level);
    }

    [Fact]
    public void Kinds_follow_roles()
    {
        var result = new HandMade()
            .Add("conv", [2, 2, 1], ParameterRole.Convolution, [AxisMeaning.Output, AxisMeaning.Input, AxisMeaning.Window], [1, 1, 1, 1]).Bias("conv.bias", 2, 2)
            .Add("table", [2, 2], ParameterRole.LookUp, [AxisMeaning.Row, AxisMeaning.Output], [3, 4, 3, 4]).Other("x", [2, 1], 5, 5).Other("v", [2], 6, 6).Check();
        Assert.Equal(["channel", "input", "channel", "row", "slice", "unit"], result.Units.Select(unit => unit.Kind));
    }

    [Fact]
    public void A_rule_is_found_by_code_or_name_and_a_misspelt_one_gets_a_suggestion()
    {
        Assert.Equal("TB001", RuleCatalogue.Find("tb001").Code);
        Assert.Equal("TB001", RuleCatalogue.Find("Lockstep-Units").Code);
        Assert.Equal("there is no rule `lockstep-unit`; did you mean `lockstep-units`?", Assert.Throws<TiebreakException>(() => RuleCatalogue.Find("lockstep-unit")).Message);
        Assert.Equal(RuleCatalogue.All.Select(rule => rule.Code).Order(), RuleCatalogue.All.Select(rule => rule.Code));
    }
}
