using Tiebreak.Numbers;

namespace Tiebreak.Training;

/// <summary>How parameters follow their gradients.</summary>
public enum OptimizerKind
{
    /// <summary>Plain gradient descent.</summary>
    Sgd,

    /// <summary>Gradient descent with heavy-ball momentum.</summary>
    Momentum,

    /// <summary>Nesterov's accelerated gradient.</summary>
    Nesterov,

    /// <summary>RMSprop (Tieleman and Hinton, 2012).</summary>
    RmsProp,

    /// <summary>Adam (Kingma and Ba, 2015), weight decay added to the gradient.</summary>
    Adam,

    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter, 2019).</summary>
    AdamW,

    /// <summary>Lion (Chen et al., 2023): steps of one size by sign, decoupled weight decay.</summary>
    Lion,
}

/// <summary>What training computes with.</summary>
public enum TrainingNumbers
{
    /// <summary>float64, by ONNX Runtime.</summary>
    Float64,

    /// <summary>float32, by ONNX Runtime.</summary>
    Float32,

    /// <summary>A finite field, where equality is exact and numbers do not grow.</summary>
    Exact,
}

/// <summary>In which order samples are seen.</summary>
public enum SampleOrder
{
    /// <summary>Shuffled anew in every epoch.</summary>
    Shuffled,

    /// <summary>As the table has them, again and again.</summary>
    File,
}

/// <summary>Everything a training run depends on besides model and data; the same options give the same run.</summary>
public sealed record TrainingOptions
{
    /// <summary>The optimiser.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Sgd;

    /// <summary>The learning rate, exact.</summary>
    public Rational Rate { get; init; } = new(1, 10);

    /// <summary>The share of the last step kept by momentum and Nesterov.</summary>
    public Rational Momentum { get; init; } = new(9, 10);

    /// <summary>The decay of the gradient's running mean (Adam, AdamW, Lion).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The decay of the running mean of squares (RMSprop, Adam, AdamW), or of Lion's momentum.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>What is added to the root of that mean.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The strength of weight decay.</summary>
    public Rational WeightDecay { get; init; } = Rational.Zero;

    /// <summary>Steps to take.</summary>
    public int Steps { get; init; } = 100;

    /// <summary>Rows in a batch; null for all of them.</summary>
    public int? Batch { get; init; }

    /// <summary>The order of samples.</summary>
    public SampleOrder Order { get; init; } = SampleOrder.Shuffled;

    /// <summary>What to compute with.</summary>
    public TrainingNumbers Numbers { get; init; } = TrainingNumbers.Float64;

    /// <summary>The seed of the order of samples, and of the field of the exact mode.</summary>
    public ulong Seed { get; init; }

    /// <summary>Told after each step.</summary>
    public IProgress<CheckProgress>? Progress { get; init; }

    /// <summary>Stops after the step at hand; what was recorded is kept.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Whether the optimiser takes roots or signs, which a field does not have.</summary>
    public bool NeedsReals => Optimizer is OptimizerKind.RmsProp or OptimizerKind.Adam or OptimizerKind.AdamW or OptimizerKind.Lion;

    /// <summary>Whether weight decay shrinks parameters directly instead of being part of the gradient.</summary>
    public bool DecaysApart => Optimizer is OptimizerKind.AdamW or OptimizerKind.Lion;
}
