using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>ONNX Runtime's attention operators, which exporters and optimisers put in place of whole attention layers.</summary>
static class RuntimeAttention
{
    /// <summary>com.microsoft Attention-1: the projections to queries, keys and values are inside, side by side in one weight.</summary>
    public static void Attention(OperatorCall call)
    {
        var builder = call.Builder;
        var (x, w) = (call.Node(0), call.Node(1));
        if (call.Int("do_rotary", 0) != 0 || call.Int("past_present_share_buffer", 0) != 0 || call.Has(6)) throw call.Fail("it turns its queries or shares a buffer with the past, which is not supported; export the model without these options");
        if (x.Shape.Rank != 3 || w.Shape.Rank != 2 || w.Shape[0] != x.Shape[2]) throw call.Fail($"weights of shape {w.Shape} do not fit an input of shape {x.Shape}");
        call.UsedAs(1, ParameterRole.Dense, AxisMeaning.Input, AxisMeaning.Output);
        call.UsedAs(2, ParameterRole.Bias, AxisMeaning.Output);
        var all = builder.Contract("bsi", "io", "bso", x, w);
        if (call.Has(2)) all = builder.Add(all, builder.BroadcastTo(call.Node(2), all.Shape));
        var sizes = call.Ints("qkv_hidden_sizes") is { Length: 3 } given ? given : [.. Enumerable.Repeat(w.Shape[1] / 3, 3)];
        if (sizes.Sum() != w.Shape[1]) throw call.Fail($"{string.Join(", ", sizes)} features do not make up weights of shape {w.Shape}");
        var parts = Split(call, all, 2, sizes);
        var heads = call.Int("num_heads", 0);
        var (queries, keys, values) = (ScaledDotProducts.Heads(call.Builder, parts[0], heads), ScaledDotProducts.Heads(call.Builder, parts[1], heads), ScaledDotProducts.Heads(call.Builder, parts[2], heads));
        if (call.Has(4))
        {
            var past = Split(call, call.Node(4), 0, [1, 1]);
            keys = builder.Concat(2, builder.Reshape(past[0], past[0].Shape.Without([0])), keys);
            values = builder.Concat(2, builder.Reshape(past[1], past[1].Shape.Without([0])), values);
        }

        Mix(call, queries, keys, values, Mask(call, 3, 5, keys), call.Int("unidirectional", 0) != 0);
        if (call.HasOutput(1))
        {
            var one = new Shape([1, .. keys.Shape.Sizes]);
            call.Set(1, Value.Of(builder.Concat(0, builder.Reshape(keys, one), builder.Reshape(values, one))));
        }
    }

    /// <summary>com.microsoft MultiHeadAttention-1: projections are outside, their biases may be inside.</summary>
    public static void MultiHead(OperatorCall call)
    {
        var builder = call.Builder;
        if (call.Has(8) || call.Has(9)) throw call.Fail("it shares a buffer with the past, which is not supported; export the model without past_sequence_length");
        var heads = call.Int("num_heads", 0);
        var x = call.Node(0);
        Node queries, keys, values;
        if (x.Shape.Rank == 5)
        {
            var parts = Split(call, x, 3, [1, 1, 1]);
            (queries, keys, values) = (Unpacked(call, parts[0]), Unpacked(call, parts[1]), Unpacked(call, parts[2]));
        }
        else if (call.Shape(1).Rank == 5)
        {
            var parts = Split(call, call.Node(1), 3, [1, 1]);
            (queries, keys, values) = (x, Unpacked(call, parts[0]), Unpacked(call, parts[1]));
        }
        else
        {
            (queries, keys, values) = (x, call.Node(1), call.Node(2));
        }

        if (call.Has(3))
        {
            call.UsedAs(3, ParameterRole.Bias, AxisMeaning.Output);
            if (queries.Shape.Rank != 3 || keys.Shape.Rank != 3 || values.Shape.Rank != 3) throw call.Fail("it adds a bias to packed inputs, which is not supported; export the model without packing");
            var biases = Split(call, call.Node(3), 0, [queries.Shape[2], keys.Shape[2], values.Shape[2]]);
            (queries, keys, values) = (Sum(queries, biases[0]), Sum(keys, biases[1]), Sum(values, biases[2]));
        }

        (queries, keys, values) = (ScaledDotProducts.Heads(call.Builder, queries, heads), ScaledDotProducts.Heads(call.Builder, keys, heads), ScaledDotProducts.Heads(call.Builder, values, heads));
        if (call.Has(6)) keys = builder.Concat(2, call.Node(6), keys);
        if (call.Has(7)) values = builder.Concat(2, call.Node(7), values);
        Mix(call, queries, keys, values, Mask(call, 4, 5, keys), call.Int("unidirectional", 0) != 0);
        if (call.HasOutput(1)) call.Set(1, Value.Of(keys));
        if (call.HasOutput(2)) call.Set(2, Value.Of(values));
        if (call.HasOutput(3)) throw call.Fail("its scores are used elsewhere, which is not supported; leave that part out with --outputs");

        Node Sum(Node operand, Node bias) => builder.Add(operand, builder.BroadcastTo(bias, operand.Shape));
    }

    /// <summary>
    /// com.microsoft GroupQueryAttention-1: causal, with several query heads for a head of keys. The lengths of its sequences count as full, which the
    /// report says.
    /// </summary>
    public static void GroupQuery(OperatorCall call)
    {
        var builder = call.Builder;
        foreach (var refused in new[] { "smooth_softmax", "qk_output", "k_quant_type", "v_quant_type" })
            if (call.Find(refused) is { } attribute && (attribute.I > 0 || attribute.S.Length > 0 && attribute.S.ToStringUtf8() is not "NONE")) throw call.Fail($"its {refused} is set, which is not supported; export the model without it");
        if (call.Has(11)) throw call.Fail("it has a sink for each head, which is not supported; export the model without it");
        var (heads, shared) = (call.Int("num_heads", 0), call.Int("kv_num_heads", 0));
        Node queries, keys, values;
        if (call.Has(1))
        {
            (queries, keys, values) = (call.Node(0), call.Node(1), call.Node(2));
        }
        else
        {
            var x = call.Node(0);
            if (x.Shape.Rank != 3 || heads < 1 || shared < 1 || x.Shape[2] % (heads + 2 * shared) != 0) throw call.Fail($"{heads} and twice {shared} heads do not fit an input of shape {x.Shape}");
            var size = x.Shape[2] / (int)(heads + 2 * shared);
            var parts = Split(call, x, 2, [size * (int)heads, size * (int)shared, size * (int)shared]);
            (queries, keys, values) = (parts[0], parts[1], parts[2]);
        }

        (queries, keys, values) = (ScaledDotProducts.Heads(call.Builder, queries, heads), ScaledDotProducts.Heads(call.Builder, keys, shared), ScaledDotProducts.Heads(call.Builder, values, shared));
        var past = call.Has(3) ? call.Shape(3)[2] : 0;
        call.Lowering.Note($"node `{call.Name}`: its sequences count as unpadded");
        if (call.Int("do_rotary", 0) != 0)
        {
            var steps = queries.Shape[2];
            var positions = call.Has(9) ? call.Input(9) : Value.Of(new Shape(1, steps), [.. Enumerable.Range(past, steps).Select(place => (long)place)]);
            var (cosines, sines) = (Rotary.At(call, 7, positions, queries.Shape), Rotary.At(call, 8, positions, queries.Shape));
            var neighbours = call.Int("rotary_interleaved", 0) != 0;
            var turned = 2L * cosines.Shape[2];
            (queries, keys) = (Rotation.Turned(call.Builder, queries, cosines, sines, neighbours, turned), Rotation.Turned(call.Builder, keys, cosines, sines, neighbours, turned));
        }

        if (call.Has(3)) keys = builder.Concat(2, call.Node(3), keys);
        if (call.Has(4)) values = builder.Concat(2, call.Node(4), values);
        var window = call.Int("local_window_size", -1);
        var products = new ScaledDotProducts(call.Builder, queries, keys, values)
        {
            Scale = Scale(call, queries),
            Softcap = call.Float("softcap", 0),
            IsCausal = true,
            Offset = past,
            Window = window > 0 ? (int)Math.Min(window, int.MaxValue) : null,
            Mask = call.Has(10) ? AttentionMasks.Of(call, 10, keys.Shape[2]) : new AttentionMask(null, null),
        };
        call.Set(ScaledDotProducts.Joined(call.Builder, products.Mixed()));
        if (call.HasOutput(1)) call.Set(1, Value.Of(keys));
        if (call.HasOutput(2)) call.Set(2, Value.Of(values));
    }

    static void Mix(OperatorCall call, Node queries, Node keys, Node values, AttentionMask mask, bool causal)
    {
        var products = new ScaledDotProducts(call.Builder, queries, keys, values) { Scale = Scale(call, queries), IsCausal = causal, Offset = keys.Shape[2] - queries.Shape[2], Mask = mask };
        call.Set(ScaledDotProducts.Joined(call.Builder, products.Mixed()));
    }

    static Rational Scale(OperatorCall call, Node queries)
    {
        var given = call.Float("scale", 0);
        return given.IsZero ? ScaledDotProducts.DefaultScale(queries.Shape[3]) : given;
    }

    static AttentionMask Mask(OperatorCall call, int integers, int added, Node keys)
    {
        var mask = call.Has(integers) ? AttentionMasks.OfIntegers(call, integers, keys.Shape[0], keys.Shape[2]) : new AttentionMask(null, null);
        return call.Has(added) ? mask.With(call.Builder, AttentionMasks.Of(call, added, keys.Shape[2])) : mask;
    }

    /// <summary>[batch, positions, heads, 1, features] as [batch, heads, positions, features].</summary>
    static Node Unpacked(OperatorCall call, Node part) => call.Builder.Transpose(call.Builder.Reshape(part, part.Shape.Without([3])), 0, 2, 1, 3);

    /// <summary>Parts of the given sizes along an axis.</summary>
    static Node[] Split(OperatorCall call, Node x, int axis, int[] sizes)
    {
        if (x.Shape.Rank <= axis || x.Shape[axis] != sizes.Sum()) throw call.Fail($"parts of sizes {string.Join(", ", sizes)} do not make up axis {axis} of {x.Shape}");
        var parts = new Node[sizes.Length];
        var begin = 0;
        for (var k = 0; k < parts.Length; k++)
        {
            var positions = new int[]?[x.Shape.Rank];
            positions[axis] = [.. Enumerable.Range(begin, sizes[k])];
            parts[k] = sizes[k] == x.Shape[axis] ? x : call.Builder.Gather(x, GridMap.Of(x.Shape, positions));
            begin += sizes[k];
        }

        return parts;
    }
}
