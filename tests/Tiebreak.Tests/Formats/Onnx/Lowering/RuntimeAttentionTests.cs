using global::Onnx;
using Tiebreak.Formats;
using Xunit;
using static Tiebreak.Tests.Formats.Onnx.Lowering.OperatorRun;
using static Tiebreak.Tests.Formats.Onnx.OnnxModelBuilder;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>ONNX Runtime's attention operators against plain loops.</summary>
public sealed class RuntimeAttentionTests
{
    const string Domain = "com.microsoft";
    const double Hidden = double.NegativeInfinity;

    static OnnxModelBuilder Packed(string[] more, params AttributeProto[] attributes) => new OnnxModelBuilder().Input("x", 2, 3, 4).Weight("w", [4, 12], Floats(Mixed(48, 1))).Weight("b", [12], Floats(Mixed(12, 2)))
        .Node(Domain, "Attention", ["x", "w", "b", .. more], ["y"], [Int("num_heads", 2), .. attributes]).Output("y");

    /// <summary>Queries, keys and values of <see cref="Packed"/>, [2, 2, 3, 2] each.</summary>
    static double[][] Projected(double[] x)
    {
        double[] w = Mixed(48, 1), b = Mixed(12, 2);
        return [.. Enumerable.Range(0, 3).Select(part => PlainAttention.Split([.. from row in Enumerable.Range(0, 6) from o in Enumerable.Range(4 * part, 4) select b[o] + Enumerable.Range(0, 4).Sum(i => x[row * 4 + i] * w[i * 12 + o])], 2, 2, 3, 2))];
    }

    static PlainAttention Plain { get; } = new(2, 2, 2, 3, 3, 2);

    static double[] Expected(double[] x, Func<int, int, int, int, double> mask)
    {
        var parts = Projected(x);
        return PlainAttention.Joined((Plain with { Mask = mask }).Of(parts[0], parts[1], parts[2]), 2, 2, 3, 2);
    }

    [Fact]
    public void Projections_are_inside()
    {
        var x = Mixed(24, 3);
        Near(Expected(x, (_, _, _, _) => 0), First(Packed([]), ("x", x)));
        Assert.Equal([ParameterRole.Dense, ParameterRole.Bias], Packed([]).Lower().Parameters.Select(tensor => tensor.Role));
    }

    [Fact]
    public void Words_may_see_the_past_only()
    {
        var x = Mixed(24, 4);
        Near(Expected(x, (_, _, s, t) => t > s ? Hidden : 0), First(Packed([], Int("unidirectional", 1)), ("x", x)));
    }

    [Fact]
    public void Words_that_do_not_count_are_masked()
    {
        double[] x = Mixed(24, 5), mask = [1, 1, 0, 1, 0, 0];
        Near(Expected(x, (b, _, _, t) => mask[b * 3 + t] == 0 ? Hidden : 0), First(Packed(["m"]).Input("m", TensorProto.Types.DataType.Int32, 2, 3), ("x", x), ("m", mask)));
        double[] lengths = [2, 1];
        Near(Expected(x, (b, _, _, t) => t >= lengths[b] ? Hidden : 0), First(Packed(["m"]).Input("m", TensorProto.Types.DataType.Int32, 2), ("x", x), ("m", lengths)));
    }

    [Fact]
    public void Biases_may_be_added_to_the_scores()
    {
        double[] x = Mixed(24, 6), bias = Mixed(18, 7);
        Near(Expected(x, (_, h, s, t) => bias[(h * 3 + s) * 3 + t]), First(Packed(["", "", "a"]).Input("a", 1, 2, 3, 3), ("x", x), ("a", bias)));
    }

    [Fact]
    public void Separate_inputs_get_their_biases()
    {
        double[] q = Mixed(24, 1), k = Mixed(24, 2), v = Mixed(24, 3), b = Mixed(12, 4);
        double[] With(double[] x, int part) => PlainAttention.Split([.. x.Select((number, at) => number + b[4 * part + at % 4])], 2, 2, 3, 2);
        var builder = new OnnxModelBuilder().Input("q", 2, 3, 4).Input("k", 2, 3, 4).Input("v", 2, 3, 4).Weight("b", [12], Floats(b)).Node(Domain, "MultiHeadAttention", ["q", "k", "v", "b"], ["y"], Int("num_heads", 2)).Output("y");
        Near(PlainAttention.Joined(Plain.Of(With(q, 0), With(k, 1), With(v, 2)), 2, 2, 3, 2), First(builder, ("q", q), ("k", k), ("v", v)));
    }

    [Fact]
    public void Queries_keys_and_values_may_be_packed()
    {
        var x = Mixed(2 * 3 * 2 * 3 * 2, 5);
        double[] Part(int part) => [.. from b in Enumerable.Range(0, 2) from h in Enumerable.Range(0, 2) from s in Enumerable.Range(0, 3) from d in Enumerable.Range(0, 2) select x[(((b * 3 + s) * 2 + h) * 3 + part) * 2 + d]];
        var builder = new OnnxModelBuilder().Input("x", 2, 3, 2, 3, 2).Node(Domain, "MultiHeadAttention", ["x"], ["y"], Int("num_heads", 2)).Output("y");
        Near(PlainAttention.Joined(Plain.Of(Part(0), Part(1), Part(2)), 2, 2, 3, 2), First(builder, ("x", x)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Grouped_queries_turn_and_see_the_past(bool window)
    {
        double[] q = Mixed(2 * 3 * 8, 1), k = Mixed(2 * 3 * 4, 2), v = Mixed(2 * 3 * 4, 3), pk = Mixed(2 * 1 * 2 * 4, 4), pv = Mixed(2 * 1 * 2 * 4, 5), cos = Mixed(16, 6), sin = Mixed(16, 7);
        var builder = new OnnxModelBuilder().Input("q", 2, 3, 8).Input("k", 2, 3, 4).Input("v", 2, 3, 4).Input("pk", 2, 1, 2, 4).Input("pv", 2, 1, 2, 4)
            .Input("lengths", TensorProto.Types.DataType.Int32, 2).Input("total", TensorProto.Types.DataType.Int32, 1).Weight("c", [8, 2], Floats(cos)).Weight("s", [8, 2], Floats(sin))
            .Node(Domain, "GroupQueryAttention", ["q", "k", "v", "pk", "pv", "lengths", "total", "c", "s"], ["y", "nk", "nv"], Int("num_heads", 2), Int("kv_num_heads", 1), Int("do_rotary", 1), Int("local_window_size", window ? 2 : -1)).Output("y");
        double[] Turn(double[] x, int heads) => AttentionTests.Turned(PlainAttention.Split(x, 2, heads, 3, 4), 2, heads, 3, 4, 2, neighbours: false, (_, s, d) => (cos[(s + 2) * 2 + d], sin[(s + 2) * 2 + d]));
        double[] Behind(double[] past, double[] present) => [.. Enumerable.Range(0, 2).SelectMany(b => past.Skip(b * 8).Take(8).Concat(present.Skip(b * 12).Take(12)))];
        var plain = new PlainAttention(2, 2, 1, 3, 5, 4) { Mask = (_, _, s, t) => t > s + 2 || (window && t <= s) ? Hidden : 0 };
        var expected = PlainAttention.Joined(plain.Of(Turn(q, 2), Behind(pk, Turn(k, 1)), Behind(pv, PlainAttention.Split(v, 2, 1, 3, 4))), 2, 2, 3, 4);
        Near(expected, First(builder, ("q", q), ("k", k), ("v", v), ("pk", pk), ("pv", pv)));
        Assert.Contains(builder.Lower().Notes, note => note.Contains("unpadded", StringComparison.Ordinal));
    }

    [Fact]
    public void Rotary_positions_may_begin_at_a_number()
    {
        double[] x = Mixed(2 * 3 * 8, 1), cos = Mixed(16, 2), sin = Mixed(16, 3);
        var builder = new OnnxModelBuilder().Input("x", 2, 3, 8).Integers("p", 4).Weight("c", [8, 2], Floats(cos)).Weight("s", [8, 2], Floats(sin)).Node(Domain, "RotaryEmbedding", ["x", "p", "c", "s"], ["y"], Int("interleaved", 1)).Output("y");
        var expected = AttentionTests.Turned(PlainAttention.Split(x, 2, 2, 3, 4), 2, 2, 3, 4, 2, neighbours: true, (_, s, d) => (cos[(s + 4) * 2 + d], sin[(s + 4) * 2 + d]));
        Near(PlainAttention.Joined(expected, 2, 2, 3, 4), First(builder, ("x", x)));
        Assert.Empty(builder.Lower().Parameters);
    }
}
