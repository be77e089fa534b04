using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels.Streaming;

namespace Tiebreak.Refinement.Streaming;

/// <summary>A weight matrix that is read where it lies, again and again, and never written down as numbers of a field.</summary>
sealed unsafe class StreamedMatrix
{
    readonly byte[]? _own; // pinned

    StreamedMatrix(ParameterTensor tensor, WeightBytes bytes, FloatFormat format, byte[]? own) => (Tensor, Bytes, Format, _own) = (tensor, bytes, format, own);

    /// <summary>The tensor.</summary>
    public ParameterTensor Tensor { get; }

    /// <summary>Its numbers.</summary>
    public WeightBytes Bytes { get; }

    /// <summary>How they are stored.</summary>
    public FloatFormat Format { get; }

    public int Rows => Bytes.Rows;

    public int Columns => Bytes.Columns;

    /// <summary>What a look at all of it found.</summary>
    public MatrixFacts Facts { get; set; } = new();

    /// <summary>A tensor as such a matrix; null if it has other axes than two, or numbers that are no float32.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="mostCopied">Tensors that lie in no file are copied up to this number of elements.</param>
    public static StreamedMatrix? Of(ParameterTensor tensor, long mostCopied)
    {
        if (tensor.Shape.Rank != 2 || tensor.Shape.Count == 0) return null;
        var (rows, columns) = (tensor.Shape[0], tensor.Shape[1]);
        if (tensor.Start is MappedTensor { Format: FloatFormat.Float32 or FloatFormat.BFloat16 or FloatFormat.Float16 } mapped)
            return new StreamedMatrix(tensor, new WeightBytes(mapped.Address, rows, columns), mapped.Format, null);
        if (!tensor.Start.HasDoubles || tensor.Shape.Count > mostCopied) return null;
        var values = new double[tensor.Shape.Count];
        tensor.Start.ReadDoubles(0, values);
        var own = GC.AllocateUninitializedArray<byte>(sizeof(float) * values.Length, pinned: true);
        var floats = MemoryMarshal.Cast<byte, float>(own.AsSpan());
        for (var k = 0; k < values.Length; k++)
        {
            floats[k] = (float)values[k];
            if (floats[k] != values[k] && !double.IsNaN(values[k])) return null;
        }

        return new StreamedMatrix(tensor, new WeightBytes(Marshal.UnsafeAddrOfPinnedArrayElement(own, 0), rows, columns), FloatFormat.Float32, own);
    }

    /// <summary>The bits of one weight, as of a float32; −0 as 0.</summary>
    public uint Bits(int row, int column)
    {
        var place = (long)row * Columns + column;
        var start = (byte*)Bytes.Start;
        var bits = Format switch
        {
            FloatFormat.Float32 => Float32Bits.One(start + place * Float32Bits.Size),
            FloatFormat.BFloat16 => BFloat16Bits.One(start + place * BFloat16Bits.Size),
            _ => Float16Bits.One(start + place * Float16Bits.Size),
        };
        GC.KeepAlive(_own);
        return bits == 1u << 31 ? 0 : bits;
    }

    /// <summary>results[t,n] = Σₖ W·vectors[t,k] with random values of the keys, or with the weights' own if there are none.</summary>
    /// <param name="field">The field.</param>
    /// <param name="keys">Of rows and of columns; null for the weights' own values.</param>
    /// <param name="overRows">Which axis is summed over.</param>
    /// <param name="vectors">Elements of the field.</param>
    /// <param name="count">How many vectors.</param>
    /// <param name="results">Where the products go.</param>
    /// <param name="options">Threads and cancellation.</param>
    public void Multiply<TField>(TField field, MatrixKeys? keys, bool overRows, ulong* vectors, int count, ulong* results, RefinementOptions options) where TField : struct, IField
    {
        var product = new Product<TField>(this, field, keys, overRows, vectors, count, results, options);
        switch (Format)
        {
            case FloatFormat.Float32:
                product.Run<Float32Bits>();
                break;
            case FloatFormat.BFloat16:
                product.Run<BFloat16Bits>();
                break;
            default:
                product.Run<Float16Bits>();
                break;
        }

        GC.KeepAlive(_own);
    }

    /// <summary>One product, taken apart into what kernels do.</summary>
    sealed class Product<TField>(StreamedMatrix matrix, TField field, MatrixKeys? keys, bool overRows, ulong* vectors, int count, ulong* results, RefinementOptions options) where TField : struct, IField
    {
        const int Grain = 64; // columns of at least one line of the cache

        int Summed => overRows ? matrix.Rows : matrix.Columns;

        int Made => overRows ? matrix.Columns : matrix.Rows;

        public void Run<TBits>() where TBits : struct, IWeightBits
        {
            new Span<ulong>(results, count * Made).Clear();
            if (keys is null)
            {
                var facts = matrix.Facts;
                if (facts.IsZero) return;
                var nearest = new OwnValues(facts.UnitExponent);
                if (facts.IsNarrow) Run<TBits, NarrowValues>(new NarrowValues(facts.UnitExponent));
                else Run<TBits, OwnValues>(nearest);
                if (facts.FewSmall is not null)
                {
                    foreach (var (row, column) in facts.FewSmall) AddRest(nearest, row, column);
                    return;
                }

                for (var unit = facts.UnitExponent; !facts.IsExactIn(unit); unit -= OwnValues.Bits) Run<TBits, RestValues>(new RestValues(unit));
            }
            else if (matrix.Facts.HasZeros) Run<TBits, RandomValues<SomeZeros>>(default);
            else Run<TBits, RandomValues<NoZeros>>(default);
        }

        // As wide as the processor's registers are.
        void Run<TBits, TValues>(TValues values) where TBits : struct, IWeightBits where TValues : struct, IWeightValues
        {
            if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported) Run<Lanes8, Vector512<long>, TBits, TValues>(values);
            else if (Avx2.IsSupported) Run<Lanes4, Vector256<long>, TBits, TValues>(values);
            else Run<Lanes2, Vector128<long>, TBits, TValues>(values);
        }

        void Run<L, T, TBits, TValues>(TValues values) where L : ILanes<T> where T : struct where TBits : struct, IWeightBits where TValues : struct, IWeightValues
        {
            for (var first = 0; first < count; first += 4)
            {
                switch (Math.Min(4, count - first))
                {
                    case 1:
                        Run<L, T, TBits, TValues, OneVector>(values, first);
                        break;
                    case 2:
                        Run<L, T, TBits, TValues, TwoVectors>(values, first);
                        break;
                    case 3:
                        Run<L, T, TBits, TValues, ThreeVectors>(values, first);
                        break;
                    default:
                        Run<L, T, TBits, TValues, FourVectors>(values, first);
                        break;
                }
            }
        }

        void Run<L, T, TBits, TValues, TCount>(TValues values, int firstVector) where L : ILanes<T> where T : struct where TBits : struct, IWeightBits where TValues : struct, IWeightValues where TCount : struct, IVectorCount
        {
            var lanes = overRows ? 1 : L.Count;
            var words = (long*)NativeMemory.AlignedAlloc((nuint)(LimbVectors.Size(TCount.Value, Summed, lanes) * sizeof(long)), 64);
            var sums = (Int128*)NativeMemory.AllocZeroed((nuint)(LimbSums.Each * TCount.Value) * (nuint)Made, (nuint)sizeof(Int128));
            try
            {
                var limbs = new LimbVectors(words, TCount.Value, lanes);
                for (var t = 0; t < TCount.Value; t++)
                    for (var k = 0; k < Summed; k++) limbs.Set(t, k, vectors[(long)(firstVector + t) * Summed + k], field.Modulus);
                Multiply<L, T, TBits, TValues, TCount>(values, limbs, new LimbSums(sums, Made), firstVector);
            }
            finally
            {
                NativeMemory.AlignedFree(words);
                NativeMemory.Free(sums);
            }
        }

        void Multiply<L, T, TBits, TValues, TCount>(TValues values, LimbVectors limbs, LimbSums sums, int firstVector) where L : ILanes<T> where T : struct where TBits : struct, IWeightBits where TValues : struct, IWeightValues where TCount : struct, IVectorCount
        {
            var (bytes, isOverRows, made) = (matrix.Bytes, overRows, Made);
            var (rowKeys, columnKeys) = (keys?.Rows, keys?.Columns);
            var units = (made + Grain - 1) / Grain;
            var parts = (int)Math.Min(units, (long)options.Threads * (Summed * (long)made < 1 << 18 ? 1 : isOverRows ? 2 : 4));
            if (options.Threads <= 1 || Summed * (long)made < 1 << 15) parts = 1;
            var totals = new ulong[TCount.Value];
            for (var t = 0; t < TCount.Value; t++) totals[t] = Total(firstVector + t);
            void Part(int part)
            {
                options.Cancellation.ThrowIfCancellationRequested();
                int from = (int)((long)units * part / parts) * Grain, to = Math.Min(made, (int)((long)units * (part + 1) / parts) * Grain);
                fixed (ulong* row = rowKeys)
                fixed (ulong* column = columnKeys)
                {
                    if (isOverRows) WeightProducts<L, T, TBits, TValues, TCount>.OverRows(bytes, values, row, column, limbs, from, to, sums);
                    else WeightProducts<L, T, TBits, TValues, TCount>.OverColumns(bytes, values, row, column, limbs, from, to, sums);
                }

                for (var t = 0; t < TCount.Value; t++) Finish(values, sums, t, firstVector + t, totals[t], from, to);
            }

            if (parts == 1) Part(0);
            else Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = options.Cancellation }, Part);
        }

        // Random values are twice their limbs and 1 + 2³⁰; own values are in a unit.
        void Finish<TValues>(TValues values, LimbSums sums, int slot, int vector, ulong total, int from, int to) where TValues : struct, IWeightValues
        {
            var made = results + (long)vector * Made;
            for (var n = from; n < to; n++)
            {
                var sum = sums.Of(field, slot, n);
                made[n] = TValues.HasKeys ? field.Add(field.Add(sum, sum), total) : field.Add(made[n], field.Scale(sum, values.Unit));
            }
        }

        // What the nearest integer leaves of a small weight.
        void AddRest(OwnValues values, int row, int column)
        {
            var bits = matrix.Bits(row, column);
            var rest = field.Subtract(field.Image(BitConverter.UInt32BitsToSingle(bits)), field.Scale(field.Reduce((Int128)values.Nearest(bits)), values.Unit));
            var (from, to) = overRows ? (row, column) : (column, row);
            for (var t = 0L; t < count; t++)
            {
                var at = results + t * Made + to;
                *at = field.Add(*at, field.Multiply(rest, vectors[t * Summed + from]));
            }
        }

        // 1 + 2³⁰ times all elements of a vector.
        ulong Total(int vector)
        {
            var total = 0UL;
            for (var k = 0; k < Summed; k++) total = field.Add(total, vectors[(long)vector * Summed + k]);
            return field.Add(total, field.Scale(total, LimbVectors.HighScale));
        }
    }
}

/// <summary>What one look at all weights of a matrix tells.</summary>
sealed record MatrixFacts
{
    /// <summary>Whether some weight is zero.</summary>
    public bool HasZeros { get; init; }

    /// <summary>Whether all are finite.</summary>
    public bool IsFinite { get; init; } = true;

    /// <summary>The least biased exponent of a weight that is not zero, of float32; subnormal ones count as 1.</summary>
    public int LeastExponent { get; init; }

    /// <summary>The greatest; less than the least if all are zero.</summary>
    public int GreatestExponent { get; init; }

    /// <summary>Whether all are zero.</summary>
    public bool IsZero => GreatestExponent < LeastExponent;

    /// <summary>How many bits of the weights' significands are used at most: 24, 11 or 8 as the format has, or fewer where all end with zeros.</summary>
    public int SignificandBits { get; init; } = 24;

    /// <summary>Whether integers of 30 bits will do for all weights but few.</summary>
    public bool IsNarrow { get; init; }

    /// <summary>The unit in which weights are made integers, as the exponent of numbers whose last of 24 bits it is: as small as the greatest weight allows.</summary>
    public int UnitExponent => GreatestExponent + 24 - (IsNarrow ? NarrowValues.Bits : OwnValues.Bits) + 1;

    /// <summary>The largest unit, as such an exponent, of which all numbers of the format are multiples.</summary>
    public int FormatExponent { get; init; } = 1;

    /// <summary>The least exponent at which all weights are known to be multiples of the unit.</summary>
    public int WindowStart => UnitExponent - (24 - SignificandBits);

    /// <summary>Whether all weights are multiples of a unit.</summary>
    public bool IsExactIn(int unitExponent) => unitExponent <= FormatExponent || unitExponent - (24 - SignificandBits) <= LeastExponent;

    /// <summary>Where there are few weights before that, these; else null.</summary>
    public IReadOnlyList<(int Row, int Column)>? FewSmall { get; init; }

    /// <summary>The size of the numbers, of which some may be drawn instead.</summary>
    public CoefficientSize Sizes => IsZero ? CoefficientSize.One : new(Math.Max(0, GreatestExponent - 126), Math.Min(0, LeastExponent - 150), 0);
}

/// <summary>Keys from which a weight's random value is made: those of its row and its column, bit 31 for a negative.</summary>
sealed record MatrixKeys(ulong[] Rows, ulong[] Columns);
