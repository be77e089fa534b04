using System.Buffers.Binary;

namespace Tiebreak.Formats.Tables;

/// <summary>
/// Looks whether the end of a Parquet file is whole: a tree of values in Thrift's compact protocol, no list of which promises more elements than there are bytes. The library
/// that reads it trusts its lengths, and would count to any of them.
/// </summary>
ref struct ParquetFooter
{
    const int Deepest = 32;
    const int Trailer = 8; // the length of the footer, and PAR1
    const int Largest = 1 << 30;

    readonly ReadOnlySpan<byte> _bytes;
    int _at;

    ParquetFooter(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>What is wrong with the end of a file, or null.</summary>
    public static string? Complaint(Stream file)
    {
        if (file.Length < Trailer + 4) return "it is too short";
        Span<byte> trailer = stackalloc byte[Trailer];
        file.Position = file.Length - Trailer;
        file.ReadExactly(trailer);
        if (!trailer[4..].SequenceEqual("PAR1"u8)) return trailer[4..].SequenceEqual("PARE"u8) ? "it is encrypted" : "its end is missing";
        var length = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        if (length > Math.Min(Largest, file.Length - Trailer - 4)) return "its end says that it begins before the file";
        var bytes = new byte[length];
        file.Position = file.Length - Trailer - length;
        file.ReadExactly(bytes);
        file.Position = 0;
        return new ParquetFooter(bytes).IsWhole() ? null : "its end is not whole";
    }

    bool IsWhole() => SkipStruct(0) && _at == _bytes.Length;

    bool SkipStruct(int depth)
    {
        while (_at < _bytes.Length)
        {
            var head = _bytes[_at++];
            if (head == 0) return true;
            if (head >> 4 == 0 && !ReadNumber(out _)) return false; // the field's number, if not one of the next 15
            if ((head & 15) is not (1 or 2) && !Skip(head & 15, depth)) return false; // a boolean is its type
        }

        return false;
    }

    bool Skip(int type, int depth)
    {
        switch (type)
        {
            case 1 or 2 or 3: return Skip(1);
            case 4 or 5 or 6: return ReadNumber(out _);
            case 7: return Skip(8);
            case 8: return ReadNumber(out var length) && Skip(length);
            case 9 or 10 when depth < Deepest && _at < _bytes.Length:
                var head = _bytes[_at++];
                var count = (ulong)(head >> 4);
                if (count == 15 && !ReadNumber(out count)) return false;
                if (count > (ulong)(_bytes.Length - _at)) return false; // an element has at least one byte
                for (; count > 0; count--)
                    if (!Skip(head & 15, depth + 1)) return false;
                return true;
            case 12 when depth < Deepest: return SkipStruct(depth + 1);
            case 13: return Skip(16);
            default: return false; // Parquet's own definition has no maps
        }
    }

    bool Skip(ulong bytes)
    {
        if (bytes > (ulong)(_bytes.Length - _at)) return false;
        _at += (int)bytes;
        return true;
    }

    bool ReadNumber(out ulong number)
    {
        number = 0;
        for (var shift = 0; shift < 64 && _at < _bytes.Length; shift += 7)
        {
            var next = _bytes[_at++];
            number |= (ulong)(next & 127) << shift;
            if (next < 128) return true;
        }

        return false;
    }
}
