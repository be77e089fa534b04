namespace Tiebreak.Numbers;

/// <summary>Powers and inverses, in every field.</summary>
public static class FieldPowers
{
    /// <summary>value to the power of exponent; 0⁰ = 1.</summary>
    public static ulong Power<TField>(this TField field, ulong value, UInt128 exponent) where TField : struct, IField
    {
        var power = 1UL;
        for (; exponent != 0; exponent >>= 1)
        {
            if ((exponent & 1) != 0) power = field.Multiply(power, value);
            value = field.Multiply(value, value);
        }
        return power;
    }

    /// <summary>1 / value, by Fermat's little theorem.</summary>
    /// <exception cref="DivideByZeroException">The value is 0.</exception>
    public static ulong Inverse<TField>(this TField field, ulong value) where TField : struct, IField =>
        value == 0 ? throw new DivideByZeroException() : field.Power(value, field.Modulus - 2);

    /// <summary>
    /// The inverses of many values for about three multiplications each (Montgomery: invert the product of all, then take the factors off one by one).
    /// Zeros have none: their result is 0. The spans must not overlap, unless they are the same.
    /// </summary>
    /// <returns>How many values are 0.</returns>
    /// <exception cref="ArgumentException">The results are shorter than the values.</exception>
    public static int Inverses<TField>(this TField field, ReadOnlySpan<ulong> values, Span<ulong> results) where TField : struct, IField
    {
        if (results.Length < values.Length) throw new ArgumentException($"{results.Length} results for {values.Length} values");
        // In pieces, so that the products before each value fit the stack and results may be the values themselves.
        const int Piece = 256;
        Span<ulong> before = stackalloc ulong[Math.Min(Piece, values.Length)];
        var zeros = 0;
        for (var start = 0; start < values.Length; start += Piece)
        {
            var length = Math.Min(Piece, values.Length - start);
            var product = 1UL;
            for (var k = 0; k < length; k++)
            {
                before[k] = product;
                var value = values[start + k];
                if (value != 0) product = field.Multiply(product, value);
            }
            var inverse = field.Inverse(product);
            for (var k = length - 1; k >= 0; k--)
            {
                var value = values[start + k];
                if (value == 0)
                {
                    zeros++;
                    results[start + k] = 0;
                    continue;
                }
                results[start + k] = field.Multiply(inverse, before[k]);
                inverse = field.Multiply(inverse, value);
            }
        }
        return zeros;
    }
}
