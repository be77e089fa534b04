using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tiebreak.Numbers.Kernels.Streaming;

/// <summary>
/// Hashes of what stands in rows and in columns of a streamed matrix, whatever the order: for each slice the sums, modulo 2⁶⁴, of two keyed pseudo-random functions of (class of the other axis, weight's bits under the signs of both
/// axes). Equal slices have equal sums. Others agree in one sum with a chance of at most n/2⁶⁴, n the length: the difference is Σ kₓhₓ with some 0 &lt; |kₓ| ≤ n, and two takes that to its square.
/// </summary>
static unsafe class SliceHashes<TBits> where TBits : struct, IWeightBits
{
    const int Lanes = 8;
    const ulong SignBit = 1UL << 31;

    /// <summary>Hashes one row.</summary>
    /// <param name="weights">The matrix.</param>
    /// <param name="rows">What is known of rows.</param>
    /// <param name="columns">What is known of columns.</param>
    /// <param name="row">Which row.</param>
    public static (ulong First, ulong Second) OfRow(WeightBytes weights, SliceKeys rows, SliceKeys columns, int row)
    {
        var bytes = (byte*)weights.Start + (long)row * weights.Columns * TBits.Size;
        var (sign, moving) = (Vector512.Create(rows.Signs[row]), Vector512.Create(rows.Moving is null ? 0 : rows.Moving[row]));
        Vector512<ulong> first = default, second = default;
        var column = 0;
        for (; column + Lanes <= weights.Columns; column += Lanes)
        {
            var bits = Signed(TBits.Eight(bytes + (long)column * TBits.Size), sign ^ Vector512.Load(columns.Signs + column), out var isZero);
            var (one, other) = (Random(Vector512.Load(columns.First + column), bits, rows.Between.First), Random(Vector512.Load(columns.Second + column), bits, rows.Between.Second));
            if (columns.Moving is not null)
            {
                var also = Vector512.Load(columns.Moving + column);
                var counts = ~(Vector512.IsZero(also) | isZero & Vector512.IsZero(moving & also));
                (one, other) = (one & counts, other & counts);
            }

            first += one;
            second += other;
        }

        var (firstSum, secondSum) = (Vector512.Sum(first), Vector512.Sum(second));
        for (; column < weights.Columns; column++) Add(TBits.One(bytes + (long)column * TBits.Size), rows, row, columns, column, ref firstSum, ref secondSum);
        return (firstSum, secondSum);
    }

    /// <summary>Hashes neighbouring columns.</summary>
    /// <param name="weights">The matrix.</param>
    /// <param name="rows">What is known of rows.</param>
    /// <param name="columns">What is known of columns.</param>
    /// <param name="from">The first column.</param>
    /// <param name="first">The first sum of each of them; added to.</param>
    /// <param name="second">The second one; added to.</param>
    public static void OfColumns(WeightBytes weights, SliceKeys rows, SliceKeys columns, int from, Span<ulong> first, Span<ulong> second)
    {
        fixed (ulong* firsts = first)
        fixed (ulong* seconds = second)
        {
            for (var row = 0; row < weights.Rows; row++)
            {
                if (rows.Moving is not null && rows.Moving[row] == 0) continue;
                var bytes = (byte*)weights.Start + ((long)row * weights.Columns + from) * TBits.Size;
                var (sign, moving) = (Vector512.Create(rows.Signs[row]), Vector512.Create(rows.Moving is null ? 0 : rows.Moving[row]));
                var (firstKey, secondKey) = (Vector512.Create(rows.First[row]), Vector512.Create(rows.Second[row]));
                var k = 0;
                for (; k + Lanes <= first.Length; k += Lanes)
                {
                    var bits = Signed(TBits.Eight(bytes + k * TBits.Size), sign ^ Vector512.Load(columns.Signs + from + k), out var isZero);
                    var (one, other) = (Random(firstKey, bits, rows.Between.First), Random(secondKey, bits, rows.Between.Second));
                    if (columns.Moving is not null)
                    {
                        var counts = ~(isZero & Vector512.IsZero(moving & Vector512.Load(columns.Moving + from + k)));
                        (one, other) = (one & counts, other & counts);
                    }

                    (Vector512.Load(firsts + k) + one).Store(firsts + k);
                    (Vector512.Load(seconds + k) + other).Store(seconds + k);
                }

                for (; k < first.Length; k++) Add(TBits.One(bytes + k * TBits.Size), columns, from + k, rows, row, ref firsts[k], ref seconds[k]);
            }
        }
    }

    // What is multiplied with zero does not count: places of the other axis where nothing arrives, and zeros that stay.
    static void Add(uint weight, SliceKeys own, int slice, SliceKeys others, int place, ref ulong first, ref ulong second)
    {
        var isZero = (weight & ~SignBit) == 0;
        if (others.Moving is not null && (others.Moving[place] == 0 || (isZero && (own.Moving[slice] & others.Moving[place]) == 0))) return;
        var bits = isZero ? 0 : weight ^ own.Signs[slice] ^ others.Signs[place];
        first += Random(others.First[place], bits, own.Between.First);
        second += Random(others.Second[place], bits, own.Between.Second);
    }

    // A zero has no sign.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<ulong> Signed(Vector512<ulong> weights, Vector512<ulong> sign, out Vector512<ulong> isZero)
    {
        isZero = Vector512.IsZero(weights & Vector512.Create(~SignBit));
        return Vector512.AndNot(weights ^ sign, isZero);
    }

    // Bits of floats differ in few places, and must not leave traces in sums: two rounds, and a key between.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<ulong> Random(Vector512<ulong> key, Vector512<ulong> bits, ulong between) => Mixing.Mixed(Mixing.Mixed(key ^ bits) + Vector512.Create(between));

    static ulong Random(ulong key, ulong bits, ulong between) => Mixing.Mixed(Mixing.Mixed(key ^ bits) + between);
}

/// <summary>What hashes need to know of the rows or the columns of a matrix; arrays that do not move.</summary>
sealed unsafe class SliceKeys
{
    readonly ulong[] _words; // four stretches

    /// <summary>Room for so many places.</summary>
    /// <param name="places">How many rows or columns.</param>
    /// <param name="allMove">Whether every weight of the matrix moves.</param>
    /// <param name="between">Two more random words, the same for all matrices.</param>
    public SliceKeys(int places, bool allMove, (ulong First, ulong Second) between)
    {
        Between = between;
        _words = GC.AllocateArray<ulong>((allMove ? 3 : 4) * places, pinned: true);
        First = (ulong*)Marshal.UnsafeAddrOfPinnedArrayElement(_words, 0);
        Second = First + places;
        Signs = Second + places;
        Moving = allMove ? null : Signs + places;
    }

    /// <summary>Keys between the rounds of the two hashes.</summary>
    public (ulong First, ulong Second) Between { get; }

    /// <summary>For each place a random word of its class.</summary>
    public ulong* First { get; }

    /// <summary>Another.</summary>
    public ulong* Second { get; }

    /// <summary>Bit 31 where a place is the negative of its class.</summary>
    public ulong* Signs { get; }

    /// <summary>Bits of which a row and a column have one in common if the weight where they cross moves; null if all move.</summary>
    public ulong* Moving { get; }
}
