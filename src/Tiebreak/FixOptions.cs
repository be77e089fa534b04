namespace Tiebreak;

/// <summary>Everything a user may ask of <c>Fix.Model</c>.</summary>
public sealed record FixOptions
{
    /// <summary>What the model is analysed under, before and after; its seed is that of all draws, too.</summary>
    public CheckOptions Check { get; init; } = new();

    /// <summary>How what is in lockstep is pulled apart.</summary>
    public RepairMethod Method { get; init; } = RepairMethod.Auto;

    /// <summary>What fresh weights are drawn from.</summary>
    public Initialiser Initialiser { get; init; } = Initialiser.HeNormal;

    /// <summary>For <see cref="RepairMethod.Noise"/>: the deviation of the noise as a share of that of the tensor.</summary>
    public double Scale { get; init; } = 0.01;

    /// <summary>Whether biases that what follows cancels are taken away (zero where the format has no way to leave them out).</summary>
    public bool DropRedundant { get; init; }

    /// <summary>Whether an existing file is replaced.</summary>
    public bool Force { get; init; }
}

/// <summary>How what is in lockstep is pulled apart.</summary>
public enum RepairMethod
{
    /// <summary>The method that keeps the function where it can, then fresh weights.</summary>
    Auto,

    /// <summary>Unequal outgoing weights with the same sums: the function is kept.</summary>
    Split,

    /// <summary>Fresh weights for as few tensors as will do.</summary>
    Reinit,

    /// <summary>A little noise on all copies but the first.</summary>
    Noise,
}

/// <summary>What fresh weights are drawn from; fans are computed from what the axes of a tensor mean.</summary>
public enum Initialiser
{
    /// <summary>Normal, variance 2/fan-in (He et al. 2015).</summary>
    HeNormal,

    /// <summary>Uniform, variance 2/fan-in.</summary>
    HeUniform,

    /// <summary>Normal, variance 2/(fan-in + fan-out) (Glorot and Bengio 2010).</summary>
    XavierNormal,

    /// <summary>Uniform, variance 2/(fan-in + fan-out).</summary>
    XavierUniform,

    /// <summary>Normal, variance 1/fan-in (LeCun et al. 1998).</summary>
    LeCunNormal,

    /// <summary>Uniform, variance 1/fan-in.</summary>
    LeCunUniform,

    /// <summary>Rows, or columns if they are fewer, that are orthonormal (Saxe et al. 2013).</summary>
    Orthogonal,

    /// <summary>Normal, cut at two deviations and scaled such that the variance is 1/fan-in.</summary>
    TruncatedNormal,
}
