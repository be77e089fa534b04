using Tiebreak.Refinement;

namespace Tiebreak;

/// <summary>Everything a user may ask of <c>Reduce.Model</c>.</summary>
public sealed record ReduceOptions
{
    /// <summary>What to assume of the model: for training no weight decay, under which the factors on learning rates would not do. Data are only what the error of a <see cref="Tolerance"/> is measured on.</summary>
    public CheckOptions Check { get; init; } = new();

    /// <summary>Whether the smaller model must train like the large one; otherwise it need only compute the same now.</summary>
    public bool ForTraining { get; init; } = true;

    /// <summary>How far units may be from equal to become one, too, 0 to below 1 (<see cref="NearTie.Distance"/>); null for equal ones only. For inference only: then outputs change, and the change is measured.</summary>
    public double? Tolerance { get; init; }

    /// <summary>Whether an output that exists is replaced.</summary>
    public bool Force { get; init; }
}

/// <summary>What <c>Reduce.Model</c> made.</summary>
public sealed record ReduceResult
{
    /// <summary>The large model.</summary>
    public required string Path { get; init; }

    /// <summary>The small one.</summary>
    public required string Output { get; init; }

    /// <summary>What was asked for.</summary>
    public required ReduceOptions Options { get; init; }

    /// <summary>The large model as it was read, whose sizes and frozen tensors the result is of.</summary>
    public required Formats.Model Model { get; init; }

    /// <summary>The large model's size.</summary>
    public required ModelSize Before { get; init; }

    /// <summary>The small model's size.</summary>
    public required ModelSize After { get; init; }

    /// <summary>Tensors that became smaller or went.</summary>
    public required IReadOnlyList<TensorChange> Tensors { get; init; }

    /// <summary>The learning-rate factors under which the small model trains exactly like the large one under gradient descent; null for inference, or where there are none.</summary>
    public IReadOnlyList<Repairs.TensorRates>? Rates { get; init; }

    /// <summary>How far the outputs are apart in float64 with the numbers that are stored; null where that would take too long.</summary>
    public Repairs.FloatDifference? Float { get; init; }

    /// <summary>Units that were not equal and became one, in the order of the network; empty without a tolerance. What is said of equality holds for the model in which they are equal.</summary>
    public IReadOnlyList<NearTie> NearTies { get; init; } = [];

    /// <summary>With a tolerance: how far the small model's outputs are from those of the large one. Null without, where neither near ties nor data are there, and where the model is too large to be evaluated on random inputs.</summary>
    public Repairs.NearTies.OutputErrors? Error { get; init; }

    /// <summary>How many sums of weights are no numbers of the file's format and were rounded.</summary>
    public long Rounded { get; init; }

    /// <summary>How many random points of fields equality was checked at.</summary>
    public int Points { get; init; }

    /// <summary>What stays though it is repeated; a sentence each.</summary>
    public IReadOnlyList<string> Left { get; init; } = [];

    /// <summary>Sentences about choices.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>How large a model is.</summary>
/// <param name="Parameters">Trainable parameters.</param>
/// <param name="Tensors">Their tensors.</param>
/// <param name="Bytes">All its files.</param>
/// <param name="Multiplications">Those of one evaluation at the sizes it was looked at.</param>
public sealed record ModelSize(long Parameters, int Tensors, long Bytes, double Multiplications)
{
    /// <summary>Numbers of weights that are not trained.</summary>
    public long Frozen { get; init; }
}

/// <summary>What became of a tensor.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Before">Its old sizes.</param>
/// <param name="After">Its new ones; null if it went.</param>
public sealed record TensorChange(string Name, IReadOnlyList<int> Before, IReadOnlyList<int>? After);
