using Tiebreak.Findings;
using Tiebreak.Proofs;
using Tiebreak.Refinement;

namespace Tiebreak;

/// <summary>What a check found: the verdict in numbers, the analysis behind it, and the findings for people.</summary>
public sealed record CheckResult
{
    /// <summary>The path as the user gave it.</summary>
    public required string Path { get; init; }

    /// <summary><c>formula</c> or <c>onnx</c>.</summary>
    public required string Format { get; init; }

    /// <summary>Every file that was read, the model's own first.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>The options in force.</summary>
    public required CheckOptions Options { get; init; }

    /// <summary>The analysis: model, partition, rounds, bound.</summary>
    public required Analysis Analysis { get; init; }

    /// <summary>Numbers for the whole model; null when there is no verdict.</summary>
    public VerdictCounts? Counts { get; init; }

    /// <summary>Numbers for each tensor, in the model's order; empty when there is no verdict.</summary>
    public IReadOnlyList<TensorCounts> Tensors { get; init; } = [];

    /// <summary>Groups of slices in lockstep.</summary>
    public IReadOnlyList<UnitGroups> Units { get; init; } = [];

    /// <summary>The training runs that show what is claimed apart; null if they were not asked for.</summary>
    public Witness? Witness { get; init; }

    /// <summary>Which tensor to draw anew to gain the most; null if nothing is tied or stuck, for given data, or in models too large to try.</summary>
    public Reinitialisation? Advice { get; init; }

    /// <summary>The linear conservation laws of gradient descent; null if they were not asked for, or there is no verdict.</summary>
    public LinearLaws? Laws { get; init; }

    /// <summary>Findings that options left out.</summary>
    public int Hidden { get; init; }

    /// <summary>What to tell a person, worst first.</summary>
    public IReadOnlyList<Finding> Findings { get; init; } = [];
}

/// <summary>The verdict in numbers (contract: json <c>result</c>).</summary>
/// <param name="Parameters">All trainable numbers.</param>
/// <param name="DegreesOfFreedom">Classes of moving parameters.</param>
/// <param name="Stuck">Parameters that never move.</param>
/// <param name="Lockstep">Parameters in a class of two or more, mirrored ones included.</param>
/// <param name="Mirrored">Parameters in a class that holds both signs.</param>
/// <param name="LastFirstStep">The largest first step of a parameter that moves; 0 if none moves.</param>
public sealed record VerdictCounts(long Parameters, long DegreesOfFreedom, long Stuck, long Lockstep, long Mirrored, int LastFirstStep);

/// <summary>The verdict for one tensor.</summary>
/// <param name="Name">The tensor.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Parameters">Its numbers.</param>
/// <param name="Classes">Classes with a member in it.</param>
/// <param name="Stuck">Its parameters that never move.</param>
/// <param name="Lockstep">Its parameters in a class of two or more (wherever the others are).</param>
/// <param name="Mirrored">Its parameters in a class that holds both signs.</param>
/// <param name="FirstStepMin">The earliest first step; 0 if none moves.</param>
/// <param name="FirstStepMax">The latest first step; 0 if none moves.</param>
public sealed record TensorCounts(string Name, IReadOnlyList<int> Shape, long Parameters, long Classes, long Stuck, long Lockstep, long Mirrored, int FirstStepMin, int FirstStepMax);

/// <summary>Groups of slices of a tensor that stay equal up to sign for ever.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Axis">The axis along which it is sliced.</param>
/// <param name="Kind"><c>neuron</c>, <c>channel</c>, <c>input</c>, <c>head</c>, <c>expert</c>, <c>row</c>, <c>unit</c> (an element of a vector) or <c>slice</c>.</param>
/// <param name="Groups">Indices of the slices, each group ascending and of two or more.</param>
public sealed record UnitGroups(string Tensor, int Axis, string Kind, IReadOnlyList<IReadOnlyList<int>> Groups)
{
    /// <summary>How many neighbouring slices make one unit; more than 1 for heads, whose indices count blocks of slices.</summary>
    public int SlicesPerUnit { get; init; } = 1;

    /// <summary>The tokens that the slices are rows of, as <see cref="Groups"/> lists them, null for one without a token; empty where slices are no rows of tokens or no tokenizer was given.</summary>
    public IReadOnlyList<IReadOnlyList<string?>> Tokens { get; init; } = [];
}
