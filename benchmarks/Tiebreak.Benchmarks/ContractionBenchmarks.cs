using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels;

namespace Tiebreak.Benchmarks;

/// <summary>Contractions as networks make them, on one core, for each kernel; the scalar definition is the baseline.</summary>
[Config(typeof(Columns))]
public unsafe class ContractionBenchmarks
{
    static readonly Dictionary<string, (int Rows, int Columns, int Depth)> Shapes = new(StringComparer.Ordinal)
    {
        ["square 512"] = (512, 512, 512),
        ["convolution 64 x 3136 x 576"] = (64, 3136, 576),
        ["dense layer, one sample"] = (4096, 1, 4096),
        ["dense layer, three samples"] = (4096, 3, 4096),
    };

    ulong[] _left = [], _right = [], _output = [];

    [ParamsSource(nameof(ShapeNames))]
    public string Shape { get; set; } = "";

    public static IEnumerable<string> ShapeNames => Shapes.Keys;

    public static long Products(string shape) => (long)Shapes[shape].Rows * Shapes[shape].Columns * Shapes[shape].Depth;

    [GlobalSetup]
    public void Fill()
    {
        var (rows, columns, depth) = Shapes[Shape];
        var random = new RandomFunction(1, 2);
        _left = [.. Enumerable.Range(0, rows * depth).Select(i => random.Below(Mersenne61.Prime, (ulong)i))];
        _right = [.. Enumerable.Range(0, columns * depth).Select(i => random.Below(Mersenne61.Prime, (ulong)~i))];
        _output = new ulong[rows * columns];
    }

    [Benchmark(Baseline = true)]
    public ulong Scalar() => Run(KernelKind.Scalar);

    [Benchmark]
    public ulong Avx2__() => Run(KernelKind.Avx2);

    [Benchmark]
    public ulong Avx512() => Run(KernelKind.Avx512);

    ulong Run(KernelKind kernel)
    {
        var (rows, columns, depth) = Shapes[Shape];
        int[] Offsets(int count, int stride) => [.. Enumerable.Range(0, count).Select(i => i * stride)];
        fixed (ulong* left = _left, right = _right, output = _output)
            Contractions.Multiply(
                default(Mersenne61),
                new(left, [0], Offsets(rows, depth), Offsets(depth, 1)),
                new(right, [0], Offsets(columns, depth), Offsets(depth, 1)),
                new(output, [0], Offsets(rows, columns), Offsets(columns, 1)),
                threads: 1,
                kernel);
        return _output[^1];
    }

    sealed class Columns : ManualConfig
    {
        public Columns() => AddColumn(new ProductsPerSecond());
    }

    sealed class ProductsPerSecond : IColumn
    {
        public string Id => nameof(ProductsPerSecond);

        public string ColumnName => "10^9 products/s";

        public bool AlwaysShow => true;

        public ColumnCategory Category => ColumnCategory.Custom;

        public int PriorityInCategory => 0;

        public bool IsNumeric => true;

        public UnitType UnitType => UnitType.Dimensionless;

        public string Legend => "multiplications and additions modulo 2^61 - 1, in thousand millions a second";

        public bool IsAvailable(Summary summary) => true;

        public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase) =>
            summary[benchmarkCase]?.ResultStatistics is { } statistics
                ? $"{Products((string)benchmarkCase.Parameters[nameof(Shape)]) / statistics.Median:F2}"
                : "-";

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);
    }
}
