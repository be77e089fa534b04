using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Safetensors;

/// <summary>
/// The header of a safetensors file: 8 bytes with its length, then JSON that gives each tensor its type, shape and range of bytes behind the header. Every rule of the
/// format is checked (github.com/huggingface/safetensors, "Format"), so that what is read later lies where it should.
/// </summary>
static class SafetensorsHeader
{
    /// <summary>The longest header the format allows.</summary>
    public const long Longest = 100_000_000;

    /// <summary>The bytes that say how long the header is.</summary>
    public const int Prefix = 8;

    /// <summary>The name under which the header holds texts about the file.</summary>
    public const string Metadata = "__metadata__";

    /// <summary>Reads and checks the header of a mapped file: its tensors in the header's order, and the texts about it, null if there are none.</summary>
    /// <exception cref="TiebreakException">The file breaks a rule of the format.</exception>
    public static (List<SafetensorsTensor> Tensors, Dictionary<string, string>? Metadata) Read(MappedFile file)
    {
        var path = file.Path;
        if (file.Length < Prefix) throw SafetensorsErrors.TooShort(path, file.Length);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(0, Prefix));
        if (length > Longest) throw SafetensorsErrors.HeaderTooLong(path, length, Longest);
        if ((long)length > file.Length - Prefix) throw SafetensorsErrors.HeaderBeyondFile(path, length, file.Length);
        var bytes = file.Slice(Prefix, (int)length);
        if (bytes.Length == 0 || bytes[0] != (byte)'{') throw SafetensorsErrors.HeaderStart(path);
        if (!Utf8.IsValid(bytes)) throw SafetensorsErrors.HeaderText(path);
        var start = Prefix + (long)length;
        var data = file.Length - start;
        var tensors = new List<SafetensorsTensor>();
        Dictionary<string, string>? metadata = null;
        var names = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            var json = new Utf8JsonReader(bytes);
            json.Read();
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var name = json.GetString()!;
                if (!names.Add(name)) throw SafetensorsErrors.DuplicateName(path, name);
                json.Read();
                if (name == Metadata) metadata = Texts(path, ref json);
                else tensors.Add(Entry(path, name, ref json).At(file, start, data));
            }

            while (json.Read()) { } // what follows the object is an error unless it is space
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw SafetensorsErrors.HeaderJson(path, error);
        }

        CheckRanges(path, tensors, start, data);
        return (tensors, metadata);
    }

    static Dictionary<string, string> Texts(string path, ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartObject) throw SafetensorsErrors.Metadata(path, "is not an object");
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString()!;
            json.Read();
            if (json.TokenType != JsonTokenType.String) throw SafetensorsErrors.Metadata(path, $"has something else than a text under `{name}`");
            if (!texts.TryAdd(name, json.GetString()!)) throw SafetensorsErrors.Metadata(path, $"names `{name}` twice");
        }

        return texts;
    }

    static RawEntry Entry(string path, string tensor, ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartObject) throw SafetensorsErrors.Entry(path, tensor, "what the header says of it is not an object");
        string? type = null;
        List<long>? shape = null, range = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var field = json.GetString()!;
            json.Read();
            switch (field)
            {
                case "dtype":
                    if (type is not null) throw SafetensorsErrors.Entry(path, tensor, "it has two dtypes");
                    if (json.TokenType != JsonTokenType.String) throw SafetensorsErrors.Entry(path, tensor, "its dtype is not a text");
                    type = json.GetString();
                    break;
                case "shape":
                    if (shape is not null) throw SafetensorsErrors.Entry(path, tensor, "it has two shapes");
                    shape = Numbers(path, tensor, "shape", ref json);
                    break;
                case "data_offsets":
                    if (range is not null) throw SafetensorsErrors.Entry(path, tensor, "it has data_offsets twice");
                    range = Numbers(path, tensor, "data_offsets", ref json);
                    if (range.Count != 2) throw SafetensorsErrors.Entry(path, tensor, $"its data_offsets are {range.Count} numbers, not 2");
                    break;
                default:
                    json.Skip(); // what others add is theirs, as for the format's own reader
                    break;
            }
        }

        return new RawEntry(path, tensor,
            type ?? throw SafetensorsErrors.Entry(path, tensor, "it has no dtype"),
            shape ?? throw SafetensorsErrors.Entry(path, tensor, "it has no shape"),
            range ?? throw SafetensorsErrors.Entry(path, tensor, "it has no data_offsets"));
    }

    static List<long> Numbers(string path, string tensor, string field, ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartArray) throw SafetensorsErrors.Entry(path, tensor, $"its {field} is not a list");
        var numbers = new List<long>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.Number || !json.TryGetInt64(out var number)) throw SafetensorsErrors.Entry(path, tensor, $"its {field} holds something else than whole numbers of 64 bits");
            numbers.Add(number);
        }

        return numbers;
    }

    // In the order of their bytes the tensors follow each other without a hole, from the first byte to the last.
    static void CheckRanges(string path, List<SafetensorsTensor> tensors, long start, long data)
    {
        long end = start;
        SafetensorsTensor? last = null;
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.Length))
        {
            if (tensor.Offset < end) throw SafetensorsErrors.Overlap(path, tensor.Name, last!.Name, tensor.Offset - start);
            if (tensor.Offset > end) throw SafetensorsErrors.Hole(path, tensor.Name, end - start, tensor.Offset - start);
            end = tensor.Offset + tensor.Length;
            last = tensor;
        }

        if (end < start + data) throw SafetensorsErrors.Trailing(path, end - start, data);
    }

    /// <summary>What the header says of one tensor.</summary>
    readonly record struct RawEntry(string Path, string Tensor, string Type, List<long> Sizes, List<long> Range)
    {
        public SafetensorsTensor At(MappedFile file, long start, long data)
        {
            var type = SafetensorsTypes.Find(Type) ?? throw SafetensorsErrors.UnknownType(Path, Tensor, Type);
            var (begin, end) = (Range[0], Range[1]);
            if (begin < 0) throw SafetensorsErrors.NegativeRange(Path, Tensor, begin);
            if (end < begin) throw SafetensorsErrors.ReversedRange(Path, Tensor, begin, end);
            if (end > data) throw SafetensorsErrors.BeyondData(Path, Tensor, end, data);
            var length = Bytes(type);
            var shape = new Shape([.. Sizes.Select(size => (int)size)]);
            if (length != end - begin) throw SafetensorsErrors.WrongLength(Path, Tensor, shape, type, length, end - begin);
            return new SafetensorsTensor(file, Tensor, type, shape, start + begin, length);
        }

        long Bytes(SafetensorsType type)
        {
            long bytes = type.SizeOf();
            foreach (var size in Sizes)
            {
                if (size < 0) throw SafetensorsErrors.NegativeSize(Path, Tensor, size);
                if (size > int.MaxValue) throw SafetensorsErrors.HugeSize(Path, Tensor, size);
                // Checked before a later size of 0 could hide it, as the format's own reader does.
                if (size > 0 && bytes > long.MaxValue / size) throw SafetensorsErrors.CountOverflow(Path, Tensor);
                bytes *= size;
            }

            return bytes;
        }
    }
}
