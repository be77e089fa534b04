using System.Diagnostics;

namespace Tiebreak.Benchmarks;

/// <summary>
/// Certifies and verifies every model of a folder, each step a process of its own, and prints a Markdown table: the size of the certificate and the seconds of both. Run it as
/// <c>dotnet run -c Release --project benchmarks/Tiebreak.Benchmarks -- certificates FOLDER</c>. On two shared cores of a Zen 5 server: a detector of 100,412 parameters 10 kB, 3 s and 19 s; a recurrent
/// network of 545,282 parameters 300 kB, 6 s and 7 s; SqueezeNet (1,235,496, of whose classes a sample is checked) 13 kB, 9 s and 125 s.
/// </summary>
static class Certificates
{
    public static int Run(string folder)
    {
        Console.WriteLine("| model | bytes | certify (s) | verify (s) | result |");
        Console.WriteLine("|---|---:|---:|---:|---|");
        var certificate = Path.Combine(Path.GetTempPath(), $"tiebreak-{Environment.ProcessId}.json");
        try
        {
            foreach (var file in Directory.EnumerateFiles(folder, "*.onnx").Order(StringComparer.Ordinal))
            {
                File.Delete(certificate);
                var (certify, _) = Timed("check", file, "--certificate", certificate, "--quiet", "--fail-on", "never");
                if (!File.Exists(certificate)) continue;
                var (verify, output) = Timed("verify", file, certificate);
                Console.WriteLine($"| {Path.GetFileNameWithoutExtension(file)} | {new FileInfo(certificate).Length} | {certify:F1} | {verify:F1} | {output.Split('\n')[0]} |");
            }
        }
        finally
        {
            File.Delete(certificate);
        }

        return 0;
    }

    static (double Seconds, string Output) Timed(params string[] arguments)
    {
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Tiebreak.Cli.dll"), .. arguments]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (clock.Elapsed.TotalSeconds, output);
    }
}
