using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>Sums over axes, and sums through an index map.</summary>
static unsafe class Sums
{
    /// <summary>result[kept] = Σ over the dropped axes; the result is contiguous.</summary>
    public static void Reduce<TField>(TField field, View operand, ReadOnlySpan<int> axes, ulong* result, Workers workers) where TField : struct, IField
    {
        var dropped = axes.ToArray();
        var kept = Enumerable.Range(0, operand.Shape.Rank).Except(dropped).ToArray();
        var keptOffsets = operand.Offsets(kept);
        var source = operand.Start;

        // The innermost dropped axis becomes a plain inner loop; the others a list of offsets.
        var innerAxis = dropped.OrderBy(axis => Math.Abs((long)operand.Strides[axis])).FirstOrDefault(axis => operand.Shape[axis] > 1, dropped[^1]);
        var outerOffsets = operand.Offsets(dropped.Where(axis => axis != innerAxis).ToArray());
        var (inner, stride) = (operand.Shape[innerAxis], operand.Strides[innerAxis]);
        var perResult = Math.Max(1L, (long)inner * outerOffsets.Length);

        if (keptOffsets.Length >= workers.Threads * 2 || perResult * keptOffsets.Length < 1 << 16)
        {
            // Share counts elements, so scale results up to the work they stand for.
            workers.Share(keptOffsets.Length * perResult, (start, end) =>
            {
                for (var k = (start + perResult - 1) / perResult; k < (end + perResult - 1) / perResult; k++)
                    result[k] = field.Reduce(Total(source + keptOffsets[k], outerOffsets, 0, outerOffsets.Length, inner, stride));
            });
            return;
        }

        // Few results of many terms: split the terms.
        var splitInner = outerOffsets.Length < workers.Threads * 2;
        for (var k = 0; k < keptOffsets.Length; k++)
        {
            var sum = UInt128.Zero;
            var gate = new Lock();
            var start = source + keptOffsets[k];
            workers.Share(splitInner ? inner : (long)outerOffsets.Length, (from, to) =>
            {
                var part = splitInner
                    ? Total(start + from * stride, outerOffsets, 0, outerOffsets.Length, (int)(to - from), stride)
                    : Total(start, outerOffsets, (int)from, (int)to, inner, stride);
                lock (gate) sum += part;
            });
            result[k] = field.Reduce(sum);
        }
    }

    // Exact: fewer than 2³¹ terms below 2⁶¹ stay below 2⁹², kept as two sums of 32-bit halves.
    static UInt128 Total(ulong* start, int[] outer, int from, int to, int inner, int stride)
    {
        ulong low = 0, high = 0;
        for (var k = from; k < to; k++)
        {
            var source = start + outer[k];
            if (stride == 1)
            {
                for (var i = 0; i < inner; i++)
                {
                    low += (uint)source[i];
                    high += source[i] >> 32;
                }
            }
            else
            {
                for (var i = 0; i < inner; i++)
                {
                    var value = source[(long)i * stride];
                    low += (uint)value;
                    high += value >> 32;
                }
            }
        }

        return ((UInt128)high << 32) + low;
    }

    /// <summary>Adds each element to its place; <paramref name="result"/> holds the map's source shape, contiguous, and is cleared first.</summary>
    public static void ScatterAdd<TField>(TField field, View operand, IndexMap map, ulong* result, Workers workers) where TField : struct, IField
    {
        workers.Share(map.Source.Count, (start, end) => new Span<ulong>(result + start, (int)(end - start)).Clear());
        if (operand.Shape.Count == 0) return;
        if (map is IndexMap.Table table)
        {
            var offsets = operand.Offsets([.. Enumerable.Range(0, operand.Shape.Rank)]);
            for (var i = 0; i < offsets.Length; i++)
                if (table.Positions[i] >= 0) result[table.Positions[i]] = field.Add(result[table.Positions[i]], operand.Start[offsets[i]]);
            return;
        }

        var affine = (IndexMap.Affine)map;
        var shape = operand.Shape;
        var strides = affine.Strides.ToArray();

        // Slices along the leading axes that land on disjoint places go to different cores; windows overlap only inside one.
        var shared = DisjointLeadingAxes(shape, strides);
        var outer = Enumerable.Range(0, shared).ToArray();
        var inner = new Shape(shape.Sizes.Span[shared..]);
        var places = Offsets(shape, strides, outer);
        var sources = operand.Offsets(outer);
        var loop = new StridedLoop(inner, operand.Strides[shared..], strides[shared..]);
        var work = Math.Max(1, inner.Count);
        workers.Share(places.Length * work, (start, end) =>
        {
            for (var k = (start + work - 1) / work; k < (end + work - 1) / work; k++)
                loop.Visit(0, work, new ScatterRun<TField>(field, operand.Start + sources[k], result + affine.Offset + places[k], loop.FirstStride, loop.SecondStride));
        });
    }

    static int[] Offsets(Shape shape, int[] strides, int[] axes)
    {
        var offsets = new int[1];
        foreach (var axis in axes)
        {
            var longer = new int[checked(offsets.Length * shape[axis])];
            for (var i = 0; i < offsets.Length; i++)
                for (var step = 0; step < shape[axis]; step++) longer[i * shape[axis] + step] = offsets[i] + step * strides[axis];
            offsets = longer;
        }

        return offsets;
    }

    static int DisjointLeadingAxes(Shape shape, int[] strides)
    {
        const long Enough = 256; // parts for the cores; more would only make the lists of places long
        var disjoint = 0;
        long parts = 1;
        for (var axis = 0; axis < shape.Rank && parts < Enough; axis++)
        {
            parts *= shape[axis];
            long reach = 0;
            for (var other = axis + 1; other < shape.Rank; other++) reach += Math.Abs((long)strides[other]) * (shape[other] - 1);
            if (shape[axis] > 1 && Math.Abs((long)strides[axis]) <= reach) break;
            disjoint = axis + 1;
        }

        return disjoint;
    }

    readonly struct ScatterRun<TField>(TField field, ulong* source, ulong* result, int sourceStride, int resultStride) : IRun
        where TField : struct, IField
    {
        public void Invoke(long position, long first, long second, int length)
        {
            ulong* a = source + first, r = result + second;
            if (sourceStride == 1 && resultStride == 1)
                for (var i = 0; i < length; i++) r[i] = field.Add(r[i], a[i]);
            else
                for (var i = 0; i < length; i++) r[(long)i * resultStride] = field.Add(r[(long)i * resultStride], a[(long)i * sourceStride]);
        }
    }
}
