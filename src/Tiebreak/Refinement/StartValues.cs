using Tiebreak.Numbers;

namespace Tiebreak.Refinement;

/// <summary>
/// Compares start values as values: equal keys if and only if equal magnitudes, whatever their type or sign of zero (theory §3).
/// A double's magnitude is its own key; other fractions are numbered among the NaNs, which no finite value uses.
/// </summary>
sealed class StartValues
{
    const ulong NotADouble = 0x7FF8_0000_0000_0000;
    const ulong SignBit = 1UL << 63;

    readonly Dictionary<Rational, ulong> _fractions = [];

    /// <summary>Writes the key of each value's magnitude, and in the top bit whether the value is negative.</summary>
    public void Read(ExactTensor values, long start, Span<ulong> keys)
    {
        if (values is UniformTensor uniform)
        {
            keys.Fill(Key(uniform.Value));
            return;
        }

        if (!values.HasDoubles)
        {
            for (var i = 0; i < keys.Length; i++) keys[i] = Key(values[start + i]);
            return;
        }

        values.ReadDoubles(start, System.Runtime.InteropServices.MemoryMarshal.Cast<ulong, double>(keys));
        for (var i = 0; i < keys.Length; i++)
            if (keys[i] == SignBit) keys[i] = 0; // −0 is 0
    }

    public static ulong Magnitude(ulong key) => key & ~SignBit;

    public static bool IsNegative(ulong key) => key >= SignBit;

    ulong Key(Rational value)
    {
        var sign = value.Sign < 0 ? SignBit : 0;
        if (value.Magnitude.TryGetDouble(out var exact)) return sign | BitConverter.DoubleToUInt64Bits(exact);
        if (!_fractions.TryGetValue(value.Magnitude, out var key)) _fractions.Add(value.Magnitude, key = NotADouble + (ulong)_fractions.Count);
        return sign | key;
    }
}
