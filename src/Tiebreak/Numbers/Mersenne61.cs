using System.Runtime.CompilerServices;

namespace Tiebreak.Numbers;

/// <summary>The field modulo the Mersenne prime 2⁶¹ − 1: a product is reduced by adding its two 61-bit halves.</summary>
public readonly struct Mersenne61 : IField
{
    /// <summary>2⁶¹ − 1.</summary>
    public const ulong Prime = (1UL << 61) - 1;

    /// <inheritdoc/>
    public ulong Modulus => Prime;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Add(ulong left, ulong right)
    {
        var sum = left + right;
        return Math.Min(sum, sum - Prime); // below Prime the difference wraps round to something larger
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Subtract(ulong left, ulong right)
    {
        var difference = left - right;
        return Math.Min(difference, difference + Prime);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Negate(ulong value) => value == 0 ? 0 : Prime - value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Multiply(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        // high·2⁶⁴ + low = (high·8 + low >> 61)·2⁶¹ + (low & Prime), and 2⁶¹ = 1.
        return Add(low & Prime, high << 3 | low >> 61);
    }

    /// <inheritdoc/>
    public ulong Reduce(UInt128 value)
    {
        // Three 61-bit digits; their sum is below 2⁶³.
        var digits = ((ulong)value & Prime) + ((ulong)(value >> 61) & Prime) + (ulong)(value >> 122);
        var sum = (digits & Prime) + (digits >> 61);
        return sum >= Prime ? sum - Prime : sum;
    }

    /// <inheritdoc/>
    public ulong Reduce(Int128 value) => value < 0 ? Negate(Reduce((UInt128)(-value))) : Reduce((UInt128)value);

    /// <inheritdoc/>
    public ulong Power(ulong value, ulong exponent) => FieldOperations.PowerBySquaring(this, value, exponent);

    /// <inheritdoc/>
    public ulong Inverse(ulong value) => value == 0 ? throw new DivideByZeroException() : Power(value, Prime - 2);
}
