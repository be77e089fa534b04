using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Tables;

/// <summary>
/// Reads NumPy's array files (<c>.npy</c>, format versions 1 to 3; numpy.org, "A simple file format for NumPy arrays"): float16, float32 and
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
