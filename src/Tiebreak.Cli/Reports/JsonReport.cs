using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Tiebreak.Findings;
using Tiebreak.Proofs;

namespace Tiebreak.Cli.Reports;

/// <summary>The report for scripts, schema 1: fields may be added, none changes its meaning. Equal results give equal bytes.</summary>
static class JsonReport
{
    /// <summary>Lines end in LF, and names stay readable: this is a file, not a web page.</summary>
    public static JsonWriterOptions Writing { get; } = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The whole report, with a final line break.</summary>
    public static string Print(CheckResult result)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Writing))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            WriteTool(json);
            WriteModel(json, result);
            WriteAssumptions(json, result);
            WriteResult(json, result);
            WriteTensors(json, result);
            WriteUnits(json, result);
            WriteFindings(json, result);
            if (result.Hidden > 0) json.WriteNumber("hiddenFindings", result.Hidden);
            if (result.Advice is { } advice)
            {
                json.WriteStartObject("advice");
                json.WriteStartArray("reinitialise");
                foreach (var tensor in advice.Tensors) json.WriteStringValue(tensor);
                json.WriteEndArray();
                json.WriteNumber("degreesOfFreedom", advice.DegreesOfFreedom);
                json.WriteBoolean("allTried", advice.IsComplete);
                json.WriteEndObject();
            }

            DataJson.Write(json, result);
            LawReport.Write(json, result);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }

    /// <summary>Which tool says it.</summary>
    public static void WriteTool(Utf8JsonWriter json)
    {
        json.WriteStartObject("tool");
        json.WriteString("name", "tiebreak");
        json.WriteString("version", CommandLine.Version);
        json.WriteEndObject();
    }

    /// <summary>Whole numbers on one line.</summary>
    public static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<int> numbers)
    {
        json.WritePropertyName(name);
        json.WriteRawValue($"[{string.Join(", ", numbers)}]", skipInputValidation: true);
    }

    static void WriteModel(Utf8JsonWriter json, CheckResult result)
    {
        var parameters = result.Analysis.Model.Parameters;
        json.WriteStartObject("model");
        json.WriteString("path", result.Path);
        json.WriteString("format", result.Format);
        json.WriteNumber("parameters", parameters.Sum(parameter => parameter.Shape.Count));
        json.WriteNumber("tensors", parameters.Count);
        json.WriteEndObject();
    }

    /// <summary>What a check holds under.</summary>
    public static void WriteAssumptions(Utf8JsonWriter json, CheckResult result)
    {
        var assumptions = Assumptions.Of(result);
        json.WriteStartObject("assumptions");
        json.WriteString("loss", assumptions.Loss);
        json.WriteString("data", result.Options.Data ?? "any");
        if (result.Analysis.Data is { } data) json.WriteNumber("rows", data.Rows);
        WriteStrings(json, "outputs", assumptions.Outputs);
        if (result.Options.InputRange is var (low, high)) json.WriteString("inputRange", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{low},{high}"));
        json.WriteString("optimizer", result.Options.Optimizer);
        json.WriteNumber("weightDecay", result.Options.WeightDecay.ToDouble());
        if (result.Options.Groups.Count > 0) WriteStrings(json, "groups", result.Options.Groups);
        json.WriteString("batchNorm", assumptions.BatchNorm);
        json.WriteString("dropout", assumptions.Dropout);
        WriteDims(json, "dims", assumptions.Dims);
        if (result.Analysis.ConfirmedDims is { } confirmed) WriteDims(json, "confirmedDims", confirmed);
        if (result.Options.Tolerance is { } tolerance) json.WriteNumber("tolerance", tolerance);
        json.WriteNumber("seed", result.Options.Seed);
        if (result.Options.Tokenizer is { } tokenizer) json.WriteString("tokenizer", tokenizer);
        if (result.Options.Settings is { } settings) json.WriteString("settings", settings);
        WriteStrings(json, "frozen", result.Analysis.Model.Frozen.Select(tensor => tensor.Name));
        WriteStrings(json, "notes", result.Analysis.Model.Notes);
        json.WriteEndObject();
    }

    /// <summary>What a smaller model is the same under: fields as a check has them. For inference nothing is assumed of training, so what is of training alone is null.</summary>
    public static void WriteAssumptions(Utf8JsonWriter json, ReduceResult result)
    {
        var (options, isForTraining) = (result.Options.Check, result.Options.ForTraining);
        var assumptions = Assumptions.Of(isForTraining ? options : options with { BatchNormTraining = false, Dropout = false }, result.Model);
        json.WriteStartObject("assumptions");
        json.WriteString("loss", isForTraining ? assumptions.Loss : null);
        json.WriteString("data", "any"); // a table with a tolerance is only what the error is measured on
        WriteStrings(json, "outputs", assumptions.Outputs);
        json.WriteString("optimizer", isForTraining ? options.Optimizer : null);
        if (isForTraining) json.WriteNumber("weightDecay", options.WeightDecay.ToDouble());
        else json.WriteNull("weightDecay");
        if (options.Groups.Count > 0) WriteStrings(json, "groups", options.Groups);
        json.WriteString("batchNorm", assumptions.BatchNorm);
        json.WriteString("dropout", assumptions.Dropout);
        WriteDims(json, "dims", assumptions.Dims);
        json.WriteNumber("seed", options.Seed);
        if (options.Settings is { } settings) json.WriteString("settings", settings);
        WriteStrings(json, "frozen", result.Model.Frozen.Select(tensor => tensor.Name));
        WriteStrings(json, "notes", result.Model.Notes);
        json.WriteEndObject();
    }

    static void WriteResult(Utf8JsonWriter json, CheckResult result)
    {
        if (result.Counts is not { } counts)
        {
            json.WriteNull("result");
            return;
        }

        json.WriteStartObject("result");
        json.WriteNumber("degreesOfFreedom", counts.DegreesOfFreedom);
        json.WriteNumber("stuck", counts.Stuck);
        json.WriteNumber("lockstep", counts.Lockstep);
        json.WriteNumber("mirrored", counts.Mirrored);
        json.WriteNumber("undecided", result.Witness?.Undecided ?? 0);
        if (result.Analysis.Decaying is { } decaying) json.WriteNumber("decaying", result.Analysis.Partition!.Codes.Sum(codes => codes.LongCount(code => decaying[Math.Abs(code)])));
        json.WriteNumber("rounds", result.Analysis.Rounds);
        json.WriteNumber("lastFirstStep", counts.LastFirstStep);
        json.WriteNumber("verifications", result.Analysis.Verifications);
        json.WriteNumber("epsilon", result.Analysis.Epsilon);
        json.WriteNumber("errorBound", result.Analysis.ErrorBound);
        if (result.Witness is { } witness) WriteWitness(json, witness);
        json.WriteEndObject();
    }

    static void WriteWitness(Utf8JsonWriter json, Witness witness)
    {
        json.WriteStartObject("witness");
        json.WriteNumber("splits", witness.Splits.Count);
        json.WriteNumber("runs", witness.Runs);
        json.WriteNumber("lastStep", witness.LastStep);
        json.WriteString("arithmetic", witness.IsExact ? "exact" : "float64");
        json.WriteNumber("heldByLaw", witness.HeldByLaw.Count);
        json.WriteNumber("tiedByLaw", witness.TiedByLaw.Count);
        json.WriteEndObject();
    }

    static void WriteTensors(Utf8JsonWriter json, CheckResult result)
    {
        json.WriteStartArray("tensors");
        foreach (var tensor in result.Tensors)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            WriteNumbers(json, "shape", tensor.Shape);
            json.WriteNumber("parameters", tensor.Parameters);
            json.WriteNumber("classes", tensor.Classes);
            json.WriteNumber("stuck", tensor.Stuck);
            json.WriteNumber("lockstep", tensor.Lockstep);
            json.WriteNumber("mirrored", tensor.Mirrored);
            json.WriteStartObject("firstStep");
            json.WriteNumber("min", tensor.FirstStepMin);
            json.WriteNumber("max", tensor.FirstStepMax);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    static void WriteUnits(Utf8JsonWriter json, CheckResult result)
    {
        WriteUnits(json, "units", result.Units);
    }

    static void WriteUnits(Utf8JsonWriter json, string name, IReadOnlyList<UnitGroups> all)
    {
        json.WriteStartArray(name);
        foreach (var units in all)
        {
            json.WriteStartObject();
            json.WriteString("tensor", units.Tensor);
            json.WriteNumber("axis", units.Axis);
            json.WriteString("kind", units.Kind);
            if (units.SlicesPerUnit > 1) json.WriteNumber("slicesPerUnit", units.SlicesPerUnit);
            json.WritePropertyName("groups");
            json.WriteRawValue($"[{string.Join(", ", units.Groups.Select(group => $"[{string.Join(", ", group)}]"))}]", skipInputValidation: true);
            if (units.Tokens.Count > 0) TokenJson.Write(json, "tokens", units.Tokens);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    static void WriteFindings(Utf8JsonWriter json, CheckResult result)
    {
        json.WriteStartArray("findings");
        foreach (var finding in result.Findings)
        {
            json.WriteStartObject();
            json.WriteString("rule", finding.Rule);
            json.WriteString("name", finding.Name);
            json.WriteString("level", Words.Level(finding.Level));
            json.WriteString("tensor", finding.Tensor);
            WriteStrings(json, "tensors", finding.Tensors);
            if (finding.Axis is { } axis) json.WriteNumber("axis", axis);
            else json.WriteNull("axis");
            WriteNumbers(json, "indices", finding.Indices);
            if (finding.Tokens.Count > 0) TokenJson.Write(json, "tokens", finding.Tokens);
            if (finding.Places.Count > 0) WriteUnits(json, "places", finding.Places);
            json.WriteString("message", finding.Message);
            json.WriteString("because", finding.Because);
            json.WriteString("fix", finding.Fix);
            json.WriteString("certainty", finding.Certainty);
            json.WriteBoolean("restsOnKink", finding.RestsOnKink);
            json.WriteString("stuckBy", finding.StuckBy);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> strings)
    {
        json.WriteStartArray(name);
        foreach (var text in strings) json.WriteStringValue(text);
        json.WriteEndArray();
    }

    static void WriteDims(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, int> dims)
    {
        json.WriteStartObject(name);
        foreach (var (dim, size) in dims.OrderBy(dim => dim.Key, StringComparer.Ordinal)) json.WriteNumber(dim, size);
        json.WriteEndObject();
    }
}
