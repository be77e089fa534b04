using System.Diagnostics;
using System.Text.Json;

namespace Tiebreak.Benchmarks;

/// <summary>
/// Checks every model of a folder as a process of its own, and prints a Markdown table: time, peak memory, answer. Run it as
/// <c>dotnet run -c Release --project benchmarks/Tiebreak.Benchmarks -- models FOLDER [RUNS]</c>; the median of the runs is printed.
/// </summary>
static class WholeModels
{
    public static int Run(string folder, int runs)
    {
        Console.WriteLine($"{Environment.ProcessorCount} cores, .NET {Environment.Version}, median of {runs}");
        Console.WriteLine();
        Console.WriteLine("| model | parameters | degrees of freedom | stuck | seconds | peak MiB |");
        Console.WriteLine("|---|---:|---:|---:|---:|---:|");
        var command = Path.Combine(AppContext.BaseDirectory, "Tiebreak.Cli.dll");
        foreach (var file in Directory.EnumerateFiles(folder, "*.onnx").Order(StringComparer.Ordinal))
        {
            var seconds = new List<double>();
            long peak = 0;
            var json = "";
            for (var run = 0; run < runs; run++)
            {
                var clock = Stopwatch.StartNew();
                using var process = Process.Start(new ProcessStartInfo("dotnet", [command, "check", file, "--format", "json"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
                var reading = process.StandardOutput.ReadToEndAsync();
                while (!process.WaitForExit(50))
                {
                    process.Refresh();
                    if (!process.HasExited) peak = Math.Max(peak, process.PeakWorkingSet64);
                }

                json = reading.GetAwaiter().GetResult();
                seconds.Add(clock.Elapsed.TotalSeconds);
            }

            seconds.Sort();
            Console.WriteLine($"| {Path.GetFileNameWithoutExtension(file)} | {Answer(json)} | {seconds[seconds.Count / 2]:F1} | {peak >> 20} |");
        }

        return 0;
    }

    static string Answer(string json)
    {
        if (json.Length == 0) return "refused | | ";
        using var document = JsonDocument.Parse(json);
        var result = document.RootElement.GetProperty("result");
        var parameters = document.RootElement.GetProperty("model").GetProperty("parameters").GetInt64();
        return result.ValueKind == JsonValueKind.Null
            ? $"{parameters:N0} | no verdict | "
            : $"{parameters:N0} | {result.GetProperty("degreesOfFreedom").GetInt64():N0} | {result.GetProperty("stuck").GetInt64():N0}";
    }
}
