using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ISA = System.Runtime.Intrinsics.X86.Avx2;
using Vec = System.Runtime.Intrinsics.Vector256<long>;

namespace Tiebreak.Numbers.Kernels;

/// <summary>
/// Tiles of four rows by one vector of four lanes: 12 accumulators, 3 forms of the right operand and one product fill the 16 registers.
/// A vector of products costs 3 multiplications and 3 additions, and every 7 steps a carry; bounds (7, 28, 1008) and their reasons are in README.md.
/// </summary>
/// <remarks>
/// Measured on one core of an AMD EPYC (Zen 5), in products a nanosecond: 4.2 to 4.6 for 1024³ (0.23 ns a product, also modulo a drawn prime), 4.1 for 512 × 49 × 4608,
/// 3.9 for heads of 128 × 128 × 64. Bound by memory: 0.9 to 1.1 for one column (4096 × 8192), 0.5 for its transpose, 0.4 outputs for outer products. Depthwise 3 × 3: 0.7.
/// (With AVX-512 switched off, so that the compiler has 16 registers as on other machines.)
/// </remarks>
public sealed unsafe class Avx2Contraction : IPanelContraction
{
    /// <inheritdoc/>
    public string Name => "avx2";

    /// <inheritdoc/>
    public bool IsSupported => ISA.IsSupported;

    /// <inheritdoc/>
    public int Columns => 4;

    /// <inheritdoc/>
    [SkipLocalsInit]
    public void Tile(int depth, int* left, ulong* right, long* sums)
    {
        Start(sums + 32, 16);
        Vec a00 = default, b00 = default, c00 = default;
        Vec a10 = default, b10 = default, c10 = default;
        Vec a20 = default, b20 = default, c20 = default;
        Vec a30 = default, b30 = default, c30 = default;
        while (depth > 0)
        {
            var part = Math.Min(depth, 28);
            depth -= part;
            while (part > 0)
            {
                var steps = Math.Min(part, 7);
                part -= steps;
                do
                {
                    var y0 = Vector256.LoadAligned((int*)(right));
                    var h0 = High(y0);
                    var s0 = y0 + h0;
                    var x00 = Vector256.Create(left[0]);
                    a00 += ISA.Multiply(x00, y0);
                    var x01 = Vector256.Create(left[1]);
                    c00 += ISA.Multiply(x01, h0);
                    var x02 = Vector256.Create(left[2]);
                    b00 += ISA.Multiply(x02, s0);
                    var x10 = Vector256.Create(left[3]);
                    a10 += ISA.Multiply(x10, y0);
                    var x11 = Vector256.Create(left[4]);
                    c10 += ISA.Multiply(x11, h0);
                    var x12 = Vector256.Create(left[5]);
                    b10 += ISA.Multiply(x12, s0);
                    var x20 = Vector256.Create(left[6]);
                    a20 += ISA.Multiply(x20, y0);
                    var x21 = Vector256.Create(left[7]);
                    c20 += ISA.Multiply(x21, h0);
                    var x22 = Vector256.Create(left[8]);
                    b20 += ISA.Multiply(x22, s0);
                    var x30 = Vector256.Create(left[9]);
                    a30 += ISA.Multiply(x30, y0);
                    var x31 = Vector256.Create(left[10]);
                    c30 += ISA.Multiply(x31, h0);
                    var x32 = Vector256.Create(left[11]);
                    b30 += ISA.Multiply(x32, s0);
                    left += 12;
                    right += 4;
                }
                while (--steps > 0);
                Carry(ref a00, ref b00, ref c00);
                Carry(ref a10, ref b10, ref c10);
                Carry(ref a20, ref b20, ref c20);
                Carry(ref a30, ref b30, ref c30);
            }
            Spill(ref b00, ref c00, sums + 32);
            Spill(ref b10, ref c10, sums + 36);
            Spill(ref b20, ref c20, sums + 40);
            Spill(ref b30, ref c30, sums + 44);
        }
        Finish(a00, b00, c00, sums + 0, 16);
        Finish(a10, b10, c10, sums + 4, 16);
        Finish(a20, b20, c20, sums + 8, 16);
        Finish(a30, b30, c30, sums + 12, 16);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public void Row(int depth, int* left, ulong* right, long* sums)
    {
        Start(sums + 8, 4);
        Vec a00 = default, b00 = default, c00 = default;
        while (depth > 0)
        {
            var part = Math.Min(depth, 28);
            depth -= part;
            while (part > 0)
            {
                var steps = Math.Min(part, 7);
                part -= steps;
                do
                {
                    var y0 = Vector256.LoadAligned((int*)(right));
                    var h0 = High(y0);
                    var s0 = y0 + h0;
                    var x00 = Vector256.Create(left[0]);
                    a00 += ISA.Multiply(x00, y0);
                    var x01 = Vector256.Create(left[1]);
                    c00 += ISA.Multiply(x01, h0);
                    var x02 = Vector256.Create(left[2]);
                    b00 += ISA.Multiply(x02, s0);
                    left += 3;
                    right += 4;
                }
                while (--steps > 0);
                Carry(ref a00, ref b00, ref c00);
            }
            Spill(ref b00, ref c00, sums + 8);
        }
        Finish(a00, b00, c00, sums + 0, 4);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public void Dot(int depth, ulong* left, ulong* right, long* sums)
    {
        depth /= 4;
        Start(sums + 8, 4);
        Vec a00 = default, b00 = default, c00 = default;
        while (depth > 0)
        {
            var part = Math.Min(depth, 28);
            depth -= part;
            while (part > 0)
            {
                var steps = Math.Min(part, 7);
                part -= steps;
                do
                {
                    var y0 = Vector256.LoadAligned((int*)(right));
                    var h0 = High(y0);
                    var s0 = y0 + h0;
                    var x0 = Vector256.LoadAligned((int*)(left));
                    var g0 = High(x0);
                    a00 += ISA.Multiply(x0, y0);
                    b00 += ISA.Multiply(x0 + g0, s0);
                    c00 += ISA.Multiply(g0, h0);
                    left += 4;
                    right += 4;
                }
                while (--steps > 0);
                Carry(ref a00, ref b00, ref c00);
            }
            Spill(ref b00, ref c00, sums + 8);
        }
        Finish(a00, b00, c00, sums + 0, 4);
    }

    // The top words grow in memory, from 2³⁷.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Start(long* top, int count)
    {
        for (var k = 0; k < count; k += 4) Vector256.Create(Sums.Offset).Store(top + k);
    }

    // The cross products, carried into: b − a − c. What goes up by one limb leaves its trace in b, so that the difference stays what is left.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Carry(ref Vec a, ref Vec b, ref Vec c)
    {
        var mask = Vector256.Create((1L << Limbs.Bits) - 1);
        var cross = b - a - c + ShiftDown(a, Limbs.Bits);
        a &= mask;
        c += ShiftDown(cross, Limbs.Bits);
        b = (cross & mask) + a + c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Spill(ref Vec b, ref Vec c, long* top)
    {
        var over = ShiftDown(c, 32);
        (Vector256.Load(top) + over).Store(top);
        over <<= 32;
        b -= over;
        c -= over;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Finish(Vec a, Vec b, Vec c, long* low, int stride)
    {
        (a + (b - a - c << Limbs.Bits)).Store(low);
        c.Store(low + stride);
    }

    // AVX2 has no arithmetic shift of 64-bit words: make them unsigned, shift, and take off what that has added.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vec ShiftDown(Vec value, int bits) => ((value ^ Vector256.Create(long.MinValue)) >>> bits) - Vector256.Create(1L << 63 - bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<int> High(Vector256<int> packed) => (packed.AsUInt64() >>> 32).AsInt32();
}
