using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Tiebreak.Numbers.Kernels.Streaming;

/// <summary>A matrix of weights where it lies, row-major.</summary>
/// <param name="Start">Its first byte.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">Its columns.</param>
readonly record struct WeightBytes(nint Start, int Rows, int Columns);

/// <summary>
/// Products of a streamed matrix with a few vectors (theory §6), as integers: a weight is w₀ + 2³⁰·w₁, an element of a vector x₀ + 2³⁰·x₁. There are three sums of 64 bits for each vector, of w₀x₀, of w₁x₁ and of w₀x₁ + w₁x₀, which
/// are carried every 15 terms: |w₀| ≤ 2²⁹, |w₁| ≤ 2²⁵ and |x₁| ≤ 2³⁰, |x₀| ≤ 2²⁹, so that 15 of the last stay below 15·(2⁵⁹ + 2⁵⁴) &lt; 2⁶³. No prime takes part until the end: all fields share one kernel.
/// With three sums and three vectors, all that a step needs has room in 16 registers; one more, and each step would wait for a sum to come back from memory.
/// </summary>
/// <typeparam name="L">What is done with registers.</typeparam>
/// <typeparam name="T">Registers.</typeparam>
/// <typeparam name="TBits">How weights are stored.</typeparam>
/// <typeparam name="TValues">What they stand for.</typeparam>
/// <typeparam name="TCount">How many vectors, 1 to 4.</typeparam>
static unsafe class WeightProducts<L, T, TBits, TValues, TCount> where L : ILanes<T> where T : struct where TBits : struct, IWeightBits where TValues : struct, IWeightValues where TCount : struct, IVectorCount
{
    const int MostLanes = 8;
    const int Slots = 12; // sums of up to four vectors, three each
    const int Terms = 15;

    // With 32 registers the next weights are made while others are multiplied, at the end once more the last ones, for nothing: making them is one long chain. With 16 there is no room for them.
    static bool IsAhead => L.Count == MostLanes;

    const int Ahead = 2048; // bytes: what the processor fetches ahead by itself comes too late

    /// <summary>Σⱼ W[i,j]·x[t,j] for rows from <paramref name="first"/> up to <paramref name="last"/>.</summary>
    /// <param name="weights">The matrix.</param>
    /// <param name="values">What its weights stand for.</param>
    /// <param name="rowKeys">One key a row; null if keys do not matter.</param>
    /// <param name="columnKeys">One a column; null if keys do not matter.</param>
    /// <param name="vectors">The limbs of the vectors, as many places together as a register has lanes.</param>
    /// <param name="first">The first row.</param>
    /// <param name="last">The row behind the last.</param>
    /// <param name="sums">Where to put the sums.</param>
    [SkipLocalsInit]
    public static void OverColumns(WeightBytes weights, TValues values, ulong* rowKeys, ulong* columnKeys, LimbVectors vectors, int first, int last, LimbSums sums)
    {
        var whole = weights.Columns / L.Count * L.Count;
        var carried = stackalloc long[2 * Slots * MostLanes];
        for (var row = first; row < last; row++)
        {
            var bytes = (byte*)weights.Start + (long)row * weights.Columns * TBits.Size;
            var rowKey = KeyAt(rowKeys + row);
            new Span<long>(carried, 2 * Slots * L.Count).Clear();
            var keys = columnKeys;
            var x = vectors.Start;
            var unread = whole / L.Count;
            T next0 = default, next1 = default;
            if (IsAhead && unread > 0) values.Some<L, T, TBits>(bytes, rowKey, KeysAt(keys), out next0, out next1);
            for (var left = unread; left > 0;)
            {
                var steps = Math.Min(left, Terms);
                left -= steps;
                T a0 = default, b0 = default, c0 = default, a1 = default, b1 = default, c1 = default, a2 = default, b2 = default, c2 = default, a3 = default, b3 = default, c3 = default;
                do
                {
                    if (Sse.IsSupported) Sse.Prefetch0(bytes + Ahead);
                    T w0 = next0, w1 = next1;
                    if (!IsAhead) values.Some<L, T, TBits>(bytes, rowKey, KeysAt(keys), out w0, out w1);
                    if (--unread > 0 || !IsAhead)
                    {
                        bytes += L.Count * TBits.Size;
                        keys += L.Count;
                    }

                    if (IsAhead) values.Some<L, T, TBits>(bytes, rowKey, KeysAt(keys), out next0, out next1);
                    AddNeighbours(w0, w1, x, ref a0, ref b0, ref c0);
                    if (TCount.Value > 1) AddNeighbours(w0, w1, x + L.Count, ref a1, ref b1, ref c1);
                    if (TCount.Value > 2) AddNeighbours(w0, w1, x + 2 * L.Count, ref a2, ref b2, ref c2);
                    if (TCount.Value > 3) AddNeighbours(w0, w1, x + 3 * L.Count, ref a3, ref b3, ref c3);
                    x += TCount.Value * L.Count;
                }
                while (--steps > 0);

                Carry(a0, b0, c0, carried);
                if (TCount.Value > 1) Carry(a1, b1, c1, carried + 6 * L.Count);
                if (TCount.Value > 2) Carry(a2, b2, c2, carried + 12 * L.Count);
                if (TCount.Value > 3) Carry(a3, b3, c3, carried + 18 * L.Count);
            }

            for (var k = 0; k < LimbSums.Each * TCount.Value; k++)
            {
                var sum = Int128.Zero;
                for (var lane = 0; lane < L.Count; lane++) sum += Carried(carried, k, lane);
                sums.Add(k / LimbSums.Each, row, k % LimbSums.Each, sum);
            }

            bytes = (byte*)weights.Start + ((long)row * weights.Columns + whole) * TBits.Size;
            for (var column = whole; column < weights.Columns; column++, bytes += TBits.Size)
                One(TValues.HasKeys ? values.One(TBits.One(bytes), rowKeys[row], columnKeys[column]) : values.One(TBits.One(bytes), 0, 0), vectors, column, sums, row);
        }
    }

    /// <summary>Σᵢ W[i,j]·x[t,i] for columns from <paramref name="first"/> up to <paramref name="last"/>.</summary>
    /// <param name="weights">The matrix.</param>
    /// <param name="values">What its weights stand for.</param>
    /// <param name="rowKeys">One key a row; null if keys do not matter.</param>
    /// <param name="columnKeys">One a column; null if keys do not matter.</param>
    /// <param name="vectors">The limbs of the vectors, place by place.</param>
    /// <param name="first">The first column.</param>
    /// <param name="last">The column behind the last.</param>
    /// <param name="sums">Where to put the sums.</param>
    /// <remarks>
    /// A few rows by some lines of the cache at a time: rows of many matrices lie a multiple of 4096 bytes apart, where only eight lines have room in the first cache, and a few times as many in the second.
    /// </remarks>
    [SkipLocalsInit]
    public static void OverRows(WeightBytes weights, TValues values, ulong* rowKeys, ulong* columnKeys, LimbVectors vectors, int first, int last, LimbSums sums)
    {
        const int Line = 64, MostColumns = 256;
        var size = 2 * Slots * L.Count; // of the sums of a group
        var whole = first + (last - first) / L.Count * L.Count;
        var rowBytes = (long)weights.Columns * TBits.Size;
        var carried = stackalloc long[MostColumns * 2 * Slots];
        var groupsPerLine = Line / (L.Count * TBits.Size);
        var blocks = (whole - first + MostColumns - 1) / MostColumns;
        var step = blocks == 0 ? MostColumns : (whole - first + blocks - 1) / blocks + Line - 1 & -Line;
        for (var block = first; block < whole; block += step)
        {
            var groups = Math.Min(step, whole - block) / L.Count;
            new Span<long>(carried, groups * size).Clear();
            for (var tile = 0; tile < weights.Rows; tile += Terms)
            {
                var steps = Math.Min(Terms, weights.Rows - tile);
                for (var group = 0; group < groups; group++)
                {
                    var bytes = (byte*)weights.Start + tile * rowBytes + (block + group * L.Count) * TBits.Size;
                    var isPrefetching = Sse.IsSupported && group % groupsPerLine == 0;
                    var columnKey = KeysAt(columnKeys + block + group * L.Count);
                    var keys = rowKeys + tile;
                    var x = vectors.Start + (long)tile * TCount.Value * LimbVectors.Parts;
                    T a0 = default, b0 = default, c0 = default, a1 = default, b1 = default, c1 = default, a2 = default, b2 = default, c2 = default, a3 = default, b3 = default, c3 = default;
                    T next0 = default, next1 = default;
                    if (IsAhead) values.Some<L, T, TBits>(bytes, KeyAt(keys), columnKey, out next0, out next1);
                    for (var unread = steps - 1; ;)
                    {
                        if (isPrefetching) Sse.Prefetch1(bytes + Terms * rowBytes);
                        T w0 = next0, w1 = next1;
                        if (!IsAhead) values.Some<L, T, TBits>(bytes, KeyAt(keys), columnKey, out w0, out w1);
                        if (unread > 0 || !IsAhead)
                        {
                            bytes += rowBytes;
                            keys++;
                        }

                        if (IsAhead) values.Some<L, T, TBits>(bytes, KeyAt(keys), columnKey, out next0, out next1);
                        AddOne(w0, w1, x, ref a0, ref b0, ref c0);
                        if (TCount.Value > 1) AddOne(w0, w1, x + LimbVectors.Parts, ref a1, ref b1, ref c1);
                        if (TCount.Value > 2) AddOne(w0, w1, x + 2 * LimbVectors.Parts, ref a2, ref b2, ref c2);
                        if (TCount.Value > 3) AddOne(w0, w1, x + 3 * LimbVectors.Parts, ref a3, ref b3, ref c3);
                        x += TCount.Value * LimbVectors.Parts;
                        if (--unread < 0) break;
                    }

                    var own = carried + group * size;
                    Carry(a0, b0, c0, own);
                    if (TCount.Value > 1) Carry(a1, b1, c1, own + 6 * L.Count);
                    if (TCount.Value > 2) Carry(a2, b2, c2, own + 12 * L.Count);
                    if (TCount.Value > 3) Carry(a3, b3, c3, own + 18 * L.Count);
                }
            }

            for (var group = 0; group < groups; group++)
                for (var k = 0; k < LimbSums.Each * TCount.Value; k++)
                    for (var lane = 0; lane < L.Count; lane++) sums.Add(k / LimbSums.Each, block + group * L.Count + lane, k % LimbSums.Each, Carried(carried + group * size, k, lane));
        }

        for (var row = 0; row < weights.Rows; row++)
        {
            for (var column = whole; column < last; column++)
            {
                var bits = TBits.One((byte*)weights.Start + row * rowBytes + column * TBits.Size);
                One(TValues.HasKeys ? values.One(bits, rowKeys[row], columnKeys[column]) : values.One(bits, 0, 0), vectors, row, sums, column);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static T KeysAt(ulong* keys) => TValues.HasKeys ? L.Load((long*)keys) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static T KeyAt(ulong* key) => TValues.HasKeys ? L.All((long)*key) : default;

    static void One((int Low, int High) weight, LimbVectors vectors, int at, LimbSums sums, int to)
    {
        for (var t = 0; t < TCount.Value; t++)
        {
            var (x, y) = vectors.Get(t, at);
            sums.Add(t, to, 0, weight.Low * x);
            sums.Add(t, to, 1, weight.High * y);
            sums.Add(t, to, 2, weight.Low * y + weight.High * x);
        }
    }

    // Neighbouring elements, taken apart here: more words would not come from the caches as fast.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddNeighbours(T w0, T w1, long* x, ref T a, ref T b, ref T c)
    {
        var limbs = L.Load(x);
        AddLimb(w0, w1, limbs, ref a, ref c);
        AddLimb(w0, w1, L.ShiftRightLogical(limbs, 32), ref c, ref b);
    }

    // One element, whose limbs lie apart.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddOne(T w0, T w1, long* x, ref T a, ref T b, ref T c)
    {
        AddLimb(w0, w1, L.All(x[0]), ref a, ref c);
        AddLimb(w0, w1, L.All(x[1]), ref c, ref b);
    }

    // Products are of the lower halves of the lanes; what stands above them means nothing.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddLimb(T w0, T w1, T limb, ref T first, ref T second)
    {
        first = L.Add(first, L.MultiplyHalves(w0, limb));
        if (TValues.HasHigh) second = L.Add(second, L.MultiplyHalves(w1, limb));
    }

    // Adds the low and the high halves apart.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Carry(T a, T b, T c, long* to)
    {
        Carry(a, to);
        if (TValues.HasHigh) Carry(b, to + 2 * L.Count);
        Carry(c, to + 4 * L.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Carry(T sum, long* to)
    {
        L.Store(L.Add(L.Load(to), L.And(sum, L.All(0xFFFFFFFFL))), to);
        L.Store(L.Add(L.Load(to + L.Count), L.ShiftRight(sum, 32)), to + L.Count);
    }

    static Int128 Carried(long* carried, int k, int lane) => ((Int128)carried[(2 * k + 1) * L.Count + lane] << 32) + carried[2 * k * L.Count + lane];
}

/// <summary>A number that the compiler knows.</summary>
interface IVectorCount
{
    static abstract int Value { get; }
}

readonly struct OneVector : IVectorCount
{
    public static int Value => 1;
}

readonly struct TwoVectors : IVectorCount
{
    public static int Value => 2;
}

readonly struct ThreeVectors : IVectorCount
{
    public static int Value => 3;
}

readonly struct FourVectors : IVectorCount
{
    public static int Value => 4;
}
