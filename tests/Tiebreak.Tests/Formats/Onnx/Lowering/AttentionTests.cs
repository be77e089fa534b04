using global::Onnx;
using Xunit;
using static Tiebreak.Tests.Formats.Onnx.Lowering.OperatorRun;
using static Tiebreak.Tests.Formats.Onnx.OnnxModelBuilder;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>The standard's attention and rotary embedding against plain loops.</summary>
public sealed class AttentionTests
{
    const double Hidden = double.NegativeInfinity;

    static readonly double[] Q = Mixed(2 * 4 * 3 * 5, 1);
    static readonly double[] K = Mixed(2 * 2 * 4 * 5, 2);
    static readonly double[] V = Mixed(2 * 2 * 4 * 5, 3);

    static OnnxModelBuilder Four(string[] inputs, params AttributeProto[] attributes) =>
        new OnnxModelBuilder().Opset(23).Input("q", 2, 4, 3, 5).Input("k", 2, 2, 4, 5).Input("v", 2, 2, 4, 5).Node("Attention", inputs, ["y"], attributes).Output("y");

    static double[] Run(OnnxModelBuilder builder, params (string, double[])[] more) => First(builder, [("q", Q), ("k", K), ("v", V), .. more]);

    static PlainAttention Plain { get; } = new(2, 4, 2, 3, 4, 5);

    [Fact]
    public void Heads_of_queries_share_heads_of_keys() => Near(Plain.Of(Q, K, V), Run(Four(["q", "k", "v"])));

    [Fact]
    public void Scale_and_softcap_bend_the_scores() =>
        Near((Plain with { Scale = 0.5, Softcap = 2 }).Of(Q, K, V), Run(Four(["q", "k", "v"], Float("scale", 0.5f), Float("softcap", 2))));

    [Fact]
    public void Causal_queries_see_no_later_keys() =>
        Near((Plain with { Mask = (_, _, s, t) => t > s ? Hidden : 0 }).Of(Q, K, V), Run(Four(["q", "k", "v"], Int("is_causal", 1))));

    [Fact]
    public void A_constant_mask_may_hold_infinities()
    {
        var mask = new float[] { 0, float.NegativeInfinity, 0.5f, 0, float.NegativeInfinity, 0, 0, -1, 0, 0, 0, 0 };
        Near((Plain with { Mask = (_, _, s, t) => mask[s * 4 + t] }).Of(Q, K, V), Run(Four(["q", "k", "v", "m"]).Weight("m", [3, 4], mask)));
    }

    [Fact]
    public void A_mask_of_data_is_added_or_is_a_gate()
    {
        var mask = Mixed(2 * 3 * 4, 4);
        Near((Plain with { Mask = (b, _, s, t) => mask[(b * 3 + s) * 4 + t] }).Of(Q, K, V), Run(Four(["q", "k", "v", "m"]).Input("m", 2, 1, 3, 4), ("m", mask)));
        double[] gate = [1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1];
        Near((Plain with { Mask = (_, _, s, t) => gate[s * 4 + t] == 0 ? Hidden : 0 }).Of(Q, K, V), Run(Four(["q", "k", "v", "m"]).Input("m", TensorProto.Types.DataType.Bool, 3, 4), ("m", gate)));
    }

    [Fact]
    public void A_mask_may_be_chosen_by_data_before_it_is_added()
    {
        double[] gate = [1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1];
        var builder = new OnnxModelBuilder().Opset(23).Input("q", 2, 4, 3, 5).Input("k", 2, 2, 4, 5).Input("v", 2, 2, 4, 5).Input("seen", TensorProto.Types.DataType.Bool, 3, 4).Weight("zero", [], 0).Weight("hidden", [], float.NegativeInfinity)
            .Node("Where", ["seen", "zero", "hidden"], ["m"]).Node("Attention", ["q", "k", "v", "m"], ["y"]).Output("y");
        Near((Plain with { Mask = (_, _, s, t) => gate[s * 4 + t] == 0 ? Hidden : 0 }).Of(Q, K, V), Run(builder, ("seen", gate)));
    }

    [Fact]
    public void Past_keys_stand_before_the_present_ones()
    {
        double[] past = Mixed(2 * 2 * 1 * 5, 5), pastValues = Mixed(2 * 2 * 1 * 5, 6);
        var builder = new OnnxModelBuilder().Opset(23).Input("q", 2, 3, 20).Input("k", 2, 3, 10).Input("v", 2, 3, 10).Input("pk", 2, 2, 1, 5).Input("pv", 2, 2, 1, 5)
            .Node("Attention", ["q", "k", "v", "", "pk", "pv"], ["y", "nk", "nv", "s"], Int("q_num_heads", 4), Int("kv_num_heads", 2), Int("is_causal", 1), Int("qk_matmul_output_mode", 3)).Output("y").Output("nk").Output("s");
        double[] q = Mixed(2 * 3 * 20, 7), k = Mixed(2 * 3 * 10, 8), v = Mixed(2 * 3 * 10, 9);
        var all = All(builder, ("q", q), ("k", k), ("v", v), ("pk", past), ("pv", pastValues));
        var keys = Behind(past, PlainAttention.Split(k, 2, 2, 3, 5));
        var expected = (Plain with { Mask = (_, _, s, t) => t > s + 1 ? Hidden : 0 }).Of(PlainAttention.Split(q, 2, 4, 3, 5), keys, Behind(pastValues, PlainAttention.Split(v, 2, 2, 3, 5)));
        Near(PlainAttention.Joined(expected, 2, 4, 3, 5), all[0].Values);
        Assert.Equal(keys, all[1].Values);
        Assert.Equal([.. Enumerable.Repeat(1.0, 2 * 4 * 3)], all[2].Values.Chunk(4).Select(shares => Math.Round(shares.Sum(), 9)));
    }

    [Fact]
    public void Scores_behind_a_mask_are_refused() => Assert.Contains("qk_matmul_output_mode 2",
        Refusal(new OnnxModelBuilder().Opset(23).Input("q", 1, 1, 2, 4).Node("Attention", ["q", "q", "q"], ["y", "", "", "s"], Int("is_causal", 1), Int("qk_matmul_output_mode", 2)).Output("s")));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(0, 4)]
    [InlineData(1, 4)]
    public void Pairs_of_features_turn_with_the_position(int interleaved, int part)
    {
        var half = part == 0 ? 3 : part / 2;
        double[] x = Mixed(2 * 2 * 3 * 6, 1), cos = Mixed(8 * half, 2), sin = Mixed(8 * half, 3), positions = [0, 1, 2, 7, 3, 3];
        AttributeProto[] attributes = [Int("interleaved", interleaved), Int("rotary_embedding_dim", part)];
        var expected = Turned(x, 2, 2, 3, 6, half, interleaved != 0, (b, s, k) => (cos[(int)positions[b * 3 + s] * half + k], sin[(int)positions[b * 3 + s] * half + k]));
        var four = new OnnxModelBuilder().Opset(23).Input("x", 2, 2, 3, 6).Weight("c", [8, half], Floats(cos)).Weight("s", [8, half], Floats(sin)).Input("p", TensorProto.Types.DataType.Int64, 2, 3)
            .Node("RotaryEmbedding", ["x", "c", "s", "p"], ["y"], attributes).Output("y");
        Near(expected, First(four, ("x", x), ("p", positions)));
        Assert.Empty(four.Lower().Parameters);
        var three = new OnnxModelBuilder().Opset(23).Input("x", 2, 3, 12).Input("c", 2, 3, half).Input("s", 2, 3, half).Node("RotaryEmbedding", ["x", "c", "s"], ["y"], [.. attributes, Int("num_heads", 2)]).Output("y");
        double[] Rows(double[] table) => [.. positions.SelectMany(position => table.Skip((int)position * half).Take(half))];
        Near(PlainAttention.Joined(expected, 2, 2, 3, 6), First(three, ("x", PlainAttention.Joined(x, 2, 2, 3, 6)), ("c", Rows(cos)), ("s", Rows(sin))));
    }

    /// <summary>Turns the first 2 · half features of [batch, heads, positions, size].</summary>
    public static double[] Turned(double[] x, int batch, int heads, int positions, int size, int half, bool neighbours, Func<int, int, int, (double Cos, double Sin)> angle)
    {
        var y = (double[])x.Clone();
        for (var row = 0; row < batch * heads * positions; row++)
        {
            for (var k = 0; k < half; k++)
            {
                var (cos, sin) = angle(row / positions / heads, row % positions, k);
                var (a, b) = neighbours ? (row * size + 2 * k, row * size + 2 * k + 1) : (row * size + k, row * size + half + k);
                (y[a], y[b]) = (cos * x[a] - sin * x[b], sin * x[a] + cos * x[b]);
            }
        }

        return y;
    }

    /// <summary>One past position before three present ones, [2, 2, 4, 5].</summary>
    static double[] Behind(double[] past, double[] present) => [.. Enumerable.Range(0, 4).SelectMany(head => past.Skip(head * 5).Take(5).Concat(present.Skip(head * 15).Take(15)))];
}
