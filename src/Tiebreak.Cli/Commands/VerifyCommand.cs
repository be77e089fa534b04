using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Tiebreak.Cli.Reports;
using Tiebreak.Verification;

namespace Tiebreak.Cli.Commands;

/// <summary><c>tiebreak verify MODEL CERTIFICATE</c>: a certificate checked by code that shares nothing with the analysis but the reading of the file.</summary>
sealed class VerifyCommand
{
    const int KeyBytes = 32;

    readonly Surroundings _surroundings;
    readonly Argument<string> _model = new("MODEL") { Description = "The model that was certified" };
    readonly Argument<string> _certificate = new("CERTIFICATE") { Description = "A file written by `tiebreak check MODEL --certificate FILE`" };
    readonly Option<string> _format = AnalysisOptions.One("--format", "text|json", "How to report [default: text]");
    readonly Option<string> _seed = AnalysisOptions.One("--seed", "N", "The seed of every random choice, for a repeatable run [default: unpredictable]");
    readonly Option<string> _errorBound = AnalysisOptions.One("--error-bound", "P", "The largest acceptable chance that a false claim is called proved [default: 1e-18]");
    readonly Option<bool> _verbose = new("--verbose") { Description = "Stack traces of internal errors" };

    public VerifyCommand(Surroundings surroundings)
    {
        _surroundings = surroundings;
        Command = new Command("verify", "Checks a certificate of `tiebreak check --certificate` with a separate, plain implementation");
        Command.Add(_model);
        Command.Add(_certificate);
        foreach (var option in new Option[] { _format, _seed, _errorBound, _verbose }) Command.Add(option);
        Command.SetAction(Run);
    }

    public Command Command { get; }

    int Run(ParseResult parsed)
    {
        var (model, certificate) = (parsed.GetValue(_model)!, parsed.GetValue(_certificate)!);
        var isJson = AnalysisOptions.Word(parsed, _format, "text", "json") == "json";
        var options = new VerifierOptions
        {
            Key = parsed.GetValue(_seed) is null ? RandomNumberGenerator.GetBytes(KeyBytes) : BitConverter.GetBytes(AnalysisOptions.Seed(parsed, _seed)),
            ErrorBound = AnalysisOptions.ErrorBound(parsed, _errorBound),
            Cancellation = _surroundings.Interrupted,
        };
        Verdict verdict;
        using (var progress = ProgressLine.For(_surroundings, quiet: false))
            verdict = Certify.Verify(model, certificate, options with { Progress = stage => progress?.Report(new CheckProgress(stage, null)) });
        _surroundings.Output.Write(isJson ? Json(verdict) : Text(verdict));
        return verdict.IsProved ? 0 : 1;
    }

    static string Text(Verdict verdict)
    {
        if (verdict.Violation is { } violation) return $"not proved: {violation}\n";
        var share = verdict.Classes == verdict.AllClasses ? $"all {Count(verdict.AllClasses, "class", "classes")}" : $"{verdict.Classes:N0} of {Count(verdict.AllClasses, "class", "classes")} ({100.0 * verdict.Classes / verdict.AllClasses:0.##} %), drawn at random,";
        var stuck = verdict.AllStuck == 0 ? "" : verdict.Stuck == verdict.AllStuck ? $" and all {Count(verdict.AllStuck, "stuck parameter", "stuck parameters")}" : $" and {verdict.Stuck:N0} of {Count(verdict.AllStuck, "stuck parameter", "stuck parameters")}";
        var rounds = verdict.Rounds is { } number ? $"that no smaller set would do, and all first steps, in {Count(number, "round", "rounds")}" : "not checked: that no smaller set would do, and first steps (too much work for a plain check)";
        var head = verdict.Classes == verdict.AllClasses ? "proved" : "proved for a sample of the classes";
        return string.Create(CultureInfo.InvariantCulture, $"{head}\n\nchecked: {share}{stuck} at {Count(verdict.Points, "random point", "random points")} modulo primes of 120 bits; wrong with chance {verdict.ErrorBound:0.#e-0} at most\n         {rounds}\n");
    }

    static string Count(long count, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? one : many)}");

    static string Json(Verdict verdict)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, JsonReport.Writing))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            json.WriteBoolean("proved", verdict.IsProved);
            json.WriteString("violation", verdict.Violation);
            json.WriteNumber("points", verdict.Points);
            json.WriteNumber("errorBound", verdict.ErrorBound);
            json.WriteNumber("classes", verdict.AllClasses);
            json.WriteNumber("classesChecked", verdict.Classes);
            json.WriteNumber("stuck", verdict.AllStuck);
            json.WriteNumber("stuckChecked", verdict.Stuck);
            if (verdict.Rounds is { } rounds) json.WriteNumber("rounds", rounds);
            else json.WriteNull("rounds");
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }
}
