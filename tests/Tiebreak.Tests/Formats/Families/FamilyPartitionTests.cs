using Tiebreak.Verification;
using Xunit;

namespace Tiebreak.Tests.Formats.Families;

/// <summary>What the architecture forces is found in each family, what was planted is found, and nothing else is claimed.</summary>
public sealed class FamilyPartitionTests
{
    static readonly DecoderToy Llama = new("llama");

    static int[] Rows(int width, int first, int count = 1) => [.. Enumerable.Range(first * width, count * width)];

    [Fact]
    public void Gpt2_has_stuck_key_biases_and_nothing_else()
    {
        using var toy = Gpt2Toy.Checkpoint().Save(Gpt2Toy.Config);
        var outcome = new FamilyOutcome(toy.Path);
        Assert.Equal("safetensors", outcome.Result.Format);
        outcome.OnlyStuck("transformer.h.0.attn.c_attn.bias[6..11]", "transformer.h.1.attn.c_attn.bias[6..11]");
        outcome.OnlyTied();
        var finding = Assert.Single(outcome.Result.Findings, finding => finding.Rule == "TB004");
        Assert.Equal("cancellation", finding.StuckBy);
    }

    [Fact]
    public void The_reason_names_the_softmax_and_a_certificate_is_verified()
    {
        using var toy = Gpt2Toy.Checkpoint().Save(Gpt2Toy.Config);
        var explanation = Why.Of(toy.Path, "transformer.h.0.attn.c_attn.bias[7]", null, new CheckOptions { Seed = 1 });
        Assert.Equal("Stuck", explanation.Verdict.ToString());
        Assert.Contains(explanation.Steps, step => step.Text.Contains("softmax", StringComparison.Ordinal) && step.Text.Contains("`transformer.h.0.attn`", StringComparison.Ordinal));
        using (var stream = File.Create(toy.File("certificate.json"))) CertificateFile.Write(Certify.Of(Check.Model(toy.Path), "test"), stream);
        Assert.Null(Certify.Verify(toy.Path, toy.File("certificate.json"), new VerifierOptions { Key = [7] }).Violation);
    }

    [Fact]
    public void Gpt2_with_a_unit_copied_keeps_it()
    {
        using var toy = Gpt2Toy.Checkpoint();
        toy.Copy("transformer.h.0.mlp.c_fc.weight", 1, 3, 9);
        toy.Copy("transformer.h.0.mlp.c_fc.bias", 0, 3, 9);
        toy.Copy("transformer.h.0.mlp.c_proj.weight", 0, 3, 9);
        toy.Save(Gpt2Toy.Config);
        var outcome = new FamilyOutcome(toy.Path);
        outcome.OnlyTied(
            ("transformer.h.0.mlp.c_fc.weight", FamilyOutcome.Slice([6, 24], 1, 3), FamilyOutcome.Slice([6, 24], 1, 9)),
            ("transformer.h.0.mlp.c_fc.bias", [3], [9]),
            ("transformer.h.0.mlp.c_proj.weight", Rows(6, 3), Rows(6, 9)));
        Assert.Contains(outcome.Result.Findings, finding => finding.Rule == "TB001");
    }

    [Fact]
    public void Llama_is_free()
    {
        foreach (var toy in new[] { Llama, Llama with { IsTied = true } })
        {
            using var checkpoint = toy.Checkpoint().Save(toy.Config);
            var outcome = new FamilyOutcome(checkpoint.Path);
            outcome.OnlyStuck();
            outcome.OnlyTied();
            Assert.Equal(outcome.Result.Counts!.Parameters, outcome.Result.Counts.DegreesOfFreedom);
        }
    }

    [Fact]
    public void Llama_with_a_unit_a_head_and_a_token_copied_keeps_unit_and_head()
    {
        using var toy = Llama.Checkpoint();
        toy.Copy("model.layers.1.mlp.gate_proj.weight", 0, 0, 4);
        toy.Copy("model.layers.1.mlp.up_proj.weight", 0, 0, 4);
        toy.Copy("model.layers.1.mlp.down_proj.weight", 1, 0, 4);
        // Query heads 2 and 3 share the second head of keys.
        toy.Copy("model.layers.0.self_attn.q_proj.weight", 0, 2, 3, width: 2);
        toy.Copy("model.layers.0.self_attn.o_proj.weight", 1, 2, 3, width: 2);
        // Any data may hold one token without the other.
        toy.Copy("model.embed_tokens.weight", 0, 1, 5);
        toy.Save(Llama.Config);
        var outcome = new FamilyOutcome(toy.Path);
        outcome.OnlyStuck();
        outcome.OnlyTied(
            ("model.layers.1.mlp.gate_proj.weight", Rows(8, 0), Rows(8, 4)),
            ("model.layers.1.mlp.up_proj.weight", Rows(8, 0), Rows(8, 4)),
            ("model.layers.1.mlp.down_proj.weight", FamilyOutcome.Slice([8, 5], 1, 0), FamilyOutcome.Slice([8, 5], 1, 4)),
            ("model.layers.0.self_attn.q_proj.weight", Rows(8, 4, 2), Rows(8, 6, 2)),
            ("model.layers.0.self_attn.o_proj.weight", FamilyOutcome.Slice([8, 8], 1, 4, 2), FamilyOutcome.Slice([8, 8], 1, 6, 2)));
        Assert.Contains(outcome.Result.Findings, finding => finding.Rule == "TB012" && finding.Message.Contains("rows 1, 5 of `model.embed_tokens.weight`", StringComparison.Ordinal));
    }

    [Fact]
    public void Llama_with_a_head_of_keys_copied_and_all_its_heads_of_queries_keeps_them()
    {
        using var toy = Llama.Checkpoint();
        const string At = "model.layers.1.self_attn.";
        foreach (var name in new[] { "k_proj", "v_proj" }) toy.Copy($"{At}{name}.weight", 0, 0, 1, width: 2);
        toy.Copy(At + "q_proj.weight", 0, 0, 1, width: 4);
        toy.Copy(At + "o_proj.weight", 1, 0, 1, width: 4);
        toy.Save(Llama.Config);
        var outcome = new FamilyOutcome(toy.Path);
        outcome.OnlyStuck();
        outcome.OnlyTied(
            (At + "k_proj.weight", Rows(8, 0, 2), Rows(8, 2, 2)),
            (At + "v_proj.weight", Rows(8, 0, 2), Rows(8, 2, 2)),
            (At + "q_proj.weight", Rows(8, 0, 4), Rows(8, 4, 4)),
            (At + "o_proj.weight", FamilyOutcome.Slice([8, 8], 1, 0, 4), FamilyOutcome.Slice([8, 8], 1, 4, 4)));
    }

    [Fact]
    public void T5_with_a_head_copied_in_all_layers_that_share_its_distances_keeps_it_and_in_one_of_them_does_not()
    {
        using var toy = T5Toy.Checkpoint(1, isGated: true);
        const string Distances = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";
        toy.Copy(Distances, 1, 0, 1);
        var tied = new List<(string, int[], int[])>();
        for (var block = 0; block < 2; block++)
        {
            var at = $"encoder.block.{block}.layer.0.SelfAttention.";
            foreach (var name in new[] { "q", "k", "v" })
            {
                toy.Copy($"{at}{name}.weight", 0, 0, 1, width: 3);
                tied.Add(($"{at}{name}.weight", Rows(6, 0, 3), Rows(6, 3, 3)));
            }

            toy.Copy(at + "o.weight", 1, 0, 1, width: 3);
            tied.Add((at + "o.weight", FamilyOutcome.Slice([6, 6], 1, 0, 3), FamilyOutcome.Slice([6, 6], 1, 3, 3)));
            if (block > 0) continue;
            toy.Save(T5Toy.Config(isGated: true));
            new FamilyOutcome(toy.Path).OnlyTied();
        }

        // The bucket that is never read holds equal numbers, too, but they are stuck.
        tied.Add((Distances, [0, 2, 4, 6, 10, 12, 14], [1, 3, 5, 7, 11, 13, 15]));
        toy.Save(T5Toy.Config(isGated: true));
        new FamilyOutcome(toy.Path).OnlyTied([.. tied]);
    }

    [Fact]
    public void Bert_and_vit_with_a_unit_copied_keep_it()
    {
        foreach (var (toy, config, at) in new[] { (BertToy.Checkpoint(2), BertToy.Config(), "bert.encoder.layer.1."), (VitToy.Checkpoint(2), VitToy.Config(), "vit.encoder.layer.1.") })
        {
            using (toy)
            {
                toy.Copy(at + "intermediate.dense.weight", 0, 1, 3);
                toy.Copy(at + "intermediate.dense.bias", 0, 1, 3);
                toy.Copy(at + "output.dense.weight", 1, 1, 3);
                toy.Save(config);
                new FamilyOutcome(toy.Path).OnlyTied(
                    (at + "intermediate.dense.weight", Rows(6, 1), Rows(6, 3)),
                    (at + "intermediate.dense.bias", [1], [3]),
                    (at + "output.dense.weight", FamilyOutcome.Slice([6, 5], 1, 1), FamilyOutcome.Slice([6, 5], 1, 3)));
            }
        }
    }

    [Fact]
    public void Qwen_moves_its_key_biases_since_rotations_make_them_differ_from_place_to_place()
    {
        var toy = new DecoderToy("qwen2") { HasBiases = true };
        using var checkpoint = toy.Checkpoint().Save(toy.Config);
        var outcome = new FamilyOutcome(checkpoint.Path);
        outcome.OnlyStuck();
        outcome.OnlyTied();
    }

    [Fact]
    public void Other_decoders_are_free()
    {
        DecoderToy[] toys =
        [
            new("mistral"),
            new("qwen3") { NormalisesHeads = true, More = ",\"head_dim\":2" },
            new("gemma") { IsGemma = true, IsTied = true, More = ",\"head_dim\":2" },
            new("gemma2") { IsGemma = true, IsTied = true, NormalisesResults = true, More = ",\"head_dim\":2" },
            new("phi3") { IsMerged = true },
        ];
        foreach (var toy in toys)
        {
            using var checkpoint = toy.Checkpoint().Save(toy.Config);
            var outcome = new FamilyOutcome(checkpoint.Path);
            Assert.Equal((toy.Type, 0, 0), (toy.Type, outcome.Stuck.Count(), outcome.Tied.Count()));
        }
    }

    [Fact]
    public void Bert_has_stuck_key_biases_and_nothing_else()
    {
        using var toy = BertToy.Checkpoint(1).Dense("bert.pooler.dense", 6, 6, true).Save(BertToy.Config());
        var outcome = new FamilyOutcome(toy.Path);
        outcome.OnlyStuck("bert.encoder.layer.0.attention.self.key.bias[0..5]", "bert.encoder.layer.1.attention.self.key.bias[0..5]");
        outcome.OnlyTied();
    }

    [Fact]
    public void Roberta_never_reads_the_first_positions()
    {
        using var toy = BertToy.Checkpoint(1, "roberta").Save(BertToy.Config("roberta"));
        var outcome = new FamilyOutcome(toy.Path);
        outcome.OnlyStuck("roberta.embeddings.position_embeddings.weight[0..11]", "roberta.encoder.layer.0.attention.self.key.bias[0..5]", "roberta.encoder.layer.1.attention.self.key.bias[0..5]");
        outcome.OnlyTied();
    }

    [Fact]
    public void Vit_has_stuck_key_biases_and_nothing_else()
    {
        using var toy = VitToy.Checkpoint().Save(VitToy.Config());
        var outcome = new FamilyOutcome(toy.Path);
        outcome.OnlyStuck("vit.encoder.layer.0.attention.attention.key.bias[0..5]", "vit.encoder.layer.1.attention.attention.key.bias[0..5]");
outcome.OnlyTied();
    }

    [Fact]
    public void T5_never_reads_the_bucket_of_no_distance_ahead()
    {
        using var toy = T5Toy.Checkpoint(1, isGated: true).Save(T5Toy.Config(isGated: true));
        var outcome = new FamilyOutcome(toy.Path);
        outcome.OnlyStuck("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight[8..9]");
        outcome.OnlyTied();
    }

    [Fact]
    public void Dropout_of_the_configuration_breaks_copies_of_heads_by_noise_alone()
    {
        using var toy = Gpt2Toy.Checkpoint();
        foreach (var part in new[] { 0, 2, 4 }) toy.Copy("transformer.h.0.attn.c_attn.weight", 1, part, part + 1, width: 3);
        foreach (var part in new[] { 0, 2, 4 }) toy.Copy("transformer.h.0.attn.c_attn.bias", 0, part, part + 1, width: 3);
        toy.Copy("transformer.h.0.attn.c_proj.weight", 0, 0, 1, width: 3);
        toy.Save(Gpt2Toy.Config);
        Assert.Contains("TB001", new FamilyOutcome(toy.Path).Result.Findings.Select(finding => finding.Rule));
        toy.Save(Gpt2Toy.Config.Replace("\"attn_pdrop\":0.0", "\"attn_pdrop\":0.1", StringComparison.Ordinal));
        var withNoise = new FamilyOutcome(toy.Path);
        withNoise.OnlyTied();
        Assert.Contains("TB009", withNoise.Result.Findings.Select(finding => finding.Rule));
        Assert.Contains("TB001", new FamilyOutcome(toy.Path, new CheckOptions { Seed = 1, Dropout = false }).Result.Findings.Select(finding => finding.Rule));
    }
}
