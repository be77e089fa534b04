using System.Buffers.Binary;
using System.Text;

namespace Tiebreak.Formats.Onnx;

/// <summary>
/// Where the raw bytes of every tensor lie in an ONNX file, and the rest of the file as a small message. Google.Protobuf would copy every
/// weight; so each <c>raw_data</c> is replaced by its number in <see cref="Payloads"/> (four bytes, little-endian) before it sees the message.
/// </summary>
sealed class WireIndex
{
    /// <summary>The largest message without raw data that is read.</summary>
    public const int LargestGraph = 1 << 30;

    const int DeepestNesting = 90; // Google.Protobuf itself stops at 100
    const int LengthBytes = 5;

    readonly MappedFile _file;
    readonly List<ByteRange> _payloads = [];
    readonly List<WirePlace>? _places;
    byte[] _graph = new byte[4096];
    int _used;

    WireIndex(MappedFile file, bool numbered)
    {
        _file = file;
        if (numbered) _places = [];
    }

    /// <summary>The raw bytes of the tensors, by number.</summary>
    public IReadOnlyList<ByteRange> Payloads => _payloads;

    /// <summary>The message with a number in place of each tensor's raw data.</summary>
    public ReadOnlySpan<byte> Graph => _graph.AsSpan(0, _used);

    /// <summary>Scans a file.</summary>
    /// <exception cref="TiebreakException">The file is no sequence of protocol buffer fields, is truncated or nested too deeply.</exception>
    public static WireIndex Of(MappedFile file) => Of(file, numbered: false);

    /// <summary>Scans a file, and puts into the doc_string of each tensor, node and attribute its number in <see cref="Places"/>: however the graph is turned over, one finds back to the file.</summary>
    /// <exception cref="TiebreakException">As for <see cref="Of(MappedFile)"/>.</exception>
    public static WireIndex Numbered(MappedFile file) => Of(file, numbered: true);

    /// <summary>Where tensors, nodes and attributes lie in the file; empty unless they are numbered.</summary>
    public IReadOnlyList<WirePlace> Places => _places ?? [];

    static WireIndex Of(MappedFile file, bool numbered)
    {
        var index = new WireIndex(file, numbered);
        index.Copy(Message.Model, 0, file.Length, 0);
        return index;
    }

    /// <summary>The number that stands in the raw data of a tensor of <see cref="Graph"/>.</summary>
    public static int NumberIn(ReadOnlySpan<byte> rawData) => BinaryPrimitives.ReadInt32LittleEndian(rawData);

    /// <summary>The messages that are looked into.</summary>
    internal enum Message
    {
        Leaf, // copied as it is
        Model,
        Training,
        Function,
        Graph,
        Node,
        Attribute,
        Sparse,
        Tensor,
        RawData,
    }

    /// <summary>Which messages lie in which fields (onnx.proto).</summary>
    internal static Message FieldOf(Message message, int field) => (message, field) switch
    {
        (Message.Model, 7) => Message.Graph,
        (Message.Model, 20) => Message.Training,
        (Message.Model, 25) => Message.Function,
        (Message.Training, 1 or 2) => Message.Graph,
        (Message.Function, 7) => Message.Node,
        (Message.Function, 11) => Message.Attribute,
        (Message.Graph, 1) => Message.Node,
        (Message.Graph, 5) => Message.Tensor,
        (Message.Graph, 15) => Message.Sparse,
        (Message.Node, 5) => Message.Attribute,
        (Message.Attribute, 5 or 10) => Message.Tensor,
        (Message.Attribute, 6 or 11) => Message.Graph,
        (Message.Attribute, 22 or 23) => Message.Sparse,
        (Message.Sparse, 1 or 2) => Message.Tensor,
        (Message.Tensor, 9) => Message.RawData,
        _ => Message.Leaf,
    };

    void Copy(Message message, long start, long end, int depth)
    {
        if (depth > DeepestNesting) throw OnnxErrors.Malformed(_file.Path, start, $"messages nested deeper than {DeepestNesting}");
        var position = start;
        while (position < end)
        {
            var fieldStart = position;
            var tag = Varint(ref position, end);
            var field = tag >> 3;
            if (field is 0 or > 536_870_911) throw OnnxErrors.Malformed(_file.Path, fieldStart, "a field without a number");
            switch (tag & 7)
            {
                case 0:
                    Varint(ref position, end);
                    Append(fieldStart, position);
                    break;
                case 1:
                    Append(fieldStart, position = Advance(position, 8, end, fieldStart));
                    break;
                case 5:
                    Append(fieldStart, position = Advance(position, 4, end, fieldStart));
                    break;
                case 2:
                    var length = Varint(ref position, end);
                    var content = position;
                    position = Advance(position, length, end, fieldStart);
                    CopyField(FieldOf(message, (int)field), tag, fieldStart, content, position, depth);
                    break;
                default:
                    throw OnnxErrors.Malformed(_file.Path, fieldStart, $"wire type {tag & 7}, which ONNX does not use");
            }
        }
    }

    void CopyField(Message kind, ulong tag, long fieldStart, long content, long end, int depth)
    {
        switch (kind)
        {
            case Message.Leaf:
                Append(fieldStart, end);
                break;
            case Message.RawData:
                Reserve(16);
                WriteVarint(tag);
                _graph[_used++] = sizeof(int);
                BinaryPrimitives.WriteInt32LittleEndian(_graph.AsSpan(_used), _payloads.Count);
                _used += sizeof(int);
                _payloads.Add(new ByteRange(_file, content, end - content));
                break;
            default:
                Reserve(16);
                WriteVarint(tag);
                var lengthAt = _used;
                _used += LengthBytes;
                Copy(kind, content, end, depth + 1);
                Number(kind, fieldStart, content, end);
                WritePaddedLength(lengthAt, _used - lengthAt - LengthBytes);
                break;
        }
    }

    // The last of several values of a field counts, so whatever text the file has there is overruled.
    void Number(Message kind, long fieldStart, long content, long end)
    {
        var field = kind switch { Message.Tensor => 12u, Message.Attribute => 13u, Message.Node => 6u, _ => 0u };
        if (_places is null || field == 0) return;
        var number = Encoding.UTF8.GetBytes($"{_places.Count}");
        Reserve(16 + number.Length);
        WriteVarint(field << 3 | 2);
        _graph[_used++] = (byte)number.Length;
        number.CopyTo(_graph, _used);
        _used += number.Length;
        _places.Add(new WirePlace(kind, fieldStart, content, end));
    }

    ulong Varint(ref long position, long end)
    {
        ulong value = 0;
        var first = position;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (position >= end) throw Cut(first, end);
            var next = _file.Slice(position++, 1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        throw OnnxErrors.Malformed(_file.Path, first, "a number of more than ten bytes");
    }

    long Advance(long position, ulong length, long end, long fieldStart) =>
        length <= (ulong)(end - position) ? position + (long)length : throw Cut(fieldStart, end);

    TiebreakException Cut(long start, long end) =>
        end == _file.Length ? OnnxErrors.Truncated(_file.Path, start, end) : OnnxErrors.Malformed(_file.Path, start, "a field that reaches beyond its message");

    void Append(long start, long end)
    {
        var length = end - start;
        if (length > LargestGraph) throw OnnxErrors.GraphTooLarge(_file.Path, LargestGraph);
        Reserve((int)length);
        _file.Slice(start, (int)length).CopyTo(_graph.AsSpan(_used));
        _used += (int)length;
    }

    void Reserve(int more)
    {
        if (_used + (long)more > LargestGraph) throw OnnxErrors.GraphTooLarge(_file.Path, LargestGraph);
        if (_used + more > _graph.Length) Array.Resize(ref _graph, (int)Math.Min(LargestGraph, Math.Max(_used + (long)more, _graph.Length * 2L)));
    }

    void WriteVarint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) _graph[_used++] = (byte)(value | 0x80);
        _graph[_used++] = (byte)value;
    }

    /// <summary>A length in five bytes, whatever its size: it is known only when the content stands behind it.</summary>
    void WritePaddedLength(int position, int length)
    {
        for (var k = 0; k < LengthBytes; k++) _graph[position + k] = (byte)(length >> 7 * k & 0x7F | (k < LengthBytes - 1 ? 0x80 : 0));
    }
}

/// <summary>Where a message lies in its file.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="FieldStart">The tag in front of it.</param>
/// <param name="Start">Its first byte.</param>
/// <param name="End">Beyond its last.</param>
readonly record struct WirePlace(WireIndex.Message Kind, long FieldStart, long Start, long End);
