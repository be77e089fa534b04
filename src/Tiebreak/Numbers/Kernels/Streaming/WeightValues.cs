using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tiebreak.Numbers.Kernels.Streaming;

/// <summary>
/// What number a weight stands for at a point, made from its bits while they stream by: two signed limbs of 28 bits. A kernel multiplies them and never keeps them.
/// </summary>
unsafe interface IWeightValues
{
    /// <summary>The power of two of the high limb, 31 or 28. With 31 it is that of a vector's high limb, so that both mixed products may be summed together.</summary>
    static abstract int HighScale { get; }

    /// <summary>How many products of one kind may be summed in 64 bits.</summary>
    static abstract int Terms { get; }

    /// <summary>Whether keys matter: numbers are random, and not the weights' own.</summary>
    static abstract bool HasKeys { get; }

    /// <summary>The power of two of the low limb.</summary>
    int Unit { get; }

    /// <summary>The limbs of one weight.</summary>
    (int Low, int High) One(uint bits, ulong row, ulong column);

    /// <summary>The limbs of eight neighbours, in the lower halves of the lanes; what stands above them means nothing.</summary>
    void Eight<TBits>(byte* at, Vector512<ulong> row, Vector512<ulong> column, out Vector512<int> low, out Vector512<int> high) where TBits : struct, IWeightBits;
}

/// <summary>Whether a matrix holds zeros.</summary>
interface IHasZeros
{
    static abstract bool Value { get; }
}

readonly struct SomeZeros : IHasZeros
{
    public static bool Value => true;
}

readonly struct NoZeros : IHasZeros
{
    public static bool Value => false;
}

/// <summary>
/// Random numbers, the same for weights of the same size, sign and keys (theory §6). A key is that of the row xor that of the column; bit 31 of both says whether the row or the column is the negative of its
/// class. Xor with the weight's bits then makes bit 31 say whether weight and gradient have the same sign, which is what a class may differ in (theory §3), and the weight's own sign is put in front of the random
/// number. Zero has no sign: there the gradient's is put in front.
/// <para>The number is (2l + 1) + 2³¹·(2h + 1) for random l and h of 28 bits with sign, which is odd in both: the complement of both is the negative. What is not a multiple of the limbs, 1 + 2³¹, is
/// the same for all weights and is added by whoever asked (<see cref="Whole"/>).</para>
/// </summary>
readonly unsafe struct RandomValues<TZeros> : IWeightValues where TZeros : struct, IHasZeros
{
    const ulong SignBit = 1UL << 31;
    const ulong FirstFactor = 0xD6E8FEB86659FD93;
    const ulong SecondFactor = 0x9FB21C651E98DF25;
    const int Dropped = 4;

    /// <summary>How many numbers there are to draw from.</summary>
    public const double Choices = 1L << 56;

    /// <inheritdoc/>
    public static int HighScale => 31;

    /// <inheritdoc/>
    public static bool HasKeys => true;

    /// <inheritdoc/>
    public static int Terms => 16;

    /// <inheritdoc/>
    public int Unit => 0;

    /// <summary>The number that two limbs stand for.</summary>
    public static long Whole(int low, int high) => 2L * low + 1 + ((2L * high + 1) << 31);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (int Low, int High) One(uint bits, ulong row, ulong column)
    {
        var key = row ^ column;
        var mixed = key ^ bits;
        if (TZeros.Value && (bits & ~SignBit) == 0) (mixed, bits) = (key & ~SignBit, (uint)key);
        mixed *= FirstFactor;
        mixed = (mixed ^ mixed >> 32) * SecondFactor;
        if ((int)bits < 0) mixed = ~mixed;
        return ((int)mixed >> Dropped, (int)(mixed >> 32) >> Dropped);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Eight<TBits>(byte* at, Vector512<ulong> row, Vector512<ulong> column, out Vector512<int> low, out Vector512<int> high) where TBits : struct, IWeightBits
    {
        var (bits, key) = (TBits.Eight(at), row ^ column);
        var mixed = key ^ bits;
        if (TZeros.Value)
        {
            var isZero = Vector512.Equals(bits & Vector512.Create(~SignBit), Vector512<ulong>.Zero);
            mixed = Vector512.ConditionalSelect(isZero, key & Vector512.Create(~SignBit), mixed);
            bits = Vector512.ConditionalSelect(isZero, key, bits);
        }

        mixed *= FirstFactor;
        mixed = (mixed ^ mixed >> 32) * SecondFactor;
        mixed ^= ((bits << 32).AsInt64() >> 63).AsUInt64();
        low = mixed.AsInt32() >> Dropped;
        high = (low.AsUInt64() >> 32).AsInt32();
    }
}

/// <summary>
/// The weights' own values in units of 2^(<paramref name="leastExponent"/> − 150), as far as their biased exponents (of float32, subnormal ones as 1) are leastExponent to leastExponent + 31; the others count as zero here, and it takes
/// several such windows to see all.
/// </summary>
/// <param name="leastExponent">A biased exponent; may be negative.</param>
readonly unsafe struct ExactValues(int leastExponent) : IWeightValues
{
    const ulong Mantissa = (1 << 23) - 1;
    const int LimbBits = 28;

    /// <summary>How many exponents a window holds: a mantissa of 24 bits, shifted by less, and a sign fill two limbs.</summary>
    public const int Window = 2 * LimbBits - 24;

    /// <inheritdoc/>
    public int Unit => leastExponent - 150;

    /// <inheritdoc/>
    public static int HighScale => LimbBits;

    /// <inheritdoc/>
    public static bool HasKeys => false;

    /// <inheritdoc/>
    public static int Terms => 32;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (int Low, int High) One(uint bits, ulong row, ulong column)
    {
        var exponent = (int)(bits >> 23 & 0xFF);
        var mantissa = (long)((bits & Mantissa) + (exponent == 0 ? 0UL : Mantissa + 1));
        exponent = Math.Max(1, exponent) - leastExponent;
        var value = (uint)exponent >= Window ? 0 : mantissa << exponent;
        return Split((int)bits < 0 ? -value : value);
    }

    /// <summary>Takes a number of up to 56 bits with its sign apart.</summary>
    public static (int Low, int High) Split(long value)
    {
        var low = (int)value << 32 - LimbBits >> 32 - LimbBits;
        return (low, (int)(value - low >> LimbBits));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Eight<TBits>(byte* at, Vector512<ulong> row, Vector512<ulong> column, out Vector512<int> low, out Vector512<int> high) where TBits : struct, IWeightBits
    {
        var bits = TBits.Eight(at);
        var exponent = bits >> 23 & Vector512.Create(0xFFUL);
        var mantissa = bits & Vector512.Create(Mantissa);
        mantissa = Vector512.ConditionalSelect(Vector512.Equals(exponent, Vector512<ulong>.Zero), mantissa, mantissa + Vector512.Create(Mantissa + 1));
        var shift = Vector512.Max(exponent, Vector512<ulong>.One) - Vector512.Create((ulong)(long)leastExponent); // huge if negative
        mantissa = Vector512.ConditionalSelect(Vector512.LessThan(shift, Vector512.Create((ulong)Window)), mantissa, Vector512<ulong>.Zero);
        var sign = (bits << 32).AsInt64() >> 63;
        Split((Shifted(mantissa, shift).AsInt64() ^ sign) - sign, out low, out high);
    }

    /// <summary>The same of eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split(Vector512<long> values, out Vector512<int> low, out Vector512<int> high)
    {
        low = values.AsInt32() << 32 - LimbBits >> 32 - LimbBits;
        high = (values + Vector512.Create(1L << LimbBits - 1) >> LimbBits).AsInt32();
    }

    // Counts of 64 and more leave zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<ulong> Shifted(Vector512<ulong> value, Vector512<ulong> count)
    {
        if (Avx512F.IsSupported) return Avx512F.ShiftLeftLogicalVariable(value, count);
        if (Avx2.IsSupported) return Vector512.Create(Avx2.ShiftLeftLogicalVariable(value.GetLower(), count.GetLower()), Avx2.ShiftLeftLogicalVariable(value.GetUpper(), count.GetUpper()));
        var shifted = value;
        for (var k = 0; k < Vector512<ulong>.Count; k++) shifted = shifted.WithElement(k, count[k] > 63 ? 0 : value[k] << (int)count[k]);
        return shifted;
    }
}

/// <summary>
/// The weights' own values in units of 2^(<paramref name="leastExponent"/> − 150), which the processor makes integers of: exact where biased exponents (of float32) are leastExponent to leastExponent + 31, and of smaller numbers the
/// nearest integer, half to even (<see cref="Nearest"/>). None may be larger.
/// </summary>
/// <param name="leastExponent">A biased exponent; at least <see cref="Least"/>.</param>
readonly unsafe struct NearestValues(int leastExponent) : IWeightValues
{
    readonly float _scale = MathF.ScaleB(1, 150 - leastExponent);

    /// <summary>The least exponent whose unit has an inverse among the numbers of float32.</summary>
    public const int Least = 24;

    /// <summary>Whether the processor can.</summary>
    public static bool IsSupported => Avx512DQ.IsSupported;

    /// <inheritdoc/>
    public static int HighScale => ExactValues.HighScale;

    /// <inheritdoc/>
    public static bool HasKeys => false;

    /// <inheritdoc/>
    public static int Terms => ExactValues.Terms;

    /// <inheritdoc/>
    public int Unit => leastExponent - 150;

    /// <summary>The integer that stands for a weight.</summary>
    public long Nearest(uint bits) => (long)Math.Round((double)BitConverter.UInt32BitsToSingle(bits) * _scale, MidpointRounding.ToEven);

    /// <inheritdoc/>
    public (int Low, int High) One(uint bits, ulong row, ulong column) => ExactValues.Split(Nearest(bits));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Eight<TBits>(byte* at, Vector512<ulong> row, Vector512<ulong> column, out Vector512<int> low, out Vector512<int> high) where TBits : struct, IWeightBits =>
        ExactValues.Split(Avx512DQ.ConvertToVector512Int64(TBits.EightNumbers(at) * _scale), out low, out high);
}
