using static Tiebreak.Tests.Formats.Families.Plain;

namespace Tiebreak.Tests.Formats.Families;

/// <summary>A small GPT-2: its weights and, written out, what it computes.</summary>
static class Gpt2Toy
{
    public const string Config = """
        {"model_type":"gpt2","architectures":["GPT2LMHeadModel"],"vocab_size":7,"n_positions":5,"n_embd":6,"n_head":2,"n_layer":2,"layer_norm_epsilon":1e-05,"embd_pdrop":0.0,"attn_pdrop":0.0,"resid_pdrop":0.0}
        """;

    public static ToyCheckpoint Checkpoint(int seed = 1, string prefix = "transformer.")
    {
        var toy = new ToyCheckpoint(seed).Add(prefix + "wte.weight", 7, 6).Add(prefix + "wpe.weight", 5, 6);
        for (var layer = 0; layer < 2; layer++)
        {
            var at = $"{prefix}h.{layer}.";
            toy.Norm(at + "ln_1", 6).Add(at + "attn.c_attn.weight", 6, 18).Add(at + "attn.c_attn.bias", 18).Add(at + "attn.c_proj.weight", 6, 6).Add(at + "attn.c_proj.bias", 6);
            toy.Norm(at + "ln_2", 6).Add(at + "mlp.c_fc.weight", 6, 24).Add(at + "mlp.c_fc.bias", 24).Add(at + "mlp.c_proj.weight", 24, 6).Add(at + "mlp.c_proj.bias", 6);
            toy.Add(at + "attn.bias", 1, 1, 5, 5); // a mask that old checkpoints saved along
        }

        return toy.Norm(prefix + "ln_f", 6);
    }

    /// <summary>The logits; positions are the rows of the table.</summary>
    public static double[] Forward(ToyCheckpoint w, int[] tokens, int[] positions, string prefix = "transformer.")
    {
        double[][] D(double[][] y, string module) => DenseTurned(y, w[module + ".weight"], w[module + ".bias"]);
        double[][] N(double[][] y, string module) => LayerNorm(y, w[module + ".weight"], w[module + ".bias"], 1e-5);
        var x = Sum(Rows(w[prefix + "wte.weight"], 6, tokens), Rows(w[prefix + "wpe.weight"], 6, positions));
        for (var layer = 0; layer < 2; layer++)
        {
            var at = $"{prefix}h.{layer}.";
            var all = D(N(x, at + "ln_1"), at + "attn.c_attn");
            var mixed = Attention(Part(all, 0, 6), Part(all, 6, 6), Part(all, 12, 6), 2, 2, (_, _, _, score) => score / Math.Sqrt(3), (t, s) => s <= t);
            x = Sum(x, D(mixed, at + "attn.c_proj"));
            x = Sum(x, D(Map(D(N(x, at + "ln_2"), at + "mlp.c_fc"), GeluTanh), at + "mlp.c_proj"));
        }

        return Flat(Dense(N(x, prefix + "ln_f"), w[prefix + "wte.weight"]));
    }
}

/// <summary>A small BERT or RoBERTa.</summary>
static class BertToy
{
    public static string Config(string type = "bert", string more = "") => $$"""
        {"model_type":"{{type}}","vocab_size":7,"hidden_size":6,"num_attention_heads":2,"num_hidden_layers":2,"intermediate_size":5,"max_position_embeddings":{{(type == "bert" ? 4 : 6)}},"type_vocab_size":{{(type == "bert" ? 2 : 1)}},
        "pad_token_id":{{(type == "bert" ? 0 : 1)}},"layer_norm_eps":1e-12,"hidden_act":"gelu","hidden_dropout_prob":0,"attention_probs_dropout_prob":0{{more}}}
        """;

    public static ToyCheckpoint Checkpoint(int seed, string type = "bert", bool isOld = false)
    {
        var prefix = type + ".";
        var toy = new ToyCheckpoint(seed);
        void Norm(string module)
        {
            if (isOld) toy.Add(module + ".gamma", 6).Add(module + ".beta", 6);
            else toy.Norm(module, 6);
        }

        toy.Add(prefix + "embeddings.word_embeddings.weight", 7, 6).Add(prefix + "embeddings.position_embeddings.weight", type == "bert" ? 4 : 6, 6).Add(prefix + "embeddings.token_type_embeddings.weight", type == "bert" ? 2 : 1, 6);
        Norm(prefix + "embeddings.LayerNorm");
        for (var layer = 0; layer < 2; layer++)
        {
            var at = $"{prefix}encoder.layer.{layer}.";
            foreach (var name in new[] { "query", "key", "value" }) toy.Dense(at + "attention.self." + name, 6, 6, true);
            toy.Dense(at + "attention.output.dense", 6, 6, true);
            Norm(at + "attention.output.LayerNorm");
            toy.Dense(at + "intermediate.dense", 6, 5, true).Dense(at + "output.dense", 5, 6, true);
            Norm(at + "output.LayerNorm");
        }

        return toy;
    }

    /// <summary>The last value; positions are the rows of the table.</summary>
    public static double[][] Forward(ToyCheckpoint w, int[] tokens, int[] types, int[] positions, string type = "bert")
    {
        var prefix = type + ".";
        double[][] D(double[][] y, string module) => Dense(y, w[module + ".weight"], w[module + ".bias"]);
        double[][] N(double[][] y, string module) => w.Has(module + ".gamma") ? LayerNorm(y, w[module + ".gamma"], w[module + ".beta"], 1e-12) : LayerNorm(y, w[module + ".weight"], w[module + ".bias"], 1e-12);
        var x = Sum(Sum(Rows(w[prefix + "embeddings.word_embeddings.weight"], 6, tokens), Rows(w[prefix + "embeddings.token_type_embeddings.weight"], 6, types)), Rows(w[prefix + "embeddings.position_embeddings.weight"], 6, positions));
        x = N(x, prefix + "embeddings.LayerNorm");
        for (var layer = 0; layer < 2; layer++)
        {
            var at = $"{prefix}encoder.layer.{layer}.";
            var mixed = Attention(D(x, at + "attention.self.query"), D(x, at + "attention.self.key"), D(x, at + "attention.self.value"), 2, 2, (_, _, _, score) => score / Math.Sqrt(3), (_, _) => true);
            x = N(Sum(x, D(mixed, at + "attention.output.dense")), at + "attention.output.LayerNorm");
            x = N(Sum(x, D(Map(D(x, at + "intermediate.dense"), Gelu), at + "output.dense")), at + "output.LayerNorm");
        }

        return x;
    }
}

/// <summary>A small ViT of images of 4×4 numbers in two channels and patches of 2×2.</summary>
static class VitToy
{
    public static string Config(int size = 4) => $$"""
        {"model_type":"vit","image_size":{{size}},"patch_size":2,"num_channels":2,"hidden_size":6,"num_attention_heads":2,"num_hidden_layers":2,"intermediate_size":5,"layer_norm_eps":1e-12,"hidden_act":"gelu","id2label":{"0":"a","1":"b","2":"c"} }
        """;

    public static ToyCheckpoint Checkpoint(int seed = 1, int patches = 4)
    {
        var toy = new ToyCheckpoint(seed).Add("vit.embeddings.cls_token", 1, 1, 6).Add("vit.embeddings.position_embeddings", 1, patches + 1, 6).Add("vit.embeddings.patch_embeddings.projection.weight", 6, 2, 2, 2).Add("vit.embeddings.patch_embeddings.projection.bias", 6);
        for (var layer = 0; layer < 2; layer++)
        {
            var at = $"vit.encoder.layer.{layer}.";
            toy.Norm(at + "layernorm_before", 6).Norm(at + "layernorm_after", 6);
            foreach (var name in new[] { "query", "key", "value" }) toy.Dense(at + "attention.attention." + name, 6, 6, true);
            toy.Dense(at + "attention.output.dense", 6, 6, true).Dense(at + "intermediate.dense", 6, 5, true).Dense(at + "output.dense", 5, 6, true);
        }

        return toy.Norm("vit.layernorm", 6).Dense("classifier", 6, 3, true);
    }

    /// <summary>The logits; the image is [channel, row, column].</summary>
    public static double[] Forward(ToyCheckpoint w, double[] image, int rows, int columns, int[] positions)
    {
        double[][] D(double[][] y, string module) => Dense(y, w[module + ".weight"], w[module + ".bias"]);
        double[][] N(double[][] y, string module) => LayerNorm(y, w[module + ".weight"], w[module + ".bias"], 1e-12);
        var patches = new List<double[]>();
        for (var row = 0; row < rows; row += 2)
        {
            for (var column = 0; column < columns; column += 2)
            {
                var patch = new List<double>();
                for (var channel = 0; channel < 2; channel++)
                    for (var i = 0; i < 2; i++)
                        for (var j = 0; j < 2; j++) patch.Add(image[(channel * rows + row + i) * columns + column + j]);
                patches.Add([.. patch]);
            }
        }

        double[][] x = [w["vit.embeddings.cls_token"], .. D([.. patches], "vit.embeddings.patch_embeddings.projection")];
        x = Sum(x, Rows(w["vit.embeddings.position_embeddings"], 6, positions));
        for (var layer = 0; layer < 2; layer++)
        {
            var at = $"vit.encoder.layer.{layer}.";
            var normal = N(x, at + "layernorm_before");
            var mixed = Attention(D(normal, at + "attention.attention.query"), D(normal, at + "attention.attention.key"), D(normal, at + "attention.attention.value"), 2, 2, (_, _, _, score) => score / Math.Sqrt(3), (_, _) => true);
            x = Sum(x, D(mixed, at + "attention.output.dense"));
            x = Sum(x, D(Map(D(N(x, at + "layernorm_after"), at + "intermediate.dense"), Gelu), at + "output.dense"));
        }

        return Flat(D([N(x, "vit.layernorm")[0]], "classifier"));
    }
}

/// <summary>A small T5, plain or gated.</summary>
static class T5Toy
{
    public static string Config(bool isGated) => $$"""
        {"model_type":"t5","vocab_size":7,"d_model":6,"d_kv":3,"d_ff":5,"num_heads":2,"num_layers":2,"num_decoder_layers":1,"relative_attention_num_buckets":8,"relative_attention_max_distance":20,"dropout_rate":0.0,
        "layer_norm_epsilon":1e-06,"feed_forward_proj":"{{(isGated ? "gated-gelu" : "relu")}}","tie_word_embeddings":{{(isGated ? "false" : "true")}}}
        """;

    public static ToyCheckpoint Checkpoint(int seed, bool isGated)
    {
        var toy = new ToyCheckpoint(seed).Add("shared.weight", 7, 6);
        foreach (var (stack, count) in new[] { ("encoder", 2), ("decoder", 1) })
        {
            for (var block = 0; block < count; block++)
            {
                var at = $"{stack}.block.{block}.layer.";
                foreach (var (layer, kind) in stack == "encoder" ? [(0, "SelfAttention")] : new[] { (0, "SelfAttention"), (1, "EncDecAttention") })
                {
                    foreach (var letter in new[] { "q", "k", "v", "o" }) toy.Dense($"{at}{layer}.{kind}.{letter}", 6, 6, false);
                    toy.Add($"{at}{layer}.layer_norm.weight", 6);
                }

                if (block == 0) toy.Add(at + "0.SelfAttention.relative_attention_bias.weight", 8, 2);
                var last = stack == "encoder" ? 1 : 2;
                foreach (var name in isGated ? ["wi_0", "wi_1"] : new[] { "wi" }) toy.Dense($"{at}{last}.DenseReluDense.{name}", 6, 5, false);
                toy.Dense($"{at}{last}.DenseReluDense.wo", 5, 6, false).Add($"{at}{last}.layer_norm.weight", 6);
            }

            toy.Add(stack + ".final_layer_norm.weight", 6);
        }

        return isGated ? toy.Add("lm_head.weight", 7, 6) : toy;
    }

    /// <summary>Buckets of distances as a table: eight of them; both ways four each, exact below two.</summary>
    public static int Bucket(int distance, bool bothWays)
    {
        // Exact: below 2 both ways, below 4 one way. Beyond, logarithmic up to 20.
        if (!bothWays)
        {
            var back = Math.Max(0, -distance);
            return back < 4 ? back : Math.Min(7, 4 + (int)Math.Floor(Math.Log(back / 4.0) / Math.Log(20 / 4.0) * 4));
        }

        var far = Math.Abs(distance);
        return (distance > 0 ? 4 : 0) + (far < 2 ? far : Math.Min(3, 2 + (int)Math.Floor(Math.Log(far / 2.0) / Math.Log(20 / 2.0) * 2)));
    }

    /// <summary>The logits; the bucket of the first key for the last query may be another.</summary>
    public static double[] Forward(ToyCheckpoint w, int[] tokens, int[] target, bool isGated, Func<string, int, int, int>? bucket = null)
    {
        bucket ??= (stack, t, s) => Bucket(s - t, stack == "encoder");
        double[][] N(double[][] y, string module) => RmsNorm(y, w[module + ".weight"], 1e-6);
        double[][] D(double[][] y, string module) => Dense(y, w[module + ".weight"]);
        double[][] Attend(double[][] x, double[][]? to, string layer, string kind, Func<int, int, int, double> bias, bool causal)
        {
            var normal = N(x, layer + ".layer_norm");
            var from = to ?? normal;
            var mixed = Attention(D(normal, $"{layer}.{kind}.q"), D(from, $"{layer}.{kind}.k"), D(from, $"{layer}.{kind}.v"), 2, 2, (head, t, s, score) => score + bias(head, t, s), (t, s) => !causal || s <= t);
            return Sum(x, D(mixed, $"{layer}.{kind}.o"));
        }

        double[][] Feed(double[][] x, string layer)
        {
            var normal = N(x, layer + ".layer_norm");
            var module = layer + ".DenseReluDense.";
            var inner = isGated ? Times(Map(D(normal, module + "wi_0"), GeluTanh), D(normal, module + "wi_1")) : Map(D(normal, module + "wi"), Relu);
            return Sum(x, D(inner, module + "wo"));
        }

        double[][] Stack(string name, int count, int[] ids, double[][]? encoded)
        {
            var x = Rows(w["shared.weight"], 6, ids);
            var table = w[name + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight"];
            for (var block = 0; block < count; block++)
            {
                var at = $"{name}.block.{block}.layer.";
                x = Attend(x, null, at + "0", "SelfAttention", (head, t, s) => table[bucket(name, t, s) * 2 + head], encoded is not null);
                if (encoded is not null) x = Attend(x, encoded, at + "1", "EncDecAttention", (_, _, _) => 0, false);
                x = Feed(x, at + (encoded is null ? "1" : "2"));
            }

            return N(x, name + ".final_layer_norm");
        }

        var last = Stack("decoder", 1, target, Stack("encoder", 2, tokens, null));
        return Flat(isGated ? Dense(last, w["lm_head.weight"]) : Dense(Map(last, value => value / Math.Sqrt(6)), w["shared.weight"]));
    }
}
