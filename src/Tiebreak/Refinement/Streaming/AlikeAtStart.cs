using Tiebreak.Numbers;

namespace Tiebreak.Refinement.Streaming;

/// <summary>What hashes of a matrix' start values leave to be compared: the hash of all, and the slices that share one. The hashes themselves would be as many as rows.</summary>
/// <param name="Hash">Equal for equal matrices.</param>
/// <param name="AreColumns">Whether its units, and so the slices meant, are columns.</param>
/// <param name="Slices">Slices with equal hashes, group by group.</param>
sealed record AlikeAtStart(ulong Hash, bool AreColumns, IReadOnlyList<int[]> Slices)
{
    /// <summary>Takes hashes.</summary>
    /// <param name="rows">Of all rows.</param>
    /// <param name="columns">Of all columns if those are the units; else null.</param>
    public static AlikeAtStart Of(ulong[] rows, ulong[]? columns) => new(rows.Aggregate(0UL, (hash, row) => Mixing.Mixed(hash ^ row)), columns is not null, RepeatedKeys.Groups(columns ?? rows, ignored: 0));
}
