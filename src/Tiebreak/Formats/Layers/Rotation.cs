using Tiebreak.Programs;

namespace Tiebreak.Formats.Layers;

/// <summary>Rotary position embedding ("RoFormer", 2021): pairs of features turn by an angle that grows with the position.</summary>
static class Rotation
{
    /// <summary>Turns the first features of [batch, heads, positions, features]; pairs are neighbours, or the two halves.</summary>
    /// <exception cref="ArgumentException">The tables' shapes do not fit.</exception>
    public static Node Turned(ProgramBuilder builder, Node x, Node cosines, Node sines, bool neighbours, long rotated)
    {
        var size = rotated > 0 ? (int)Math.Min(rotated, x.Shape[3]) : x.Shape[3];
        var half = size / 2;
        if (size % 2 != 0 || cosines.Shape.Rank != 3 || cosines.Shape != sines.Shape || cosines.Shape[2] != half) throw new ArgumentException($"tables of shape {cosines.Shape} do not turn {size} features of {x.Shape}");
        var pair = new Shape([.. x.Shape.Sizes.Take(3), half]);
        var strides = x.Shape.Strides();
        var step = new Axes([strides[0], strides[1], strides[2], neighbours ? 2 : 1]);
        var first = builder.Gather(x, new IndexMap.Affine(x.Shape, pair, 0, step));
        var second = builder.Gather(x, new IndexMap.Affine(x.Shape, pair, neighbours ? 1 : half, step));
        var (cos, sin) = (Repeated(cosines), Repeated(sines));
        var real = builder.Subtract(builder.Multiply(cos, first), builder.Multiply(sin, second));
        var imaginary = builder.Add(builder.Multiply(sin, first), builder.Multiply(cos, second));
        Node turned;
        if (neighbours)
        {
            var column = new Shape([.. pair.Sizes, 1]);
            turned = builder.Reshape(builder.Concat(4, builder.Reshape(real, column), builder.Reshape(imaginary, column)), new Shape([.. pair.Sizes.Take(3), size]));
        }
        else
        {
            turned = builder.Concat(3, real, imaginary);
        }

        if (size == x.Shape[3]) return turned;
        var rest = builder.Gather(x, new IndexMap.Affine(x.Shape, new Shape([.. x.Shape.Sizes.Take(3), x.Shape[3] - size]), size, new Axes(strides)));
        return builder.Concat(3, turned, rest);

        Node Repeated(Node table) => builder.BroadcastTo(builder.Reshape(table, new Shape(table.Shape[0], 1, table.Shape[1], half)), pair);
    }
}
