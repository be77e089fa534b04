using System.Numerics;

namespace Tiebreak.Tests.Judge;

/// <summary>A number of the field with its derivative for each parameter; no slopes mean that it depends on none.</summary>
sealed record Dual(BigInteger Value, BigInteger[]? Slopes = null)
{
    public static readonly Dual Zero = new(BigInteger.Zero);

    public static Dual operator +(Dual left, Dual right)
    {
        var value = PrimeField.Add(left.Value, right.Value);
        if (left.Slopes is null || right.Slopes is null) return new Dual(value, left.Slopes ?? right.Slopes);
        var slopes = new BigInteger[left.Slopes.Length];
        for (var k = 0; k < slopes.Length; k++) slopes[k] = PrimeField.Add(left.Slopes[k], right.Slopes[k]);
        return new Dual(value, slopes);
    }

    public static Dual operator *(Dual left, Dual right)
    {
        var value = PrimeField.Multiply(left.Value, right.Value);
        var first = new Dual(value, left.Times(right.Value));
        return left.Slopes is not null && right.Slopes is not null
            ? first with { Slopes = (first with { Value = 0 } + new Dual(0, right.Times(left.Value))).Slopes }
            : first with { Slopes = first.Slopes ?? right.Times(left.Value) };
    }

    public static Dual operator -(Dual operand) => operand.Through(PrimeField.Negate(operand.Value), PrimeField.Prime - 1);

    /// <summary>The chain rule for a function of one number.</summary>
    public Dual Through(BigInteger value, BigInteger derivative) => new(value, Times(derivative));

    BigInteger[]? Times(BigInteger factor) =>
        Slopes is null ? null : Array.ConvertAll(Slopes, slope => slope.IsZero ? slope : PrimeField.Multiply(slope, factor));
}
