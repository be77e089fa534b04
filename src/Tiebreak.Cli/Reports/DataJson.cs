using System.Text.Json;
using Tiebreak.Findings;

namespace Tiebreak.Cli.Reports;

/// <summary>What the json report says of a table; nothing without one.</summary>
static class DataJson
{
    public static void Write(Utf8JsonWriter json, CheckResult result)
    {
        if (result.Analysis.Data is not { } data || result.Counts is null) return;
        var pattern = DataPattern.Of(result.Analysis);
        json.WriteStartObject("data");
        json.WriteNumber("degreesOfFreedomForAnyData", data.Any.Partition!.Classes);
        json.WriteNumber("lockstepByModel", pattern.ByModel);
        json.WriteNumber("lockstepByData", pattern.ByData);
        json.WriteNumber("stuckByModel", pattern.StuckByModel);
        json.WriteNumber("stuckByData", pattern.StuckByData);
        json.WriteNumber("free", pattern.Free);
        json.WriteStartArray("breaks");
        foreach (var row in data.Breaks)
        {
            json.WriteStartObject();
            json.WriteNumber("row", row.Split.Row + 1);
            json.WriteString("column", DataPattern.Name(data, row.Split.One));
            json.WriteString("other", DataPattern.Name(data, row.Split.Other));
            json.WriteNumber("degreesOfFreedomBefore", row.DegreesOfFreedom);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("changes");
        foreach (var change in data.Changes)
        {
            json.WriteStartObject();
            json.WriteString("column", DataPattern.Name(data, change.Element));
            if (change.Row is { } row) json.WriteNumber("selecting", row);
            json.WriteNumber("degreesOfFreedom", change.DegreesOfFreedom);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
