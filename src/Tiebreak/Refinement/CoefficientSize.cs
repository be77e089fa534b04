using Tiebreak.Numbers;

namespace Tiebreak.Refinement;

/// <summary>
/// How large the coefficients of a polynomial in random draws can be: their magnitudes sum to at most 2^<paramref name="High"/>, and each is a multiple of 2^<paramref name="Low"/> / D^<paramref name="Odd"/>, where D is a common
/// denominator of all constants that are no doubles. So each is an integer of at most High − Low + Odd · log₂ D bits over a denominator, and as many odd primes of 60 bits as divide it fit into those (theory §4, the bound).
/// </summary>
/// <param name="High">log₂ of the sum of magnitudes.</param>
/// <param name="Low">log₂ of what all are multiples of; at most 0.</param>
/// <param name="Odd">How often the common denominator may stand below.</param>
readonly record struct CoefficientSize(double High, double Low, double Odd)
{
    /// <summary>Of one draw, and of ±1.</summary>
    public static CoefficientSize One => default;

    /// <summary>Of a product; each sum of products has this times the number of its terms.</summary>
    public CoefficientSize Times(CoefficientSize other) => new(High + other.High, Low + other.Low, Odd + other.Odd);

    /// <summary>Of a sum of so many such polynomials.</summary>
    public CoefficientSize Sum(double terms) => this with { High = High + Math.Log2(Math.Max(1, terms)) };

    /// <summary>Of either of two.</summary>
    public CoefficientSize Or(CoefficientSize other) => new(Math.Max(High, other.High), Math.Min(Low, other.Low), Math.Max(Odd, other.Odd));

    /// <summary>Of the k-th power.</summary>
    public CoefficientSize Power(double k) => new(High * k, Low * k, Odd * k);

    /// <summary>The bits of the largest integer, given those of the common denominator.</summary>
    public double Bits(double commonDenominator) => High - Low + Odd * commonDenominator;

    /// <summary>Of parameters of which some may be drawn and the others have their value.</summary>
    public static CoefficientSize OfSome(ExactTensor values) => One.Or(Of(values));

    /// <summary>Of numbers of a model.</summary>
    public static CoefficientSize Of(ExactTensor values)
    {
        if (values is UniformTensor { Value: var value })
        {
            if (value.IsZero) return One;
            var high = Math.Max(0, value.Numerator.GetBitLength() - value.Denominator.GetBitLength() + 1.0);
            return value.Denominator.IsPowerOfTwo ? new(high, 1 - value.Denominator.GetBitLength(), 0) : new(high, 0, 1);
        }

        return values.HasDoubles ? new(values.MostBits, -values.MostBits, 0) : new(values.MostBits, 0, 1);
    }

    /// <summary>The bits that numbers bring to the common denominator.</summary>
    public static double DenominatorBits(ExactTensor values) => values switch
    {
        UniformTensor { Value.Denominator: var denominator } => denominator.IsPowerOfTwo ? 0 : denominator.GetBitLength(),
        { HasDoubles: true } => 0,
        DecimalTensor => values.MostBits, // a power of ten
        _ => values.MostBits * (double)values.Count,
    };
}
