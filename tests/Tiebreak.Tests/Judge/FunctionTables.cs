using System.Numerics;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Judge;

/// <summary>
/// Random functions, remembered in a dictionary: a function's value is drawn when it is first asked for. They keep the parities and exact
/// points of theory §4's table and nothing else. The derivatives are written in terms of the functions.
/// </summary>
sealed class FunctionTables(ulong seed)
{
    // The engine's factor of erf' = 2/√π · exp(−v²): any number would do, but the two must use one.
    static readonly BigInteger ErfSlope = PrimeField.Image(Rational.FromDouble(1.1283791670955126));

    readonly Dictionary<(string Function, BigInteger Value), BigInteger> _known = [];
    readonly Dictionary<(string Window, BigInteger Value), BigInteger> _weights = [];
    readonly RandomElements _random = new(seed);

    public BigInteger Value(ScalarFunction function, BigInteger v) => function.Kind switch
    {
        FunctionKind.Exp => v.IsZero ? BigInteger.One : Random("exp", v),
        FunctionKind.Log => v.IsOne ? BigInteger.Zero : Random("log", v),
        FunctionKind.Sqrt => v.IsZero || v.IsOne ? v : Random("sqrt", v),
        FunctionKind.Power when v.IsZero => function.Exponent > 0 ? v : throw new DivisionByExactZeroException(),
        FunctionKind.Power => v.IsOne ? v : Random(function.ToString(), v),
        FunctionKind.Cos => v.IsZero ? BigInteger.One : Random("cos", PrimeField.Canonical(v).Magnitude),
        FunctionKind.Acosh => v.IsOne ? BigInteger.Zero : Random("acosh", v),
        FunctionKind.Step => v.IsZero
            ? PrimeField.Image(Rational.FromDouble(function.AtZero))
            : PrimeField.Multiply(PrimeField.Half, PrimeField.Add(BigInteger.One, Odd("sign", v))),
        FunctionKind.Sign => Odd("sign", v),
        FunctionKind.Floor => v.IsZero || v.IsOne ? v : Random("floor", v),
        FunctionKind.Round when PrimeField.Canonical(v).Magnitude.IsOne => v,
        FunctionKind.Round or FunctionKind.Tanh or FunctionKind.Erf or FunctionKind.Sin or FunctionKind.Atan or FunctionKind.Asin
            or FunctionKind.Asinh or FunctionKind.Atanh => Odd(function.Kind.ToString(), v),
        _ => throw new NotSupportedException($"no table for {function}"),
    };

    public BigInteger Derivative(ScalarFunction function, BigInteger v)
    {
        var square = PrimeField.Multiply(v, v);
        switch (function.Kind)
        {
            case FunctionKind.Exp:
                return Value(function, v);
            case FunctionKind.Log:
                return PrimeField.Inverse(v);
            case FunctionKind.Sqrt: // 1 / (2√v)
                return PrimeField.Multiply(PrimeField.Half, PrimeField.Inverse(Value(function, v)));
            case FunctionKind.Power: // a·vᵃ / v
                var exponent = PrimeField.Image(Rational.FromDouble(function.Exponent));
                return PrimeField.Multiply(PrimeField.Multiply(exponent, Value(function, v)), PrimeField.Inverse(v));
            case FunctionKind.Tanh: // 1 − tanh²
                var tanh = Value(function, v);
                return PrimeField.Subtract(BigInteger.One, PrimeField.Multiply(tanh, tanh));
            case FunctionKind.Erf: // 2/√π · exp(−v²)
                return PrimeField.Multiply(ErfSlope, Value(FunctionKind.Exp, PrimeField.Negate(square)));
            case FunctionKind.Sin:
                return Value(FunctionKind.Cos, v);
            case FunctionKind.Cos:
                return PrimeField.Negate(Value(FunctionKind.Sin, v));
            case FunctionKind.Atan: // 1 / (1 + v²)
                return PrimeField.Inverse(PrimeField.Add(BigInteger.One, square));
            case FunctionKind.Asin: // 1 / √(1 − v²)
                return PrimeField.Inverse(Value(FunctionKind.Sqrt, PrimeField.Subtract(BigInteger.One, square)));
            case FunctionKind.Asinh: // 1 / √(1 + v²)
                return PrimeField.Inverse(Value(FunctionKind.Sqrt, PrimeField.Add(BigInteger.One, square)));
            case FunctionKind.Acosh: // 1 / √(v² − 1)
                return PrimeField.Inverse(Value(FunctionKind.Sqrt, PrimeField.Subtract(square, BigInteger.One)));
            case FunctionKind.Atanh: // 1 / (1 − v²)
                return PrimeField.Inverse(PrimeField.Subtract(BigInteger.One, square));
            case FunctionKind.Step or FunctionKind.Sign or FunctionKind.Floor or FunctionKind.Round:
                return BigInteger.Zero;
            default:
                throw new NotSupportedException($"no derivative of {function}");
        }
    }

    /// <summary>
    /// The weights of one window of a choice: a random function of the set of values that take part, scaled to sum to the number chosen. Of equal
    /// values the first ones get weights, as many as are chosen; or all get an equal part of one weight. Where all values are equal or all are chosen, there is
    /// no choice.
    /// </summary>
    public BigInteger[] Weights(BigInteger[] window, bool[] allowed, int count, TieBreak ties)
    {
        var places = Enumerable.Range(0, window.Length).Where(k => allowed[k]).ToArray();
        var groups = places.GroupBy(place => window[place]).Select(group => group.ToArray()).ToArray();
        var isChoice = groups.Length > 1 && places.Length > count;
        var name = $"{count} of {string.Join(' ', groups.Select(group => window[group[0]]).Order())}";
        var weights = new BigInteger[window.Length];
        foreach (var group in groups)
        {
            for (var k = 0; k < group.Length && k < (ties == TieBreak.First || places.Length <= count ? count : 1); k++)
            {
                var key = ($"{name}, {k} before", window[group[0]]);
                if (!_weights.TryGetValue(key, out var weight)) _weights.Add(key, weight = _random.Next());
                weights[group[k]] = isChoice ? weight : BigInteger.One;
            }
        }

        var scale = PrimeField.Multiply(count, PrimeField.Inverse(weights.Aggregate(BigInteger.Zero, PrimeField.Add)));
        for (var k = 0; k < weights.Length; k++) weights[k] = PrimeField.Multiply(weights[k], scale);
        if (ties == TieBreak.First || places.Length <= count) return weights;
        foreach (var group in groups)
        {
            var part = PrimeField.Multiply(weights[group[0]], PrimeField.Inverse(group.Length));
            foreach (var place in group) weights[place] = part;
        }

        return weights;
    }

    BigInteger Odd(string function, BigInteger v)
    {
        if (v.IsZero) return v;
        var (magnitude, sign) = PrimeField.Canonical(v);
        var value = Random(function, magnitude);
        return sign > 0 ? value : PrimeField.Negate(value);
    }

    BigInteger Random(string function, BigInteger v)
    {
        if (!_known.TryGetValue((function, v), out var value)) _known.Add((function, v), value = _random.Next());
        return value;
    }
}
