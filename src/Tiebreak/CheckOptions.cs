using Tiebreak.Formats.Tokenizers;
using Tiebreak.Numbers;

namespace Tiebreak;

/// <summary>Everything a user may ask of <c>Check.Model</c>; each option of <c>tiebreak check</c> that changes the analysis is one of these.</summary>
public sealed record CheckOptions
{
    /// <summary>What is known of the loss.</summary>
    public LossKind Loss { get; init; } = LossKind.Any;

    /// <summary>A table of samples (CSV, Parquet, NPY, NPZ) that is all the data there is; null for any data.</summary>
    public string? Data { get; init; }

    /// <summary>For data leaves whose columns are not found by name: the columns, in order.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Map { get; init; } = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);

    /// <summary>Whether to work out which single changes of the table would set more free.</summary>
    public bool Pattern { get; init; }

    /// <summary>Globs of tensors to treat as constants.</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>Globs of tensors to train even if they would not be by default.</summary>
    public IReadOnlyList<string> Trainable { get; init; } = [];

    /// <summary>Globs of the outputs that a loss sees; empty for all of them.</summary>
    public IReadOnlyList<string> Outputs { get; init; } = [];

    /// <summary>Inner tensors that some loss sees, besides the outputs.</summary>
    public IReadOnlyList<string> AlsoOutputs { get; init; } = [];

    /// <summary>Operators to take as unknown functions of their operands, by type (<c>GridSample</c>, <c>com.example.Foo</c>).</summary>
    public IReadOnlyList<string> Opaque { get; init; } = [];

    /// <summary>Sizes for free dimensions, by name.</summary>
    public IReadOnlyDictionary<string, int> Dims { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>The batch size to analyse at; null lets the tool choose.</summary>
    public int? Batch { get; init; }

    /// <summary>Whether batch normalisation normalises over the batch (as in training).</summary>
    public bool BatchNormTraining { get; init; } = true;

    /// <summary>Whether dropouts of the graph draw masks.</summary>
    public bool Dropout { get; init; } = true;

    /// <summary>The least and the largest number that any data holds; null for anything. Decides gates that only other data would open or close.</summary>
    public (double Low, double High)? InputRange { get; init; }

    /// <summary>The optimiser, by the name the command line has for it.</summary>
    public string Optimizer { get; init; } = "sgd";

    /// <summary>The strength of weight decay; any that is not zero gives the same answer.</summary>
    public Rational WeightDecay { get; init; } = Rational.Zero;

    /// <summary>Globs of tensors that have a learning rate and decay of their own, a group each.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Whether to train the model for a few steps, and so show what is claimed to move or to come apart; of gradient descent on any data only.</summary>
    public bool Witness { get; init; }

    /// <summary>Whether to find all linear conservation laws; for models of up to <see cref="Proofs.LinearLaws.MostParameters"/> parameters, gradient descent and any data.</summary>
    public bool Laws { get; init; }

    /// <summary>How far units may be from equal to be reported as nearly tied, 0 to below 1 (<see cref="Refinement.NearTie.Distance"/>); null not to look.</summary>
    public double? Tolerance { get; init; }

    /// <summary>
    /// The memory to stay within, in bytes, if that is possible: a model that would take more is streamed, as far as it consists of matrices. Null for 2 GiB, or half of the machine's where streaming would say less.
    /// </summary>
    public long? Memory { get; init; }

    /// <summary>Whether the class of every single parameter is wanted, so that nothing may be streamed.</summary>
    public bool NeedsCodes { get; init; }

    /// <summary>What a model may take to be held rather than streamed, where <see cref="Memory"/> does not say; null for the usual.</summary>
    internal long? HoldsUpTo { get; init; }

    /// <summary>Why a model of so many parameters is refused before it is analysed; null if it is not.</summary>
    public Func<long, string?>? Refuses { get; init; }

    /// <summary>A <c>tokenizer.json</c> with the tokens that rows of tables are named by in findings; null for numbers alone.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>What was read from <see cref="Tokenizer"/>, once for the whole check.</summary>
    internal Vocabulary? Vocabulary { get; init; }

    /// <summary>The seed of every random choice; the same seed gives the same bytes.</summary>
    public ulong Seed { get; init; }

    /// <summary>The largest acceptable chance that the answer claims a tie that does not hold.</summary>
    public double ErrorBound { get; init; } = 1e-18;

    /// <summary>The file that some of these options come from, for the report; null for none.</summary>
    public string? Settings { get; init; }

    /// <summary>Told what is going on, for a progress display: a few words and, where known, the share done. May be called from several threads at once.</summary>
    public IProgress<CheckProgress>? Progress { get; init; }

    /// <summary>Stops the analysis.</summary>
    public CancellationToken Cancellation { get; init; }
}

/// <summary>One step of a long check.</summary>
/// <param name="Stage">A few words, for instance <c>round 2</c>.</param>
/// <param name="Share">How much of the stage is done, 0 to 1, or null if unknown.</param>
public readonly record struct CheckProgress(string Stage, double? Share);

/// <summary>What is known of the loss.</summary>
public enum LossKind
{
    /// <summary>Any loss of the model's outputs.</summary>
    Any,

    /// <summary>The model's only output is one number, the loss itself.</summary>
    Outputs,

    /// <summary>The mean of the squared differences between the only output and a target.</summary>
    MeanSquaredError,

    /// <summary>Cross-entropy between the only output, taken as scores before a softmax, and a target class or distribution.</summary>
    CrossEntropy,
}
