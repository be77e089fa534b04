namespace Tiebreak.Formats.Safetensors;

/// <summary>How a safetensors file stores the numbers of a tensor.</summary>
public enum SafetensorsType
{
    /// <summary>64-bit floating point.</summary>
    F64,

    /// <summary>32-bit floating point.</summary>
    F32,

    /// <summary>16-bit floating point, 5 bits of exponent.</summary>
    F16,

    /// <summary>16-bit floating point, 8 bits of exponent.</summary>
    BF16,

    /// <summary>8-bit floating point, 4 bits of exponent, no infinities.</summary>
    F8E4M3,

    /// <summary>8-bit floating point, 5 bits of exponent.</summary>
    F8E5M2,

    /// <summary>Powers of two in a byte: scales of other numbers, never weights.</summary>
    F8E8M0,

    /// <summary>Pairs of 32-bit floats.</summary>
    C64,

    /// <summary>64-bit whole numbers.</summary>
    I64,

    /// <summary>32-bit whole numbers.</summary>
    I32,

    /// <summary>16-bit whole numbers.</summary>
    I16,

    /// <summary>8-bit whole numbers.</summary>
    I8,

    /// <summary>64-bit whole numbers from 0 on.</summary>
    U64,

    /// <summary>32-bit whole numbers from 0 on.</summary>
    U32,

    /// <summary>16-bit whole numbers from 0 on.</summary>
    U16,

    /// <summary>8-bit whole numbers from 0 on.</summary>
    U8,

    /// <summary>0 or 1, a byte each.</summary>
    Bool,
}

/// <summary>The names, sizes and meanings of <see cref="SafetensorsType"/>.</summary>
public static class SafetensorsTypes
{
    static readonly (string Name, SafetensorsType Type, int Size, FloatFormat? Format)[] All =
    [
        ("F64", SafetensorsType.F64, 8, FloatFormat.Float64),
        ("F32", SafetensorsType.F32, 4, FloatFormat.Float32),
        ("F16", SafetensorsType.F16, 2, FloatFormat.Float16),
        ("BF16", SafetensorsType.BF16, 2, FloatFormat.BFloat16),
        ("F8_E4M3", SafetensorsType.F8E4M3, 1, FloatFormat.Float8E4M3),
        ("F8_E5M2", SafetensorsType.F8E5M2, 1, FloatFormat.Float8E5M2),
        ("F8_E8M0", SafetensorsType.F8E8M0, 1, null),
        ("C64", SafetensorsType.C64, 8, null),
        ("I64", SafetensorsType.I64, 8, null),
        ("I32", SafetensorsType.I32, 4, null),
        ("I16", SafetensorsType.I16, 2, null),
        ("I8", SafetensorsType.I8, 1, null),
        ("U64", SafetensorsType.U64, 8, null),
        ("U32", SafetensorsType.U32, 4, null),
        ("U16", SafetensorsType.U16, 2, null),
        ("U8", SafetensorsType.U8, 1, null),
        ("BOOL", SafetensorsType.Bool, 1, null),
    ];

    /// <summary>Types of the format whose numbers share bytes; they are refused by name.</summary>
    internal static bool IsPacked(string name) => name is "F4" or "F6_E2M3" or "F6_E3M2";

    /// <summary>The names that are read, for messages.</summary>
    internal static string Known => string.Join(", ", All.Select(type => type.Name));

    /// <summary>The type of a name as files have it; null where there is none.</summary>
    public static SafetensorsType? Find(string name)
    {
        foreach (var entry in All)
            if (entry.Name == name) return entry.Type;
        return null;
    }

    /// <summary>The name as files have it, for instance <c>F8_E4M3</c>.</summary>
    public static string NameOf(this SafetensorsType type) => All[(int)type].Name;

    /// <summary>Bytes a number.</summary>
    public static int SizeOf(this SafetensorsType type) => All[(int)type].Size;

    /// <summary>Whether weights may be of this type: real numbers, each in bytes of its own.</summary>
    public static bool IsFloat(this SafetensorsType type) => All[(int)type].Format is not null;

    /// <summary>How its numbers are stored; null where they are no real numbers.</summary>
    internal static FloatFormat? FormatOf(this SafetensorsType type) => All[(int)type].Format;
}
