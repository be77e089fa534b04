using System.Text;
using System.Text.Json;
using Tiebreak.Cli.Commands;

namespace Tiebreak.Cli.Reports;

/// <summary>A repair for scripts, schema 1.</summary>
static class FixJson
{
    /// <summary>The whole report, with a final line break.</summary>
    public static string Print(FixResult result)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, JsonReport.Writing))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            JsonReport.WriteTool(json);
            json.WriteString("model", result.Path);
            json.WriteString("output", result.Output);
            json.WriteString("method", result.Options.Method.ToString().ToLowerInvariant());
            json.WriteString("init", FixCommand.NameOf(result.Options.Initialiser));
            json.WriteNumber("scale", result.Options.Scale);
            json.WriteNumber("seed", result.Options.Check.Seed);
            JsonReport.WriteAssumptions(json, result.Before);
            Check(json, "before", result.Before);
            Check(json, "after", result.After);
            json.WriteStartArray("repairs");
            foreach (var repair in result.Repairs)
            {
                json.WriteStartObject();
                json.WriteString("tensor", repair.Tensor);
                json.WriteString("how", repair.How);
                json.WriteString("words", repair.Words);
                json.WriteNumber("changed", repair.Changed);
                json.WriteNumber("parameters", repair.Parameters);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("function");
            json.WriteBoolean("kept", result.Function.IsKept);
            Number(json, "absolute", result.Function.Absolute);
            Number(json, "relative", result.Function.Relative);
            Number(json, "ulps", result.Function.Ulps);
            json.WriteEndObject();
            json.WriteStartArray("unrepaired");
            foreach (var left in result.Unrepaired)
            {
                json.WriteStartObject();
                json.WriteString("rule", left.Rule);
                json.WriteString("message", left.Message);
                json.WriteString("reason", left.Reason);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("notes");
            foreach (var note in result.Notes) json.WriteStringValue(note);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }

    static void Check(Utf8JsonWriter json, string name, CheckResult check)
    {
        json.WriteStartObject(name);
        if (check.Counts is { } counts)
        {
            json.WriteNumber("parameters", counts.Parameters);
            json.WriteNumber("degreesOfFreedom", counts.DegreesOfFreedom);
            json.WriteNumber("stuck", counts.Stuck);
            json.WriteNumber("lockstep", counts.Lockstep);
            json.WriteNumber("mirrored", counts.Mirrored);
        }

        json.WriteStartObject("findings");
        foreach (var (rule, count) in FixWords.ByRule(check)) json.WriteNumber(rule, count);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void Number(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }
}
