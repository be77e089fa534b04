using System.Buffers.Binary;
using System.Text;

namespace Tiebreak.Tests.Formats.Formulas;

/// <summary>Writes NumPy array files for tests, values in the order they are to lie in the file.</summary>
static class NpyBytes
{
    public static byte[] Make(string type, bool fortran, int[] shape, double[] values, byte version = 1) =>
        Raw($"{{'descr': '{type}', 'fortran_order': {(fortran ? "True" : "False")}, 'shape': ({string.Concat(shape.Select(size => $"{size}, "))}), }}", [.. values.SelectMany(value => Bytes(type, value))], version);

    public static byte[] Raw(string header, byte[] data, byte version = 1)
    {
        var text = Encoding.UTF8.GetBytes(header.PadRight(117) + "\n");
        var length = new byte[version == 1 ? 2 : 4];
        if (version == 1) BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)text.Length);
        else BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. text, .. data];
    }

    static byte[] Bytes(string type, double value)
    {
        var bytes = new byte[type[2] - '0'];
        if (bytes.Length == 2) BinaryPrimitives.WriteHalfLittleEndian(bytes, (Half)value);
        else if (bytes.Length == 4) BinaryPrimitives.WriteSingleLittleEndian(bytes, (float)value);
        else BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        if (type[0] == '>') Array.Reverse(bytes);
        return bytes;
    }
}
