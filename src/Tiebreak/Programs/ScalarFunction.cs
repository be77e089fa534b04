namespace Tiebreak.Programs;

/// <summary>The functions of one number that a program may apply to every element; everything else is composed from them.</summary>
public enum FunctionKind
{
    /// <summary>exp v; exp 0 = 1.</summary>
    Exp,

    /// <summary>Natural logarithm; log 1 = 0.</summary>
    Log,

    /// <summary>√v; √0 = 0, √1 = 1.</summary>
    Sqrt,

    /// <summary>v to a constant power that is not a whole number.</summary>
    Power,

    /// <summary>Hyperbolic tangent, odd.</summary>
    Tanh,

    /// <summary>Error function, odd.</summary>
    Erf,

    /// <summary>Sine, odd.</summary>
    Sin,

    /// <summary>Cosine, even; cos 0 = 1.</summary>
    Cos,

    /// <summary>Arc tangent, odd.</summary>
    Atan,

    /// <summary>Arc sine, odd.</summary>
    Asin,

    /// <summary>Inverse hyperbolic sine, odd.</summary>
    Asinh,

    /// <summary>Inverse hyperbolic cosine; acosh 1 = 0.</summary>
    Acosh,

    /// <summary>Inverse hyperbolic tangent, odd.</summary>
    Atanh,

    /// <summary>1 where v &gt; 0, 0 where v &lt; 0; at 0 the <see cref="ScalarFunction.AtZero"/> of the framework. Its derivative is zero.</summary>
    Step,

    /// <summary>Sign, odd, sign 0 = 0. Its derivative is zero.</summary>
    Sign,

    /// <summary>The largest integer not above v. Its derivative is zero.</summary>
    Floor,

    /// <summary>v rounded to the nearest integer, halves to even; odd. Its derivative is zero.</summary>
    Round,

    /// <summary>v times a gate of v (<see cref="SelfGates"/>), 0 at 0. Only the field meets it.</summary>
    SelfGated,

    /// <summary>The derivative of <see cref="SelfGated"/>.</summary>
    SelfGatedSlope,
}

/// <summary>A function of one number. Two uses of equal functions give equal results on equal numbers, and that is all the field may assume beyond theory §4's table.</summary>
/// <param name="Kind">Which function.</param>
/// <param name="AtZero">For <see cref="FunctionKind.Step"/>: the value at exactly 0, the framework's choice (theory §4, Kinks).</param>
/// <param name="Exponent">For <see cref="FunctionKind.Power"/>: the exponent.</param>
/// <param name="Gate">For <see cref="FunctionKind.SelfGated"/> and its slope: the gate, written out.</param>
public readonly record struct ScalarFunction(FunctionKind Kind, double AtZero = 0, double Exponent = 0, string? Gate = null)
{
    /// <summary>A function that needs no constant.</summary>
    public static implicit operator ScalarFunction(FunctionKind kind) => new(kind);

    /// <summary>For instance <c>tanh</c>, <c>power(1.7)</c>.</summary>
    public override string ToString() => Kind switch
    {
        FunctionKind.Power => $"power({Exponent:R})",
        FunctionKind.Step => AtZero == 0 ? "step" : $"step({AtZero:R})",
        FunctionKind.SelfGated => $"v*{Gate}",
        FunctionKind.SelfGatedSlope => $"(v*{Gate})'",
        _ => Kind.ToString().ToLowerInvariant(),
    };
}
