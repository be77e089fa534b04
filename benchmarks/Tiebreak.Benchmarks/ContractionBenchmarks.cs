using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels;

namespace Tiebreak.Benchmarks;

/// <summary>The kernels on one thread, by shape; the scalar definition is the baseline. Shapes are rows x columns x depth, then how many of them.</summary>
[Config(typeof(WithRate))]
public unsafe class ContractionBenchmarks
{
    ulong* _left, _right, _output;
    int[] _leftBatch = [], _leftRows = [], _rightBatch = [], _rightColumns = [], _outBatch = [], _outRows = [], _columns = [], _depth = [], _rightDepth = [];

    public static IEnumerable<Problem> Problems =>
    [
        new("square", 512, 512, 512, 1),
        new("convolution", 128, 784, 1152, 1),
        new("dense", 4096, 1, 4096, 1),
        new("outer", 4096, 4096, 1, 1),
        new("depthwise", 1, 12544, 9, 32),
        new("heads", 128, 128, 64, 12),
    ];

    [ParamsSource(nameof(Problems))]
    public Problem Shape { get; set; } = null!;

    [GlobalSetup]
    public void Allocate()
    {
        var (_, rows, columns, depth, batch) = Shape;
        _left = Draw((long)rows * depth * batch);
        _right = Draw((long)columns * depth * batch);
        _output = Draw((long)rows * columns * batch);
        _leftBatch = Strided(batch, rows * depth);
        _leftRows = Strided(rows, depth);
        _depth = Strided(depth, 1);
        _rightBatch = Strided(batch, columns * depth);
        _rightColumns = Strided(columns, 1);
        _rightDepth = Strided(depth, columns);
        _outBatch = Strided(batch, rows * columns);
        _outRows = Strided(rows, columns);
        _columns = Strided(columns, 1);
    }

    [GlobalCleanup]
    public void Free()
    {
        NativeMemory.Free(_left);
        NativeMemory.Free(_right);
        NativeMemory.Free(_output);
    }

    [Benchmark(Baseline = true)]
    public void Scalar___() => Run("scalar");

    [Benchmark]
    public void Portable_() => Run("portable");

    [Benchmark]
    public void Avx2_____() => Run("avx2");

    [Benchmark]
    public void Avx512___() => Run("avx512");

    void Run(string kernel)
    {
        var contraction = Contractions.Available.FirstOrDefault(candidate => string.Equals(candidate.Name, kernel, StringComparison.Ordinal))
            ?? throw new NotSupportedException($"this machine has no {kernel}");
        Contractions.Multiply(
            contraction, new Mersenne61(), _left, _leftBatch, _leftRows, _depth, _right, _rightBatch, _rightColumns, _rightDepth,
            _output, _outBatch, _outRows, _columns, threads: 1);
    }

    static int[] Strided(int count, int stride) => Enumerable.Range(0, count).Select(k => k * stride).ToArray();

    static ulong* Draw(long count)
    {
        var values = (ulong*)NativeMemory.Alloc((nuint)count, sizeof(ulong));
        var random = new Random(1);
        for (var k = 0L; k < count; k++) values[k] = (ulong)random.NextInt64((long)Mersenne61.Prime);
        return values;
    }

    /// <summary>A shape with a name.</summary>
    public sealed record Problem(string Name, int Rows, int Columns, int Depth, int Batch)
    {
        /// <summary>How many products it sums.</summary>
        public double Products => (double)Rows * Columns * Depth * Batch;

        public override string ToString() => $"{Name} {Rows}x{Columns}x{Depth} x{Batch}";
    }

    sealed class WithRate : ManualConfig
    {
        public WithRate() => AddColumn(new RateColumn("GMAC/s", "Products summed in a nanosecond", run => ((Problem)run.Parameters[nameof(Shape)]).Products));
    }
}
