using System.Numerics;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Judge;

/// <summary>Random oracles in the plainest way: a number never met before gets a random result, which is remembered (theory §4's table).</summary>
sealed class DictionaryOracles(Random random)
{
    readonly Dictionary<(string, BigInteger), BigInteger> _results = [];
    readonly Dictionary<(string, BigInteger), BigInteger> _shares = [];

    public BigInteger Draw()
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return Dual.Modulo(new BigInteger(bytes, isUnsigned: true));
    }

    public BigInteger Value(ScalarFunction function, BigInteger v)
    {
        var half = Dual.Invert(2);
        return function.Kind switch
        {
            FunctionKind.Step => v.IsZero ? (BigInteger)function.AtZero : Dual.Modulo((Odd("sign", v) + 1) * half),
            FunctionKind.Sign => Odd("sign", v),
            FunctionKind.Tanh or FunctionKind.Erf or FunctionKind.Sin or FunctionKind.Atan or FunctionKind.Asin or FunctionKind.Asinh or FunctionKind.Atanh => Odd(function.ToString(), v),
            FunctionKind.Round => v.IsOne ? 1 : v == Dual.Prime - 1 ? v : Odd("round", v),
            FunctionKind.Cos => v.IsZero ? 1 : Even("cos", v),
            FunctionKind.Exp => v.IsZero ? 1 : Plain("exp", v),
            FunctionKind.Log => v.IsZero ? throw new DivideByZeroException() : v.IsOne ? 0 : Plain("log", v),
            FunctionKind.Sqrt => v.IsZero || v.IsOne ? v : Plain("sqrt", v),
            FunctionKind.Power when v.IsZero && function.Exponent < 0 => throw new DivideByZeroException(),
            FunctionKind.Power => v.IsZero || v.IsOne ? v : Plain(function.ToString(), v),
            FunctionKind.Acosh => v.IsOne ? 0 : Plain("acosh", v),
            FunctionKind.Floor => v.IsZero || v.IsOne ? v : Plain("floor", v),
            _ => throw new InvalidOperationException(function.ToString()),
        };
    }

    public BigInteger Slope(ScalarFunction function, BigInteger x, BigInteger y)
    {
        BigInteger Square(BigInteger v) => Dual.Modulo(v * v);
        BigInteger Of(FunctionKind kind, BigInteger v) => Value(kind, Dual.Modulo(v));
        return function.Kind switch
        {
            FunctionKind.Exp => y,
            FunctionKind.Log => Dual.Invert(x),
            FunctionKind.Sqrt => Dual.Invert(2 * y),
            FunctionKind.Power => Image(function.Exponent) * y * Dual.Invert(x),
            FunctionKind.Tanh => 1 - Square(y),
            FunctionKind.Erf => Image(1.1283791670955126) * Of(FunctionKind.Exp, -Square(x)),
            FunctionKind.Sin => Of(FunctionKind.Cos, x),
            FunctionKind.Cos => -Of(FunctionKind.Sin, x),
            FunctionKind.Atan => Dual.Invert(1 + Square(x)),
            FunctionKind.Asin => Dual.Invert(Of(FunctionKind.Sqrt, 1 - Square(x))),
            FunctionKind.Asinh => Dual.Invert(Of(FunctionKind.Sqrt, 1 + Square(x))),
            FunctionKind.Acosh => Dual.Invert(Of(FunctionKind.Sqrt, Square(x) - 1)),
            FunctionKind.Atanh => Dual.Invert(1 - Square(x)),
            _ => 0,
        };
    }

    /// <summary>The weights of a choice among values; positions that are not allowed are null.</summary>
    public BigInteger[] Shares(BigInteger?[] window, int count, TieBreak ties)
    {
        var distinct = window.OfType<BigInteger>().Distinct().ToList();
        var set = string.Join(',', distinct.Order());
        BigInteger Raw(BigInteger v) => _shares.TryGetValue((set, v), out var known) ? known : _shares[(set, v)] = Draw();
        var scale = distinct.Count == 0 ? 0 : count * Dual.Invert(distinct.Aggregate(BigInteger.Zero, (sum, v) => sum + Raw(v)));
        var shares = new BigInteger[window.Length];
        for (var i = 0; i < window.Length; i++)
        {
            if (window[i] is not { } v) continue;
            var equals = window.Count(other => other == v);
            if (ties == TieBreak.Split) shares[i] = Dual.Modulo(Raw(v) * scale * Dual.Invert(equals));
            else if (Array.IndexOf(window, v) == i) shares[i] = Dual.Modulo(Raw(v) * scale);
        }

        return shares;
    }

    public static BigInteger Image(double value)
    {
        var exact = Tiebreak.Numbers.Rational.FromDouble(value);
        return Dual.Modulo(exact.Numerator * Dual.Invert(exact.Denominator));
    }

    BigInteger Plain(string name, BigInteger v) => _results.TryGetValue((name, v), out var known) ? known : _results[(name, v)] = Draw();

    BigInteger Even(string name, BigInteger v) => Plain(name, BigInteger.Min(v, Dual.Prime - v));

    BigInteger Odd(string name, BigInteger v) =>
        v.IsZero ? 0 : v > Dual.Prime / 2 ? Dual.Modulo(-Plain(name, Dual.Prime - v)) : Plain(name, v);
}
