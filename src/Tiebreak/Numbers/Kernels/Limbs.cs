using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tiebreak.Numbers.Kernels;

/// <summary>
/// The form in which numbers are multiplied: v below 2⁶¹, centred to |v| ≤ 2⁶⁰, is low + high · 2³¹ with low in [−2³⁰, 2³⁰) and |high| ≤ 2²⁹, packed into one
/// 64-bit lane, low in its lower half. One vector instruction multiplies the signed lower halves of lanes exactly.
/// </summary>
static unsafe class Limbs
{
    const long Digit = 0x7FFFFFFF;
    const long HalfDigit = 0x40000000;
    const long UpperHalf = unchecked((long)0xFFFFFFFF00000000);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Pack(ulong value, ulong modulus)
    {
        // t = v + 2³⁰: its bits from 31 up are the high limb, the rest is the low one plus 2³⁰.
        var t = (long)value - (value > modulus / 2 ? (long)modulus : 0) + HalfDigit;
        return t << 1 & UpperHalf | (t & Digit) - HalfDigit & ~UpperHalf;
    }

    /// <summary>
    /// Packs a panel [depth][width] of the matrix whose element (k, c) is source[depthOffsets[k] + columnOffsets[c]]; columns beyond those given are zero.
    /// </summary>
    public static void PackPanel(ulong* source, ReadOnlySpan<int> columnOffsets, ReadOnlySpan<int> depthOffsets, int width, ulong modulus, long* panel)
    {
        var columns = columnOffsets.Length;
        if (columns < width) new Span<long>(panel, depthOffsets.Length * width).Clear();
        if (columns == width && IsRun(columnOffsets))
        {
            PackRows(source + columnOffsets[0], depthOffsets, width, modulus, panel);
            return;
        }

        if (columns > 1 && IsRun(depthOffsets) && depthOffsets.Length > 1)
        {
            // Reading along the depth is reading along memory.
            for (var c = 0; c < columns; c++)
            {
                var from = source + columnOffsets[c] + depthOffsets[0];
                var to = panel + c;
                for (var k = 0; k < depthOffsets.Length; k++, to += width) *to = Pack(from[k], modulus);
            }

            return;
        }

        for (var k = 0; k < depthOffsets.Length; k++)
        {
            var from = source + depthOffsets[k];
            var to = panel + (long)k * width;
            for (var c = 0; c < columns; c++) to[c] = Pack(from[columnOffsets[c]], modulus);
        }
    }

    static void PackRows(ulong* source, ReadOnlySpan<int> depthOffsets, int width, ulong modulus, long* panel)
    {
        var half = Vector256.Create((long)(modulus / 2));
        var whole = Vector256.Create((long)modulus);
        for (var k = 0; k < depthOffsets.Length; k++)
        {
            var from = source + depthOffsets[k];
            var to = panel + (long)k * width;
            var c = 0;
            if (Vector256.IsHardwareAccelerated)
                for (; c + 4 <= width; c += 4)
                {
                    var v = Vector256.Load((long*)from + c);
                    var t = v - (Vector256.GreaterThan(v, half) & whole) + Vector256.Create(HalfDigit);
                    var packed = (t << 1 & Vector256.Create(UpperHalf)) | ((t & Vector256.Create(Digit)) - Vector256.Create(HalfDigit) & Vector256.Create(~UpperHalf));
                    packed.Store(to + c);
                }

            for (; c < width; c++) to[c] = Pack(from[c], modulus);
        }
    }

    static bool IsRun(ReadOnlySpan<int> offsets)
    {
        for (var i = 1; i < offsets.Length; i++)
            if (offsets[i] != offsets[i - 1] + 1) return false;
        return true;
    }
}
