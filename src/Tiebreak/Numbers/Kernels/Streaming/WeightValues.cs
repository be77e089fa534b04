using System.Runtime.CompilerServices;

namespace Tiebreak.Numbers.Kernels.Streaming;

/// <summary>
/// What number a weight stands for at a point, made from its bits while they stream by: two limbs, w₀ + 2³⁰·w₁, of at most 2²⁹ and 2²⁵ with a sign, or both of at most 2²⁷; or w₀ alone. A kernel multiplies them and never keeps them.
/// </summary>
unsafe interface IWeightValues
{
    /// <summary>Whether keys matter: numbers are random, and not the weights' own.</summary>
    static abstract bool HasKeys { get; }

    /// <summary>Whether there is a high limb; else it is zero.</summary>
    static abstract bool HasHigh { get; }

    /// <summary>The power of two of the low limb.</summary>
    int Unit { get; }

    /// <summary>The limbs of one weight.</summary>
    (int Low, int High) One(uint bits, ulong row, ulong column);

    /// <summary>The limbs of neighbours, in the lower halves of the lanes; what stands above them means nothing.</summary>
    void Some<L, T, TBits>(byte* at, T row, T column, out T low, out T high) where L : ILanes<T> where T : struct where TBits : struct, IWeightBits;
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
/// <para>The number is (2l + 1) + 2³⁰·(2h + 1) for random l and h of 28 bits with sign, which is odd in both: the complement of both is the negative. What is not a multiple of the limbs, 1 + 2³⁰, is
/// the same for all weights and is added by whoever asked (<see cref="Whole"/>).</para>
/// </summary>
readonly unsafe struct RandomValues<TZeros> : IWeightValues where TZeros : struct, IHasZeros
{
    const long SignBit = 1L << 31;
    const long FirstFactor = unchecked((long)0xD6E8FEB86659FD93);
    const long SecondFactor = unchecked((long)0x9FB21C651E98DF25);
    const int Dropped = 4;

    /// <summary>How many numbers there are to draw from.</summary>
    public const double Choices = 1L << 56;

    /// <inheritdoc/>
    public static bool HasKeys => true;

    /// <inheritdoc/>
    public static bool HasHigh => true;

    /// <inheritdoc/>
    public int Unit => 0;

    /// <summary>The number that two limbs stand for.</summary>
    public static long Whole(int low, int high) => 2L * low + 1 + ((2L * high + 1) << LimbVectors.HighScale);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (int Low, int High) One(uint bits, ulong row, ulong column)
    {
        var key = (long)(row ^ column);
        var mixed = key ^ bits;
        if (TZeros.Value && (bits & ~SignBit) == 0) (mixed, bits) = (key & ~SignBit, (uint)key);
        mixed *= FirstFactor;
        mixed = (mixed ^ mixed >>> 32) * SecondFactor;
        if ((int)bits < 0) mixed = ~mixed;
        return ((int)mixed >> Dropped, (int)(mixed >> 32) >> Dropped);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Some<L, T, TBits>(byte* at, T row, T column, out T low, out T high) where L : ILanes<T> where T : struct where TBits : struct, IWeightBits
    {
        var (bits, key) = (TBits.Bits<L, T>(at), L.Xor(row, column));
        var mixed = L.Xor(key, bits);
        if (TZeros.Value)
        {
            var isZero = L.AreZero(L.And(bits, L.All(~SignBit)));
            mixed = L.Select(isZero, L.And(key, L.All(~SignBit)), mixed);
            bits = L.Select(isZero, key, bits);
        }

        mixed = L.Multiply(mixed, L.All(FirstFactor));
        mixed = L.Multiply(L.Xor(mixed, L.ShiftRightLogical(mixed, 32)), L.All(SecondFactor));
        mixed = L.Xor(mixed, L.ShiftRight(L.ShiftLeft(bits, 32), 63));
        low = L.ShiftHalvesRight(mixed, Dropped);
        high = L.ShiftRightLogical(low, 32);
    }
}

/// <summary>
/// The weights' own values in units of 2^(<paramref name="leastExponent"/> − 150), as the nearest integers, half to even; exact where biased exponents (of float32, subnormal ones as 1) are leastExponent to leastExponent + 31. None
/// may be larger. Doubles make the limbs: the sum of a number and 1½·2⁵²⁺ᵏ ends with its multiple of 2ᵏ, as an integer.
/// </summary>
/// <param name="leastExponent">A biased exponent; may be negative.</param>
readonly unsafe struct OwnValues(int leastExponent) : IWeightValues
{
    /// <summary>Bits of an integer, with its sign.</summary>
    public const int Bits = 56;

    /// <summary>A sum of this and a double of at most a third as much ends with the bit for 1, and with the integer next to that double.</summary>
    public const double LastBit = 3L << 51;

    const int LowBits = LimbVectors.HighScale;

    readonly double _scale = Math.ScaleB(1, 150 - leastExponent);

    /// <inheritdoc/>
    public static bool HasKeys => false;

    /// <inheritdoc/>
    public static bool HasHigh => true;

    /// <inheritdoc/>
    public int Unit => leastExponent - 150;

    /// <summary>The integer that stands for a weight.</summary>
    public long Nearest(uint bits) => (long)Math.Round(BitConverter.UInt32BitsToSingle(bits) * _scale, MidpointRounding.ToEven);

    /// <inheritdoc/>
    public (int Low, int High) One(uint bits, ulong row, ulong column) => Split(Nearest(bits));

    /// <summary>Takes a number of up to 56 bits with its sign apart.</summary>
    public static (int Low, int High) Split(long value)
    {
        var low = (int)value << 32 - LowBits >> 32 - LowBits;
        return (low, (int)(value - low >> LowBits));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Some<L, T, TBits>(byte* at, T row, T column, out T low, out T high) where L : ILanes<T> where T : struct where TBits : struct, IWeightBits =>
        Split<L, T>(Scaled<L, T, TBits>(at), out low, out high);

    /// <summary>Neighbours in the unit, not rounded yet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Scaled<L, T, TBits>(byte* at) where L : ILanes<T> where T : struct where TBits : struct, IWeightBits => L.MultiplyDoubles(TBits.Doubles<L, T>(at), L.All(_scale));

    /// <summary>The limbs of doubles of up to 56 bits with their signs, each rounded to the nearest integer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split<L, T>(T values, out T low, out T high) where L : ILanes<T> where T : struct
    {
        var highest = L.All(LastBit * (1 << LowBits));
        high = L.AddDoubles(values, highest);
        low = L.AddDoubles(L.SubtractDoubles(values, L.SubtractDoubles(high, highest)), L.All(LastBit));
    }
}

/// <summary>The same where integers have 30 bits with their signs, so that one limb is enough: for weights with few significant bits, such as bfloat16 has.</summary>
/// <param name="leastExponent">A biased exponent; may be negative.</param>
readonly unsafe struct NarrowValues(int leastExponent) : IWeightValues
{
    /// <summary>Bits of an integer, with its sign.</summary>
    public const int Bits = LimbVectors.HighScale;

    readonly OwnValues _values = new(leastExponent);

    /// <inheritdoc/>
    public static bool HasKeys => false;

    /// <inheritdoc/>
    public static bool HasHigh => false;

    /// <inheritdoc/>
    public int Unit => _values.Unit;

    /// <inheritdoc/>
    public (int Low, int High) One(uint bits, ulong row, ulong column) => ((int)_values.Nearest(bits), 0);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Some<L, T, TBits>(byte* at, T row, T column, out T low, out T high) where L : ILanes<T> where T : struct where TBits : struct, IWeightBits =>
        (low, high) = (L.AddDoubles(_values.Scaled<L, T, TBits>(at), L.All(OwnValues.LastBit)), default);
}

/// <summary>What the nearest integers in a unit leave of the weights, in units 2⁵⁶ times as small: again the nearest integers, of 56 bits with their signs.</summary>
/// <param name="leastExponent">That of the larger unit: as of <see cref="OwnValues"/>.</param>
readonly unsafe struct RestValues(int leastExponent) : IWeightValues
{
    readonly double _scale = Math.ScaleB(1, 150 - leastExponent);

    /// <inheritdoc/>
    public static bool HasKeys => false;

    /// <inheritdoc/>
    public static bool HasHigh => true;

    /// <inheritdoc/>
    public int Unit => leastExponent - 150 - OwnValues.Bits;

    /// <inheritdoc/>
    public (int Low, int High) One(uint bits, ulong row, ulong column)
    {
        var value = BitConverter.UInt32BitsToSingle(bits) * _scale;
        return OwnValues.Split((long)Math.Round((value - Math.Round(value, MidpointRounding.ToEven)) * (1L << OwnValues.Bits), MidpointRounding.ToEven));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Some<L, T, TBits>(byte* at, T row, T column, out T low, out T high) where L : ILanes<T> where T : struct where TBits : struct, IWeightBits
    {
        var values = L.MultiplyDoubles(TBits.Doubles<L, T>(at), L.All(_scale));
        OwnValues.Split<L, T>(L.MultiplyDoubles(L.SubtractDoubles(values, L.RoundDoubles(values)), L.All((double)(1L << OwnValues.Bits))), out low, out high);
    }
}
