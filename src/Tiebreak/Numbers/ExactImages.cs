namespace Tiebreak.Numbers;

/// <summary>Images of exact values in a field (theory §4): a fraction is its numerator over its denominator, so a finite float has exactly one.</summary>
public static class ExactImages
{
    /// <summary>The image of one number.</summary>
    /// <exception cref="DivideByZeroException">The modulus divides the denominator; draw another prime.</exception>
    public static ulong Image<TField>(TField field, Rational value) where TField : struct, IField =>
        typeof(TField) == typeof(ZeroPattern) ? (value.IsZero ? 0UL : 1) : FloatImages.Image(field, value);

    /// <summary>The images of a range of values.</summary>
    public static void Fill<TField>(TField field, ExactTensor values, long start, Span<ulong> images) where TField : struct, IField
    {
        if (values is UniformTensor uniform)
        {
            images.Fill(Image(field, uniform.Value));
            return;
        }

        if (values is DecimalTensor decimals)
        {
            if (typeof(TField) == typeof(ZeroPattern)) decimals.Zeros(start, images);
            else decimals.Images(field, start, images);
            return;
        }

        if (!values.HasDoubles)
        {
            for (var i = 0; i < images.Length; i++) images[i] = Image(field, values[start + i]);
            return;
        }

        const int Block = 512;
        Span<double> doubles = stackalloc double[Block];
        for (var position = 0; position < images.Length; position += Block)
        {
            var block = doubles[..Math.Min(Block, images.Length - position)];
            values.ReadDoubles(start + position, block);
            if (typeof(TField) != typeof(ZeroPattern)) field.Images(block, images[position..]);
            else for (var i = 0; i < block.Length; i++) images[position + i] = block[i] == 0 ? 0UL : 1;
        }
    }
}
