namespace Tiebreak.Numbers;

/// <summary>
/// Arithmetic modulo a number below 2⁶¹, on canonical values in [0, modulus). Implemented by structs, so that generic code is compiled once for each field.
/// </summary>
public interface IField
{
    /// <summary>The modulus, at most 2⁶¹ − 1.</summary>
    ulong Modulus { get; }

    /// <summary>Sum.</summary>
    ulong Add(ulong left, ulong right);

    /// <summary>Difference.</summary>
    ulong Subtract(ulong left, ulong right);

    /// <summary>The negative.</summary>
    ulong Negate(ulong value);

    /// <summary>Product.</summary>
    ulong Multiply(ulong left, ulong right);

    /// <summary>The canonical value of any whole number.</summary>
    ulong Reduce(UInt128 value);

    /// <summary>The canonical value of any whole number, negative ones included.</summary>
    ulong Reduce(Int128 value);

    /// <summary>value to a power.</summary>
    ulong Power(ulong value, ulong exponent);

    /// <summary>1 / value.</summary>
    /// <exception cref="DivideByZeroException">The value is 0.</exception>
    ulong Inverse(ulong value);
}

/// <summary>What every field can do with the operations of <see cref="IField"/>.</summary>
public static class FieldOperations
{
    /// <summary>Inverts all values with one inversion (Montgomery's trick). Zeros give 0. Returns how many zeros there were. The spans must not overlap.</summary>
    public static int Inverses<TField>(this TField field, ReadOnlySpan<ulong> values, Span<ulong> inverses) where TField : struct, IField
    {
        var zeros = 0;
        ulong product = 1;
        for (var i = 0; i < values.Length; i++)
        {
            inverses[i] = product;
            if (values[i] == 0) zeros++;
            else product = field.Multiply(product, values[i]);
        }

        var inverse = field.Inverse(product);
        for (var i = values.Length - 1; i >= 0; i--)
        {
            if (values[i] == 0)
            {
                inverses[i] = 0;
                continue;
            }

            inverses[i] = field.Multiply(inverse, inverses[i]);
            inverse = field.Multiply(inverse, values[i]);
        }

        return zeros;
    }

    /// <summary>value to a power, by squaring.</summary>
    internal static ulong PowerBySquaring<TField>(TField field, ulong value, ulong exponent) where TField : struct, IField
    {
        ulong result = 1;
        for (; exponent > 0; exponent >>= 1)
        {
            if ((exponent & 1) != 0) result = field.Multiply(result, value);
            value = field.Multiply(value, value);
        }

        return result;
    }
}
