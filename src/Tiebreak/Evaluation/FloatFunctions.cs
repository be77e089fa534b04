using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>The functions and choices of a program in float64.</summary>
static class FloatFunctions
{
    /// <summary>f(v), NaN outside the function's domain.</summary>
    public static double Apply(ScalarFunction function, double v) => function.Kind switch
    {
        FunctionKind.Exp => Math.Exp(v),
        FunctionKind.Log => Math.Log(v),
        FunctionKind.Sqrt => Math.Sqrt(v),
        FunctionKind.Power => Math.Pow(v, function.Exponent),
        FunctionKind.Tanh => Math.Tanh(v),
        FunctionKind.Erf => Erf(v),
        FunctionKind.Sin => Math.Sin(v),
        FunctionKind.Cos => Math.Cos(v),
        FunctionKind.Atan => Math.Atan(v),
        FunctionKind.Asin => Math.Asin(v),
        FunctionKind.Asinh => Math.Asinh(v),
        FunctionKind.Acosh => Math.Acosh(v),
        FunctionKind.Atanh => Math.Atanh(v),
        FunctionKind.Step => v > 0 ? 1 : v < 0 ? 0 : function.AtZero,
        FunctionKind.Sign => double.IsNaN(v) ? v : Math.Sign(v),
        FunctionKind.Floor => Math.Floor(v),
        FunctionKind.Round => Math.Round(v, MidpointRounding.ToEven),
        _ => throw new NotSupportedException(function.ToString()),
    };

    /// <summary>The weights of a choice in each window of <paramref name="size"/> elements, added to <paramref name="weights"/>.</summary>
    public static void Choose(Primitive.Choose choose, double[] x, int size, double[] weights)
    {
        for (var start = 0; start < x.Length; start += size)
        {
            var allowed = Enumerable.Range(start, size).Where(k => choose.Allowed is null || choose.Allowed.Flags[k % choose.Allowed.Flags.Length]).ToArray();
            var ranked = allowed.OrderByDescending(k => x[k]).ThenBy(k => k).ToArray();
            var chosen = Math.Min(choose.Count, ranked.Length);
            for (var rank = 0; rank < chosen; rank++) weights[ranked[rank]] = 1;
            if (choose.Ties != TieBreak.Split || chosen == 0) continue;
            // Those equal to the last that is chosen share what falls to them.
            var last = x[ranked[chosen - 1]];
            var equals = ranked.Where(k => x[k] == last).ToArray();
            var share = equals.Count(k => weights[k] == 1) / (double)equals.Length;
            foreach (var k in equals) weights[k] = share;
        }
    }

    // To about 1e-13: Maclaurin's series while its terms stay below e^6.25, then Laplace's continued fraction of 1 − erf.
    static double Erf(double v)
    {
        const double SeriesEnds = 2.5;
        const int Terms = 60;
        var x = Math.Abs(v);
        if (double.IsNaN(v)) return v;
        if (x > SeriesEnds)
        {
            var fraction = x;
            for (var n = Terms; n >= 1; n--) fraction = x + n / 2.0 / fraction;
            return Math.Sign(v) * (1 - Math.Exp(-x * x) / (fraction * Math.Sqrt(Math.PI)));
        }

        double sum = 0, term = v;
        for (var n = 0; n < Terms; n++)
        {
            sum += term / (2 * n + 1);
            term *= -v * v / (n + 1);
        }

        return 2 / Math.Sqrt(Math.PI) * sum;
    }
}
