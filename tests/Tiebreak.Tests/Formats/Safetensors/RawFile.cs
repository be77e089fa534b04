using System.Buffers.Binary;
using System.Text;
using Tiebreak.Tests.House;

namespace Tiebreak.Tests.Formats.Safetensors;

/// <summary>Safetensors files put together by hand, right or wrong, so that no rule is checked by the code that keeps it.</summary>
static class RawFile
{
    /// <summary>A header under its true length, and data.</summary>
    public static byte[] Of(string header, int data) => Of(Encoding.UTF8.GetBytes(header), new byte[data]);

    /// <summary>A header under its true length, and data.</summary>
    public static byte[] Of(byte[] header, byte[] data) => WithLength((ulong)header.Length, header, data);

    /// <summary>A header under any length.</summary>
    public static byte[] WithLength(ulong length, byte[] header, byte[] data)
    {
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, length);
        return [.. prefix, .. header, .. data];
    }

    /// <summary>One entry of a header.</summary>
    public static string Entry(string name, string type, string shape, long begin, long end) =>
        $$"""
        "{{name}}":{"dtype":"{{type}}","shape":[{{shape}}],"data_offsets":[{{begin}},{{end}}]}
        """.Trim();

    /// <summary>A file of float32 tensors of two numbers each.</summary>
    public static byte[] Pairs(params string[] names) => Of("{" + string.Join(",", names.Select((name, k) => Entry(name, "F32", "2", 8 * k, 8 * k + 8))) + "}", 8 * names.Length);

    /// <summary>Writes the bytes into the folder and gives their path.</summary>
    public static string In(TemporaryFolder folder, string name, byte[] content)
    {
        File.WriteAllBytes(folder.File(name), content);
        return folder.File(name);
    }
}
