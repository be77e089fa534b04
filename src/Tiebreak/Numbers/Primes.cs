using System.Numerics;

namespace Tiebreak.Numbers;

/// <summary>The test for primality behind <see cref="PrimeField"/>.</summary>
public static class Primes
{
    // Miller and Rabin's test with these bases is a proof below 3.3·10²⁴ (Sorenson and Webster, "Strong pseudoprimes to twelve prime bases", 2015).
    static ReadOnlySpan<byte> Bases => [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

    /// <summary>Whether a number is prime; certain for all 64 bits.</summary>
    public static bool IsPrime(ulong number)
    {
        foreach (var prime in Bases)
        {
            if (number % prime == 0) return number == prime;
        }
        if (number < 2) return false;
        var twos = BitOperations.TrailingZeroCount(number - 1);
        foreach (var prime in Bases)
        {
            if (!Passes(number, prime, twos)) return false;
        }
        return true;
    }

    // base^(odd part of n − 1) is 1, or some squaring of it is −1.
    static bool Passes(ulong number, ulong witness, int twos)
    {
        var power = 1UL;
        var factor = witness;
        for (var exponent = number - 1 >> twos; exponent != 0; exponent >>= 1)
        {
            if ((exponent & 1) != 0) power = Multiply(power, factor, number);
            factor = Multiply(factor, factor, number);
        }
        if (power == 1 || power == number - 1) return true;
        for (var squaring = 1; squaring < twos; squaring++)
        {
            power = Multiply(power, power, number);
            if (power == number - 1) return true;
        }
        return false;
    }

    static ulong Multiply(ulong left, ulong right, ulong modulus) => (ulong)((UInt128)left * right % modulus);
}
