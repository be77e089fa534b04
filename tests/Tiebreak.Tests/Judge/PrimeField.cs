using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using Tiebreak.Numbers;

namespace Tiebreak.Tests.Judge;

/// <summary>Whole numbers modulo 2^127 − 1, written down by definition. Every value is kept in [0, p).</summary>
static class PrimeField
{
    public static readonly BigInteger Prime = (BigInteger.One << 127) - 1;

    public static readonly BigInteger Half = Inverse(2);

    public static BigInteger Add(BigInteger left, BigInteger right)
    {
        var sum = left + right;
        return sum >= Prime ? sum - Prime : sum;
    }

    public static BigInteger Negate(BigInteger value) => value.IsZero ? value : Prime - value;

    public static BigInteger Subtract(BigInteger left, BigInteger right) => Add(left, Negate(right));

    public static BigInteger Multiply(BigInteger left, BigInteger right) => left * right % Prime;

    /// <summary>1 / value, by Fermat.</summary>
    /// <exception cref="DivisionByExactZeroException">The value is zero.</exception>
    public static BigInteger Inverse(BigInteger value) =>
        value.IsZero ? throw new DivisionByExactZeroException() : BigInteger.ModPow(value, Prime - 2, Prime);

    /// <summary>The exact image of a fraction.</summary>
    public static BigInteger Image(Rational value)
    {
        var numerator = BigInteger.Remainder(value.Numerator, Prime);
        if (numerator.Sign < 0) numerator += Prime;
        return value.IsInteger ? numerator : Multiply(numerator, Inverse(value.Denominator % Prime));
    }

    /// <summary>The smaller of ±value, and the sign that was taken out of it; zero has the positive one.</summary>
    public static (BigInteger Magnitude, int Sign) Canonical(BigInteger value)
    {
        var opposite = Negate(value);
        return opposite < value ? (opposite, -1) : (value, 1);
    }
}

/// <summary>The program divides by something that is exactly zero: there is no verdict, and generators drop the program.</summary>
sealed class DivisionByExactZeroException() : Exception("the program divides by an exact zero");

/// <summary>Reproducible random field elements: SHA-256 of a seed and a counter.</summary>
sealed class RandomElements(ulong seed)
{
    ulong _counter;

    public BigInteger Next()
    {
        Span<byte> input = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(input, seed);
        BinaryPrimitives.WriteUInt64LittleEndian(input[8..], _counter++);
        return new BigInteger(SHA256.HashData(input), isUnsigned: true) % PrimeField.Prime;
    }
}
