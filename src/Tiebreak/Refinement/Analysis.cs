using Tiebreak.Formats;
using Tiebreak.Formats.Tables;

namespace Tiebreak.Refinement;

/// <summary>What the refinement found out about one model, before it is put into words.</summary>
public sealed record Analysis
{
    /// <summary>The model, at the sizes it was analysed at.</summary>
    public required Model Model { get; init; }

    /// <summary>How the file was lowered to that model, but for the sizes of free dimensions and the branches, which its ways have.</summary>
    public LoweringOptions Lowering { get; init; } = new();

    /// <summary>The smallest invariant set. Null when no verdict can be given (<see cref="NonFinite"/>).</summary>
    public Partition? Partition { get; init; }

    /// <summary>What streamed by, if some tensors were too large for a code a parameter; <see cref="Partition"/> has no codes for those.</summary>
    internal Streaming.StreamedVerdict? Streamed { get; init; }

    /// <summary>Whether <see cref="Partition"/> lacks the codes of tensors that were too large to be held.</summary>
    public bool IsStreamed => Streamed is not null;

    /// <summary>What a table adds, if one is all the data there is.</summary>
    public DataVerdict? Data { get; init; }

    /// <summary>Rounds until nothing changed.</summary>
    public int Rounds { get; init; }

    /// <summary>Fresh verifications the final state passed.</summary>
    public int Verifications { get; init; }

    /// <summary>The chance that one verification overlooks a false equation (theory §4).</summary>
    public double Epsilon { get; init; }

    /// <summary>The bound reached for the whole answer.</summary>
    public double ErrorBound { get; init; }

    /// <summary>The sizes of free dimensions at which the answer was confirmed a second time; null if nothing could be varied.</summary>
    public IReadOnlyDictionary<string, int>? ConfirmedDims { get; init; }

    /// <summary>The partition without dropout, when the model has an active one: ties only it has are broken only by noise.</summary>
    public Partition? WithoutNoise { get; init; }

    /// <summary>The partition under other choices at kinks, when a value sits on one and the verdict differs (theory §4, Kinks).</summary>
    public Partition? AtOtherKinks { get; init; }

    /// <summary>For each tensor, for each parameter, why it is stuck; null for a tensor without stuck parameters.</summary>
    public IReadOnlyList<StuckCause[]?> StuckBy { get; init; } = [];

    /// <summary>For each tensor with parameters whose gradients cancel, the kind of operation that makes them: <c>Softmax</c>, <c>BatchNormalization</c>; null where that is not known. Empty if nobody looked.</summary>
    public IReadOnlyList<string?> CancelledBy { get; init; } = [];

    /// <summary>Under weight decay: for each class whether it only decays, as it never gets a gradient (index 0 unused); null if none does.</summary>
    public IReadOnlyList<bool>? Decaying { get; init; }

    /// <summary>Classes of the partition that a linear law of gradient descent holds at their start, if laws were looked for (theory §8).</summary>
    public IReadOnlyList<int> HeldByLaw { get; init; } = [];

    /// <summary>Units that are nearly equal and not in lockstep, if somebody asked for them.</summary>
    public IReadOnlyList<NearTie> NearTies { get; init; } = [];

    /// <summary>NaN or infinity among the parameters, or made by the program at the start: one sentence each. Then there is no verdict.</summary>
    public IReadOnlyList<NonFinitePlace> NonFinite { get; init; } = [];
}

/// <summary>What is so only because of the data given.</summary>
/// <param name="Samples">The table.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">What was seen in them.</param>
/// <param name="Any">The answer for any data.</param>
public sealed record DataVerdict(DataSet Samples, long Rows, ColumnWatch Columns, Analysis Any)
{
    /// <summary>Rows that break what all rows before them leave in lockstep, the last ones first.</summary>
    public IReadOnlyList<TieBreakingRow> Breaks { get; init; } = [];

    /// <summary>The samples that decide the answer, and the model that takes a block of them.</summary>
    internal (Formats.Model Model, Samples Samples)? Kept { get; init; }

    /// <summary>What single changes of the table would set free, the largest effect first; only if asked for.</summary>
    public IReadOnlyList<DataChange> Changes { get; init; } = [];
}

/// <summary>A row without which (and without those behind it) there would be fewer degrees of freedom.</summary>
/// <param name="Split">The columns that differ there for the first time.</param>
/// <param name="DegreesOfFreedom">What the rows before it leave.</param>
public sealed record TieBreakingRow(ColumnSplit Split, int DegreesOfFreedom);

/// <summary>One change of one cell.</summary>
/// <param name="Element">The column whose cell is changed, in any row.</param>
/// <param name="Row">For look-ups: the row of the table that one sample would pick; else null.</param>
/// <param name="DegreesOfFreedom">What there would be.</param>
public sealed record DataChange(ColumnElement Element, int? Row, int DegreesOfFreedom);

/// <summary>Why a gradient is zero for ever.</summary>
public enum StuckCause
{
    /// <summary>It is not stuck.</summary>
    None,

    /// <summary>Every term holds a factor that is exactly zero; so it is in floating point, too.</summary>
    Zero,

    /// <summary>Terms cancel; in floating point rounding noise is left, which adaptive optimisers amplify.</summary>
    Cancellation,

    /// <summary>Other data would move it.</summary>
    Data,

    /// <summary>Its pattern lets it move, but a linear law of gradient descent and momentum holds it; adaptive optimisers do not keep the law.</summary>
    Law,
}

/// <summary>A place where NaN or infinity stands or arises.</summary>
/// <param name="Tensor">The parameter tensor, if it is one.</param>
/// <param name="Message">One sentence of fact.</param>
/// <param name="Because">The cause in words.</param>
/// <param name="Fix">What to do.</param>
public sealed record NonFinitePlace(string? Tensor, string Message, string Because, string Fix);
