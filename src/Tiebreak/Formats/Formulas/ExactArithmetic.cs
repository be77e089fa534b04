using System.Numerics;
using Tiebreak.Numbers;

namespace Tiebreak.Formats.Formulas;

/// <summary>The exact value of an expression of numbers alone: start values, axes, exponents. Bounded, so that a short text cannot make a huge number.</summary>
internal sealed class ExactArithmetic(FormulaErrors errors)
{
    /// <summary>The most bits above or below the line.</summary>
    const long LongestFraction = 20_000;

    /// <summary>The value, or null if the expression is not made of numbers alone.</summary>
    public Rational? TryEvaluate(Expression expression)
    {
        switch (expression)
        {
            case Expression.Number number:
                return number.Value;
            case Expression.Negated negated:
                return TryEvaluate(negated.Operand) is { } operand ? -operand : null;
            case Expression.Power power:
                return TryEvaluate(power.Operand) is { } @base && TryEvaluate(power.Exponent) is { IsInteger: true } exponent ? Power(@base, exponent, power.Place) : null;
            case Expression.Chain chain:
                if (TryEvaluate(chain.First) is not { } value) return null;
                foreach (var link in chain.Links)
                {
                    if (link.Operator == FormulaToken.MatrixProduct || TryEvaluate(link.Operand) is not { } right) return null;
                    value = Combine(link.Operator, value, right, link.Place);
                }

                return value;
            default:
                return null;
        }
    }

    /// <summary>The value.</summary>
    /// <exception cref="TiebreakException">The expression is not made of numbers alone; <paramref name="what"/> says what it should be.</exception>
    public Rational Evaluate(Expression expression, string what) =>
        TryEvaluate(expression) ?? throw errors.At(expression.Place, $"{what} must be an exact number such as 0.1, 1/3 or -2.5e-3");

    /// <summary>The value, which must be a whole number of at most nine digits.</summary>
    /// <exception cref="TiebreakException">It is not.</exception>
    public int Whole(Expression expression, string what) =>
        TryEvaluate(expression) is { IsInteger: true } value && BigInteger.Abs(value.Numerator) < 1_000_000_000
            ? (int)value.Numerator
            : throw errors.At(expression.Place, $"{what} must be a whole number");

    /// <summary>left operator right, for + − · /.</summary>
    public Rational Combine(FormulaToken symbol, Rational left, Rational right, int place) => Bounded(
        symbol switch
        {
            FormulaToken.Plus => left + right,
            FormulaToken.Minus => left - right,
            FormulaToken.Times => left * right,
            FormulaToken.Divide => right.IsZero ? throw DivisionByZero(place) : left / right,
            _ => throw new ArgumentOutOfRangeException(nameof(symbol), symbol, "no exact operator"),
        },
        place);

    /// <summary>A whole power.</summary>
    public Rational Power(Rational operand, Rational exponent, int place)
    {
        if (exponent.Sign < 0 && operand.IsZero) throw DivisionByZero(place);
        var times = BigInteger.Abs(exponent.Numerator);
        if (times > 1000 || (long)times * Bits(operand) > LongestFraction) throw TooLong(place);
        var power = new Rational(BigInteger.Pow(operand.Numerator, (int)times), BigInteger.Pow(operand.Denominator, (int)times));
        return exponent.Sign < 0 ? Rational.One / power : power;
    }

    /// <summary>The message for a division by a literal zero.</summary>
    public TiebreakException DivisionByZero(int place) => errors.At(place, "division by zero; the loss would be NaN or infinite everywhere");

    Rational Bounded(Rational value, int place) => Bits(value) <= LongestFraction ? value : throw TooLong(place);

    TiebreakException TooLong(int place) => errors.At(place, $"an exact number of more than {LongestFraction} bits; use a smaller power or round it");

    static long Bits(Rational value) => Math.Max(value.Numerator.GetBitLength(), value.Denominator.GetBitLength());
}
