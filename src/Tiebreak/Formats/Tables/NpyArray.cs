using Tiebreak.Programs;

namespace Tiebreak.Formats.Tables;

/// <summary>An array in an <c>.npy</c> file or an entry of an <c>.npz</c> archive, of which only the header has been read.</summary>
/// <param name="Place">The file, and the entry in it, for messages.</param>
/// <param name="Name">The name of the field.</param>
/// <param name="Header">What the numbers are.</param>
/// <param name="Open">Opens the stream at its start, header first.</param>
sealed record NpyArray(string Place, string Name, NpyHeader Header, Func<Stream> Open)
{
    /// <summary>The most numbers of one sample; a picture of 8192 × 8192.</summary>
    const long LargestSample = 1 << 26;

    /// <summary>The most numbers of an array that has to be read as a whole.</summary>
    const long LargestWhole = 1 << 25;

    /// <summary>The number of samples.</summary>
    public long Rows => Header.Shape[0];

    /// <summary>The shape of one sample.</summary>
    public Shape Sample { get; } = new([.. Header.Shape.Skip(1).Select(axis => (int)axis)]);

    /// <summary>Whether the numbers of one sample do not lie together.</summary>
    public bool IsScattered => Header.FortranOrder && Sample.Rank > 0;

    /// <summary>Reads the header and checks that it fits the size.</summary>
    /// <param name="place">The file, and the entry in it, for messages.</param>
    /// <param name="name">The name of the field.</param>
    /// <param name="bytes">The size of header and numbers.</param>
    /// <param name="open">Opens the stream.</param>
    public static NpyArray Read(string place, string name, long bytes, Func<Stream> open)
    {
        using var stream = open();
        var header = NpyHeader.Read(place, stream);
        if (header.Shape.Length == 0) throw Broken(place, "is a single number; the first axis must run over the samples");
        if (header.Shape[0] == 0) throw Broken(place, "holds no samples; its first axis is empty");
        long numbers = 1;
        foreach (var axis in header.Shape.Skip(1))
        {
            if (axis < 1) throw Broken(place, "has an empty shape; every size must be at least 1");
            if (axis > LargestSample / numbers) throw Broken(place, $"has samples of more than {LargestSample} numbers; make them smaller");
            numbers *= axis;
        }

        var data = header.Shape[0] * numbers * header.Bytes;
        if (bytes - header.Length != data)
            throw Broken(place, $"should hold {data} bytes of numbers and holds {bytes - header.Length}; it is truncated or damaged, save it again");
        var array = new NpyArray(place, name, header, open);
        if (array.IsScattered && header.Shape[0] * numbers > LargestWhole)
            throw Broken(place, $"is in Fortran order, and with more than {LargestWhole} numbers too large to be turned; save it with numpy.ascontiguousarray");
        return array;
    }

    static TiebreakException Broken(string place, string what) => new($"{place}: {what}");
}
