using System.Numerics;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels.Streaming;

namespace Tiebreak.Refinement.Streaming;

/// <summary>One look at all start values of a matrix: how large they are, and a hash of each slice, so that equal ones can be found.</summary>
static unsafe class StartScan
{
    const uint Factor = 0x9E3779B1;
    const int FewExponents = 12; // in fewer there is never nearly all of a matrix

    /// <summary>Looks at a matrix, and hashes its rows.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="options">Threads and cancellation.</param>
    public static (MatrixFacts Facts, ulong[] RowHashes) Of(StreamedMatrix matrix, RefinementOptions options)
    {
        var hashes = new ulong[matrix.Rows];
        var parts = Math.Clamp(matrix.Rows / 16, 1, options.Threads * 4);
        var ranges = new SizeRange[parts];
        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = options.Cancellation }, part =>
        {
            int from = (int)((long)matrix.Rows * part / parts), to = (int)((long)matrix.Rows * (part + 1) / parts);
            ranges[part] = matrix.Format == FloatFormat.Float32 ? Rows<uint>(matrix, from, to, hashes) : Rows<ushort>(matrix, from, to, hashes);
        });
        var all = ranges.Aggregate((a, b) => new SizeRange(Math.Min(a.Least, b.Least), Math.Min(a.LeastMoved, b.LeastMoved), Math.Max(a.Greatest, b.Greatest), a.Used | b.Used));
        uint Float32(uint size) => matrix.Format switch { FloatFormat.Float32 => size, FloatFormat.BFloat16 => size << 16, _ => BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf((ushort)size)) };
        int Exponent(uint size) => Math.Max(1, (int)(Float32(size) >> 23));
        var isAllZero = all.Greatest == 0;
        var (stored, unit) = matrix.Format switch { FloatFormat.Float32 => (23, 1), FloatFormat.BFloat16 => (7, 17), _ => (10, 126) };
        var facts = new MatrixFacts
        {
            HasZeros = all.Least == 0,
            IsFinite = Float32(all.Greatest) >> 23 < 0xFF,
            LeastExponent = isAllZero ? 1 : Exponent(all.LeastMoved + 1),
            GreatestExponent = isAllZero ? 0 : Exponent(all.Greatest),
            FormatExponent = unit,
            SignificandBits = 1 + stored - Math.Min(stored, BitOperations.TrailingZeroCount(all.Used)),
        };
        if (!facts.IsFinite || isAllZero) return (facts, hashes);

        // The narrowest integers that do.
        var narrow = facts with { IsNarrow = true };
        if (narrow.IsExactIn(narrow.UnitExponent)) return (narrow, hashes);
        if (narrow.WindowStart <= narrow.GreatestExponent - FewExponents && FewBelow(matrix, narrow.WindowStart, options) is { } few) return (narrow with { FewSmall = few }, hashes);
        return (facts.IsExactIn(facts.UnitExponent) ? facts : facts with { FewSmall = FewBelow(matrix, facts.WindowStart, options) }, hashes);
    }

    // Weights that are not zero and have a lesser exponent, if there are no more than a product may look at one by one.
    static List<(int Row, int Column)>? FewBelow(StreamedMatrix matrix, int exponent, RefinementOptions options)
    {
        var most = matrix.Rows + matrix.Columns;
        var found = new List<(int Row, int Column)>();
        Parallel.For(0, matrix.Rows, new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = options.Cancellation }, (row, loop) =>
        {
            if (matrix.Format == FloatFormat.Float32) Below(matrix, row, (uint)exponent << 23, Add);
            else if (matrix.Format == FloatFormat.BFloat16) Below(matrix, row, (ushort)(exponent << 7), Add);
            else Below(matrix, row, BitConverter.HalfToUInt16Bits((Half)Math.ScaleB(1, exponent - 127)), Add);

            void Add(int place)
            {
                lock (found) found.Add((row, place));
                if (found.Count > most) loop.Stop();
            }
        });
        return found.Count > most ? null : [.. found.Order()];
    }

    // Places of a row whose size as bits is above zero and below a limit.
    static void Below<T>(StreamedMatrix matrix, int row, T limit, Action<int> add) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        if (limit == T.Zero) return;
        var at = (T*)matrix.Bytes.Start + (long)row * matrix.Columns;
        var (sizeBits, last) = (Vector.Create(T.MaxValue >> 1), Vector.Create(limit - T.One));
        var column = 0;
        for (; column + Vector<T>.Count <= matrix.Columns; column += Vector<T>.Count)
            if (Vector.LessThanAny((Vector.Load(at + column) & sizeBits) - Vector<T>.One, last)) Look(column, column + Vector<T>.Count);
        Look(column, matrix.Columns);

        void Look(int from, int to)
        {
            for (var place = from; place < to; place++)
                if ((at[place] & T.MaxValue >> 1) is var size && size > T.Zero && size < limit) add(place);
        }
    }

    /// <summary>A hash of each column.</summary>
    public static ulong[] ColumnHashes(StreamedMatrix matrix, RefinementOptions options)
    {
        const int Grain = 64;
        var hashes = new uint[matrix.Columns];
        var units = (matrix.Columns + Grain - 1) / Grain;
        var parts = Math.Min(units, options.Threads * 2);
        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = options.Cancellation }, part =>
        {
            int from = (int)((long)units * part / parts) * Grain, to = Math.Min(matrix.Columns, (int)((long)units * (part + 1) / parts) * Grain);
            if (matrix.Format == FloatFormat.Float32) Columns<uint>(matrix, from, to, hashes);
            else Columns<ushort>(matrix, from, to, hashes);
        });
        return [.. hashes.Select(hash => Mixing.Mixed(hash))];
    }

    static void Columns<T>(StreamedMatrix matrix, int from, int to, uint[] hashes) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        var whole = from + (to - from) / Vector<T>.Count * Vector<T>.Count;
        fixed (uint* hash = hashes)
        {
            for (var row = 0; row < matrix.Rows; row++)
            {
                var at = (T*)matrix.Bytes.Start + (long)row * matrix.Columns;
                for (var column = from; column < whole; column += Vector<T>.Count)
                {
                    var bits = WithoutSigns(Vector.Load(at + column));
                    if (typeof(T) == typeof(uint))
                    {
                        Mix(hash + column, bits.As<T, uint>());
                        continue;
                    }

                    Vector.Widen(bits.As<T, ushort>(), out var low, out var high);
                    Mix(hash + column, low);
                    Mix(hash + column + Vector<uint>.Count, high);
                }

                for (var column = whole; column < to; column++) hash[column] = Mixed(hash[column], uint.CreateTruncating(WithoutSign(at[column])));
            }
        }

        static void Mix(uint* at, Vector<uint> bits) => Mixed(Vector.Load(at), bits).Store(at);
    }

    // A zero has no sign.
    static Vector<T> WithoutSigns<T>(Vector<T> bits) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => Vector.AndNot(bits, Vector.Equals(bits & Vector.Create(T.MaxValue >> 1), Vector<T>.Zero));

    static T WithoutSign<T>(T bits) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => (bits & T.MaxValue >> 1) == T.Zero ? T.Zero : bits;

    // Whoever finds equal hashes compares what was hashed; so 32 bits a lane are enough.
    static Vector<uint> Mixed(Vector<uint> hash, Vector<uint> bits)
    {
        var mixed = (hash ^ bits) * Factor;
        return mixed ^ mixed >>> 15;
    }

    static uint Mixed(uint hash, uint bits)
    {
        var mixed = (hash ^ bits) * Factor;
        return mixed ^ mixed >> 15;
    }

    // Sizes of floats are in the order of their bits; one less makes zero the largest.
    static SizeRange Rows<T>(StreamedMatrix matrix, int from, int to, ulong[] hashes) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        var sizeBits = Vector.Create(T.MaxValue >> 1);
        var (least, leastMoved, greatest, used) = (Vector.Create(T.MaxValue), Vector.Create(T.MaxValue), Vector<T>.Zero, Vector<T>.Zero);
        var (leastOne, leastMovedOne, greatestOne, usedOne) = (T.MaxValue, T.MaxValue, T.Zero, T.Zero);
        var whole = matrix.Columns / Vector<T>.Count * Vector<T>.Count;
        for (var row = from; row < to; row++)
        {
            var at = (T*)matrix.Bytes.Start + (long)row * matrix.Columns;
            var hash = Vector.Create(Factor);
            for (var column = 0; column < whole; column += Vector<T>.Count)
            {
                var bits = Vector.Load(at + column);
                var size = bits & sizeBits;
                least = Vector.Min(least, size);
                leastMoved = Vector.Min(leastMoved, size - Vector<T>.One);
                greatest = Vector.Max(greatest, size);
                used |= size;
                hash = Mixed(hash, Vector.AndNot(bits, Vector.Equals(size, Vector<T>.Zero)).As<T, uint>());
            }

            var last = 0UL;
            for (var lane = 0; lane < Vector<uint>.Count; lane++) last = Mixing.Mixed(last ^ hash[lane]);
            for (var column = whole; column < matrix.Columns; column++)
            {
                var size = at[column] & T.MaxValue >> 1;
                (leastOne, leastMovedOne, greatestOne, usedOne) = (T.Min(leastOne, size), T.Min(leastMovedOne, unchecked(size - T.One)), T.Max(greatestOne, size), usedOne | size);
                last = Mixing.Mixed(last ^ ulong.CreateTruncating(WithoutSign(at[column])));
            }

            hashes[row] = last;
        }

        for (var lane = 0; lane < Vector<T>.Count; lane++)
            (leastOne, leastMovedOne, greatestOne, usedOne) = (T.Min(leastOne, least[lane]), T.Min(leastMovedOne, leastMoved[lane]), T.Max(greatestOne, greatest[lane]), usedOne | used[lane]);
        return new SizeRange(uint.CreateTruncating(leastOne), uint.CreateTruncating(leastMovedOne), uint.CreateTruncating(greatestOne), uint.CreateTruncating(usedOne));
    }

    /// <summary>Sizes of weights as bits: the least, the least that is not zero, less one, and the greatest; and all bits that any has.</summary>
    readonly record struct SizeRange(uint Least, uint LeastMoved, uint Greatest, uint Used);
}
