using System.Numerics;
using Tiebreak.Numbers;

namespace Tiebreak.Proofs;

/// <summary>Recognises residues as fractions with small numerators and denominators, and clears the denominators.</summary>
static class WholeNumbers
{
    const long Largest = 1L << 29; // two fractions below it have different residues

    /// <summary>A vector's whole multiples without common factor, the first one positive; null if some residue is no small fraction.</summary>
    public static long[]? Of(PrimeField field, ulong[] vector)
    {
        var fractions = new (long Numerator, long Denominator)[vector.Length];
        BigInteger common = 1;
        for (var k = 0; k < vector.Length; k++)
        {
            if (Fraction(field, vector[k]) is not { } fraction) return null;
            fractions[k] = fraction;
            common = common * fraction.Denominator / BigInteger.GreatestCommonDivisor(common, fraction.Denominator);
            if (common > Largest) return null;
        }

        var whole = fractions.Select(fraction => fraction.Numerator * (common / fraction.Denominator)).ToArray();
        var divisor = whole.Aggregate(BigInteger.Zero, BigInteger.GreatestCommonDivisor);
        if (divisor.IsZero) return null;
        if (whole.First(number => !number.IsZero).Sign < 0) divisor = -divisor;
        return Array.TrueForAll(whole, number => BigInteger.Abs(number / divisor) < Largest) ? [.. whole.Select(number => (long)(number / divisor))] : null;
    }

    /// <summary>The small fraction that a residue is, if it is one.</summary>
    // The half-way point of Euclid's algorithm: residue · denominator ≡ numerator, both small, where there are such.
    public static (long Numerator, long Denominator)? Fraction(PrimeField field, ulong residue)
    {
        (BigInteger High, BigInteger Low) remainders = (field.Modulus, residue);
        (BigInteger High, BigInteger Low) factors = (0, 1);
        while (remainders.Low >= Largest)
        {
            var quotient = remainders.High / remainders.Low;
            remainders = (remainders.Low, remainders.High - quotient * remainders.Low);
            factors = (factors.Low, factors.High - quotient * factors.Low);
        }

        if (BigInteger.Abs(factors.Low) >= Largest || factors.Low.IsZero) return null;
        return ((long)(remainders.Low * factors.Low.Sign), (long)BigInteger.Abs(factors.Low));
    }
}
