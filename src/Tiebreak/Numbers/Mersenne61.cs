namespace Tiebreak.Numbers;

/// <summary>The field of the Mersenne prime 2⁶¹ − 1, where 2⁶¹ = 1: reductions are shifts and additions, and multiplying by a power of two is a rotation (theory §4).</summary>
public readonly struct Mersenne61 : IField
{
    const int Bits = 61;

    /// <summary>2⁶¹ − 1.</summary>
    public const ulong Prime = (1UL << Bits) - 1;

    /// <inheritdoc/>
    public ulong Modulus => Prime;

    /// <inheritdoc/>
    public ulong Add(ulong left, ulong right) => Once(left + right);

    /// <inheritdoc/>
    public ulong Subtract(ulong left, ulong right) => Once(left - right + Prime);

    /// <inheritdoc/>
    public ulong Negate(ulong value) => value == 0 ? 0 : Prime - value;

    /// <inheritdoc/>
    public ulong Multiply(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return Once((low & Prime) + (high << 3 | low >> Bits));
    }

    /// <inheritdoc/>
    public ulong Scale(ulong value, int exponent)
    {
        var turn = exponent % Bits;
        if (turn < 0) turn += Bits;
        return (value << turn & Prime) | value >> Bits - turn;
    }

    /// <inheritdoc/>
    public ulong Reduce(ulong value) => Once((value & Prime) + (value >> Bits));

    /// <inheritdoc/>
    public ulong Reduce(UInt128 value) => Reduce((ulong)(value >> 64), (ulong)value);

    /// <inheritdoc/>
    public ulong Reduce(Int128 value)
    {
        var high = (long)(value >> 64);
        // A negative number gets p·2⁶⁷ ≥ 2¹²⁷ on top: non-negative then, and still below 2¹²⁸.
        return Reduce((ulong)high + ((ulong)(high >> 63) & Prime << 3), (ulong)value);
    }

    // 61 + 61 + 6 bits; the sum is below 2p + 64, so one folding and one subtraction are enough.
    static ulong Reduce(ulong high, ulong low)
    {
        var sum = (low & Prime) + ((high << 3 | low >> Bits) & Prime) + (high >> 58);
        return Once((sum & Prime) + (sum >> Bits));
    }

    // For values below 2p. Without a branch, because it would be taken at random; the JIT makes no conditional moves in loops.
    static ulong Once(ulong value)
    {
        var difference = value - Prime;
        return difference + (Prime & (ulong)((long)difference >> 63));
    }
}
