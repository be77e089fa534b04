using Xunit;

namespace Tiebreak.Tests.Formats.Families;

/// <summary>Mixtures of experts: copies of an expert, and what a loss of the router sees.</summary>
public sealed class ExpertPartitionTests
{
    static readonly DecoderToy Mixtral = new("mixtral") { ExpertCount = 4, NormalisesShares = true, More = ",\"num_local_experts\":4,\"num_experts_per_tok\":2" };
    static readonly DecoderToy Qwen2 = new("qwen2_moe") { HasBiases = true, ExpertCount = 4, HasSharedExpert = true, More = ",\"num_experts\":4,\"num_experts_per_tok\":2,\"moe_intermediate_size\":3,\"shared_expert_intermediate_size\":6" };
    static readonly DecoderToy Qwen3 = new("qwen3_moe") { NormalisesHeads = true, ExpertCount = 4, More = ",\"num_experts\":4,\"num_experts_per_tok\":2,\"moe_intermediate_size\":3" };

    static void CopyExpert(ToyCheckpoint toy, int layer, int from, int to, bool withRouter)
    {
        foreach (var name in new[] { "w1", "w2", "w3" })
            toy[$"model.layers.{layer}.block_sparse_moe.experts.{from}.{name}.weight"].CopyTo(toy[$"model.layers.{layer}.block_sparse_moe.experts.{to}.{name}.weight"], 0);
        if (withRouter) toy.Copy($"model.layers.{layer}.block_sparse_moe.gate.weight", 0, from, to);
    }

    [Fact]
    public void Mixtures_are_free()
    {
        foreach (var toy in new[] { Mixtral, Qwen2, Qwen3 })
        {
            using var checkpoint = toy.Checkpoint().Save(toy.Config);
            var outcome = new FamilyOutcome(checkpoint.Path);
            Assert.Equal((toy.Type, 0, 0), (toy.Type, outcome.Stuck.Count(), outcome.Tied.Count()));
        }
    }

    [Fact]
    public void A_copy_of_an_expert_with_its_row_of_the_router_is_found_but_comes_apart_where_only_one_of_the_two_is_taken()
    {
        using var toy = Mixtral.Checkpoint();
        CopyExpert(toy, 0, 1, 3, withRouter: true);
        toy.Save(Mixtral.Config);
        var outcome = new FamilyOutcome(toy.Path);
        outcome.OnlyStuck();
        outcome.OnlyTied();
        var finding = Assert.Single(outcome.Result.Findings);
        Assert.Equal("TB012", finding.Rule);
        foreach (var name in new[] { "units 1, 3 of `model.layers.0.block_sparse_moe.gate.weight`", "`model.layers.0.block_sparse_moe.experts.1.w1.weight`", "`model.layers.0.block_sparse_moe.experts.3.w2.weight`" })
            Assert.Contains(name, finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_copy_of_an_expert_with_its_row_of_the_router_stays_a_copy_where_all_are_taken()
    {
        using var toy = Mixtral.Checkpoint();
        CopyExpert(toy, 0, 1, 3, withRouter: true);
        toy.Save(Mixtral.Config.Replace("\"num_experts_per_tok\":2", "\"num_experts_per_tok\":4", StringComparison.Ordinal));
        var outcome = new FamilyOutcome(toy.Path);
        outcome.OnlyStuck();
        // Three matrices of 8 · 5 and a row of 8, each number with its copy.
        Assert.Equal(3 * 40 + 8, outcome.Tied.Count());
        Assert.All(outcome.Tied, set => Assert.Matches(@"^model\.layers\.0\.block_sparse_moe\.(experts\.1\.(?<w>w\d\.weight\[\d+\]) model\.layers\.0\.block_sparse_moe\.experts\.3\.\k<w>|gate\.weight\[(8|9|1[0-5])\] model\.layers\.0\.block_sparse_moe\.gate\.weight\[(2[4-9]|3[01])\])$", set));
    }

    [Fact]
    public void A_copy_of_an_expert_with_another_row_of_the_router_comes_apart()
    {
        using var toy = Mixtral.Checkpoint();
        CopyExpert(toy, 0, 1, 3, withRouter: false);
        toy.Save(Mixtral.Config);
        var outcome = new FamilyOutcome(toy.Path);
        outcome.OnlyTied();
    }

    [Fact]
    public void Scores_of_routers_are_seen_by_a_loss_where_the_configuration_has_one()
    {
        string[] Seen(string more)
        {
            using var toy = Mixtral.Checkpoint().Save((Mixtral with { More = Mixtral.More + more }).Config);
            return [.. toy.Run(new() { ["sequence"] = 3 }, new() { ["input_ids among 7"] = Plain.OneHot(7, 1, 2, 3) }).Keys.Order(StringComparer.Ordinal)];
        }

        Assert.Equal(["logits"], Seen(""));
        Assert.Equal(["logits", "router_logits.0", "router_logits.1"], Seen(",\"output_router_logits\":true"));
        Assert.Equal(["logits"], Seen(",\"output_router_logits\":true,\"router_aux_loss_coef\":0.0"));
    }

    [Fact]
    public void A_router_that_takes_one_expert_and_normalises_is_stuck_unless_a_loss_sees_its_scores()
    {
        var one = Mixtral with { Chosen = 1, More = ",\"num_local_experts\":4,\"num_experts_per_tok\":1" };
        using var toy = one.Checkpoint().Save(one.Config);
        new FamilyOutcome(toy.Path).OnlyStuck("model.layers.0.block_sparse_moe.gate.weight[0..31]", "model.layers.1.block_sparse_moe.gate.weight[0..31]");
        toy.Save((one with { More = one.More + ",\"output_router_logits\":true" }).Config);
        new FamilyOutcome(toy.Path).OnlyStuck();
        new FamilyOutcome(toy.Path, new CheckOptions { Seed = 1, Outputs = ["logits"], AlsoOutputs = ["router_logits.1"] }).OnlyStuck("model.layers.0.block_sparse_moe.gate.weight[0..31]");
    }
}
