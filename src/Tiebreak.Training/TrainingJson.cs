using System.Text;
using System.Text.Json;
using Tiebreak.Cli.Reports;

namespace Tiebreak.Training;

/// <summary>The record for scripts.</summary>
static class TrainingJson
{
    public static string Print(TrainingResult result)
    {
        var (record, options) = (result.Record, result.Options);
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, JsonReport.Writing))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            json.WriteString("model", result.Prediction.Path);
            json.WriteString("data", result.Prediction.Options.Data);
            json.WriteNumber("rows", result.Rows);
            json.WriteString("optimizer", TrainingText.Name(options.Optimizer));
            json.WriteString("rate", options.Rate.ToString());
            json.WriteString("weightDecay", options.WeightDecay.ToString());
            json.WriteNumber("batchRows", result.RowsPerBatch);
            json.WriteString("order", options.Order == SampleOrder.File ? "file" : "shuffled");
            json.WriteString("numbers", options.Numbers.ToString().ToLowerInvariant());
            json.WriteNumber("seed", options.Seed);
            json.WriteNumber("steps", result.Steps);
            json.WriteBoolean("interrupted", result.IsInterrupted);
            json.WriteBoolean("contradicts", TrainingText.Contradicts(result));
            json.WriteNumber("degreesOfFreedom", record.Classes);
            json.WriteNumber("stuck", record.Stuck);
            json.WriteNumber("largestSpread", record.LargestSpread);
            json.WriteNumber("stuckMovement", record.StuckMovement);
            if (record.Steps.Count > 0 && record.Steps[0].Loss is { } first)
            {
                json.WriteNumber("firstLoss", first);
                json.WriteNumber("lastLoss", record.Steps[^1].Loss!.Value);
            }

            if (record.FirstDifference is { } difference) json.WriteNumber("firstDifference", difference.Step);
            else json.WriteNull("firstDifference");
            WriteClasses(json, record);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }

    static void WriteClasses(Utf8JsonWriter json, TrainingRecord record)
    {
        const int Most = 10_000;
        var separations = record.Separations;
        json.WriteStartArray("classes");
        for (var number = 1; number <= Math.Min(Most, record.Classes); number++)
        {
            json.WriteStartObject();
            json.WriteString("first", record.Name(number));
            json.WriteNumber("members", record.Members(number));
            json.WriteNumber("predictedStep", record.Predicted(number));
            json.WriteNumber("firstMoved", record.FirstMoved(number));
            json.WriteNumber("spread", record.SpreadOf(number));
            if (separations.TryGetValue(number, out var step)) json.WriteNumber("separated", step);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
