using System.Text.Json;
using Tiebreak.Refinement;

namespace Tiebreak.Cli.Reports;

/// <summary>The whole answer, one entry a parameter.</summary>
static class PartitionFile
{
    const long MostParameters = 10_000_000;

    /// <summary>Writes the partition as json, row-major.</summary>
    /// <exception cref="TiebreakException">There is none, or it is too large for such a file.</exception>
    public static void Write(CheckResult result, Stream stream, CancellationToken cancellation)
    {
        if (result.Analysis.Partition is not { } partition || result.Counts is not { } counts)
            throw new TiebreakException($"{result.Path}: there is no partition to write, for the parameters hold NaN or infinity; see the findings without `--partition`");
        if (TooMany(counts.Parameters) is { } refusal) throw new TiebreakException(refusal);

        using var json = new Utf8JsonWriter(stream, JsonReport.Writing);
        json.WriteStartObject();
        json.WriteNumber("schema", 1);
        json.WriteStartArray("tensors");
        for (var tensor = 0; tensor < partition.Codes.Count; tensor++)
        {
            cancellation.ThrowIfCancellationRequested();
            Write(json, result.Analysis.Model.Parameters[tensor], partition, partition.Codes[tensor]);
            json.Flush();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        stream.WriteByte((byte)'\n');
    }

    /// <summary>Why there is no such file of so many parameters; null if there is.</summary>
    public static string? TooMany(long parameters) => parameters <= MostParameters ? null
        : $"`--partition` writes one entry a parameter and {parameters:N0} are too many (the most is {MostParameters:N0}); use `--format json`, whose tensors and units hold the answer, or --freeze what does not matter";

    static void Write(Utf8JsonWriter json, Formats.ParameterTensor parameter, Partition partition, int[] codes)
    {
        json.WriteStartObject();
        json.WriteString("name", parameter.Name);
        JsonReport.WriteNumbers(json, "shape", parameter.Shape.Sizes);
        JsonReport.WriteNumbers(json, "class", codes.Select(Math.Abs));
        JsonReport.WriteNumbers(json, "sign", codes.Select(code => Math.Sign(code)));
        JsonReport.WriteNumbers(json, "firstStep", codes.Select(code => code == 0 ? 0 : partition.FirstSteps[Math.Abs(code)]));
        json.WriteEndObject();
    }
}
