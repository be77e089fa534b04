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
    const int FileWidth = 100;

    readonly Surroundings _surroundings;
    readonly Argument<string> _model = new("MODEL") { Description = "The model that was certified" };
    readonly Argument<string> _certificate = new("CERTIFICATE") { Description = "A file written by `tiebreak check MODEL --certificate FILE`" };
    readonly Option<string> _format = AnalysisOptions.One("--format", "text|json", "How to report [default: text]");
    readonly Option<string> _seed = AnalysisOptions.One("--seed", "N", "The seed of every random choice, for a repeatable run [default: unpredictable]");
    readonly Option<string> _errorBound = AnalysisOptions.One("--error-bound", "P", "The largest acceptable chance that a false claim is called proved [default: 1e-18]");
    readonly Option<bool> _acceptSample = new("--accept-sample") { Description = "Of a model too large to check whole, take a random sample that holds as success (exit code 0)" };
    readonly Option<bool> _verbose = new("--verbose") { Description = "Stack traces of internal errors" };

    public VerifyCommand(Surroundings surroundings)
    {
        _surroundings = surroundings;
        Command = new Command("verify", "Checks a certificate of `tiebreak check --certificate` with a separate, plain implementation");
        Command.Add(_model);
        Command.Add(_certificate);
        foreach (var option in new Option[] { _format, _seed, _errorBound, _acceptSample, _verbose }) Command.Add(option);
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
        return verdict.IsProved || (verdict.Violation is null && parsed.GetValue(_acceptSample)) ? 0 : 1;
    }

    string Text(Verdict verdict)
    {
        var text = new StringBuilder();
        void Paragraph(string head, string sentence)
        {
            foreach (var line in WrappedText.Lines(head, sentence, _surroundings.OutputWidth ?? FileWidth, head.Length)) text.Append(line.TrimEnd()).Append('\n');
        }

        if (verdict.Violation is { } violation)
        {
            Paragraph("", $"not proved: {violation}");
        }
        else
        {
            Paragraph("", verdict.IsProved ? "proved" : $"not refuted: {(verdict.Classes == verdict.AllClasses && verdict.Stuck == verdict.AllStuck ? "the set holds, but that it is the smallest was not checked" : "what was drawn of it holds")}");
            text.Append('\n');
            Paragraph(
                "checked: ",
                $"{Share(verdict.Classes, verdict.AllClasses, "class", "classes")}{(verdict.AllStuck == 0 ? "" : $" and {Share(verdict.Stuck, verdict.AllStuck, "stuck parameter", "stuck parameters")}")} at {Count(verdict.Points, "random point", "random points")} modulo primes of 120 bits{(verdict.Rounds is { } rounds ? $"; that no smaller set would do, and all first steps, in {Count(rounds, "round", "rounds")}" : "")}; wrong with chance {verdict.ErrorBound:0.#e-0} at most");
            if (verdict.Rounds is null) Paragraph("left out: ", "that no smaller set would do, and all first steps: too much work for a plain check");
        }

        if (verdict.Assumptions is { } assumptions) Paragraph("assumed: ", string.Join("; ", Sentences(assumptions, verdict.MetKinks)));
        if (verdict.Assumptions is { Optimizer: not "sgd" and var optimizer }) Paragraph("means:   ", $"{optimizer}: {Optimizers.Promise(optimizer)}");
        return text.ToString();
    }

    static string Share(long some, long all, string one, string many) =>
        some == all ? (all > 1 ? "all " : "") + Count(all, one, many) : string.Create(CultureInfo.InvariantCulture, $"{some:N0} of {Count(all, one, many)} ({100.0 * some / all:0.##} %), drawn at random");

    static IEnumerable<string> Sentences(VerifiedAssumptions assumed, bool metKinks)
    {
        var outputs = assumed.Outputs.Count <= 3 ? string.Join(", ", assumed.Outputs.Select(output => $"`{output}`")) : $"{assumed.Outputs.Count} outputs";
        yield return assumed.Loss switch { "any" => $"any loss of {outputs}", "outputs" => $"{outputs} is the loss", var named => $"{named} of {outputs} is the loss" };
        yield return assumed.InputRange is var (low, high) ? string.Create(CultureInfo.InvariantCulture, $"any data from {low} to {high}") : "any data";
        if (assumed.Dims.Count > 0) yield return $"sizes {string.Join(", ", assumed.Dims.Select(dim => $"{dim.Key}={dim.Value}"))}";
        if (assumed.Ways > 1) yield return $"{assumed.Ways} ways through branches that data decide";
        if (assumed.BatchNorm != "none") yield return $"batch normalisation as in {assumed.BatchNorm}";
        if (assumed.Dropout != "none") yield return $"dropout {assumed.Dropout}";
        if (assumed.Frozen.Count > 0) yield return $"{Count(assumed.Frozen.Count, "frozen tensor", "frozen tensors")}";
        if (assumed.Opaque.Count > 0) yield return $"{string.Join(", ", assumed.Opaque.Select(name => $"`{name}`"))} taken as unknown functions";
        yield return $"{(assumed.Optimizer == "sgd" ? "gradient descent" : assumed.Optimizer)} {(assumed.Decays ? "with weight decay" : "without weight decay")}";
        if (assumed.Groups.Count > 0) yield return $"learning rates of their own for {string.Join(", ", assumed.Groups.Select(glob => $"`{glob}`"))}";
        if (metKinks) yield return "at kinks, which were met, what the frameworks take (relu'(0) = 0, the first of equal largest elements)";
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
            json.WriteString("verdict", verdict.Violation is not null ? "not proved" : verdict.IsProved ? "proved" : "not refuted");
            json.WriteString("violation", verdict.Violation);
            json.WriteNumber("points", verdict.Points);
            json.WriteNumber("errorBound", verdict.ErrorBound);
            json.WriteNumber("classes", verdict.AllClasses);
            json.WriteNumber("classesChecked", verdict.Classes);
            json.WriteNumber("stuck", verdict.AllStuck);
            json.WriteNumber("stuckChecked", verdict.Stuck);
            if (verdict.Rounds is { } rounds) json.WriteNumber("rounds", rounds);
            else json.WriteNull("rounds");
            if (verdict.Assumptions is { } assumptions) WriteAssumptions(json, assumptions, verdict.MetKinks);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }

    static void WriteAssumptions(Utf8JsonWriter json, VerifiedAssumptions assumed, bool metKinks)
    {
        void Strings(string name, IEnumerable<string> values)
        {
            json.WriteStartArray(name);
            foreach (var value in values) json.WriteStringValue(value);
            json.WriteEndArray();
        }

        json.WriteStartObject("assumptions");
        json.WriteString("loss", assumed.Loss);
        json.WriteString("data", "any");
        Strings("outputs", assumed.Outputs);
        if (assumed.InputRange is var (low, high)) json.WriteString("inputRange", string.Create(CultureInfo.InvariantCulture, $"{low},{high}"));
        json.WriteString("optimizer", assumed.Optimizer);
        json.WriteBoolean("weightDecay", assumed.Decays);
        Strings("groups", assumed.Groups);
        json.WriteString("batchNorm", assumed.BatchNorm);
        json.WriteString("dropout", assumed.Dropout);
        json.WriteStartObject("dims");
        foreach (var (name, size) in assumed.Dims) json.WriteNumber(name, size);
        json.WriteEndObject();
        json.WriteNumber("ways", assumed.Ways);
        Strings("frozen", assumed.Frozen);
        Strings("opaque", assumed.Opaque);
        json.WriteString("kinks", assumed.Kinks);
        json.WriteBoolean("kinksMet", metKinks);
        json.WriteEndObject();
    }
}
