using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Tables;

/// <summary>
/// Reads and writes NumPy's array files (<c>.npy</c>, format versions 1 to 3; numpy.org, "A simple file format for NumPy arrays"): float16, float32 and
/// float64 of either byte order, in C or Fortran order. Values are exact; NaN and infinities stay what they are.
/// </summary>
public static class NpyFile
{
    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mostElements">The most elements accepted.</param>
    /// <exception cref="TiebreakException">The file cannot be read, is no such array, or is too large; the message names it.</exception>
    public static (Shape Shape, ExactTensor Values) Read(string path, long mostElements)
    {
        try
        {
            if (!File.Exists(path)) throw Broken(path, Directory.Exists(path) ? "is a folder; name a .npy file" : "does not exist");
            var size = FileSize.Of(path);
            if (size < 10) throw Broken(path, "is too short for a .npy file; save it again with numpy.save");
            using var stream = File.OpenRead(path);
            return Read(path, stream, mostElements);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TiebreakException($"{path}: cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Writes an array of float64 in C order.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="shape">Its sizes.</param>
    /// <param name="values">Its numbers, each a double.</param>
    /// <exception cref="InvalidOperationException">Not all are doubles.</exception>
    public static void Write(Stream stream, Shape shape, ExactTensor values)
    {
        const int Alignment = 64;
        const int Block = 1 << 13;
        var sizes = shape.Rank == 1 ? $"{shape[0]}," : string.Join(", ", shape.Sizes);
        var header = $"{{'descr': '<f8', 'fortran_order': False, 'shape': ({sizes}), }}";
        var length = (NpyHeader.Magic.Length + 4 + header.Length + Alignment) / Alignment * Alignment - NpyHeader.Magic.Length - 4;
        stream.Write([.. NpyHeader.Magic, 1, 0, (byte)length, (byte)(length >> 8), .. System.Text.Encoding.ASCII.GetBytes(header.PadRight(length - 1)), (byte)'\n']);
        var numbers = new double[Math.Min(Block, values.Count)];
        var bytes = new byte[numbers.Length * sizeof(double)];
        for (long done = 0; done < values.Count; done += Block)
        {
            var part = numbers.AsSpan(0, (int)Math.Min(Block, values.Count - done));
            values.ReadDoubles(done, part);
            for (var k = 0; k < part.Length; k++) System.Buffers.Binary.BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(8 * k), part[k]);
            stream.Write(bytes, 0, 8 * part.Length);
        }
    }

    static (Shape Shape, ExactTensor Values) Read(string path, FileStream stream, long mostElements)
    {
        var header = NpyHeader.Read(path, stream);
        if (header.Kind != 'f') throw Broken(path, $"has dtype {header.Type}; save it with .astype('float32') or 'float64'");

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
        NpyHeader.Fill(path, stream, raw);
        var values = new double[count];
        header.Convert<double>(raw, values);
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

    static TiebreakException Broken(string path, string what) => new($"{path}: {what}");
}
