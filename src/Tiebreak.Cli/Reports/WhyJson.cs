using System.Text;
using System.Text.Json;
using Tiebreak.Proofs.Reasons;

namespace Tiebreak.Cli.Reports;

/// <summary>A reason for scripts, schema 1.</summary>
static class WhyJson
{
    /// <summary>The whole report, with a final line break.</summary>
    public static string Print(string path, Explanation explanation)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, JsonReport.Writing))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            json.WriteString("model", path);
            json.WriteStartArray("parameters");
            foreach (var name in explanation.Parameters) json.WriteStringValue(name);
            json.WriteEndArray();
            json.WriteString("verdict", explanation.Verdict.ToString().ToLowerInvariant());
            json.WriteString("headline", explanation.Headline);
            json.WriteStartArray("steps");
            foreach (var step in explanation.Steps)
            {
                json.WriteStartObject();
                json.WriteNumber("number", step.Number);
                json.WriteString("kind", step.Kind);
                json.WriteString("label", step.Label);
                json.WriteString("text", step.Text);
                JsonReport.WriteNumbers(json, "links", step.Links);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("conclusion", explanation.Conclusion);
            if (explanation.Witness is { } witness)
            {
                json.WriteStartObject("witness");
                json.WriteNumber("run", witness.Run);
                json.WriteNumber("step", witness.Step);
                json.WriteBoolean("exact", witness.IsExact);
                json.WriteString("setting", witness.Setting);
                json.WriteStartArray("values");
                foreach (var value in witness.Values) json.WriteNumberValue(value);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            else
            {
                json.WriteNull("witness");
            }

            if (explanation.IsByLaw) json.WriteNull("errorBound");
            else json.WriteNumber("errorBound", explanation.ErrorBound);
            json.WriteBoolean("byLaw", explanation.IsByLaw);
            json.WriteNumber("seed", explanation.Seed);
            json.WriteStartArray("notes");
            foreach (var note in explanation.Notes) json.WriteStringValue(note);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }
}
