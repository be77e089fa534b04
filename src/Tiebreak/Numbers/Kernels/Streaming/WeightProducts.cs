using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Vec = System.Runtime.Intrinsics.Vector512<long>;

namespace Tiebreak.Numbers.Kernels.Streaming;

/// <summary>A matrix of weights where it lies, row-major.</summary>
/// <param name="Start">Its first byte.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">Its columns.</param>
readonly record struct WeightBytes(nint Start, int Rows, int Columns);

/// <summary>
/// Products of a streamed matrix with a few vectors (theory §6), as integers: weights are two limbs w = w₀ + 2ˢ·w₁ of 28 bits with a sign, vectors x = x₀ + 2³¹·x₁ of 31. Where s = 31, three products do (Karatsuba): w₀x₀, w₁x₁ and
/// (w₀ + w₁)(x₀ + x₁); else four. They are summed apart in 64 bits and carried every 16 terms: |w₀ + w₁| ≤ 2²⁸ and |x₀ + x₁| ≤ 1½·2³⁰, so 16 terms stay below 2⁶³. No prime takes part until the end: all
/// fields share one kernel.
/// </summary>
/// <typeparam name="TBits">How weights are stored.</typeparam>
/// <typeparam name="TValues">What they stand for.</typeparam>
/// <typeparam name="TCount">How many vectors, 1 to 4.</typeparam>
static unsafe class WeightProducts<TBits, TValues, TCount> where TBits : struct, IWeightBits where TValues : struct, IWeightValues where TCount : struct, IVectorCount
{
    const int Lanes = 8;
    const int Slots = 16; // sums of up to four vectors, four each
    const int Ahead = 2048; // bytes: what the processor fetches ahead by itself comes too late

    /// <summary>Σⱼ W[i,j]·x[t,j] for rows from <paramref name="first"/> up to <paramref name="last"/>.</summary>
    /// <param name="weights">The matrix.</param>
    /// <param name="values">What its weights stand for.</param>
    /// <param name="rowKeys">One key a row; null if keys do not matter.</param>
    /// <param name="columnKeys">One a column; null if keys do not matter.</param>
    /// <param name="vectors">The limbs of the vectors.</param>
    /// <param name="first">The first row.</param>
    /// <param name="last">The row behind the last.</param>
    /// <param name="sums">Where to put the sums.</param>
    [SkipLocalsInit]
    public static void OverColumns(WeightBytes weights, TValues values, ulong* rowKeys, ulong* columnKeys, LimbVectors vectors, int first, int last, LimbSums sums)
    {
        var whole = weights.Columns & -Lanes;
        var carried = stackalloc long[2 * Slots * Lanes];
        for (var row = first; row < last; row++)
        {
            var bytes = (byte*)weights.Start + (long)row * weights.Columns * TBits.Size;
            var rowKey = KeyAt(rowKeys + row);
            new Span<long>(carried, 2 * Slots * Lanes).Clear();
            var keys = columnKeys;
            var x = vectors.Start;
            var unread = whole / Lanes;
            Vector512<int> w0 = default, w1 = default;
            if (unread > 0) values.Eight<TBits>(bytes, rowKey, KeysAt(keys), out w0, out w1);
            for (var left = unread; left > 0;)
            {
                var steps = Math.Min(left, TValues.Terms);
                left -= steps;
                Vec a0 = default, b0 = default, c0 = default, d0 = default, a1 = default, b1 = default, c1 = default, d1 = default;
                Vec a2 = default, b2 = default, c2 = default, d2 = default, a3 = default, b3 = default, c3 = default, d3 = default;
                do
                {
                    // The next weights are made while these are multiplied: making them is one long chain, and products alone would wait for it.
                    if (--unread > 0)
                    {
                        bytes += Lanes * TBits.Size;
                        keys += Lanes;
                    }

                    if (Sse.IsSupported) Sse.Prefetch0(bytes + Ahead);
                    values.Eight<TBits>(bytes, rowKey, KeysAt(keys), out var next0, out var next1);
                    Add(w0, w1, Packed(x), ref a0, ref b0, ref c0, ref d0);
                    if (TCount.Value > 1) Add(w0, w1, Packed(x + Lanes), ref a1, ref b1, ref c1, ref d1);
                    if (TCount.Value > 2) Add(w0, w1, Packed(x + 2 * Lanes), ref a2, ref b2, ref c2, ref d2);
                    if (TCount.Value > 3) Add(w0, w1, Packed(x + 3 * Lanes), ref a3, ref b3, ref c3, ref d3);
                    x += TCount.Value * Lanes;
                    (w0, w1) = (next0, next1);
                }
                while (--steps > 0);

                Carry(a0, b0, c0, d0, carried);
                if (TCount.Value > 1) Carry(a1, b1, c1, d1, carried + 8 * Lanes);
                if (TCount.Value > 2) Carry(a2, b2, c2, d2, carried + 16 * Lanes);
                if (TCount.Value > 3) Carry(a3, b3, c3, d3, carried + 24 * Lanes);
            }

            for (var k = 0; k < 4 * TCount.Value; k++)
            {
                var sum = Int128.Zero;
                for (var lane = 0; lane < Lanes; lane++) sum += Carried(carried, k, lane);
                sums.Add(k / 4, row, k % 4, sum);
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
    /// <param name="vectors">The limbs of the vectors.</param>
    /// <param name="first">The first column.</param>
    /// <param name="last">The column behind the last.</param>
    /// <param name="sums">Where to put the sums.</param>
    /// <remarks>
    /// Sixteen rows by some lines of the cache at a time: rows of many matrices lie a multiple of 4096 bytes apart, where only eight lines have room in the first cache, and a few times as many in the second.
    /// </remarks>
    [SkipLocalsInit]
    public static void OverRows(WeightBytes weights, TValues values, ulong* rowKeys, ulong* columnKeys, LimbVectors vectors, int first, int last, LimbSums sums)
    {
        const int Tile = 16, Line = 64, MostGroups = 8, Sums = 2 * Slots * Lanes;
        var whole = first + (last - first & -Lanes);
        var rowBytes = (long)weights.Columns * TBits.Size;
        var carried = stackalloc long[MostGroups * Sums];
        var groupsPerLine = Line / (Lanes * TBits.Size);
        for (var block = first; block < whole; block += MostGroups * Lanes)
        {
            var groups = Math.Min(MostGroups, (whole - block) / Lanes);
            new Span<long>(carried, groups * Sums).Clear();
            for (var tile = 0; tile < weights.Rows; tile += Tile)
            {
                var steps = Math.Min(Tile, weights.Rows - tile);
                for (var group = 0; group < groups; group++)
                {
                    var bytes = (byte*)weights.Start + tile * rowBytes + (block + group * Lanes) * TBits.Size;
                    var isPrefetching = Sse.IsSupported && group % groupsPerLine == 0;
                    var columnKey = KeysAt(columnKeys + block + group * Lanes);
                    var keys = rowKeys + tile;
                    var x = vectors.Start + (long)tile * TCount.Value * LimbVectors.Parts;
                    Vec a0 = default, b0 = default, c0 = default, d0 = default, a1 = default, b1 = default, c1 = default, d1 = default;
                    Vec a2 = default, b2 = default, c2 = default, d2 = default, a3 = default, b3 = default, c3 = default, d3 = default;
                    values.Eight<TBits>(bytes, KeyAt(keys), columnKey, out var w0, out var w1);
                    for (var unread = steps - 1; ;)
                    {
                        // The next weights are made while these are multiplied, as above; at the end once more the last ones, for nothing.
                        if (isPrefetching) Sse.Prefetch1(bytes + Tile * rowBytes);
                        if (unread > 0)
                        {
                            bytes += rowBytes;
                            keys++;
                        }

                        values.Eight<TBits>(bytes, KeyAt(keys), columnKey, out var next0, out var next1);
                        Add(w0, w1, Spread(x), ref a0, ref b0, ref c0, ref d0);
                        if (TCount.Value > 1) Add(w0, w1, Spread(x + LimbVectors.Parts), ref a1, ref b1, ref c1, ref d1);
                        if (TCount.Value > 2) Add(w0, w1, Spread(x + 2 * LimbVectors.Parts), ref a2, ref b2, ref c2, ref d2);
                        if (TCount.Value > 3) Add(w0, w1, Spread(x + 3 * LimbVectors.Parts), ref a3, ref b3, ref c3, ref d3);
                        x += TCount.Value * LimbVectors.Parts;
                        (w0, w1) = (next0, next1);
                        if (--unread < 0) break;
                    }

                    var own = carried + group * Sums;
                    Carry(a0, b0, c0, d0, own);
                    if (TCount.Value > 1) Carry(a1, b1, c1, d1, own + 8 * Lanes);
                    if (TCount.Value > 2) Carry(a2, b2, c2, d2, own + 16 * Lanes);
                    if (TCount.Value > 3) Carry(a3, b3, c3, d3, own + 24 * Lanes);
                }
            }

            for (var group = 0; group < groups; group++)
                for (var k = 0; k < 4 * TCount.Value; k++)
                    for (var lane = 0; lane < Lanes; lane++) sums.Add(k / 4, block + group * Lanes + lane, k % 4, Carried(carried + group * Sums, k, lane));
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
    static Vector512<ulong> KeysAt(ulong* keys) => TValues.HasKeys ? Vector512.Load(keys) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<ulong> KeyAt(ulong* key) => TValues.HasKeys ? Vector512.Create(*key) : default;

    static void One((int Low, int High) weight, LimbVectors vectors, int at, LimbSums sums, int to)
    {
        for (var t = 0; t < TCount.Value; t++)
        {
            var (x, y) = vectors.Get(t, at);
            sums.Add(t, to, 0, weight.Low * x);
            sums.Add(t, to, 1, weight.High * y);
            if (TValues.HighScale == 31)
            {
                sums.Add(t, to, 2, (weight.Low + weight.High) * (x + y));
                continue;
            }

            sums.Add(t, to, 2, weight.Low * y);
            sums.Add(t, to, 3, weight.High * x);
        }
    }

    // Eight neighbouring elements, taken apart here: more words would not come from the caches as fast.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static (Vec Low, Vec High, Vec Sum) Packed(long* at)
    {
        var x = Vector512.Load(at);
        var high = (x.AsUInt64() >> 32).AsInt64();
        return (x, high, (x.AsInt32() + high.AsInt32()).AsInt64());
    }

    // One element, which lies there taken apart.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static (Vec Low, Vec High, Vec Sum) Spread(long* at) => (Vector512.Create(at[0]), Vector512.Create(at[1]), Vector512.Create(at[2]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Add(Vector512<int> w0, Vector512<int> w1, (Vec Low, Vec High, Vec Sum) x, ref Vec a, ref Vec b, ref Vec c, ref Vec d)
    {
        a += Product(w0, x.Low);
        b += Product(w1, x.High);
        if (TValues.HighScale == 31)
        {
            c += Product(w0 + w1, x.Sum);
            return;
        }

        c += Product(w0, x.High);
        d += Product(w1, x.Low);
    }

    // Of the lower halves of the lanes, with their signs.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vec Product(Vector512<int> left, Vec right) =>
        Avx512F.IsSupported ? Avx512F.Multiply(left, right.AsInt32())
        : Avx2.IsSupported ? Vector512.Create(Avx2.Multiply(left.GetLower(), right.GetLower().AsInt32()), Avx2.Multiply(left.GetUpper(), right.GetUpper().AsInt32()))
        : (left.AsInt64() << 32 >> 32) * (right << 32 >> 32);

    // Adds the low and the high halves apart.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Carry(Vec a, Vec b, Vec c, Vec d, long* to)
    {
        Carry(a, to);
        Carry(b, to + 2 * Lanes);
        Carry(c, to + 4 * Lanes);
        if (TValues.HighScale != 31) Carry(d, to + 6 * Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Carry(Vec sum, long* to)
    {
        (Vector512.Load(to) + (sum & Vector512.Create(0xFFFFFFFFL))).Store(to);
        (Vector512.Load(to + Lanes) + (sum >> 32)).Store(to + Lanes);
    }

    static Int128 Carried(long* carried, int k, int lane) => ((Int128)carried[(2 * k + 1) * Lanes + lane] << 32) + carried[2 * k * Lanes + lane];
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

/// <summary>
/// Up to four vectors of field elements, each element as two signed limbs, x = x₀ + 2³¹·x₁, the halves of a word. What is read together lies together: for one place or for eight the words of the first vector,
/// then those of the next. So the vectors of a wide matrix stay in the fast caches. Where one place is read at a time there is a word for each limb and one for their sum.
/// </summary>
/// <param name="start">Room for <see cref="Size"/> words.</param>
/// <param name="count">How many vectors.</param>
/// <param name="lanes">Neighbouring places that are read at once: 8 where a kernel sums over columns, 1 where over rows.</param>
readonly unsafe struct LimbVectors(long* start, int count, int lanes)
{
    public long* Start { get; } = start;

    /// <summary>Words of an element that is read alone.</summary>
    public const int Parts = 3;

    /// <summary>The words that vectors need.</summary>
    public static long Size(int count, int places, int lanes) => ((long)places + lanes - 1) / lanes * lanes * count * (lanes == 1 ? Parts : 1);

    /// <summary>Writes an element, taken between −p/2 and p/2.</summary>
    public void Set(int vector, int place, ulong value, ulong modulus)
    {
        var signed = value > modulus / 2 ? (long)(value - modulus) : (long)value;
        var low = signed << 33 >> 33;
        var high = signed - low >> 31;
        var at = Start + At(vector, place);
        if (lanes == 1) (at[0], at[1], at[2]) = (low, high, low + high);
        else *at = (uint)low | high << 32;
    }

    /// <summary>The limbs of an element.</summary>
    public (long Low, long High) Get(int vector, int place)
    {
        var at = Start + At(vector, place);
        return lanes == 1 ? (at[0], at[1]) : ((int)*at, *at >> 32);
    }

    long At(int vector, int place) => lanes == 1 ? ((long)place * count + vector) * Parts : ((long)place / lanes * count + vector) * lanes + place % lanes;
}

/// <summary>The sums of products of limbs for each vector and place; each place is added to by one thread only.</summary>
readonly unsafe struct LimbSums(Int128* sums, int stride)
{
    /// <summary>How many numbers there are for each vector and place.</summary>
    public const int Each = 4;

    /// <summary>Adds to the k-th sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int vector, int place, int k, Int128 value) => sums[Each * ((long)vector * stride + place) + k] += value;

    /// <summary>The field element that the sums make.</summary>
    public ulong Of<TField, TValues>(TField field, int vector, int place) where TField : struct, IField where TValues : struct, IWeightValues
    {
        var at = sums + Each * ((long)vector * stride + place);
        var sum = field.Add(field.Reduce(at[0]), field.Scale(field.Reduce(at[1]), 31 + TValues.HighScale));
        return TValues.HighScale == 31
            ? field.Add(sum, field.Scale(field.Reduce(at[2] - at[0] - at[1]), 31))
            : field.Add(sum, field.Add(field.Scale(field.Reduce(at[2]), 31), field.Scale(field.Reduce(at[3]), TValues.HighScale)));
    }

}
