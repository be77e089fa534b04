using System.Text.Encodings.Web;
using System.Text.Json;
using Tiebreak.Formats;

namespace Tiebreak.Verification;

/// <summary>Certificates as json, compact: of a tensor the runs of its codes, or its different slices along the first axis and their order, whichever is shorter.</summary>
public static class CertificateFile
{
    const int Schema = 1;
    const string Kind = "tiebreak certificate";
    const long LargestFile = 1L << 28;
    const int Deepest = 16;

    /// <summary>Writes a certificate.</summary>
    public static void Write(Certificate certificate, Stream stream)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteString("kind", Kind);
        json.WriteNumber("schema", Schema);
        json.WriteString("tool", certificate.Tool);
        json.WriteStartArray("files");
        foreach (var (name, hash) in certificate.Files)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("sha256", hash);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteAssumptions(json, certificate);
        json.WriteStartObject("analysis");
        json.WriteNumber("seed", certificate.Seed);
        json.WriteNumber("rounds", certificate.Rounds);
        json.WriteNumber("verifications", certificate.Verifications);
        json.WriteNumber("asked", certificate.Asked);
        json.WriteNumber("epsilon", certificate.Epsilon);
        json.WriteNumber("errorBound", certificate.ErrorBound);
        json.WriteEndObject();
        json.WriteStartObject("claim");
        json.WriteNumber("classes", certificate.Claim.Classes);
        json.WriteString("firstSteps", CodeRuns.Write([.. certificate.Claim.FirstSteps.Skip(1)]));
        json.WriteStartArray("tensors");
        for (var tensor = 0; tensor < certificate.Tensors.Count; tensor++) WriteTensor(json, certificate.Tensors[tensor], certificate.Claim.Codes[tensor]);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        stream.WriteByte((byte)'\n');
    }

    /// <summary>Reads a certificate; nothing is allocated that the file does not pay for, or that a model of <paramref name="mostParameters"/> parameters does not need.</summary>
    /// <exception cref="TiebreakException">It is no certificate, or a damaged one: what, where and what to do.</exception>
    public static Certificate Read(string path, long mostParameters)
    {
        try
        {
            var size = new FileInfo(path).Length;
            if (size > LargestFile) throw new TiebreakException($"{path}: is {size:N0} bytes, more than any certificate; is it another file?");
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = Deepest });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("kind", out var kind) || kind.ValueKind != JsonValueKind.String || kind.GetString() != Kind)
                throw new TiebreakException($"{path}: is no certificate; write one with `tiebreak check MODEL --certificate FILE`");
            var schema = root.GetProperty("schema").GetInt32();
            if (schema != Schema) throw new TiebreakException($"{path}: has schema {schema}, and this version reads {Schema}; use the version that wrote it ({root.GetProperty("tool").GetString()})");
            return Read(root, mostParameters);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or OverflowException or ArgumentException)
        {
            throw new TiebreakException($"{path}: is a damaged certificate: {error.Message.Split('\n')[0].TrimEnd('.', '\r')}; write it again with `tiebreak check MODEL --certificate FILE`", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TiebreakException($"{path}: cannot be read: {error.Message}", error);
        }
    }

    static void WriteAssumptions(Utf8JsonWriter json, Certificate certificate)
    {
        var lowering = certificate.Lowering;
        json.WriteStartObject("assumptions");
        json.WriteString("loss", certificate.Loss);
        WriteStrings(json, "outputs", lowering.Outputs);
        WriteStrings(json, "alsoOutputs", lowering.AlsoOutputs);
        WriteStrings(json, "opaque", lowering.Opaque);
        WriteStrings(json, "trainable", lowering.Trainable);
        WriteStrings(json, "freeze", lowering.Freeze);
        json.WriteString("batchNorm", lowering.BatchNormTraining ? "training" : "inference");
        json.WriteBoolean("dropout", lowering.Dropout);
        if (lowering.Batch is { } batch) json.WriteNumber("batch", batch);
        else json.WriteNull("batch");
        json.WriteStartArray("ways");
        foreach (var way in certificate.Ways)
        {
            json.WriteStartObject();
            json.WriteString("branches", string.Concat(way.Branches.Select(first => first ? '1' : '0')));
            json.WriteStartObject("dims");
            foreach (var (name, size) in way.Dims.OrderBy(dim => dim.Key, StringComparer.Ordinal)) json.WriteNumber(name, size);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("kinks", certificate.Kinks);
        json.WriteString("optimizer", certificate.Optimizer);
        json.WriteBoolean("weightDecay", certificate.Decays);
        WriteStrings(json, "groups", certificate.Groups);
        if (certificate.InputRange is var (low, high))
        {
            json.WriteStartArray("inputRange");
            json.WriteNumberValue(low);
            json.WriteNumberValue(high);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    static void WriteStrings(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    static void WriteTensor(Utf8JsonWriter json, (string Name, int[] Shape) tensor, int[] codes)
    {
        json.WriteStartObject();
        json.WriteString("name", tensor.Name);
        json.WriteString("shape", string.Join(',', tensor.Shape));
        var whole = CodeRuns.Write(codes);
        if (tensor.Shape.Length > 0 && tensor.Shape[0] > 1 && whole.Length > 16 && Slices(codes, codes.Length / tensor.Shape[0]) is var (slices, order) && slices.Sum(slice => slice.Length + 4) + order.Length < whole.Length)
        {
            WriteStrings(json, "slices", slices);
            json.WriteString("order", order);
        }
        else
        {
            json.WriteString("codes", whole);
        }

        json.WriteEndObject();
    }

    static (string[] Slices, string Order) Slices(int[] codes, int width)
    {
        var known = new Dictionary<string, int>(StringComparer.Ordinal);
        var order = new int[codes.Length / width];
        for (var k = 0; k < order.Length; k++)
        {
            var slice = CodeRuns.Write(codes.AsSpan(k * width, width));
            if (!known.TryGetValue(slice, out order[k])) known.Add(slice, order[k] = known.Count);
        }

        return ([.. known.Keys], CodeRuns.Write(order));
    }

    static Certificate Read(JsonElement root, long mostParameters)
    {
        var assumptions = root.GetProperty("assumptions");
        var analysis = root.GetProperty("analysis");
        var claim = root.GetProperty("claim");
        var tensors = new List<(string, int[])>();
        var codes = new List<int[]>();
        long total = 0;
        foreach (var tensor in claim.GetProperty("tensors").EnumerateArray())
        {
            var text = Text(tensor, "shape");
            int[] shape = text.Length == 0 ? [] : [.. text.Split(',').Select(size => int.Parse(size, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture))];
            if (Array.Exists(shape, size => size == 0) && !Array.TrueForAll(shape, size => size <= mostParameters)) throw new FormatException($"`{text}` is no shape of the model");
            var count = shape.Aggregate(1L, (product, size) => checked(product * size));
            if ((total = checked(total + count)) > mostParameters) throw new FormatException($"it claims something of more than the {mostParameters:N0} parameters of the model");
            tensors.Add((Text(tensor, "name"), shape));
            codes.Add(Codes(tensor, shape, (int)count));
        }

        var classes = claim.GetProperty("classes").GetInt32();
        if (classes < 0 || classes > total) throw new FormatException($"it claims {classes:N0} classes of {total:N0} parameters");
        var firstSteps = new int[classes + 1];
        CodeRuns.Read(Text(claim, "firstSteps"), firstSteps.AsSpan(1));
        return new Certificate
        {
            Tool = Text(root, "tool"),
            Files = [.. root.GetProperty("files").EnumerateArray().Select(file => (Text(file, "name"), Text(file, "sha256")))],
            Loss = Word(assumptions, "loss", [.. OptionValues.Losses]),
            Lowering = new LoweringOptions
            {
                Outputs = Strings(assumptions, "outputs"),
                AlsoOutputs = Strings(assumptions, "alsoOutputs"),
                Opaque = Strings(assumptions, "opaque"),
                Trainable = Strings(assumptions, "trainable"),
                Freeze = Strings(assumptions, "freeze"),
                BatchNormTraining = Word(assumptions, "batchNorm", [.. OptionValues.BatchNorms]) == "training",
                Dropout = assumptions.GetProperty("dropout").GetBoolean(),
                Batch = assumptions.GetProperty("batch") is { ValueKind: not JsonValueKind.Null } batch ? Size(batch, "batch") : null,
                OutputIsLoss = Text(assumptions, "loss") == "outputs",
            },
            Ways = Ways(assumptions.GetProperty("ways")),
            Kinks = Word(assumptions, "kinks", "frameworks"),
            Optimizer = Text(assumptions, "optimizer"),
            Decays = assumptions.GetProperty("weightDecay").GetBoolean(),
            Groups = Strings(assumptions, "groups"),
            InputRange = assumptions.TryGetProperty("inputRange", out var range) ? Range(range) : null,
            Seed = analysis.GetProperty("seed").GetUInt64(),
            Rounds = analysis.GetProperty("rounds").GetInt32(),
            Verifications = analysis.GetProperty("verifications").GetInt32(),
            Asked = analysis.GetProperty("asked").GetDouble(),
            Epsilon = analysis.GetProperty("epsilon").GetDouble(),
            ErrorBound = analysis.GetProperty("errorBound").GetDouble(),
            Tensors = tensors,
            Claim = new Claim(codes, firstSteps),
        };
    }

    static int[] Codes(JsonElement tensor, int[] shape, int count)
    {
        var codes = new int[count];
        if (tensor.TryGetProperty("codes", out var whole))
        {
            CodeRuns.Read(whole.GetString() ?? "", codes);
            return codes;
        }

        var slices = Strings(tensor, "slices");
        if (shape.Length == 0 || count == 0) throw new FormatException("a tensor without a first axis has no slices");
        var width = count / shape[0];
        var order = new int[shape[0]];
        CodeRuns.Read(Text(tensor, "order"), order);
        for (var k = 0; k < order.Length; k++)
        {
            if (order[k] < 0 || order[k] >= slices.Length) throw new FormatException($"there is no slice {order[k]}, only {slices.Length}");
            CodeRuns.Read(slices[order[k]], codes.AsSpan(k * width, width));
        }

        return codes;
    }

    static Way[] Ways(JsonElement list)
    {
        Way[] ways = [.. list.EnumerateArray().Select(ReadWay)];
        return ways.Length > 0 ? ways : throw new FormatException("it names no sizes (`ways` is empty)");
    }

    static Way ReadWay(JsonElement way)
    {
        var branches = Text(way, "branches");
        if (branches.AsSpan().ContainsAnyExcept('0', '1')) throw new FormatException($"`{branches}` are no branches: 1 is the first, 0 the other");
        return new Way([.. branches.Select(branch => branch == '1')], way.GetProperty("dims").EnumerateObject().ToDictionary(dim => dim.Name, dim => Size(dim.Value, dim.Name), StringComparer.Ordinal));
    }

    static int Size(JsonElement size, string name)
    {
        return size.TryGetInt32(out var value) && OptionValues.IsSize(value) ? value : throw new FormatException($"`{name}` is {size}, and sizes go from 1 to {OptionValues.LargestSize}");
    }

    static (double Low, double High) Range(JsonElement range)
    {
        if (range.GetArrayLength() == 2 && range[0].GetDouble() is var low && range[1].GetDouble() is var high && OptionValues.IsRange(low, high)) return (low, high);
        throw new FormatException($"`inputRange` is {range}, and not the least and the largest number");
    }

    static string Word(JsonElement element, string name, params ReadOnlySpan<string> words)
    {
        var text = Text(element, name);
        return words.Contains(text) ? text : throw new FormatException($"`{name}` is one of {string.Join(", ", words.ToArray())}, not `{text}`");
    }

    static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? throw new FormatException($"`{name}` is missing");

    static string[] Strings(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(value => value.GetString() ?? "")];
}
