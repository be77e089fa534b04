using Xunit;
using static Tiebreak.Tests.Formats.Families.Plain;

namespace Tiebreak.Tests.Formats.Families;

/// <summary>The programs of GPT-2, BERT, RoBERTa, ViT and T5 compute what their architectures say; also where a mixture stands for places that short sequences do not have.</summary>
public sealed class EncoderForwardTests
{
    [Theory]
    [InlineData("transformer.")]
    [InlineData("")]
    public void Gpt2(string prefix)
    {
        for (var seed = 1; seed <= 3; seed++)
        {
            using var toy = Gpt2Toy.Checkpoint(seed, prefix).Save(Gpt2Toy.Config);
            int[] tokens = [5, 0, 3, 6, 3];
            Near(Gpt2Toy.Forward(toy, tokens, [0, 1, 2, 3, 4], prefix), toy.Run(new() { ["sequence"] = 5 }, new() { ["input_ids among 7"] = OneHot(7, tokens) })["logits"]);
        }
    }

    [Fact]
    public void Gpt2_of_a_short_sequence_reads_any_position_last()
    {
        using var toy = Gpt2Toy.Checkpoint().Save(Gpt2Toy.Config);
        int[] tokens = [5, 0, 3];
        foreach (var later in new[] { 0, 2, 4 })
            Near(Gpt2Toy.Forward(toy, tokens, [0, 1, later]), toy.Run(new() { ["sequence"] = 3 }, new() { ["input_ids among 7"] = OneHot(7, tokens), ["a later position"] = OneHot(5, later) })["logits"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Bert_with_and_without_its_heads(bool isOld)
    {
        for (var seed = 1; seed <= 2; seed++)
        {
            using var toy = BertToy.Checkpoint(seed, isOld: isOld).Dense("bert.pooler.dense", 6, 6, true).Save(BertToy.Config());
            int[] tokens = [5, 0, 3, 6], types = [0, 0, 1, 1], positions = [0, 1, 2, 3];
            Dictionary<string, double[]> data = new() { ["input_ids among 7"] = OneHot(7, tokens), ["token_type_ids among 2"] = OneHot(2, types) };
            var x = BertToy.Forward(toy, tokens, types, positions);
            var outputs = toy.Run(new() { ["sequence"] = 4 }, data);
            Near(Flat(x), outputs["last_hidden_state"], 1e-8);
            var pooled = Map(Dense([x[0]], toy["bert.pooler.dense.weight"], toy["bert.pooler.dense.bias"]), Math.Tanh);
            Near(pooled[0], outputs["pooler_output"], 1e-8);

            toy.Dense("cls.predictions.transform.dense", 6, 6, true).Norm("cls.predictions.transform.LayerNorm", 6).Add("cls.predictions.bias", 7).Dense("cls.seq_relationship", 6, 2, true).Save(BertToy.Config());
            outputs = toy.Run(new() { ["sequence"] = 4 }, data);
            Assert.Equal(["prediction_logits", "seq_relationship_logits"], outputs.Keys.Order());
            var guessed = LayerNorm(Map(Dense(x, toy["cls.predictions.transform.dense.weight"], toy["cls.predictions.transform.dense.bias"]), Gelu), toy["cls.predictions.transform.LayerNorm.weight"], toy["cls.predictions.transform.LayerNorm.bias"], 1e-12);
            Near(Flat(Dense(guessed, toy["bert.embeddings.word_embeddings.weight"], toy["cls.predictions.bias"])), outputs["prediction_logits"], 1e-8);
            Near(Flat(Dense(pooled, toy["cls.seq_relationship.weight"], toy["cls.seq_relationship.bias"])), outputs["seq_relationship_logits"], 1e-8);
        }
    }

    [Fact]
    public void Roberta_begins_its_positions_behind_the_padding()
    {
        using var toy = BertToy.Checkpoint(4, "roberta").Dense("lm_head.dense", 6, 6, true).Norm("lm_head.layer_norm", 6).Add("lm_head.bias", 7).Save(BertToy.Config("roberta"));
        int[] tokens = [5, 0, 3, 6];
        double[] Logits(int[] some, int[] positions)
        {
            var x = BertToy.Forward(toy, some, new int[some.Length], positions, "roberta");
            x = LayerNorm(Map(Dense(x, toy["lm_head.dense.weight"], toy["lm_head.dense.bias"]), Gelu), toy["lm_head.layer_norm.weight"], toy["lm_head.layer_norm.bias"], 1e-12);
            return Flat(Dense(x, toy["roberta.embeddings.word_embeddings.weight"], toy["lm_head.bias"]));
        }

        Near(Logits(tokens, [2, 3, 4, 5]), toy.Run(new() { ["sequence"] = 4 }, new() { ["input_ids among 7"] = OneHot(7, tokens) })["logits"], 1e-8);
        Near(Logits(tokens[..3], [2, 3, 5]), toy.Run(new() { ["sequence"] = 3 }, new() { ["input_ids among 7"] = OneHot(7, tokens[..3]), ["a later position"] = OneHot(4, 3) })["logits"], 1e-8);
    }

    [Fact]
    public void Vit_of_a_whole_image_and_of_a_strip()
    {
        for (var seed = 1; seed <= 2; seed++)
        {
            using var toy = VitToy.Checkpoint(seed).Save(VitToy.Config());
            var random = new Random(seed);
            double[] image = [.. Enumerable.Range(0, 32).Select(_ => random.NextDouble())];
            Near(VitToy.Forward(toy, image, 4, 4, [0, 1, 2, 3, 4]), toy.Run(new() { ["patches"] = 4 }, new() { ["pixel_values"] = image })["logits"], 1e-8);
            foreach (var later in new[] { 1, 3, 4 })
                Near(VitToy.Forward(toy, image[..24], 2, 6, [0, 1, 2, later]), toy.Run(new() { ["patches"] = 3 }, new() { ["pixel_values"] = image[..24], ["a later position"] = OneHot(4, later - 1) })["logits"], 1e-8);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void T5_with_distances_as_they_are(bool isGated)
    {
        const int Long = 24; // every bucket occurs
        using var toy = T5Toy.Checkpoint(3, isGated).Save(T5Toy.Config(isGated));
        int[] tokens = [.. Enumerable.Range(0, Long).Select(k => k * k % 7)], target = [.. Enumerable.Range(0, Long).Select(k => 3 * k % 7)];
        var outputs = toy.Run(new() { ["sequence"] = Long, ["decoder_sequence"] = Long }, new() { ["input_ids among 7"] = OneHot(7, tokens), ["decoder_input_ids among 7"] = OneHot(7, target) });
        Near(T5Toy.Forward(toy, tokens, target, isGated), outputs["logits"], 1e-8);
    }

    [Fact]
    public void T5_of_short_sequences_has_any_greater_distance_between_their_ends()
    {
        using var toy = T5Toy.Checkpoint(3, isGated: false).Save(T5Toy.Config(isGated: false));
        int[] tokens = [5, 0, 3], target = [2, 6, 1];
        // Greater distances than between neighbours: back in the encoder 2, 3; ahead 6, 7; back in the decoder 2 to 7.
        var outputs = toy.Run(new() { ["sequence"] = 3, ["decoder_sequence"] = 3 }, new()
        {
            ["input_ids among 7"] = OneHot(7, tokens), ["decoder_input_ids among 7"] = OneHot(7, target),
            ["a greater distance in encoder, back"] = OneHot(2, 1), ["a greater distance in encoder, ahead"] = OneHot(2, 1), ["a greater distance in decoder, back"] = OneHot(6, 5),
        });
        Near(T5Toy.Forward(toy, tokens, target, false, (stack, t, s) => (t, s) switch
        {
            (2, 0) => stack == "encoder" ? 3 : 7,
            (0, 2) => 7,
            _ => T5Toy.Bucket(s - t, stack == "encoder"),
        }), outputs["logits"]);
    }

    [Fact]
    public void Heads_that_judge_are_told_by_their_weights()
    {
        string[] Seen(ToyCheckpoint toy, string config, Dictionary<string, int> dims, Dictionary<string, double[]> data)
        {
            using (toy) return [.. toy.Save(config).Run(dims, data).Select(output => $"{output.Key}:{output.Value.Length}").Order(StringComparer.Ordinal)];
        }

        Dictionary<string, int> three = new() { ["sequence"] = 3 };
        Dictionary<string, double[]> tokens = new() { ["input_ids among 7"] = OneHot(7, 1, 2, 3), ["token_type_ids among 2"] = OneHot(2, 0, 1, 1), ["a later position"] = OneHot(4, 2) };
        Assert.Equal(["logits:2"], Seen(BertToy.Checkpoint(1).Dense("bert.pooler.dense", 6, 6, true).Dense("classifier", 6, 2, true), BertToy.Config(), three, tokens));
        Assert.Equal(["logits:15"], Seen(BertToy.Checkpoint(1).Dense("classifier", 6, 5, true), BertToy.Config(more: ",\"num_labels\":5,\"architectures\":[\"BertForTokenClassification\"]"), three, tokens));
        Assert.Equal(["span_logits:6"], Seen(BertToy.Checkpoint(1).Dense("qa_outputs", 6, 2, true), BertToy.Config(), three, tokens));
        Assert.Equal(["class_logits:2"], Seen(BertToy.Checkpoint(1, "roberta").Dense("classifier.dense", 6, 6, true).Dense("classifier.out_proj", 6, 2, true), BertToy.Config("roberta"), three, tokens));
        Assert.Equal(["last_hidden_state:18"], Seen(BertToy.Checkpoint(1, "roberta"), BertToy.Config("roberta"), three, tokens));
        using var encoder = T5Toy.Checkpoint(1, isGated: false);
        var only = encoder.Without("decoder.");
        Dictionary<string, double[]> far = new() { ["input_ids among 7"] = OneHot(7, 1, 2, 3), ["a greater distance in encoder, back"] = OneHot(2, 1), ["a greater distance in encoder, ahead"] = OneHot(2, 1) };
        Assert.Equal(["last_hidden_state:18"], Seen(only, T5Toy.Config(false).Replace("\"t5\"", "\"t5\",\"architectures\":[\"T5EncoderModel\"]", StringComparison.Ordinal), three, far));
    }
}
