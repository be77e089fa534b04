using static Tiebreak.Tests.Formats.Families.Plain;

namespace Tiebreak.Tests.Formats.Families;

/// <summary>A small decoder with rotary positions: its configuration, its weights and, written out, what it computes.</summary>
sealed record DecoderToy(string Type)
{
    public const int Vocabulary = 7;
    public const int Hidden = 8;
    public const int Heads = 4;
    public const int Shared = 2;
    public const int Layers = 2;
    public const int Inner = 5;

    public int HeadSize { get; init; } = Hidden / Heads;
    public bool HasBiases { get; init; }
    public bool HasOutputBias { get; init; }
    public bool HasInnerBiases { get; init; }
    public bool NormalisesHeads { get; init; }
    public bool IsMerged { get; init; }
    public bool IsTied { get; init; }
    public bool IsGemma { get; init; }
    public bool NormalisesResults { get; init; }
    public double Epsilon { get; init; } = 1e-6;
    public double Scale { get; init; } = 1 / Math.Sqrt(2);
    public double Softcap { get; init; }
    public double FinalSoftcap { get; init; }
    public Func<int, int> Window { get; init; } = _ => int.MaxValue;
    public double[] Frequencies { get; init; } = [1];
    public double Factor { get; init; } = 1;
    public int ExpertCount { get; init; }
    public int Chosen { get; init; } = 2;
    public bool NormalisesShares { get; init; }
    public bool HasSharedExpert { get; init; }
    public string More { get; init; } = "";

    public bool IsMixtral => Type == "mixtral";

    public string Config => $$"""
        {"model_type":"{{Type}}","vocab_size":{{Vocabulary}},"hidden_size":{{Hidden}},"num_attention_heads":{{Heads}},"num_key_value_heads":{{Shared}},"num_hidden_layers":{{Layers}},
        "intermediate_size":{{Inner}},"rms_norm_eps":1e-06,"tie_word_embeddings":{{(IsTied ? "true" : "false")}}{{More}}}
        """;

    public ToyCheckpoint Checkpoint(int seed = 1, string prefix = "model.")
    {
        var toy = new ToyCheckpoint(seed).Add(prefix + "embed_tokens.weight", Vocabulary, Hidden);
        var (wide, narrow) = (Heads * HeadSize, Shared * HeadSize);
        for (var layer = 0; layer < Layers; layer++)
        {
            var at = $"{prefix}layers.{layer}.";
            toy.Add(at + "input_layernorm.weight", Hidden).Add(at + "post_attention_layernorm.weight", Hidden);
            if (NormalisesResults) toy.Add(at + "pre_feedforward_layernorm.weight", Hidden).Add(at + "post_feedforward_layernorm.weight", Hidden);
            if (IsMerged)
            {
                toy.Dense(at + "self_attn.qkv_proj", Hidden, wide + 2 * narrow, false).Dense(at + "mlp.gate_up_proj", Hidden, 2 * Inner, false);
            }
            else
            {
                toy.Dense(at + "self_attn.q_proj", Hidden, wide, HasBiases).Dense(at + "self_attn.k_proj", Hidden, narrow, HasBiases).Dense(at + "self_attn.v_proj", Hidden, narrow, HasBiases);
                if (NormalisesHeads) toy.Add(at + "self_attn.q_norm.weight", HeadSize).Add(at + "self_attn.k_norm.weight", HeadSize);
            }

            toy.Dense(at + "self_attn.o_proj", wide, Hidden, HasOutputBias);
            foreach (var (module, size) in FeedForwards(at)) Gated(module, size);
            if (IsMerged) toy.Dense(at + "mlp.down_proj", Inner, Hidden, false);
            if (ExpertCount > 0) toy.Dense(at + (IsMixtral ? "block_sparse_moe.gate" : "mlp.gate"), Hidden, ExpertCount, false);
            if (HasSharedExpert) toy.Dense(at + "mlp.shared_expert_gate", Hidden, 1, false);
        }

        toy.Add(prefix + "norm.weight", Hidden);
        if (!IsTied) toy.Add("lm_head.weight", Vocabulary, Hidden);
        return toy;

        void Gated(string module, int size)
        {
            var names = Names(module);
            toy.Dense(module + names[0], Hidden, size, HasInnerBiases).Dense(module + names[1], Hidden, size, HasInnerBiases).Dense(module + names[2], size, Hidden, HasInnerBiases);
        }
    }

    IEnumerable<(string Module, int Size)> FeedForwards(string at)
    {
        if (IsMerged) yield break;
        if (ExpertCount == 0) yield return (at + "mlp.", Inner);
        for (var k = 0; k < ExpertCount; k++) yield return (at + (IsMixtral ? $"block_sparse_moe.experts.{k}." : $"mlp.experts.{k}."), IsMixtral ? Inner : 3);
        if (HasSharedExpert) yield return (at + "mlp.shared_expert.", 6);
    }

    static string[] Names(string module) => module.Contains("block_sparse", StringComparison.Ordinal) ? ["w1", "w3", "w2"] : ["gate_proj", "up_proj", "down_proj"];

    /// <summary>The logits of a sequence; of a checkpoint without head the last value.</summary>
    public double[] Forward(ToyCheckpoint w, int[] tokens, string prefix = "model.", bool hasHead = true)
    {
        double[][] D(double[][] x, string module) => Dense(x, w[module + ".weight"], w.Has(module + ".bias") ? w[module + ".bias"] : null);
        double[][] N(double[][] x, string module) => RmsNorm(x, w[module + ".weight"], Epsilon, IsGemma ? 1 : 0);
        var x = Rows(w[prefix + "embed_tokens.weight"], Hidden, tokens);
        if (IsGemma) x = Map(x, value => value * Math.Sqrt(Hidden));
        for (var layer = 0; layer < Layers; layer++)
        {
            var at = $"{prefix}layers.{layer}.";
            var normal = N(x, at + "input_layernorm");
            double[][] q, k, v;
            if (IsMerged)
            {
                var (wide, narrow) = (Heads * HeadSize, Shared * HeadSize);
                var all = D(normal, at + "self_attn.qkv_proj");
                (q, k, v) = (Part(all, 0, wide), Part(all, wide, narrow), Part(all, wide + narrow, narrow));
            }
            else
            {
                (q, k, v) = (D(normal, at + "self_attn.q_proj"), D(normal, at + "self_attn.k_proj"), D(normal, at + "self_attn.v_proj"));
            }

            if (NormalisesHeads)
            {
                double[][] EachHead(double[][] rows, string module) =>
                    Each(rows, row => [.. Enumerable.Range(0, row.Length / HeadSize).SelectMany(head => RmsNorm([row[(head * HeadSize)..((head + 1) * HeadSize)]], w[module + ".weight"], Epsilon)[0])]);
                (q, k) = (EachHead(q, at + "self_attn.q_norm"), EachHead(k, at + "self_attn.k_norm"));
            }

            (q, k) = (Rotate(q, Heads, Frequencies, Factor), Rotate(k, Shared, Frequencies, Factor));
            var window = Window(layer);
            var mixed = Attention(q, k, v, Heads, Shared, (_, _, _, score) => Softcap > 0 ? Softcap * Math.Tanh(score * Scale / Softcap) : score * Scale, (t, s) => s <= t && t - s < window);
            var attended = D(mixed, at + "self_attn.o_proj");
            x = Sum(x, NormalisesResults ? N(attended, at + "post_attention_layernorm") : attended);
            var fed = FeedForward(w, N(x, at + (NormalisesResults ? "pre_feedforward_layernorm" : "post_attention_layernorm")), at, D);
            x = Sum(x, NormalisesResults ? N(fed, at + "post_feedforward_layernorm") : fed);
        }

        x = N(x, prefix + "norm");
        if (!hasHead) return Flat(x);
        var logits = Dense(x, w[IsTied ? prefix + "embed_tokens.weight" : "lm_head.weight"]);
        return Flat(FinalSoftcap > 0 ? Map(logits, value => FinalSoftcap * Math.Tanh(value / FinalSoftcap)) : logits);
    }

    double[][] FeedForward(ToyCheckpoint w, double[][] x, string at, Func<double[][], string, double[][]> dense)
    {
        double Act(double value) => IsGemma ? GeluTanh(value) : Silu(value);
        if (IsMerged)
        {
            var both = dense(x, at + "mlp.gate_up_proj");
            return dense(Times(Map(Part(both, 0, Inner), Act), Part(both, Inner, Inner)), at + "mlp.down_proj");
        }

        double[][] Gated(double[][] rows, string module)
        {
            var names = Names(module);
            return dense(Times(Map(dense(rows, module + names[0]), Act), dense(rows, module + names[1])), module + names[2]);
        }

        if (ExpertCount == 0) return Gated(x, at + "mlp.");
        var shares = Each(dense(x, at + (IsMixtral ? "block_sparse_moe.gate" : "mlp.gate")), Softmax);
        return [.. x.Select((row, t) =>
        {
            var best = Enumerable.Range(0, ExpertCount).OrderByDescending(k => shares[t][k]).Take(Chosen).ToArray();
            var total = NormalisesShares ? best.Sum(k => shares[t][k]) : 1;
            var sum = new double[Hidden];
            foreach (var k in best)
            {
                var made = Gated([row], at + (IsMixtral ? $"block_sparse_moe.experts.{k}." : $"mlp.experts.{k}."))[0];
                for (var i = 0; i < Hidden; i++) sum[i] += shares[t][k] / total * made[i];
            }

            if (HasSharedExpert)
            {
                var gate = Sigmoid(dense([row], at + "mlp.shared_expert_gate")[0][0]);
                var made = Gated([row], at + "mlp.shared_expert.")[0];
                for (var i = 0; i < Hidden; i++) sum[i] += gate * made[i];
            }

            return sum;
        })];
    }
}
