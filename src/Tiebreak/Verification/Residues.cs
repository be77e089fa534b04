using System.Numerics;
using Tiebreak.Numbers;

namespace Tiebreak.Verification;

/// <summary>
/// Arithmetic modulo one prime of 100 bits or more, in Montgomery's form: a residue a is kept as a·2¹²⁸ mod p. All numbers here are residues in that form; equal residues are equal numbers.
/// </summary>
sealed class Residues
{
    readonly UInt128 _inverse; // −1/p modulo 2¹²⁸
    readonly UInt128 _square; // 2²⁵⁶ modulo p

    /// <param name="prime">An odd prime below 2¹²⁶.</param>
    public Residues(UInt128 prime)
    {
        Prime = prime;
        UInt128 inverse = 1; // Newton's iteration doubles the bits that are right
        for (var k = 0; k < 7; k++) inverse = unchecked(inverse * (2 - prime * inverse));
        _inverse = unchecked(0 - inverse);
        _square = (UInt128)(BigInteger.Pow(2, 256) % prime);
        One = Of(BigInteger.One);
    }

    /// <summary>The prime.</summary>
    public UInt128 Prime { get; }

    /// <summary>The residue of 1.</summary>
    public UInt128 One { get; }

    /// <summary>The residue of a whole number.</summary>
    public UInt128 Of(BigInteger number)
    {
        var rest = number % Prime;
        return Multiply((UInt128)(rest.Sign < 0 ? rest + Prime : rest), _square);
    }

    /// <summary>The residue of a fraction.</summary>
    /// <exception cref="DivideByZeroException">The prime divides the denominator; draw another.</exception>
    public UInt128 Of(Rational number)
    {
        var numerator = Of(number.Numerator);
        if (number.Denominator.IsOne) return numerator;
        var denominator = Of(number.Denominator);
        return denominator == 0 ? throw new DivideByZeroException() : Multiply(numerator, Inverse(denominator));
    }

    public UInt128 Add(UInt128 a, UInt128 b)
    {
        var sum = a + b;
        return sum >= Prime ? sum - Prime : sum;
    }

    public UInt128 Negate(UInt128 a) => a == 0 ? 0 : Prime - a;

    /// <summary>a·b/2¹²⁸, which is the product in this form.</summary>
    public UInt128 Multiply(UInt128 a, UInt128 b)
    {
        var (high, low) = Product(a, b);
        var factor = unchecked(low * _inverse);
        var (reducedHigh, reducedLow) = Product(factor, Prime);
        // low + reducedLow is 0 modulo 2¹²⁸: it carries unless both are 0.
        var result = high + reducedHigh + (UInt128)(low != 0 || reducedLow != 0 ? 1 : 0);
        return result >= Prime ? result - Prime : result;
    }

    /// <summary>1/a, by Fermat.</summary>
    public UInt128 Inverse(UInt128 a)
    {
        var result = One;
        for (var exponent = Prime - 2; exponent != 0; exponent >>= 1)
        {
            if ((exponent & 1) == 1) result = Multiply(result, a);
            a = Multiply(a, a);
        }

        return result;
    }

    /// <summary>Whether a residue counts as negative: one of a and −a does, unless it is 0.</summary>
    public bool IsNegative(UInt128 a) => a > Prime - a && a != 0;

    static (UInt128 High, UInt128 Low) Product(UInt128 a, UInt128 b)
    {
        ulong aLow = (ulong)a, aHigh = (ulong)(a >> 64), bLow = (ulong)b, bHigh = (ulong)(b >> 64);
        var low = (UInt128)aLow * bLow;
        var firstMiddle = (UInt128)aLow * bHigh;
        var secondMiddle = (UInt128)aHigh * bLow;
        var middle = (low >> 64) + (ulong)firstMiddle + (ulong)secondMiddle;
        return ((UInt128)aHigh * bHigh + (firstMiddle >> 64) + (secondMiddle >> 64) + (middle >> 64), (middle << 64) | (ulong)low);
    }
}
