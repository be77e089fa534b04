using Tiebreak.Numbers;

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
    public required ulong[] Moving { get; init; }

    /// <summary>The different words among those.</summary>
    public IReadOnlyCollection<ulong> Patterns => _patterns ??= [.. Moving];

    HashSet<ulong>? _patterns;

    /// <summary>The positions at which no place is zero.</summary>
    public required ulong AllMoving { get; init; }

    /// <summary>Takes the vectors of all places.</summary>
    /// <param name="factors">For each lane, the vectors: position by position, in each all places.</param>
    /// <param name="moduli">The fields' primes.</param>
    /// <param name="places">How many places.</param>
    /// <param name="threads">Cores to use.</param>
    public static AxisKeys Of(ulong[][] factors, ulong[] moduli, int places, int threads)
    {
        var (keys, moving, all) = (new ulong[places], new ulong[places], ulong.MaxValue);
        var positions = factors[0].Length / Math.Max(1, places);
        var parts = places < 1 << 12 ? 1 : threads;
        var allOf = new ulong[parts];
        void Part(int part)
        {
            var everywhere = ulong.MaxValue;
            for (var place = (int)((long)places * part / parts); place < (int)((long)places * (part + 1) / parts); place++)
            {
                (keys[place], moving[place]) = Key(factors, moduli, places, positions, place);
                everywhere &= moving[place];
            }

            allOf[part] = everywhere;
        }

        if (parts == 1) Part(0);
        else Parallel.For(0, parts, Part);
        foreach (var part in allOf) all &= part;
        return new AxisKeys { Keys = keys, Moving = moving, AllMoving = places == 0 ? 0 : all };
    }

    static (ulong Key, ulong Moving) Key(ulong[][] factors, ulong[] moduli, int places, int positions, int place)
    {
        var (moving, hash, isSigned, negative) = (0UL, (ulong)positions * 0x9E3779B97F4A7C15 + 1, false, false);
        for (var t = 0; t < positions; t++)
        {
            for (var lane = 0; lane < factors.Length; lane++)
            {
                var value = factors[lane][(long)t * places + place];
                if (value != 0)
                {
                    moving |= 1UL << (t & 63);
                    if (!isSigned) (isSigned, negative) = (true, value > moduli[lane] / 2);
                    if (negative) value = moduli[lane] - value;
                }

                hash = Mixing.Mixed(hash ^ value);
            }
        }

        return (hash & ~SignBit | (negative ? SignBit : 0), moving);
    }
}

/// <summary>Rows and columns of one matrix.</summary>
sealed record MatrixClasses(AxisKeys Rows, AxisKeys Columns)
{
    /// <summary>Whether every weight moves.</summary>
    public bool AllMove { get; } = (Rows.AllMoving & Columns.AllMoving) != 0 || (Rows.Keys.Length > 0 && Rows.Patterns.All(row => Columns.Patterns.All(column => (row & column) != 0)));

    /// <summary>Whether some weight moves.</summary>
    public bool AnyMoves
    {
        get
        {
            if (AllMove) return true;
            return Rows.Patterns.Any(row => Columns.Patterns.Any(column => (row & column) != 0));
        }
    }

    /// <summary>Whether a weight moves.</summary>
    public bool Moves(int row, int column) => (Rows.Moving[row] & Columns.Moving[column]) != 0;
}

/// <summary>Whether what was alike still is, over all matrices of a model: classes have names across them, as the tensors of two experts may be copies.</summary>
/// <param name="repeated">The classes of several members; one alone cannot break.</param>
sealed class ClassesKept(RepeatedKeys repeated)
{
    readonly Dictionary<ulong, ulong> _now = [];

    /// <summary>Whether no class has been seen to break.</summary>
    public bool AreKept { get; private set; } = true;

    /// <summary>Looks at one matrix.</summary>
    /// <param name="before">What was found; null if nothing moved.</param>
    /// <param name="after">What a fresh gradient shows.</param>
    public void Look(MatrixClasses? before, MatrixClasses after)
    {
        if (!AreKept) return;
        if (before is null)
        {
            AreKept &= !after.AnyMoves;
            return;
        }

        Look(before.Rows, after.Rows);
        Look(before.Columns, after.Columns);
        if (!before.AllMove) AreKept &= StayStuck(before, after);
    }

    void Look(AxisKeys before, AxisKeys after)
    {
        for (var place = 0; AreKept && place < before.Keys.Length; place++)
        {
            if (!repeated.Contains(before.Keys[place] & ~AxisKeys.SignBit)) continue;
            // The sign may differ for a whole class, not within it; nothing is its own negative.
            var now = after.Moving[place] == 0 ? after.Keys[place] : after.Keys[place] ^ before.Keys[place] & AxisKeys.SignBit;
            ref var known = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_now, before.Keys[place] & ~AxisKeys.SignBit, out var exists);
            if (!exists) known = now;
            else AreKept &= known == now;
        }
    }

    static bool StayStuck(MatrixClasses before, MatrixClasses after)
    {
        var rows = before.Rows.Moving.Zip(after.Rows.Moving).Distinct().ToArray();
        var columns = before.Columns.Moving.Zip(after.Columns.Moving).Distinct().ToArray();
        return rows.All(row => columns.All(column => (row.First & column.First) != 0 || (row.Second & column.Second) == 0));
    }
}
