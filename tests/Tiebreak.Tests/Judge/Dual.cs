using System.Numerics;

namespace Tiebreak.Tests.Judge;

/// <summary>A number modulo 2¹²⁷ − 1 with its derivatives by every parameter: forward mode, so that it shares nothing with the engine's reverse mode.</summary>
sealed class Dual(BigInteger value, BigInteger[] slopes)
{
    public static readonly BigInteger Prime = (BigInteger.One << 127) - 1;

    public BigInteger Value { get; } = Modulo(value);

    public BigInteger[] Slopes { get; } = slopes;

    public static Dual Constant(BigInteger value, int parameters) => new(value, new BigInteger[parameters]);

    public static BigInteger Modulo(BigInteger value)
    {
        var residue = value % Prime;
        return residue.Sign < 0 ? residue + Prime : residue;
    }

    /// <exception cref="DivideByZeroException">The value is zero.</exception>
    public static BigInteger Invert(BigInteger value) => Modulo(value).IsZero ? throw new DivideByZeroException() : BigInteger.ModPow(Modulo(value), Prime - 2, Prime);

    /// <summary>f(x) by the chain rule.</summary>
    public Dual Map(BigInteger result, BigInteger slope) => new(result, [.. Slopes.Select(s => s.IsZero ? s : Modulo(s * slope))]);

    public static Dual operator +(Dual left, Dual right) => new(left.Value + right.Value, [.. left.Slopes.Zip(right.Slopes, (a, b) => Modulo(a + b))]);

    public static Dual operator *(Dual left, Dual right) =>
        new(left.Value * right.Value, [.. left.Slopes.Zip(right.Slopes, (a, b) => a.IsZero && b.IsZero ? a : Modulo(a * right.Value + b * left.Value))]);

    public static Dual operator -(Dual value) => new(-value.Value, [.. value.Slopes.Select(s => Modulo(-s))]);
}
