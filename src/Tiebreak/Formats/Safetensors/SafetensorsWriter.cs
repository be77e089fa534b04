using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Safetensors;

/// <summary>One tensor to write: its name, type and shape, and what writes its bytes.</summary>
public sealed class SafetensorsEntry
{
    const int BlockNumbers = 1 << 16;

    readonly Action<Stream> _write;

    SafetensorsEntry(string name, SafetensorsType type, Shape shape, Action<Stream> write)
    {
        (Name, Type, Shape, _write) = (name, type, shape, write);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>How its numbers are stored.</summary>
    public SafetensorsType Type { get; }

    /// <summary>Its sizes.</summary>
    public Shape Shape { get; }

    /// <summary>How many bytes it has.</summary>
    public long Length => checked(Shape.Count * Type.SizeOf());

    /// <summary>A tensor of another file with its bytes as they are.</summary>
    public static SafetensorsEntry Copy(SafetensorsTensor tensor) => new(tensor.Name, tensor.Type, tensor.Shape, tensor.CopyTo);

    /// <summary>Real numbers, each as the nearest one that the type has (ties to even); exact for numbers it has.</summary>
    /// <exception cref="ArgumentException">The type holds no real numbers, or their number is not the shape's.</exception>
    public static SafetensorsEntry Of(string name, SafetensorsType type, Shape shape, ExactTensor values)
    {
        var format = type.FormatOf() ?? throw new ArgumentException($"{type.NameOf()} holds no real numbers");
        if (values.Count != shape.Count) throw new ArgumentException($"{values.Count} numbers for a shape of {shape}");
        return new SafetensorsEntry(name, type, shape, stream =>
        {
            var numbers = new double[Math.Min(BlockNumbers, values.Count)];
            var size = type.SizeOf();
            var bytes = new byte[numbers.Length * size];
            for (long done = 0; done < values.Count; done += numbers.Length)
            {
                var block = numbers.AsSpan(0, (int)Math.Min(numbers.Length, values.Count - done));
                values.ReadNearest(done, block);
                for (var k = 0; k < block.Length; k++) SmallFloats.Encode(format, block[k], bytes.AsSpan(k * size, size));
                stream.Write(bytes, 0, block.Length * size);
            }
        });
    }

    /// <summary>Bytes as they will stand in the file: little-endian, row-major.</summary>
    /// <exception cref="ArgumentException">Their number is not that of the shape and type.</exception>
    public static SafetensorsEntry Of(string name, SafetensorsType type, Shape shape, ReadOnlyMemory<byte> bytes)
    {
        var entry = new SafetensorsEntry(name, type, shape, stream => stream.Write(bytes.Span));
        return bytes.Length == entry.Length ? entry : throw new ArgumentException($"{bytes.Length} bytes for {type.NameOf()} of shape {shape}");
    }

    /// <summary>Bytes that are made while they are written, so that they need not fit into memory.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">How its numbers are stored.</param>
    /// <param name="shape">Its sizes.</param>
    /// <param name="write">Writes exactly <see cref="Length"/> bytes, little-endian, row-major.</param>
    public static SafetensorsEntry Of(string name, SafetensorsType type, Shape shape, Action<Stream> write) => new(name, type, shape, write);

    internal void WriteTo(Stream stream) => _write(stream);
}

/// <summary>Writes safetensors files: tensors in the order given, without holes, behind a header that is padded with spaces to a multiple of 8 bytes.</summary>
public static class SafetensorsWriter
{
    /// <summary>Writes a file, which comes into being whole or not at all; one of that name is replaced (also when it is the file that tensors are copied from).</summary>
    /// <param name="path">Where to; its folder must exist.</param>
    /// <param name="tensors">In their order; names must differ.</param>
    /// <param name="metadata">Texts about the file, or null for none.</param>
    /// <exception cref="TiebreakException">It cannot be written.</exception>
    /// <exception cref="ArgumentException">Two tensors have one name, or the header would be longer than the format allows.</exception>
    public static void Write(string path, IReadOnlyList<SafetensorsEntry> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        Replace(path, stream => Write(stream, tensors, metadata));

    /// <summary>Writes a file beside its place and moves it there once it is whole.</summary>
    /// <exception cref="TiebreakException">It cannot be written.</exception>
    internal static void Replace(string path, Action<Stream> write)
    {
        var target = Path.GetFullPath(path);
        var temporary = Path.Combine(Path.GetDirectoryName(target) ?? target, $".{Path.GetFileName(target)}.{Environment.ProcessId}.tmp");
        try
        {
            try
            {
                using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write)) write(stream);
                File.Move(temporary, target, overwrite: true);
            }
            finally
            {
                File.Delete(temporary); // gone already if all went well
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw SafetensorsErrors.CannotWrite(path, error);
        }
    }

    /// <summary>Writes to a stream.</summary>
    /// <exception cref="ArgumentException">Two tensors have one name, or the header would be longer than the format allows.</exception>
    public static void Write(Stream stream, IReadOnlyList<SafetensorsEntry> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var header = Header(tensors, metadata);
        Span<byte> prefix = stackalloc byte[SafetensorsHeader.Prefix];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, header.Length);
        stream.Write(prefix);
        stream.Write(header);
        foreach (var tensor in tensors) tensor.WriteTo(stream);
    }

    static byte[] Header(IReadOnlyList<SafetensorsEntry> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { SafetensorsHeader.Metadata };
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is not null)
            {
                json.WriteStartObject(SafetensorsHeader.Metadata);
                foreach (var (name, text) in metadata) json.WriteString(name, text);
                json.WriteEndObject();
            }

            long begin = 0;
            foreach (var tensor in tensors)
            {
                if (!names.Add(tensor.Name)) throw new ArgumentException($"two tensors are called `{tensor.Name}`");
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.NameOf());
                json.WriteStartArray("shape");
                foreach (var size in tensor.Shape.Sizes) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(begin);
                json.WriteNumberValue(begin = checked(begin + tensor.Length));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        return buffer.Length <= SafetensorsHeader.Longest ? buffer.ToArray() : throw new ArgumentException($"a header of {buffer.Length} bytes is longer than the format allows");
    }
}
