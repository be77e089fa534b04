using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tiebreak.Numbers.Kernels;

/// <summary>
/// A canonical value as two signed limbs. It is first centred, v or v − p, so that |v| &lt; 2⁶⁰; then v = low + high·2³¹ with −2³⁰ ≤ low &lt; 2³⁰ and |high| ≤ 2²⁹.
/// Packed means low in the lower and high in the upper half of 64 bits: the form in which one shift brings either limb to where 32-bit multiplications look.
/// </summary>
static unsafe class Limbs
{
    /// <summary>The bits of the low limb.</summary>
    public const int Bits = 31;

    /// <summary>How many products are summed at most before a sum is reduced: 36 × 28, see <see cref="Sums"/>.</summary>
    public const int GreatestDepth = 1008;

    const long Half = 1L << Bits - 1;

    /// <summary>The packed limbs of a value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Pack(ulong value, ulong modulus)
    {
        var centred = (long)value - (long)(modulus & (ulong)((long)((modulus >> 1) - value) >> 63));
        var high = centred + Half >> Bits;
        return (ulong)high << 32 | (uint)(centred - (high << Bits));
    }

    /// <summary>The packed limbs of many values; source and target may be the same.</summary>
    public static void Pack(ulong* source, ulong* target, int count, ulong modulus)
    {
        var k = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; k <= count - 8; k += 8) Pack(Vector512.Load(source + k), modulus).Store(target + k);
        }
        if (Vector256.IsHardwareAccelerated)
        {
            for (; k <= count - 4; k += 4) Pack(Vector256.Load(source + k), modulus).Store(target + k);
        }
        for (; k < count; k++) target[k] = Pack(source[k], modulus);
    }

    /// <summary>Packs rows of values into panels of some width side by side; row k begins at source + offsets[k].</summary>
    public static void PackPanels(ulong* source, int* offsets, int depth, int columns, int width, ulong* panels, ulong modulus)
    {
        for (var k = 0; k < depth; k++)
        {
            for (var column = 0; column < columns; column += width)
            {
                var from = source + offsets[k] + column;
                var to = panels + column * depth + k * width;
                if (Vector512.IsHardwareAccelerated && width % 8 == 0)
                {
                    for (var j = 0; j < width; j += 8) Pack(Vector512.Load(from + j), modulus).Store(to + j);
                }
                else if (Vector256.IsHardwareAccelerated)
                {
                    for (var j = 0; j < width; j += 4) Pack(Vector256.Load(from + j), modulus).Store(to + j);
                }
                else
                {
                    for (var j = 0; j < width; j++) to[j] = Pack(from[j], modulus);
                }
            }
        }
    }

    // The high limb is found shifted up by 2³² already: (centred + 2³⁰) · 2 holds it above bit 32, whatever is below belongs to the low limb.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<ulong> Pack(Vector512<ulong> value, ulong modulus)
    {
        var prime = Vector512.Create(modulus);
        var centred = value - (Vector512.GreaterThan(value.AsInt64(), Vector512.Create((long)(modulus >> 1))).AsUInt64() & prime);
        var shifted = centred + Vector512.Create((ulong)Half) << 1;
        var low = (centred + Vector512.Create((ulong)Half) & Vector512.Create((1UL << Bits) - 1)) - Vector512.Create((ulong)Half);
        return shifted & Vector512.Create(0xFFFFFFFF00000000) | low & Vector512.Create(0xFFFFFFFFUL);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<ulong> Pack(Vector256<ulong> value, ulong modulus)
    {
        var prime = Vector256.Create(modulus);
        var centred = value - (Vector256.GreaterThan(value.AsInt64(), Vector256.Create((long)(modulus >> 1))).AsUInt64() & prime);
        var shifted = centred + Vector256.Create((ulong)Half) << 1;
        var low = (centred + Vector256.Create((ulong)Half) & Vector256.Create((1UL << Bits) - 1)) - Vector256.Create((ulong)Half);
        return shifted & Vector256.Create(0xFFFFFFFF00000000) | low & Vector256.Create(0xFFFFFFFFUL);
    }
}
