using System.Buffers;

namespace Tiebreak.Refinement.Streaming;

/// <summary>
/// The rows or the columns of a streamed matrix in a state: which are alike, by the vectors that make its gradient (theory §6). Weight (i, j) gets Σₜ L[t,i]·R[t,j]; so what rows i and k get is equal, up to sign, if L[·,i]
/// and L[·,k] are.
/// </summary>
sealed class AxisKeys
{
    /// <summary>Bit 31 of a key says that the vector is the negative of its class; the other bits name the class.</summary>
    public const ulong SignBit = 1UL << 31;

    /// <summary>One key a place.</summary>
    public required ulong[] Keys { get; init; }

    /// <summary>For each place at which positions its vector is not zero, one bit a position; positions that differ by 64 share one.</summary>
    public required PlaceBits Moving { get; init; }

    /// <summary>Takes the vectors of all places.</summary>
    /// <param name="vectors">The vectors.</param>
    /// <param name="threads">Cores to use.</param>
    public static AxisKeys Of(AxisVectors vectors, int threads)
    {
        var places = vectors.Places;
        var keys = GC.AllocateUninitializedArray<ulong>(places);
        var moving = ArrayPool<ulong>.Shared.Rent(places);
        var parts = places < 1 << 12 ? 1 : threads;
        void Part(int part)
        {
            for (var place = (int)((long)places * part / parts); place < (int)((long)places * (part + 1) / parts); place++) (keys[place], moving[place]) = vectors.Key(place);
        }

        if (parts == 1) Part(0);
        else Parallel.For(0, parts, Part);
        var own = new AxisKeys { Keys = keys, Moving = PlaceBits.Of(moving.AsSpan(0, places)) };
        ArrayPool<ulong>.Shared.Return(moving);
        return own;
    }
}

/// <summary>Rows and columns of one matrix.</summary>
sealed record MatrixClasses(AxisKeys Rows, AxisKeys Columns)
{
    /// <summary>Whether every weight moves.</summary>
    public bool AllMove { get; } = Rows.Keys.Length > 0 && Rows.Moving.Patterns.All(row => Columns.Moving.Patterns.All(column => (row & column) != 0));

    /// <summary>Whether some weight moves.</summary>
    public bool AnyMoves => AllMove || Rows.Moving.Patterns.Any(row => Columns.Moving.Patterns.Any(column => (row & column) != 0));

    /// <summary>Whether a weight moves.</summary>
    public bool Moves(int row, int column) => (Rows.Moving[row] & Columns.Moving[column]) != 0;
}

