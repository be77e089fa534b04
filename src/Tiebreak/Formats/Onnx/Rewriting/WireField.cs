namespace Tiebreak.Formats.Onnx.Rewriting;

/// <summary>One field of a protocol buffer message in a file that was read before, so that it is known to be well formed.</summary>
/// <param name="Number">The field's number.</param>
/// <param name="Type">Its wire type: 0 a varint, 1 eight bytes, 2 bytes with their length, 5 four bytes.</param>
/// <param name="Start">Where its tag begins.</param>
/// <param name="LengthAt">Where its length stands, or its content if it has none.</param>
/// <param name="Content">Where its content begins.</param>
/// <param name="End">Beyond its content.</param>
readonly record struct WireField(int Number, int Type, long Start, long LengthAt, long Content, long End)
{
    /// <summary>The fields of a message, in order.</summary>
    public static IEnumerable<WireField> In(MappedFile file, long start, long end)
    {
        for (var position = start; position < end;)
        {
            var first = position;
            var tag = Varint(file, ref position);
            var lengthAt = position;
            var content = position;
            switch (tag & 7)
            {
                case 0:
                    Varint(file, ref position);
                    break;
                case 1:
                    position += 8;
                    break;
                case 5:
                    position += 4;
                    break;
                default:
                    var length = Varint(file, ref position);
                    content = position;
                    position += (long)length;
                    break;
            }

            yield return new WireField((int)(tag >> 3), (int)(tag & 7), first, lengthAt, content, position);
        }
    }

    /// <summary>Reads a varint and goes on behind it.</summary>
    public static ulong Varint(MappedFile file, ref long position)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = file.Slice(position++, 1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
    }

    /// <summary>The shortest varint of a number.</summary>
    public static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>(10);
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }

    /// <summary>Its content as text.</summary>
    public string Text(MappedFile file) => System.Text.Encoding.UTF8.GetString(file.Slice(Content, (int)(End - Content)));

    /// <summary>A field of bytes with their length.</summary>
    public static byte[] Of(int number, ReadOnlySpan<byte> content) => [.. Varint((ulong)number << 3 | 2), .. Varint((ulong)content.Length), .. content];

    /// <summary>What stands before the content of a field of so many bytes.</summary>
    public static byte[] Opening(int number, long length) => [.. Varint((ulong)number << 3 | 2), .. Varint((ulong)length)];
}
