using System.Collections.Concurrent;
using System.Numerics;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Verification;

/// <summary>The functions of one point: random, but for the true properties that theory §4 lists. Two calls with equal arguments give equal results.</summary>
sealed class PlainFunctions
{
    enum Parity
    {
        None,
        Odd,
        Even,
    }

    readonly Residues _residues;
    readonly Randomness _random;
    readonly UInt128 _half;
    readonly ConcurrentDictionary<string, Randomness> _functions = new(StringComparer.Ordinal);
    volatile bool _metKinks;

    public PlainFunctions(Residues residues, Randomness random)
    {
        (_residues, _random) = (residues, random);
        _half = residues.Inverse(residues.Of((BigInteger)2));
    }

    /// <summary>Whether a function was called where only a convention says what it, or its derivative, is: a step or a sign at zero, a choice among equal largest elements.</summary>
    public bool MetKinks => _metKinks;

    /// <summary>f(x).</summary>
    /// <exception cref="SingularPointException">f has no value there.</exception>
    public UInt128 Value(ScalarFunction function, UInt128 x)
    {
        var one = _residues.One;
        if (x == 0 && function.Kind is (FunctionKind.Step or FunctionKind.Sign)) _metKinks = true;
        switch (function.Kind)
        {
            case FunctionKind.Step:
                // ½(1 + sign); at exactly 0 what the framework takes.
                return x == 0 ? _residues.Of(Rational.FromDouble(function.AtZero)) : _residues.Multiply(_half, _residues.Add(one, Draw("sign", x, Parity.Odd)));
            case FunctionKind.Exp:
                return x == 0 ? one : Draw("exp", x, Parity.None);
            case FunctionKind.Log:
                return x == 0 ? throw new SingularPointException() : x == one ? 0 : Draw("log", x, Parity.None);
            case FunctionKind.Sqrt:
                return x == 0 || x == one ? x : Draw("sqrt", x, Parity.None);
            case FunctionKind.Power:
                return x == 0 ? (function.Exponent > 0 ? UInt128.Zero : throw new SingularPointException()) : x == one ? one : Draw(function.ToString(), x, Parity.None);
            case FunctionKind.Cos:
                return x == 0 ? one : Draw("cos", x, Parity.Even);
            case FunctionKind.Acosh:
                return x == one ? 0 : Draw("acosh", x, Parity.None);
            case FunctionKind.Floor:
                return x == 0 || x == one ? x : Draw("floor", x, Parity.None);
            case FunctionKind.Round when x == one || x == _residues.Negate(one):
                return x;
            case FunctionKind.Tanh or FunctionKind.Erf or FunctionKind.Sin or FunctionKind.Atan or FunctionKind.Asin or FunctionKind.Asinh or FunctionKind.Atanh or FunctionKind.Sign or FunctionKind.Round:
                return x == 0 ? 0 : Draw(function.ToString(), x, Parity.Odd);
            default:
                throw new NotSupportedException($"the verifier does not know {function}");
        }
    }

    /// <summary>f′(x), given y = f(x): from the function's own calculus, so that a derivative is consistent with its function.</summary>
    /// <exception cref="SingularPointException">f has no derivative there.</exception>
    public UInt128 Derivative(ScalarFunction function, UInt128 x, UInt128 y)
    {
        var one = _residues.One;
        UInt128 Times(UInt128 a, UInt128 b) => _residues.Multiply(a, b);
        UInt128 Minus(UInt128 a, UInt128 b) => _residues.Add(a, _residues.Negate(b));
        UInt128 Over(UInt128 a) => a == 0 ? throw new SingularPointException() : _residues.Inverse(a);
        return function.Kind switch
        {
            FunctionKind.Step or FunctionKind.Sign or FunctionKind.Floor or FunctionKind.Round => 0,
            FunctionKind.Exp => y,
            FunctionKind.Log => Over(x),
            FunctionKind.Sqrt => Times(_half, Over(y)),
            FunctionKind.Power => Times(_residues.Of(Rational.FromDouble(function.Exponent)), Times(y, Over(x))),
            FunctionKind.Tanh => Minus(one, Times(y, y)),
            FunctionKind.Erf => Times(Constant("2/√π"), Value(FunctionKind.Exp, _residues.Negate(Times(x, x)))),
            FunctionKind.Sin => Value(FunctionKind.Cos, x),
            FunctionKind.Cos => _residues.Negate(Value(FunctionKind.Sin, x)),
            FunctionKind.Atan => Over(_residues.Add(one, Times(x, x))),
            FunctionKind.Asin => Over(Value(FunctionKind.Sqrt, Minus(one, Times(x, x)))),
            FunctionKind.Asinh => Over(Value(FunctionKind.Sqrt, _residues.Add(Times(x, x), one))),
            FunctionKind.Acosh => Over(Value(FunctionKind.Sqrt, Minus(Times(x, x), one))),
            FunctionKind.Atanh => Over(Minus(one, Times(x, x))),
            _ => throw new NotSupportedException($"the verifier does not know the derivative of {function}"),
        };
    }

    /// <summary>
    /// The weights of a choice among the elements of a row (theory §4: a choice is never sampled): random shares that depend on the value and on the set of all values, so that they move along
    /// when the row is permuted; of equal values the first ones get a share, or all get equal parts of one. They sum to the number that is chosen.
    /// </summary>
    public UInt128[] Shares(UInt128[] row, Primitive.Choose choice, long start)
    {
        var takesPart = row.Select((_, k) => choice.Allowed is null || choice.Allowed.Flags[(start + k) % choice.Allowed.Flags.Length]).ToArray();
        var values = row.Where((_, k) => takesPart[k]).ToArray();
        var shares = new UInt128[row.Length];
        if (values.Length == 0) return shares;
        UInt128 set = 0;
        foreach (var value in values.Distinct()) set = _residues.Add(set, Function("member").Draw(_residues, value));
        if (values.Distinct().Count() < values.Length) _metKinks = true;
        var isCertain = values.Distinct().Count() == 1 || values.Length <= choice.Count;
        var isSplit = choice.Ties == TieBreak.Split && values.Length > choice.Count;
        var seen = new Dictionary<UInt128, uint>();
        UInt128 sum = 0;
        for (var k = 0; k < row.Length; k++)
        {
            if (!takesPart[k]) continue;
            var earlier = seen[row[k]] = seen.GetValueOrDefault(row[k]) + 1;
            if (earlier > (isSplit ? 1 : (uint)choice.Count)) continue;
            shares[k] = isCertain ? _residues.One : Function($"share {choice.Count} {earlier}").Draw(_residues, row[k], set);
            sum = _residues.Add(sum, shares[k]);
        }

        var scale = _residues.Multiply(_residues.Of((BigInteger)choice.Count), _residues.Inverse(sum));
        for (var k = 0; k < row.Length; k++) shares[k] = _residues.Multiply(shares[k], scale);
        if (!isSplit) return shares;
        var whole = new Dictionary<UInt128, UInt128>();
        for (var k = 0; k < row.Length; k++)
            if (takesPart[k] && shares[k] != 0) whole.TryAdd(row[k], _residues.Multiply(shares[k], _residues.Inverse(_residues.Of((BigInteger)seen[row[k]]))));
        for (var k = 0; k < row.Length; k++)
            if (takesPart[k]) shares[k] = whole[row[k]];
        return shares;
    }

    UInt128 Draw(string function, UInt128 x, Parity parity)
    {
        var isNegative = parity != Parity.None && _residues.IsNegative(x);
        var y = Function(function).Draw(_residues, isNegative ? _residues.Negate(x) : x);
        return isNegative && parity == Parity.Odd ? _residues.Negate(y) : y;
    }

    UInt128 Constant(string name) => Function(name).Draw(_residues, 0);

    Randomness Function(string name) => _functions.GetOrAdd(name, _random.For);
}

/// <summary>A random point at which the program divides by zero.</summary>
sealed class SingularPointException : Exception;
