using System.Runtime.CompilerServices;

namespace Tiebreak.Numbers;

/// <summary>The field modulo any odd prime between 2⁶⁰ and 2⁶¹; products by Montgomery reduction, values kept canonical.</summary>
public readonly struct PrimeField : IField
{
    readonly ulong _prime;
    readonly ulong _inverse; // −1/prime modulo 2⁶⁴
    readonly ulong _square; // 2¹²⁸ modulo prime

    /// <summary>The field of a prime.</summary>
    /// <exception cref="ArgumentException">Not a prime in (2⁶⁰, 2⁶¹).</exception>
    public PrimeField(ulong prime)
    {
        if (prime >> 60 != 1 || !IsPrime(prime)) throw new ArgumentException($"{prime} is not a prime between 2^60 and 2^61");
        _prime = prime;
        var inverse = prime; // right to 3 bits; each Newton step doubles them
        for (var bits = 3; bits < 64; bits *= 2) inverse *= 2 - prime * inverse;
        _inverse = 0 - inverse;
        var once = (ulong)((UInt128.One << 64) % prime);
        _square = (ulong)((UInt128)once * once % prime);
    }

    /// <inheritdoc/>
    public ulong Modulus => _prime;

    /// <summary>A prime drawn uniformly from (2⁶⁰, 2⁶¹); the same seed draws the same.</summary>
    public static PrimeField Draw(ulong seed)
    {
        var random = new RandomFunction(seed, RandomFunction.Purpose("prime"));
        for (ulong attempt = 0; ; attempt++)
        {
            var candidate = random.Word(attempt) >> 4 | 1UL << 60 | 1;
            if (IsPrime(candidate)) return new PrimeField(candidate);
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Add(ulong left, ulong right)
    {
        var sum = left + right;
        return Math.Min(sum, sum - _prime);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Subtract(ulong left, ulong right)
    {
        var difference = left - right;
        return Math.Min(difference, difference + _prime);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Negate(ulong value) => value == 0 ? 0 : _prime - value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Multiply(ulong left, ulong right) => MontgomeryProduct(MontgomeryProduct(left, right), _square);

    /// <inheritdoc/>
    public ulong Reduce(UInt128 value)
    {
        // high·2⁶⁴ + low: the first term is a Montgomery product with 2¹²⁸.
        var high = (ulong)(value >> 64) % _prime;
        return Add(MontgomeryProduct(high, _square), (ulong)value % _prime);
    }

    /// <inheritdoc/>
    public ulong Reduce(Int128 value) => value < 0 ? Negate(Reduce((UInt128)(-value))) : Reduce((UInt128)value);

    /// <inheritdoc/>
    public ulong Power(ulong value, ulong exponent) => FieldOperations.PowerBySquaring(this, value, exponent);

    /// <inheritdoc/>
    public ulong Inverse(ulong value) => value == 0 ? throw new DivideByZeroException() : Power(value, _prime - 2);

    // left·right/2⁶⁴ modulo the prime: adding the multiple of the prime that clears the low word leaves an exact quotient below 2·prime.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    ulong MontgomeryProduct(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        var carry = Math.BigMul(low * _inverse, _prime, out _);
        var sum = high + carry + (low != 0 ? 1UL : 0);
        return Math.Min(sum, sum - _prime);
    }

    /// <summary>Miller-Rabin with the first twelve primes as bases, which is exact below 2⁶⁴ (Sorenson and Webster, 2015).</summary>
    internal static bool IsPrime(ulong number)
    {
        ReadOnlySpan<ulong> bases = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
        if (number < 2) return false;
        foreach (var small in bases)
            if (number % small == 0) return number == small;
        var twos = System.Numerics.BitOperations.TrailingZeroCount(number - 1);
        var odd = number - 1 >> twos;
        foreach (var small in bases)
        {
            ulong power = 1, square = small;
            for (var exponent = odd; exponent > 0; exponent >>= 1)
            {
                if ((exponent & 1) != 0) power = (ulong)((UInt128)power * square % number);
                square = (ulong)((UInt128)square * square % number);
            }

            var passes = power == 1 || power == number - 1;
            for (var k = 1; k < twos && !passes; k++)
            {
                power = (ulong)((UInt128)power * power % number);
                passes = power == number - 1;
            }

            if (!passes) return false;
        }

        return true;
    }
}
