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
        return Reduced(high, low);
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

    /// <summary>Σ a[aStart + aSteps[k]]·b[bStart + bSteps[k]]. Products of 240 bits are added up before they are reduced, as many as keep the sum below p·2¹²⁸.</summary>
    public UInt128 Sum(UInt128[] a, int aStart, int[] aSteps, UInt128[] b, int bStart, int[] bSteps)
    {
        const int Most = 64; // · 2²⁴⁰ < 2¹¹⁹ · 2¹²⁸
        UInt128 sum = 0;
        for (var from = 0; from < aSteps.Length; from += Most)
        {
            UInt128 high = 0, low = 0;
            for (var k = from; k < Math.Min(from + Most, aSteps.Length); k++)
            {
                var (productHigh, productLow) = Product(a[aStart + aSteps[k]], b[bStart + bSteps[k]]);
                low += productLow;
                high += productHigh + (low < productLow ? UInt128.One : UInt128.Zero);
            }

            sum = Add(sum, Reduced(high, low));
        }

        return sum;
    }

    UInt128 Reduced(UInt128 high, UInt128 low)
    {
        var (reducedHigh, _) = Product(unchecked(low * _inverse), Prime);
        // The lower halves add up to 0 modulo 2¹²⁸: they carry unless both are 0.
        var result = high + reducedHigh + (low != 0 ? UInt128.One : UInt128.Zero);
        return result >= Prime ? result - Prime : result;
    }

    static (UInt128 High, UInt128 Low) Product(UInt128 a, UInt128 b)
    {
        ulong aLow = (ulong)a, aHigh = (ulong)(a >> 64), bLow = (ulong)b, bHigh = (ulong)(b >> 64);
        var lowHigh = Math.BigMul(aLow, bLow, out var lowest);
        var firstHigh = Math.BigMul(aLow, bHigh, out var first);
        var secondHigh = Math.BigMul(aHigh, bLow, out var second);
        var highHigh = Math.BigMul(aHigh, bHigh, out var highLow);
        // The three numbers of the second place may carry twice.
        var middle = lowHigh + first;
        var carry = middle < first ? 1UL : 0;
        middle += second;
        if (middle < second) carry++;
        return (new UInt128(highHigh, highLow) + firstHigh + secondHigh + carry, new UInt128(middle, lowest));
    }
}
