using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Layers;

/// <summary>
/// What every kind of attention does: queries meet keys, softmax makes shares of what they score, and the shares mix the values. Tensors are
/// [batch, heads, positions, features]; a head of keys may serve several heads of queries in a row.
/// </summary>
sealed class ScaledDotProducts(ProgramBuilder builder, Node queries, Node keys, Node values)
{
    /// <summary>What scores are multiplied with.</summary>
    public Rational Scale { get; init; }

    /// <summary>Scores are bent to stay below this in magnitude; 0 leaves them.</summary>
    public Rational Softcap { get; init; }

    /// <summary>Whether a query sees only the keys up to its own place.</summary>
    public bool IsCausal { get; init; }

    /// <summary>The place of the first query: how many keys are past.</summary>
    public int Offset { get; init; }

    /// <summary>How many keys each query sees, counted back from its own place; null for all.</summary>
    public int? Window { get; init; }

    /// <summary>Added to the scores, and gates for the shares; both repeat to [batch, heads, queries, keys].</summary>
    public AttentionMask Mask { get; init; } = new(null, null);

    /// <summary>Called with the scores before softmax, which may change them.</summary>
    public Func<Node, Node>? OnScores { get; init; }

    /// <summary>What becomes of the shares before they mix the values: a dropout.</summary>
    public Func<Node, Node>? OnShares { get; init; }

    /// <summary>The scores before masks.</summary>
    public Node? Scores { get; private set; }

    /// <summary>What softmax made of them.</summary>
    public Node? Shares { get; private set; }

    /// <summary>1/√size: exact for squares, else the nearest double, since only that it is one fixed number counts.</summary>
    public static Rational DefaultScale(int size)
    {
        var root = (int)Math.Round(Math.Sqrt(size));
        return root * root == size ? new Rational(1, root) : Rational.FromDouble(1 / Math.Sqrt(size));
    }

    /// <summary>[batch, positions, heads · features] with a head axis of its own, in front of the positions; what has it already stays.</summary>
    /// <exception cref="ArgumentException">The heads do not divide the features.</exception>
    public static Node Heads(ProgramBuilder builder, Node x, long heads)
    {
        if (x.Shape.Rank == 4) return x;
        if (x.Shape.Rank != 3 || heads < 1 || x.Shape[2] % heads != 0) throw new ArgumentException($"{heads} heads do not fit an input of shape {x.Shape}");
        return builder.Transpose(builder.Reshape(x, new Shape(x.Shape[0], x.Shape[1], (int)heads, x.Shape[2] / (int)heads)), 0, 2, 1, 3);
    }

    /// <summary>The heads one after the other again: [batch, positions, heads · features].</summary>
    public static Node Joined(ProgramBuilder builder, Node x) =>
        builder.Reshape(builder.Transpose(x, 0, 2, 1, 3), new Shape(x.Shape[0], x.Shape[2], checked(x.Shape[1] * x.Shape[3])));

    /// <summary>The mixed values, [batch, heads, positions, features].</summary>
    /// <exception cref="ArgumentException">The operands' shapes do not fit together.</exception>
    public Node Mixed()
    {
        var (q, k) = (queries.Shape, keys.Shape);
        if (q.Rank != 4 || k.Rank != 4 || values.Shape.Rank != 4 || q[0] != k[0] || q[3] != k[3] || k[1] < 1 || q[1] % k[1] != 0 || !values.Shape.Sizes.Take(3).SequenceEqual(k.Sizes.Take(3)))
            throw new ArgumentException($"queries of shape {q} do not fit keys of shape {k} and values of shape {values.Shape}");
        var each = q[1] / k[1];
        var grouped = new Shape(q[0], k[1], each, q[2], k[2]);
        var all = new Shape(q[0], q[1], q[2], k[2]);
        // Query head h reads key head h / each: no key is repeated.
        var scores = each == 1 ? builder.Contract("bhsd", "bhtd", "bhst", queries, keys)
            : builder.Reshape(builder.Contract("bgrsd", "bgtd", "bgrst", builder.Reshape(queries, new Shape(q[0], k[1], each, q[2], q[3])), keys), all);
        scores = Scores = builder.Scale(scores, Scale);
        if (Softcap.Sign > 0) scores = builder.Scale(builder.Apply(FunctionKind.Tanh, builder.Scale(scores, Rational.One / Softcap)), Softcap);
        if (Mask.Bias is not null) scores = builder.Add(scores, builder.BroadcastTo(Mask.Bias, all));
        scores = OnScores?.Invoke(scores) ?? scores;
        // A mask of −∞ before softmax is an exact 0 behind exp (theory §4).
        var weights = builder.Apply(FunctionKind.Exp, scores);
        if (Mask.Gate is not null) weights = builder.Multiply(weights, builder.BroadcastTo(Mask.Gate, all));
        if (IsCausal || Window is not null) weights = builder.Multiply(weights, builder.Broadcast(Past(q[2], k[2]), all, 0, 1));
        Shares = builder.Divide(weights, builder.Broadcast(builder.ReduceSum(weights, 3), all, 3));
        var shares = OnShares?.Invoke(Shares) ?? Shares;
        if (each == 1) return builder.Contract("bhst", "bhte", "bhse", shares, values);
        var mixed = builder.Contract("bgrst", "bgte", "bgrse", builder.Reshape(shares, grouped), values);
        return builder.Reshape(mixed, new Shape(q[0], q[1], q[2], values.Shape[3]));
    }

    Node Past(int queryCount, int keyCount)
    {
        var seen = new double[queryCount * keyCount];
        for (var query = 0; query < queryCount; query++)
        {
            for (var key = 0; key < keyCount; key++)
            {
                var at = query + Offset;
                if ((!IsCausal || key <= at) && (Window is null || at - key < Window)) seen[query * keyCount + key] = 1;
            }
        }

        return builder.Constant(new DoubleTensor(seen), new Shape(queryCount, keyCount));
    }
}
