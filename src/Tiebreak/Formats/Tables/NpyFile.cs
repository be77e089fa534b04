using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Tables;

/// <summary>
/// Reads NumPy's array files (<c>.npy</c>, format versions 1 to 3; numpy.org, "A simple file format for NumPy arrays"): float16, float32 and
/// float64 of either byte order, in C or Fortran order. Values are exact; NaN and infinities stay what they are.
/// </summary>
public static class NpyFile
{
    const int LongestHeader = 65_536;
    static readonly byte[] Magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mostElements">The most elements accepted.</param>
    /// <exception cref="TiebreakException">The file cannot be read, is no such array, or is too large; the message names it.</exception>
    public static (Shape Shape, ExactTensor Values) Read(string path, long mostElements)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists) throw Broken(path, Directory.Exists(path) ? "is a folder; name a .npy file" : "does not exist");
            if (file.Length < 10) throw Broken(path, "is too short for a .npy file; save it again with numpy.save");
            using var stream = file.OpenRead();
            return Read(path, stream, mostElements);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TiebreakException($"{path}: cannot be read: {error.Message}", error);
        }
    }

    static (Shape Shape, ExactTensor Values) Read(string path, FileStream stream, long mostElements)
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
        var header = Header.Parse(path, Encoding.UTF8.GetString(text));

        long count = 1;
        foreach (var axis in header.Shape)
        {
            if (axis < 1) throw Broken(path, "has an empty shape; every size must be at least 1");
            if (axis > mostElements / count) throw Broken(path, $"has more than {mostElements} elements; make it smaller");
            count *= axis;
        }

        var rest = stream.Length - stream.Position;
        if (rest != count * header.Bytes) throw Broken(path, $"should hold {count * header.Bytes} bytes of numbers and holds {rest}; it is truncated or damaged, save it again");
        var raw = new byte[count * header.Bytes];
        Fill(path, stream, raw);
        var values = new double[count];
        for (var k = 0; k < values.Length; k++) values[k] = header.Value(raw.AsSpan(k * header.Bytes, header.Bytes));
        var shape = new Shape([.. header.Shape.Select(axis => (int)axis)]);
        return (shape, new DoubleTensor(header.FortranOrder ? ToRowMajor(values, shape) : values));
    }

    static double[] ToRowMajor(double[] values, Shape shape)
    {
        var ordered = new double[values.Length];
        var index = new int[shape.Rank];
        var strides = new int[shape.Rank];
        for (int axis = 0, stride = 1; axis < shape.Rank; stride *= shape[axis++]) strides[axis] = stride;
        for (int target = 0, source = 0; target < ordered.Length; target++)
        {
            ordered[target] = values[source];
            for (var axis = shape.Rank - 1; axis >= 0; axis--)
            {
                source += strides[axis];
                if (++index[axis] < shape[axis]) break;
                source -= strides[axis] * shape[axis];
                index[axis] = 0;
            }
        }

        return ordered;
    }

    static void Fill(string path, FileStream stream, Span<byte> bytes)
    {
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw Broken(path, "ends too early; it is truncated, save it again");
    }

    static TiebreakException Broken(string path, string what) => new($"{path}: {what}");

    /// <summary>The header: a Python dictionary literal with the keys descr, fortran_order and shape.</summary>
    readonly record struct Header(int Bytes, bool BigEndian, bool FortranOrder, long[] Shape)
    {
        public double Value(ReadOnlySpan<byte> bytes) => (Bytes, BigEndian) switch
        {
            (2, false) => (double)BinaryPrimitives.ReadHalfLittleEndian(bytes),
            (2, true) => (double)BinaryPrimitives.ReadHalfBigEndian(bytes),
            (4, false) => BinaryPrimitives.ReadSingleLittleEndian(bytes),
            (4, true) => BinaryPrimitives.ReadSingleBigEndian(bytes),
            (_, false) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            (_, true) => BinaryPrimitives.ReadDoubleBigEndian(bytes),
        };

        public static Header Parse(string path, string text)
        {
            var type = After(path, text, "descr");
            if (type.Length < 2 || type[0] is not ('\'' or '"')) throw Broken(path, "holds records, not plain numbers; save one float array");
            type = type[1..];
            var end = type.IndexOfAny('\'', '"');
            type = end < 0 ? type : type[..end];
            if (type is not ['<' or '>' or '=', 'f', '2' or '4' or '8'])
                throw Broken(path, $"has dtype {(type.Length > 20 ? type[..20].ToString() + "…" : type)}; save it with .astype('float32') or 'float64'");
            var order = After(path, text, "fortran_order");
            if (!order.StartsWith("True") && !order.StartsWith("False")) throw Broken(path, "has a damaged header (fortran_order); save it again");
            return new Header(type[2] - '0', type[0] == '>' || (type[0] == '=' && !BitConverter.IsLittleEndian), order.StartsWith("True"), Sizes(path, After(path, text, "shape")));
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
    }
}
