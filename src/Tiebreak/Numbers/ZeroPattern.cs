using Tiebreak.Programs;

namespace Tiebreak.Numbers;

/// <summary>
/// Numbers of which only "certainly zero" (0) or "not" (1) is known: a sum is zero if all terms are, a product if a factor is; nothing
/// ever cancels. A gradient that is zero in the field but not here is zero by cancellation (theory §4).
/// </summary>
public readonly struct ZeroPattern : IField
{
    /// <inheritdoc/>
    public ulong Modulus => (1UL << 61) - 1;

    /// <inheritdoc/>
    public ulong Add(ulong left, ulong right) => left | right;

    /// <inheritdoc/>
    public ulong Subtract(ulong left, ulong right) => left | right;

    /// <inheritdoc/>
    public ulong Negate(ulong value) => value;

    /// <inheritdoc/>
    public ulong Multiply(ulong left, ulong right) => left & right;

    /// <inheritdoc/>
    public ulong Scale(ulong value, int exponent) => value;

    /// <inheritdoc/>
    public ulong Reduce(ulong value) => value == 0 ? 0UL : 1;

    /// <inheritdoc/>
    public ulong Reduce(UInt128 value) => value == 0 ? 0UL : 1;

    /// <inheritdoc/>
    public ulong Reduce(Int128 value) => value == 0 ? 0UL : 1;

    /// <summary>f maps 0 to 0, or it makes something; returns the number of singular values, always 0.</summary>
    public static int Apply(ScalarFunction function, Span<ulong> values)
    {
        var keepsZero = function.Kind switch
        {
            FunctionKind.Exp or FunctionKind.Log or FunctionKind.Cos or FunctionKind.Acosh or FunctionKind.SelfGatedSlope => false,
            FunctionKind.Power => function.Exponent > 0,
            FunctionKind.Step => function.AtZero == 0,
            _ => true,
        };
        if (!keepsZero) values.Fill(1);
        return 0;
    }
}
