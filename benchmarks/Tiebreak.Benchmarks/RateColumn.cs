using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Tiebreak.Benchmarks;

/// <summary>A column of how much is done in a nanosecond.</summary>
/// <param name="name">Its title.</param>
/// <param name="legend">What is counted.</param>
/// <param name="work">How much one run of a case does.</param>
sealed class RateColumn(string name, string legend, Func<BenchmarkCase, double> work) : IColumn
{
    public string Id => nameof(RateColumn);

    public string ColumnName => name;

    public string Legend => legend;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, SummaryStyle.Default);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) =>
        summary[benchmarkCase]?.ResultStatistics?.Mean is { } nanoseconds ? (work(benchmarkCase) / nanoseconds).ToString("F2", CultureInfo.InvariantCulture) : "-";
}
