using Tiebreak.Formats;
using Tiebreak.Formats.Tokenizers;
using Tiebreak.Refinement;

namespace Tiebreak.Findings;

/// <summary>What the rules look at: the analysis and everything derived from its partition, each derived once.</summary>
sealed class Evidence
{
    /// <summary>Derives the evidence; linear in the number of parameters.</summary>
    /// <exception cref="ArgumentException">The analysis has no partition.</exception>
    public Evidence(Analysis analysis, CancellationToken cancellation, Vocabulary? vocabulary = null)
    {
        Analysis = analysis;
        Cancellation = cancellation;
        Tokens = new TokenNames(analysis.Model, vocabulary);
        Partition = analysis.Partition ?? throw new ArgumentException("an analysis without a partition has no evidence");
        Counts = VerdictCounter.Count(analysis.Model, Partition, cancellation, analysis.HeldByLaw);
        Units = Units.Of(analysis.Model, Partition, Counts, cancellation);
        Streamed = analysis.Streamed is { } streamed ? new StreamedEvidence(analysis.Model, streamed) : null;
        if (Streamed is not null) (Counts, Units) = (Streamed.With(Counts, Partition), Streamed.With(Units));
        Copies = CopySets.Of(analysis.Model, Partition, Streamed?.Copies);
        Clusters = UnitCluster.Of(analysis.Model, Units, Copies.Later);
        Loose = Counts.Model.Lockstep == 0 ? LooseTies.None : LooseTies.Of(analysis.Model, Partition, Units, Copies.Later, cancellation, Streamed?.Pairs);
    }

    /// <summary>What the refinement found.</summary>
    public Analysis Analysis { get; }

    /// <summary>The tokens that rows of tables are named by.</summary>
    public TokenNames Tokens { get; }

    /// <summary>Stops the derivation.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>The smallest invariant set.</summary>
    public Partition Partition { get; }

    /// <summary>What is known of tensors without codes; null if all have them.</summary>
    public StreamedEvidence? Streamed { get; }

    /// <summary>The tensors, in order.</summary>
    public IReadOnlyList<ParameterTensor> Parameters => Analysis.Model.Parameters;

    /// <summary>Numbers for the model and each tensor.</summary>
    public VerdictCounter Counts { get; }

    /// <summary>Slices in lockstep or mirrored.</summary>
    public Units Units { get; }

    /// <summary>Whole tensors in lockstep.</summary>
    public CopySets Copies { get; }

    /// <summary>The same units seen in several tensors.</summary>
    public IReadOnlyList<UnitCluster> Clusters { get; }

    /// <summary>Ties that neither slices nor copies explain.</summary>
    public LooseTies Loose { get; }

    /// <summary>Why a parameter is stuck.</summary>
    public StuckCause StuckBy(int tensor, int index) =>
        tensor < Analysis.StuckBy.Count && Analysis.StuckBy[tensor] is { } causes ? causes[index] : StuckCause.Zero;

    /// <summary>The kind of operation that makes the gradients of a tensor cancel; null where that is not known.</summary>
    public string? CancelledBy(int tensor) => tensor < Analysis.CancelledBy.Count ? Analysis.CancelledBy[tensor] : null;

    /// <summary>The name of a tensor in backticks.</summary>
    public string Quoted(int tensor) => $"`{Parameters[tensor].Name}`";
}

/// <summary>A finding before its level is settled.</summary>
/// <param name="Finding">At the rule's level.</param>
/// <param name="Tensors">Every tensor whose parameters it is about.</param>
/// <param name="Affected">How many parameters it is about; worse findings come first.</param>
/// <param name="HoldsIn">Whether the same is true of another partition of the model; null where the question makes no sense.</param>
sealed record Draft(Finding Finding, IReadOnlyList<int> Tensors, long Affected, Func<Partition, bool>? HoldsIn);
