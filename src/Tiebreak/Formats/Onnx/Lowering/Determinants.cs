using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Determinants, written out: no division, so exact for every matrix.</summary>
static class Determinants
{
    /// <summary>2ⁿ·n products are made.</summary>
    const int Largest = 8;

    public static void Det(OperatorCall call)
    {
        var x = call.Node(0);
        var rank = x.Shape.Rank;
        if (rank < 2 || x.Shape[rank - 1] != x.Shape[rank - 2]) throw call.Fail($"its input of shape {x.Shape} holds no square matrices");
        var size = x.Shape[rank - 1];
        if (size is < 1 or > Largest) throw call.Fail($"its matrices have {size} rows, and more than {Largest} are not supported; leave that part out with --outputs");
        call.Set(Minor(call.Builder, x, size, (1 << size) - 1, []));
    }

    /// <summary>The determinant of the last rows and the given columns, developed by the first of these rows.</summary>
    static Node Minor(ProgramBuilder builder, Node x, int size, int columns, Dictionary<int, Node> known)
    {
        if (known.TryGetValue(columns, out var minor)) return minor;
        var kept = new Shape([.. x.Shape.Sizes.SkipLast(2)]);
        var strides = new Axes(x.Shape.Strides().AsSpan(0, kept.Rank));
        var row = size - int.PopCount(columns);
        var positive = true;
        for (var column = 0; column < size; column++)
        {
            if ((columns & 1 << column) == 0) continue;
            var entry = builder.Gather(x, new IndexMap.Affine(x.Shape, kept, row * size + column, strides));
            var rest = columns & ~(1 << column);
            var term = rest == 0 ? entry : builder.Multiply(entry, Minor(builder, x, size, rest, known));
            if (!positive) term = builder.Negate(term);
            minor = minor is null ? term : builder.Add(minor, term);
            positive = !positive;
        }

        return known[columns] = minor ?? builder.Fill(Rational.One, kept);
    }
}
