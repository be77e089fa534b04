using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>Sums, products, negatives, reciprocals and functions, element by element over strided operands.</summary>
static unsafe class Elementwise
{
    public interface IBinary<TField> where TField : struct, IField
    {
        static abstract ulong Invoke(TField field, ulong left, ulong right);
    }

    public readonly struct Sum<TField> : IBinary<TField> where TField : struct, IField
    {
        public static ulong Invoke(TField field, ulong left, ulong right) => field.Add(left, right);
    }

    public readonly struct Product<TField> : IBinary<TField> where TField : struct, IField
    {
        public static ulong Invoke(TField field, ulong left, ulong right) => field.Multiply(left, right);
    }

    /// <summary>result[i] = left[i] ∘ right[i]; the result is contiguous, of the operands' shape.</summary>
    public static void Combine<TField, TOperation>(TField field, View left, View right, ulong* result, Workers workers)
        where TField : struct, IField
        where TOperation : struct, IBinary<TField> =>
        Combine<TField, TOperation>(field, left, right, 0, left.Shape.Count, result, workers);

    /// <summary>Elements [first, last) of the same, row-major, from <paramref name="result"/> on.</summary>
    public static void Combine<TField, TOperation>(TField field, View left, View right, long first, long last, ulong* result, Workers workers)
        where TField : struct, IField
        where TOperation : struct, IBinary<TField>
    {
        var loop = new StridedLoop(left.Shape, left.Strides, right.Strides);
        workers.Share(last - first, (start, end) =>
            loop.Visit(first + start, first + end, new CombineRun<TField, TOperation>(field, left.Start, right.Start, result - first, loop.FirstStride, loop.SecondStride)));
    }

    readonly struct CombineRun<TField, TOperation>(TField field, ulong* left, ulong* right, ulong* result, int leftStride, int rightStride) : IRun
        where TField : struct, IField
        where TOperation : struct, IBinary<TField>
    {
        public void Invoke(long position, long first, long second, int length)
        {
            ulong* a = left + first, b = right + second, r = result + position;
            if (leftStride == 1 && rightStride == 1)
                for (var i = 0; i < length; i++) r[i] = TOperation.Invoke(field, a[i], b[i]);
            else if (leftStride == 1 && rightStride == 0)
                for (var i = 0; i < length; i++) r[i] = TOperation.Invoke(field, a[i], *b);
            else if (leftStride == 0 && rightStride == 1)
                for (var i = 0; i < length; i++) r[i] = TOperation.Invoke(field, *a, b[i]);
            else
                for (var i = 0; i < length; i++) r[i] = TOperation.Invoke(field, a[(long)i * leftStride], b[(long)i * rightStride]);
        }
    }

    /// <summary>Copies a strided operand to contiguous memory.</summary>
    public static void Copy(View operand, ulong* result, Workers workers)
    {
        var loop = new StridedLoop(operand.Shape, operand.Strides);
        workers.Share(loop.Count, (start, end) => loop.Visit(start, end, new CopyRun(operand.Start, result, loop.FirstStride)));
    }

    readonly struct CopyRun(ulong* source, ulong* result, int stride) : IRun
    {
        public void Invoke(long position, long first, long second, int length)
        {
            ulong* a = source + first, r = result + position;
            if (stride == 1) new ReadOnlySpan<ulong>(a, length).CopyTo(new Span<ulong>(r, length));
            else if (stride == 0) new Span<ulong>(r, length).Fill(*a);
            else for (var i = 0; i < length; i++) r[i] = a[(long)i * stride];
        }
    }

    /// <summary>Copies blocks of <paramref name="run"/> neighbouring elements to places <paramref name="row"/> apart: one operand of a concatenation.</summary>
    public static void CopyBlocks(ulong* source, ulong* result, long blocks, long run, long row, Workers workers) =>
        workers.Share(blocks * run, (first, last) =>
        {
            for (var position = first; position < last;)
            {
                var (block, inside) = (position / run, position % run);
                var length = (int)Math.Min(Math.Min(run - inside, last - position), 1 << 24);
                new ReadOnlySpan<ulong>(source + position, length).CopyTo(new Span<ulong>(result + block * row + inside, length));
                position += length;
            }
        });

    /// <summary>In place over contiguous memory.</summary>
    public static void Negate<TField>(TField field, ulong* values, long count, Workers workers) where TField : struct, IField =>
        workers.Share(count, (start, end) =>
        {
            for (var i = start; i < end; i++) values[i] = field.Negate(values[i]);
        });

    /// <summary>In place over contiguous memory; zeros stay zero. Returns how many there were.</summary>
    public static int Reciprocal<TField>(TField field, ulong* values, long count, Workers workers) where TField : struct, IField
    {
        const int Block = 256; // one inversion for each, so its cost vanishes beside three products an element
        var zeros = 0;
        workers.Share(count, (start, end) =>
        {
            Span<ulong> copy = stackalloc ulong[Block];
            for (var position = start; position < end; position += Block)
            {
                var block = new Span<ulong>(values + position, (int)Math.Min(Block, end - position));
                var input = copy[..block.Length];
                block.CopyTo(input);
                var found = field.Inverses(input, block);
                if (found > 0) Interlocked.Add(ref zeros, found);
            }
        });
        return zeros;
    }

    /// <summary>In place over contiguous lanes. Returns how many elements sat on a kink, and how many at a singularity.</summary>
    public static (int Kinks, int Singular) Apply<TField>(TField[] fields, Oracles oracles, ScalarFunction function, ulong*[] lanes, long count, Workers workers)
        where TField : struct, IField
    {
        int kinks = 0, singular = 0;
        workers.Share(count, (start, end) =>
        {
            const int Block = 1 << 14;
            for (var position = start; position < end; position += Block)
            {
                var (k, s) = oracles.Apply(fields, function, lanes, position, (int)Math.Min(Block, end - position));
                if (k > 0) Interlocked.Add(ref kinks, k);
                if (s > 0) Interlocked.Add(ref singular, s);
            }
        });
        return (kinks, singular);
    }

    /// <summary>Turns windows (the last axis) into the weights of a choice, in place over contiguous lanes. Returns how many windows held a tie.</summary>
    public static int Choose<TField>(TField[] fields, Oracles oracles, Primitive.Choose choose, Shape shape, ulong*[] lanes, Workers workers)
        where TField : struct, IField
    {
        var width = shape[shape.Rank - 1];
        var windows = width == 0 ? 0 : shape.Count / width;
        var tiedWindows = 0;
        if (typeof(TField) == typeof(ZeroPattern))
        {
            // Whatever takes part may be chosen.
            for (long window = 0; window < windows; window++)
            {
                var allowed = Allowed(choose, window, width);
                for (var i = 0; i < width; i++) lanes[0][window * width + i] = allowed.IsEmpty || allowed[i] ? 1UL : 0;
            }

            return 0;
        }

        workers.Share(windows, (start, end) =>
        {
            const int Block = 64; // windows that share one inversion a lane
            var sums = new ulong[fields.Length * Block];
            var raw = new ulong[Block * fields.Length * width];
            Span<ulong> windowSums = stackalloc ulong[fields.Length];
            for (var first = start; first < end; first += Block)
            {
                var count = (int)Math.Min(Block, end - first);
                for (var k = 0; k < count; k++)
                {
                    var shares = raw.AsSpan(k * fields.Length * width, fields.Length * width);
                    if (oracles.RawShares(fields, lanes, (first + k) * width, width, Allowed(choose, first + k, width), choose.Count, choose.Ties, shares, windowSums))
                        Interlocked.Increment(ref tiedWindows);
                    for (var lane = 0; lane < fields.Length; lane++) sums[lane * Block + k] = windowSums[lane];
                }

                for (var lane = 0; lane < fields.Length; lane++)
                    Normalise(fields[lane], choose.Count, raw, sums.AsSpan(lane * Block, count), lane, fields.Length, width, lanes[lane] + first * width);
            }
        });
        return tiedWindows;
    }

    static void Normalise<TField>(TField field, int total, ulong[] raw, Span<ulong> sums, int lane, int lanes, int width, ulong* result) where TField : struct, IField
    {
        Span<ulong> inverses = stackalloc ulong[sums.Length];
        field.Inverses(sums, inverses);
        var scale = field.Reduce((UInt128)total);
        for (var k = 0; k < sums.Length; k++)
        {
            var factor = field.Multiply(inverses[k], scale);
            var shares = raw.AsSpan((k * lanes + lane) * width, width);
            for (var i = 0; i < width; i++) result[(long)k * width + i] = field.Multiply(shares[i], factor);
        }
    }

    static ReadOnlySpan<bool> Allowed(Primitive.Choose choose, long window, int width)
    {
        if (choose.Allowed is not { } allowed) return [];
        return allowed.Flags.AsSpan((int)(window * width % allowed.Flags.Length), width);
    }
}
