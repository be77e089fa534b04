using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using Tiebreak.Numbers.Kernels.Streaming;

namespace Tiebreak.Benchmarks;

/// <summary>Products of a streamed matrix with a few vectors, on one thread: 64 MiB of weights, more than the caches hold.</summary>
[Config(typeof(WithRate))]
public unsafe class StreamedProductBenchmarks
{
    const int Columns = 4096;
    const int Bytes = 64 << 20;

    byte* _weights;
    ulong* _rowKeys, _columnKeys;
    long* _vectors;
    Int128* _sums;
    int _rows;

    /// <summary>How weights are stored.</summary>
    [Params("float32", "bfloat16")]
    public string Format { get; set; } = "";

    /// <summary>What weights stand for: their own values, or random ones.</summary>
    [Params("own", "random")]
    public string Values { get; set; } = "";

    /// <summary>How many vectors: one a position.</summary>
    [Params(3, 4)]
    public int Vectors { get; set; }

    [GlobalSetup]
    public void Allocate()
    {
        _rows = Bytes / Columns / (Format == "float32" ? 4 : 2);
        var random = new Random(1);
        _weights = (byte*)NativeMemory.AlignedAlloc(Bytes, 64);
        for (var k = 0; k < _rows * Columns; k++)
        {
            var bits = BitConverter.SingleToUInt32Bits((float)(random.NextDouble() - 0.5));
            if (Format == "float32") ((uint*)_weights)[k] = bits;
            else ((ushort*)_weights)[k] = (ushort)(bits >> 16);
        }

        var most = Math.Max(_rows, Columns);
        _rowKeys = Draw(_rows, random);
        _columnKeys = Draw(Columns, random);
        var words = LimbVectors.Parts * LimbVectors.Size(4, most, 8);
        _vectors = (long*)NativeMemory.AlignedAlloc((nuint)(words * sizeof(long)), 64);
        for (var k = 0L; k < words; k++) _vectors[k] = random.NextInt64() >> 34;
        _sums = (Int128*)NativeMemory.AllocZeroed((nuint)(LimbSums.Each * 4) * (nuint)most, (nuint)sizeof(Int128));
    }

    [GlobalCleanup]
    public void Free()
    {
        NativeMemory.AlignedFree(_weights);
        NativeMemory.AlignedFree(_vectors);
        NativeMemory.Free(_rowKeys);
        NativeMemory.Free(_columnKeys);
        NativeMemory.Free(_sums);
    }

    /// <summary>Forward: each row times the vectors.</summary>
    [Benchmark]
    public void Over_columns() => Run(overRows: false);

    /// <summary>Backward: each column.</summary>
    [Benchmark]
    public void Over_rows___() => Run(overRows: true);

    void Run(bool overRows)
    {
        switch (Format, Vectors)
        {
            case ("float32", 3): Run<Float32Bits, ThreeVectors>(overRows); break;
            case ("float32", _): Run<Float32Bits, FourVectors>(overRows); break;
            case (_, 3): Run<BFloat16Bits, ThreeVectors>(overRows); break;
            default: Run<BFloat16Bits, FourVectors>(overRows); break;
        }
    }

    void Run<TBits, TCount>(bool overRows) where TBits : struct, IWeightBits where TCount : struct, IVectorCount
    {
        const int Exponent = 126 + 24 - OwnValues.Bits + 1; // of numbers below ½
        if (Values == "random") Run<TBits, RandomValues<NoZeros>, TCount>(overRows, default);
        else if (typeof(TBits) == typeof(BFloat16Bits)) Run<TBits, NarrowValues, TCount>(overRows, new NarrowValues(Exponent + OwnValues.Bits - NarrowValues.Bits));
        else Run<TBits, OwnValues, TCount>(overRows, new OwnValues(Exponent));
    }

    void Run<TBits, TValues, TCount>(bool overRows, TValues values) where TBits : struct, IWeightBits where TValues : struct, IWeightValues where TCount : struct, IVectorCount
    {
        if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported) Run<Lanes8, Vector512<long>, TBits, TValues, TCount>(overRows, values);
        else if (Avx2.IsSupported) Run<Lanes4, Vector256<long>, TBits, TValues, TCount>(overRows, values);
        else Run<Lanes2, Vector128<long>, TBits, TValues, TCount>(overRows, values);
    }

    void Run<L, T, TBits, TValues, TCount>(bool overRows, TValues values) where L : ILanes<T> where T : struct where TBits : struct, IWeightBits where TValues : struct, IWeightValues where TCount : struct, IVectorCount
    {
        var (matrix, sums) = (new WeightBytes((nint)_weights, _rows, Columns), new LimbSums(_sums, Math.Max(_rows, Columns)));
        if (overRows) WeightProducts<L, T, TBits, TValues, TCount>.OverRows(matrix, values, _rowKeys, _columnKeys, new LimbVectors(_vectors, TCount.Value, 1), 0, Columns, sums);
        else WeightProducts<L, T, TBits, TValues, TCount>.OverColumns(matrix, values, _rowKeys, _columnKeys, new LimbVectors(_vectors, TCount.Value, L.Count), 0, _rows, sums);
    }

    static ulong* Draw(int count, Random random)
    {
        var keys = (ulong*)NativeMemory.Alloc((nuint)count, sizeof(ulong));
        for (var k = 0; k < count; k++) keys[k] = (ulong)random.NextInt64() & ~(1UL << 31);
        return keys;
    }

    sealed class WithRate : ManualConfig
    {
        public WithRate() => AddColumn(new RateColumn("G weights/s", "Weights multiplied with all vectors in a nanosecond", run => (double)Bytes / ((string)run.Parameters[nameof(Format)] == "float32" ? 4 : 2)));
    }
}
