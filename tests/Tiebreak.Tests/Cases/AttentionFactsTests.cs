using global::Onnx;
using Tiebreak.Tests.Formats.Onnx;
using Xunit;

namespace Tiebreak.Tests.Cases;

/// <summary>Facts from the field about attention, positions and look-up tables.</summary>
public sealed class AttentionFactsTests
{
    [Fact, Trait("where", "\"Role of Bias Terms in Dot-Product Attention\", ICASSP 2023")]
    public void The_key_bias_of_attention_is_stuck_and_the_others_are_free()
    {
        var outcome = Outcome.OfFormula("""
            param q.weight[3,2] = uniform(-1, 1, seed=1)
            param k.weight[3,2] = uniform(-1, 1, seed=2)
            param v.weight[3,2] = uniform(-1, 1, seed=3)
            param q.bias[2] = uniform(-1, 1, seed=4)
            param k.bias[2] = uniform(-1, 1, seed=5)
            param v.bias[2] = uniform(-1, 1, seed=6)
            data x[4,3], y[4,2]
            loss sum((y - softmax((x @ q.weight + q.bias) @ (x @ k.weight + k.bias).T / 1.4142135623730951) @ (x @ v.weight + v.bias))**2)
            """);
        outcome.IsStuck("cancellation", "k.bias");
        outcome.Says(["k.bias[0]"], "Stuck", "its terms cancel: what softmax in line 8 sends back", "sums to zero along axis 1");
        outcome.IsFree("q.weight", "k.weight", "v.weight", "q.bias", "v.bias");
        Assert.Equal(["TB004"], outcome.Rules);
    }

    [Fact, Trait("where", "huggingface/pytorch-image-models pull 2229")]
    public void Register_tokens_that_start_at_zero_without_positions_stay_equal()
    {
        var outcome = Outcome.OfFormula(Vision("concat(register, x + position)"));
        outcome.StayEqual("register", 0, 0, 1, 2, 3);
        outcome.Says(["register[0,*]", "register[1,*]"], "Lockstep", "`register[0,*]` = `register[1,*]` at the start");
        outcome.IsFree("position", "q", "k", "v");
        Assert.Equal([0, 1, 2, 3], outcome.Finding("TB001").Indices);
    }

    [Fact, Trait("where", "huggingface/pytorch-image-models pull 2229")]
    public void Register_tokens_with_a_position_each_are_free()
    {
        var outcome = Outcome.OfFormula(Vision("concat(register + register.position, x + position)", "param register.position[4,2] = normal(0, 0.02, seed=8)\n"));
        outcome.IsFree("register", "register.position", "position");
        Assert.DoesNotContain("TB001", outcome.Rules);
        Assert.Equal(["register"], outcome.Finding("TB012").Tensors);
        outcome.Says(["register[0,0]", "register[1,0]"], "Apart", "`register.position[0,0]` and `register.position[1,0]` start at different values");
    }

    [Fact, Trait("where", "pytorch issues 72253, 86274")]
    public void Encoder_layers_cloned_from_one_are_equal_but_free()
    {
        string Layer(int n) => string.Concat(new[] { "q", "k", "v", "ff" }.Select((name, k) => $"param layers.{n}.{name}[2,2] = normal(0, 0.5, seed={k + 1})\n"));
        string Attend(string x, int n) => $"({x} + softmax(({x} @ layers.{n}.q) @ ({x} @ layers.{n}.k).T) @ ({x} @ layers.{n}.v))";
        string Block(string name, string x, int n) => $"let {name}.a = {Attend(x, n)}\nlet {name} = {name}.a + tanh({name}.a @ layers.{n}.ff)\n";
        var outcome = Outcome.OfFormula($"{Layer(0)}{Layer(1)}{Layer(2)}data x[3,2], y[3,2]\n{Block("h0", "x", 0)}{Block("h1", "h0", 1)}{Block("h2", "h1", 2)}loss sum((y - h2)**2)");
        Assert.Equal(48, outcome.Counts.DegreesOfFreedom); // all
        Assert.Equal(12, outcome.Finding("TB012").Tensors.Count);
        outcome.Says(["layers.0.ff[0,0]", "layers.1.ff[0,0]"], "Apart", "from step 1 on", "is a sum of 2 terms, and what comes back to");
        Assert.Equal(["TB012"], outcome.Rules);
    }

    [Fact, Trait("where", "facebookresearch/coconut issue 44")]
    public void New_tokens_copied_from_one_embedding_row_come_apart_once_data_holds_one_without_the_other()
    {
        // Token 2 was copied to the new tokens 3, 4 and 5; any data may hold any token.
        float[] table = [0.1f, 0.2f, -0.3f, 0.4f, 0.5f, -0.6f, 0.5f, -0.6f, 0.5f, -0.6f, 0.5f, -0.6f];
        var outcome = Outcome.OfOnnx(new OnnxModelBuilder().Input("ids", TensorProto.Types.DataType.Int64, 2, 3).Weight("embedding", [6, 2], table).Weight("head", [2, 3], 1, 2, 3, 4, 5, 6)
            .Node("Gather", ["embedding", "ids"], ["h"]).Node("Tanh", ["h"], ["t"]).Node("MatMul", ["t", "head"], ["y"]).Output("y"));
        outcome.ComeApart("embedding", 0, 2, 3, 4, 5);
        outcome.IsFree("embedding", "head");
        outcome.Says(["embedding[3,0]", "embedding[4,0]"], "Apart", "data may pick one without the other: 3 in `ids` or 4 in `ids`");
        Assert.Contains("rows 2, 3, 4, 5 of `embedding`", outcome.Finding("TB012").Message, StringComparison.Ordinal);
    }

    [Fact, Trait("where", "facebookresearch/coconut issue 44")]
    public void New_tokens_copied_from_one_embedding_row_stay_in_lockstep_if_data_never_separates_them()
    {
        // How often each token occurs in a sentence, which is averaged; the new tokens 3 and 4 only occur together. (The nearest to a data set that a formula can say.)
        var outcome = Outcome.OfFormula("""
            param embedding[5,2] = [[0.1, 0.2], [-0.3, 0.4], [0.5, -0.6], [0.5, -0.6], [0.5, -0.6]]
            param head[2] = [0.7, -0.8]
            data occurs[5], y
            data occurs[4] = occurs[3]
            loss (y - head @ tanh(occurs @ embedding))**2
            """);
        outcome.StayEqual("embedding", 0, 3, 4);
        outcome.ComeApart("embedding", 0, 0, 1, 2, 3);
        outcome.Says(["embedding[3,*]", "embedding[4,*]"], "Lockstep", "made of the very same numbers");
    }

    [Fact, Trait("where", "\"Fishing for Magikarp\", 2024")]
    public void Rows_of_tokens_never_seen_are_in_lockstep_among_themselves_where_the_output_layer_shares_the_table()
    {
        // Tokens 3 and 4 start as copies of one row. (Which tokens the data holds is said by the formula, in place of a data set.)
        const string leaves = "param table[5,2] = [[0.1, 0.2], [-0.3, 0.4], [0.5, -0.6], [0.02, 0.01], [0.02, 0.01]]\nparam hidden[2,2] = uniform(-1, 1, seed=1)\n";
        var outcome = Outcome.OfFormula(leaves + "data seen[3], next[3]\nlet logits = table @ tanh(hidden @ (concat(seen, [0, 0]) @ table))\nloss -sum(concat(next, [0, 0]) * log_softmax(logits))");
        outcome.StayEqual("table", 0, 3, 4);
        outcome.ComeApart("table", 0, 0, 1, 2, 3);
        Assert.Equal([3, 4], outcome.Finding("TB001").Indices);
        outcome.Says(["table[3,*]", "table[4,*]"], "Lockstep", "`table[3,*]` = `table[4,*]` at the start");

        var everSeen = Outcome.OfFormula(leaves + "data seen[5], next[5]\nlet logits = table @ tanh(hidden @ (seen @ table))\nloss -sum(next * log_softmax(logits))");
        everSeen.IsFree("table", "hidden");
    }

    /// <summary>One attention layer over register tokens and patches with positions; the mean over the patches is the answer.</summary>
    static string Vision(string tokens, string more = "") =>
        "param register[4,2] = 0\nparam position[3,2] = normal(0, 0.02, seed=1)\nparam q[2,2] = uniform(-1, 1, seed=2)\nparam k[2,2] = uniform(-1, 1, seed=3)\nparam v[2,2] = uniform(-1, 1, seed=4)\n"
        + more + $"data x[3,2], y[2]\nlet z = {tokens}\nlet mixed = z + softmax((z @ q) @ (z @ k).T) @ (z @ v)\nloss sum((y - mean(tanh(mixed[4:]), axis=0))**2)";
}
