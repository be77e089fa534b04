using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>ONNX Runtime's normalisations with what stands before them: a residual and a bias, or the look-ups of an embedding.</summary>
static class FusedNormalizations
{
    /// <summary>com.microsoft SkipLayerNormalization-1.</summary>
    public static void SkipLayer(OperatorCall call) => Skip(call, centred: true, bias: call.Has(3) ? 3 : -1, added: 4, 1e-12f);

    /// <summary>com.microsoft SkipSimplifiedLayerNormalization-1, which does not take the mean off.</summary>
    public static void SkipSimplified(OperatorCall call) => Skip(call, centred: false, bias: -1, added: 3, 1e-12f);

    static void Skip(OperatorCall call, bool centred, int bias, int added, float epsilon)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var sum = builder.Add(x, builder.BroadcastTo(call.Node(1), x.Shape));
        if (call.Has(added))
        {
            call.UsedAs(added, ParameterRole.Bias, AxisMeaning.Output);
            sum = builder.Add(sum, builder.BroadcastTo(call.Node(added), x.Shape));
        }

        SetNormal(call, sum, scale: 2, bias, centred, call.Float("epsilon", epsilon));
        if (call.HasOutput(3)) call.Set(3, Value.Of(sum));
    }

    /// <summary>com.microsoft EmbedLayerNormalization-1: words, positions and segments are looked up, added and normalised.</summary>
    public static void Embedding(OperatorCall call)
    {
        var builder = call.Builder;
        var words = call.Input(0);
        if (words.Shape.Rank != 2) throw call.Fail($"its words of shape {words.Shape} must have a batch and positions");
        var sum = LookedUp(call, words, 2);
        var positions = call.Has(8) ? call.Input(8) : Value.Of(new Shape(1, words.Shape[1]), [.. Enumerable.Range(0, words.Shape[1]).Select(place => (long)place)]);
        sum = builder.Add(sum, builder.BroadcastTo(LookedUp(call, positions, 3), sum.Shape));
        if (call.Has(1) && call.Has(4)) sum = builder.Add(sum, LookedUp(call, call.Input(1), 4));
        SetNormal(call, sum, scale: 5, bias: 6, centred: true, call.Float("epsilon", 1e-12f), statistics: false);
        if (call.HasOutput(1))
        {
            // The number of words that count in each row.
            call.Set(1, call.Has(7) ? Value.Of(builder.ReduceSum(call.Node(7), 1), ElementKind.Integer) : Value.Of(new Shape(words.Shape[0]), new long[words.Shape[0]]));
        }

        if (call.HasOutput(2)) call.Set(2, Value.Of(sum));
    }

    static Node LookedUp(OperatorCall call, Value places, int table)
    {
        call.UsedAs(table, ParameterRole.LookUp, AxisMeaning.Row, AxisMeaning.Output);
        var rows = call.Input(table);
        if (rows.Shape.Rank != 2) throw call.Fail($"its table of shape {rows.Shape} must have rows and features");
        if (places.Integers is { } constant)
        {
            var picked = ValueMoves.Grid(call, rows, [[.. constant.Select(place => SliceOperators.Row(call, place, rows.Shape[0]))], null]);
            return call.NodeOf(ValueMoves.Reshape(call, picked, new Shape([.. places.Shape.Sizes, rows.Shape[1]])));
        }

        if (places.Index is null) throw call.Fail("its indices are computed from data, which is not supported; leave that part out with --outputs");
        return call.Builder.Contract("bsr", "rf", "bsf", places.Index(rows.Shape[0]), call.NodeOf(rows));
    }

    static void SetNormal(OperatorCall call, Node x, int scale, int bias, bool centred, Rational epsilon, bool statistics = true)
    {
        var builder = call.Builder;
        var last = x.Shape.Rank - 1;
        var mean = builder.Scale(builder.ReduceSum(x, last), new Rational(1, x.Shape[last]));
        var moved = centred ? builder.Subtract(x, builder.Broadcast(mean, x.Shape, last)) : x;
        var root = Moments.InverseRoot(builder, Moments.MeanOver(builder, builder.Multiply(moved, moved), [last]), epsilon);
        call.UsedAs(scale, ParameterRole.Scale, AxisMeaning.Output);
        var y = builder.Multiply(builder.Multiply(moved, builder.Broadcast(root, x.Shape, last)), builder.BroadcastTo(call.Node(scale), x.Shape));
        if (bias >= 0)
        {
            call.UsedAs(bias, ParameterRole.Bias, AxisMeaning.Output);
            y = builder.Add(y, builder.BroadcastTo(call.Node(bias), x.Shape));
        }

        call.Set(y);
        if (!statistics) return;
        var kept = new Shape([.. x.Shape.Sizes.Take(last), 1]);
        if (call.HasOutput(1)) call.Set(1, Value.Of(builder.Reshape(mean, kept)));
        if (call.HasOutput(2)) call.Set(2, Value.Of(builder.Reshape(root, kept)));
    }

    /// <summary>com.microsoft GroupNorm-1: channels may stand last, and a Swish may follow.</summary>
    public static void Group(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        var groups = (int)Math.Clamp(call.Int("groups", 0), 0, 1 << 24);
        var last = call.Int("channels_last", 1) != 0;
        var rank = x.Shape.Rank;
        if (rank < 3) throw call.Fail($"its input of shape {x.Shape} has no spatial axes");
        if (last) x = builder.Transpose(x, [0, rank - 1, .. Enumerable.Range(1, rank - 2)]);
        call.UsedAs(1, ParameterRole.Scale, AxisMeaning.Output);
        call.UsedAs(2, ParameterRole.Bias, AxisMeaning.Output);
        var y = Normalizations.Grouped(call, x, groups, call.Float("epsilon", 1e-5f));
        if (call.Int("activation", 0) != 0) y = Nonlinearities.Swish(builder, y, Rational.One);
        call.Set(last ? builder.Transpose(y, [0, .. Enumerable.Range(2, rank - 2), 1]) : y);
    }
}
