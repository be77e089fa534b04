using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats;

/// <summary>
/// A model at fixed sizes: named parameters with their exact start values, and the program from them and the data to the outputs.
/// The only type all formats share.
/// </summary>
public sealed record Model
{
    /// <summary>From parameters and data to outputs.</summary>
    public required TensorProgram Program { get; init; }

    /// <summary>Every tensor that may be trained, in the file's order; the program may use some of them nowhere.</summary>
    public required IReadOnlyList<ParameterTensor> Parameters { get; init; }

    /// <summary>Weights that keep their exact start values (frozen ones, constants of a formula); the program reads them as parameters, too.</summary>
    public IReadOnlyList<ParameterTensor> Frozen { get; init; } = [];

    /// <summary>Whether the single scalar output is itself the loss; otherwise any loss of the outputs is meant.</summary>
    public required bool OutputIsLoss { get; init; }

    /// <summary>The sizes chosen for free dimensions, by name.</summary>
    public IReadOnlyDictionary<string, int> Dims { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>Whether the graph has batch normalisation (analysed over the batch or not, as was asked).</summary>
    public bool HasBatchNorm { get; init; }

    /// <summary>The members of the smallest set that a batch normalisation takes mean and variance of; 0 without one.</summary>
    public long SmallestBatchNormSet { get; init; }

    /// <summary>How many elements of kernels only ever meet padding at these sizes: larger ones may reach them.</summary>
    public long NeverReached { get; init; }

    /// <summary>Whether the graph has a dropout that is active.</summary>
    public bool HasDropout { get; init; }

    /// <summary>Whether <see cref="ParameterTensor.TokenAxis"/> names every axis of tokens; a graph does not say which of its tables are of tokens.</summary>
    public bool KnowsTokenAxes { get; init; }

    /// <summary>What a loss sees, under the names the file has.</summary>
    public IReadOnlyList<string> OutputNames
    {
        get => field ?? [.. Program.Outputs.Select(output => output.Name)];
        init;
    }

    /// <summary>The branches taken where data decide; of several ways those of the first.</summary>
    public IReadOnlyList<BranchTaken> Branches { get; init; } = [];

    /// <summary>The ways through the model that are put together here; empty for a model fresh from its file.</summary>
    public IReadOnlyList<Way> Ways { get; init; } = [];

    /// <summary>The nodes of the file's own values, by name, as far as it names any; for whoever changes the file.</summary>
    internal IReadOnlyDictionary<string, Node> ValueNodes { get; init; } = new Dictionary<string, Node>(StringComparer.Ordinal);

    /// <summary>Numbers that the file keeps for places of an axis and the program does not read: the running statistics of a batch normalisation that uses the batch's.</summary>
    internal IReadOnlyList<(Node Node, int Axis, Numbers.ExactTensor Values)> Beside { get; init; } = [];

    /// <summary>Sentences about choices made while reading, for the report's assumptions.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>One decision between branches that data make.</summary>
/// <param name="Node">The node that branches.</param>
/// <param name="First">Whether the first branch is taken.</param>
public readonly record struct BranchTaken(string Node, bool First);

/// <summary>One tensor of parameters.</summary>
/// <param name="Name">Unique in its model.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Start">θ⁰, exact; may hold NaN or infinities, which are a finding.</param>
public sealed record ParameterTensor(string Name, Shape Shape, ExactTensor Start)
{
    /// <summary>What it does in the network, as far as the reader can tell.</summary>
    public ParameterRole Role { get; init; } = ParameterRole.Other;

    /// <summary>What each axis means; empty where unknown.</summary>
    public IReadOnlyList<AxisMeaning> AxisMeanings { get; init; } = [];

    /// <summary>The axis with a place for each token of a vocabulary, where the reader knows of one; else null.</summary>
    public int? TokenAxis { get; init; }

    /// <summary>It came from a Constant node that only meets another tensor element by element: a finding that rests on it alone is at most a warning.</summary>
    public bool FromElementwiseConstant { get; init; }
}

/// <summary>What a parameter tensor does.</summary>
public enum ParameterRole
{
    /// <summary>Anything else.</summary>
    Other,

    /// <summary>The matrix of a dense layer.</summary>
    Dense,

    /// <summary>The kernel of a convolution.</summary>
    Convolution,

    /// <summary>Added to what a layer makes.</summary>
    Bias,

    /// <summary>Multiplied with what a layer makes.</summary>
    Scale,

    /// <summary>A table whose rows data selects.</summary>
    LookUp,
}

/// <summary>What an axis of a parameter tensor runs over.</summary>
public enum AxisMeaning
{
    /// <summary>Unknown, or a mixture.</summary>
    Other,

    /// <summary>The layer's own units or channels.</summary>
    Output,

    /// <summary>The units or channels it reads.</summary>
    Input,

    /// <summary>Positions inside a window.</summary>
    Window,

    /// <summary>Rows selected by data.</summary>
    Row,
}
