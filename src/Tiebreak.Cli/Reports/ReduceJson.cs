using System.Text;
using System.Text.Json;
using Tiebreak.Repairs;

namespace Tiebreak.Cli.Reports;

/// <summary>What a reduction did, for scripts, schema 1.</summary>
static class ReduceJson
{
    /// <summary>The whole report, with a final line break.</summary>
    public static string Print(ReduceResult result)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, JsonReport.Writing))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            JsonReport.WriteTool(json);
            json.WriteString("model", result.Path);
            json.WriteString("output", result.Output);
            json.WriteString("for", result.Options.ForTraining ? "training" : "inference");
            json.WriteNumber("seed", result.Options.Check.Seed);
            JsonReport.WriteAssumptions(json, result);
            Write(json, "before", result.Before);
            Write(json, "after", result.After);
            json.WriteStartArray("tensors");
            foreach (var tensor in result.Tensors)
            {
                json.WriteStartObject();
                json.WriteString("name", tensor.Name);
                JsonReport.WriteNumbers(json, "before", tensor.Before);
                if (tensor.After is { } after) JsonReport.WriteNumbers(json, "after", after);
                else json.WriteNull("after");
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteNumber("points", result.Points);
            json.WriteNumber("rounded", result.Rounded);
            if (result.Float is { } difference)
            {
                json.WriteStartObject("float64");
                json.WriteNumber("absolute", difference.Absolute);
                json.WriteNumber("relative", difference.Relative);
                json.WriteNumber("ulps", difference.Ulps);
                json.WriteEndObject();
            }
            else
            {
                json.WriteNull("float64");
            }

            WriteNearTies(json, result);
            json.WritePropertyName("learningRates");
            if (result.Rates is { } rates) json.WriteRawValue(RateText.Json(rates));
            else json.WriteNullValue();
            Write(json, "left", result.Left);
            Write(json, "notes", result.Notes);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }

    // Null without a tolerance; the error is null where it was not measured.
    static void WriteNearTies(Utf8JsonWriter json, ReduceResult result)
    {
        if (result.Options.Tolerance is not { } tolerance)
        {
            json.WriteNull("nearTies");
            return;
        }

        json.WriteStartObject("nearTies");
        json.WriteNumber("tolerance", tolerance);
        json.WriteStartArray("groups");
        foreach (var tie in result.NearTies)
        {
            json.WriteStartObject();
            json.WriteString("tensor", tie.Tensor);
            json.WriteNumber("axis", tie.Axis);
            json.WriteNumber("slicesPerUnit", tie.SlicesPerUnit);
            JsonReport.WriteNumbers(json, "indices", tie.Units);
            json.WriteNumber("stays", tie.Center);
            json.WriteNumber("distance", tie.Distance);
            Write(json, "tensors", tie.Tensors);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (result.Error is { } error)
        {
            json.WriteStartObject("error");
            json.WriteString("on", error.Data is null ? "random inputs" : "data");
            json.WriteString("data", error.Data);
            json.WriteNumber("samples", error.Samples);
            json.WriteStartArray("outputs");
            foreach (var output in error.Outputs)
            {
                json.WriteStartObject();
                json.WriteString("name", output.Name);
                WriteFinite(json, "largest", output.Largest);
                WriteFinite(json, "relative", output.Relative);
                WriteFinite(json, "mean", output.Mean);
                json.WriteNumber("size", output.Size);
                json.WriteNumber("compared", output.Compared);
                json.WriteNumber("finiteInOneOnly", output.Broken);
                json.WriteNumber("finiteInNeither", output.Skipped);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("error");
        }

        json.WriteEndObject();
    }

    // What is no number in JSON is null.
    static void WriteFinite(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }

    static void Write(Utf8JsonWriter json, string name, ModelSize size)
    {
        json.WriteStartObject(name);
        json.WriteNumber("parameters", size.Parameters);
        json.WriteNumber("tensors", size.Tensors);
        json.WriteNumber("frozen", size.Frozen);
        json.WriteNumber("bytes", size.Bytes);
        json.WriteNumber("multiplications", size.Multiplications);
        json.WriteEndObject();
    }

    static void Write(Utf8JsonWriter json, string name, IReadOnlyList<string> sentences)
    {
        json.WriteStartArray(name);
        foreach (var sentence in sentences) json.WriteStringValue(sentence);
        json.WriteEndArray();
    }
}
