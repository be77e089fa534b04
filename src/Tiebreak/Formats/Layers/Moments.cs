using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Layers;

/// <summary>Means and variances over axes, and what normalisations make of them.</summary>
static class Moments
{
    /// <summary>The mean over some axes, which are dropped.</summary>
    public static Node MeanOver(ProgramBuilder builder, Node operand, int[] axes)
    {
        long count = 1;
        foreach (var axis in axes) count *= operand.Shape[axis];
        return builder.Scale(builder.ReduceSum(operand, axes), new Rational(1, count));
    }

    /// <summary>(x − mean) / √(variance + ε) over some axes; the variance is the biased one.</summary>
    public static Node Normal(ProgramBuilder builder, Node x, int[] axes, Rational epsilon)
    {
        var centred = builder.Subtract(x, builder.Broadcast(MeanOver(builder, x, axes), x.Shape, axes));
        var variance = MeanOver(builder, builder.Multiply(centred, centred), axes);
        return builder.Multiply(centred, builder.Broadcast(InverseRoot(builder, variance, epsilon), x.Shape, axes));
    }

    /// <summary>1 / √(variance + ε).</summary>
    public static Node InverseRoot(ProgramBuilder builder, Node variance, Rational epsilon) =>
        builder.Reciprocal(builder.Apply(FunctionKind.Sqrt, builder.Offset(variance, epsilon)));
}
