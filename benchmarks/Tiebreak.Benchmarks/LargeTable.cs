using System.Diagnostics;
using System.Globalization;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;

namespace Tiebreak.Benchmarks;

/// <summary>
/// <c>table FOLDER [ROWS]</c>: a table of nine features and a target, and a 9-16-1 network on it. Times the whole check against merely parsing the same file, in one process, and prints
/// the ratio and the peak of resident memory.
/// </summary>
static class LargeTable
{
    const int Features = 9;
    const int Runs = 3;

    public static int Run(string folder, int rows)
    {
        var table = Path.Combine(folder, $"table-{rows}.csv");
        var model = Path.Combine(folder, "mlp-9-16-1.tb");
        if (!File.Exists(table)) Write(table, rows);
        File.WriteAllText(model, "param W[16,9] = uniform(-1, 1, seed=1)\nparam b[16] = 0\nparam v[16] = uniform(-1, 1, seed=2)\nparam c = 0\ndata x[9], y\nloss (y - v @ tanh(W @ x + b) - c)**2\n");
        Console.WriteLine($"{rows:N0} rows, {new FileInfo(table).Length / 1e6:N0} MB");
        var parse = new List<double>();
        var check = new List<double>();
        CheckResult? result = null;
        for (var run = 0; run < Runs; run++)
        {
            parse.Add(Seconds(() => Parse(table)));
            check.Add(Seconds(() => result = Check.Model(model, new CheckOptions { Data = table })));
        }

        parse.Sort();
        check.Sort();
        Console.WriteLine($"answer: {result!.Counts!.DegreesOfFreedom} degrees of freedom of {result.Counts.Parameters} parameters, bound {result.Analysis.ErrorBound:0.#e-0}");
        Console.WriteLine($"medians of {Runs}: parse {parse[Runs / 2]:0.0} s, check {check[Runs / 2]:0.0} s, ratio {check[Runs / 2] / parse[Runs / 2]:0.0}");
        Console.WriteLine($"peak resident memory {Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0:N0} MiB");
        return 0;
    }

    static void Parse(string path)
    {
        using var table = TableFile.Open(path);
        long rows = 0;
        foreach (var block in table.Read([.. Enumerable.Range(0, Features + 1)], 4096, CancellationToken.None)) rows += block.Rows;
        if (rows == 0) throw new InvalidDataException("no rows");
    }

    static double Seconds(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    static void Write(string path, int rows)
    {
        using var text = new StreamWriter(path);
        text.WriteLine(string.Join(',', Enumerable.Range(0, Features).Select(k => $"x[{k}]")) + ",y");
        var random = new RandomFunction(1, 2);
        for (long row = 0; row < rows; row++)
        {
            for (var column = 0; column <= Features; column++)
            {
                if (column > 0) text.Write(',');
                text.Write(((int)random.Below(20001, (ulong)(row * (Features + 1) + column)) - 10000).ToString(CultureInfo.InvariantCulture) is var digits ? Decimal(digits) : "");
            }

            text.WriteLine();
        }
    }

    // −10.000 to 10.000
    static string Decimal(string digits)
    {
        var negative = digits[0] == '-';
        var whole = (negative ? digits[1..] : digits).PadLeft(4, '0');
        return $"{(negative ? "-" : "")}{whole[..^3]}.{whole[^3..]}";
    }
}
