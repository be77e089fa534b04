using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace Tiebreak.Formats.Tables;

/// <summary>
/// The start of an array file of NumPy (<c>.npy</c>, format versions 1 to 3; numpy.org, "A simple file format for NumPy arrays"): a Python dictionary literal with
/// the keys descr, fortran_order and shape.
/// </summary>
/// <param name="Type">What an element is, for instance <c>&lt;f4</c>: byte order, kind, size.</param>
/// <param name="BigEndian">Whether its first byte is the most significant.</param>
/// <param name="FortranOrder">Whether the first axis runs fastest.</param>
/// <param name="Shape">The sizes of the axes, not checked.</param>
/// <param name="Length">The bytes before the numbers.</param>
sealed record NpyHeader(string Type, bool BigEndian, bool FortranOrder, long[] Shape, int Length)
{
    const int LongestHeader = 65_536;

    /// <summary>f, i, u or b: floats, whole numbers with and without sign, booleans.</summary>
    public char Kind => Type[1];

    /// <summary>The size of an element.</summary>
    public int Bytes => Type[2] - '0';

    /// <summary>What an array file begins with.</summary>
    public static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads a header; the numbers follow in the stream.</summary>
    /// <param name="path">The file, and the entry in it, for messages.</param>
    /// <param name="stream">The file from its start.</param>
    /// <exception cref="TiebreakException">It is no such file.</exception>
    public static NpyHeader Read(string path, Stream stream)
    {
        Span<byte> start = stackalloc byte[8];
        Fill(path, stream, start);
        if (!start[..6].SequenceEqual(Magic)) throw Broken(path, "is not a .npy file (it does not begin with \\x93NUMPY); save it with numpy.save");
        if (start[6] is < 1 or > 3) throw Broken(path, $"has .npy version {start[6]}.{start[7]}; versions 1 to 3 are read");
        Span<byte> size = stackalloc byte[start[6] == 1 ? 2 : 4];
        Fill(path, stream, size);
        var length = size.Length == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(size) : BinaryPrimitives.ReadUInt32LittleEndian(size);
        if (length > LongestHeader) throw Broken(path, $"has a header of {length} bytes; at most {LongestHeader} are read");
        var text = new byte[length];
        Fill(path, stream, text);
        return Parse(path, Encoding.UTF8.GetString(text), start.Length + size.Length + text.Length);
    }

    /// <summary>Reads just as many bytes.</summary>
    /// <exception cref="TiebreakException">There are fewer.</exception>
    public static void Fill(string path, Stream stream, Span<byte> bytes)
    {
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw Broken(path, "ends too early; it is truncated, save it again");
    }

    /// <summary>Turns the bytes of numbers into doubles or longs, exactly; whole numbers without sign beyond the greatest long become negative, as their bits say.</summary>
    /// <typeparam name="T">Double for floats, long for all other kinds.</typeparam>
    /// <param name="bytes">The bytes; they are put into the order of this machine in place.</param>
    /// <param name="values">One an element.</param>
    public void Convert<T>(Span<byte> bytes, Span<T> values) where T : unmanaged, INumberBase<T>
    {
        if (BigEndian == BitConverter.IsLittleEndian) Turn(bytes);
        switch (Kind, Bytes)
        {
            case ('f', 2): Widen<Half, T>(bytes, values); break;
            case ('f', 4): Widen<float, T>(bytes, values); break;
            case ('f', _): Widen<double, T>(bytes, values); break;
            case ('i', 1): Widen<sbyte, T>(bytes, values); break;
            case ('i', 2): Widen<short, T>(bytes, values); break;
            case ('i', 4): Widen<int, T>(bytes, values); break;
            case ('i', _): Widen<long, T>(bytes, values); break;
            case ('u', 2): Widen<ushort, T>(bytes, values); break;
            case ('u', 4): Widen<uint, T>(bytes, values); break;
            case ('u', 8): Widen<ulong, T>(bytes, values); break;
            default:
                Widen<byte, T>(bytes, values);
                if (Kind != 'b') break;
                foreach (ref var value in values)
                    if (!T.IsZero(value)) value = T.One; // any byte but 0 is true
                break;
        }
    }

    static void Widen<TFrom, TTo>(ReadOnlySpan<byte> bytes, Span<TTo> values) where TFrom : unmanaged, INumberBase<TFrom> where TTo : unmanaged, INumberBase<TTo>
    {
        var numbers = MemoryMarshal.Cast<byte, TFrom>(bytes);
        for (var k = 0; k < values.Length; k++) values[k] = TTo.CreateTruncating(numbers[k]);
    }

    void Turn(Span<byte> bytes)
    {
        if (Bytes == 2) Turn<ushort>(bytes, BinaryPrimitives.ReverseEndianness);
        else if (Bytes == 4) Turn<uint>(bytes, BinaryPrimitives.ReverseEndianness);
        else if (Bytes == 8) Turn<ulong>(bytes, BinaryPrimitives.ReverseEndianness);
    }

    delegate void Reversing<T>(ReadOnlySpan<T> from, Span<T> to);

    static void Turn<T>(Span<byte> bytes, Reversing<T> reverse) where T : unmanaged
    {
        var numbers = MemoryMarshal.Cast<byte, T>(bytes);
        reverse(numbers, numbers);
    }

    static NpyHeader Parse(string path, string text, int length)
    {
        var type = After(path, text, "descr");
        if (type.Length < 2 || type[0] is not ('\'' or '"')) throw Broken(path, "holds records, not plain numbers; save one array of numbers");
        type = type[1..];
        var end = type.IndexOfAny('\'', '"');
        type = end < 0 ? type : type[..end];
        if (type is not (['<' or '>' or '=' or '|', 'f', '2' or '4' or '8'] or ['<' or '>' or '=' or '|', 'i' or 'u', '1' or '2' or '4' or '8'] or ['|', 'b', '1']))
            throw Broken(path, $"has dtype {(type.Length > 20 ? type[..20].ToString() + "…" : type)}{(type is ['|', 'O', ..] ? " (Python objects)" : "")}; save it with .astype('float32') or 'float64'");
        var order = After(path, text, "fortran_order");
        if (!order.StartsWith("True") && !order.StartsWith("False")) throw Broken(path, "has a damaged header (fortran_order); save it again");
        var bigEndian = type[0] == '>' || (type[0] != '<' && !BitConverter.IsLittleEndian);
        return new NpyHeader(type.ToString(), bigEndian, order.StartsWith("True"), Sizes(path, After(path, text, "shape")), length);
    }

    static ReadOnlySpan<char> After(string path, string text, string key)
    {
        var at = text.IndexOf($"'{key}'", StringComparison.Ordinal);
        if (at < 0) at = text.IndexOf($"\"{key}\"", StringComparison.Ordinal);
        if (at < 0) throw Broken(path, $"has a damaged header (no {key}); save it again");
        var rest = text.AsSpan(at + key.Length + 2).TrimStart();
        return rest.StartsWith(":") ? rest[1..].TrimStart() : throw Broken(path, $"has a damaged header ({key}); save it again");
    }

    static long[] Sizes(string path, ReadOnlySpan<char> text)
    {
        var close = text.IndexOf(')');
        if (close < 0 || text[0] != '(') throw Broken(path, "has a damaged header (shape); save it again");
        var sizes = new List<long>();
        var parts = text[1..close].TrimEnd().TrimEnd(',');
        if (!parts.IsWhiteSpace())
            foreach (var part in parts.Split(','))
            {
                var number = parts[part].Trim().TrimEnd('L'); // Python 2 wrote 3L
                if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var size)) throw Broken(path, "has a damaged header (shape); save it again");
                sizes.Add(size);
            }

        return sizes.Count <= 16 ? [.. sizes] : throw Broken(path, "has more than 16 axes");
    }

    static TiebreakException Broken(string path, string what) => new($"{path}: {what}");
}
