using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tiebreak.Numbers.Kernels.Streaming;

/// <summary>
/// What kernels do with a register of 64-bit lanes, as wide as the processor has them. The runtime also takes wider vectors apart by itself, but not within registers, and a kernel takes about twice as long then. A lane holds an
/// integer, or the bits of a double; what works on doubles says so.
/// </summary>
/// <typeparam name="T">The register. Wrapped in a type of ours that had these as its operators, it would not stay in registers either.</typeparam>
unsafe interface ILanes<T> where T : struct
{
    /// <summary>How many lanes.</summary>
    static abstract int Count { get; }

    /// <summary>Neighbouring words.</summary>
    static abstract T Load(long* at);

    /// <summary>Writes all lanes.</summary>
    static abstract void Store(T value, long* at);

    /// <summary>One word in all lanes.</summary>
    static abstract T All(long word);

    /// <summary>One double in all lanes.</summary>
    static abstract T All(double number);

    /// <summary>Neighbouring numbers, widened without sign.</summary>
    static abstract T Widened(uint* at);

    /// <inheritdoc cref="Widened(uint*)"/>
    static abstract T Widened(ushort* at);

    /// <summary>Words of a table, at neighbouring indices.</summary>
    static abstract T LookedUp(uint* table, ushort* indices);

    /// <summary>Neighbouring floats as doubles.</summary>
    static abstract T DoublesOf(float* at);

    /// <summary>Neighbouring floats, of which the upper halves are given, as doubles.</summary>
    static abstract T DoublesOfUpper(ushort* at);

    /// <summary>The doubles that the floats in the lower halves of the lanes are.</summary>
    static abstract T DoublesOf(T floats);

    /// <summary>Sums.</summary>
    static abstract T Add(T left, T right);

    /// <summary>Products.</summary>
    static abstract T Multiply(T left, T right);

    /// <summary>Bits that both have.</summary>
    static abstract T And(T left, T right);

    /// <summary>Bits that one has.</summary>
    static abstract T Xor(T left, T right);

    /// <summary>To higher bits.</summary>
    static abstract T ShiftLeft(T value, int count);

    /// <summary>To lower bits, with the sign.</summary>
    static abstract T ShiftRight(T value, int count);

    /// <summary>To lower bits, without the sign.</summary>
    static abstract T ShiftRightLogical(T value, int count);

    /// <summary>Both halves of each lane to lower bits, each with its sign.</summary>
    static abstract T ShiftHalvesRight(T value, int count);

    /// <summary>Products of the lower halves, with their signs.</summary>
    static abstract T MultiplyHalves(T left, T right);

    /// <summary>All bits where lanes are zero, else none.</summary>
    static abstract T AreZero(T value);

    /// <summary>One where a mask has bits, else the other.</summary>
    static abstract T Select(T mask, T one, T other);

    /// <summary>Sums of doubles.</summary>
    static abstract T AddDoubles(T left, T right);

    /// <summary>Differences of doubles.</summary>
    static abstract T SubtractDoubles(T left, T right);

    /// <summary>Products of doubles.</summary>
    static abstract T MultiplyDoubles(T left, T right);

    /// <summary>The nearest whole doubles, half to even.</summary>
    static abstract T RoundDoubles(T value);
}

/// <summary>Registers of 512 bits, of processors with AVX-512.</summary>
readonly unsafe struct Lanes8 : ILanes<Vector512<long>>
{
    public static int Count => Vector512<long>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> Load(long* at) => Vector512.Load(at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<long> value, long* at) => value.Store(at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> All(long word) => Vector512.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> All(double number) => Vector512.Create(number).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> Widened(uint* at) => Avx512F.ConvertToVector512Int64(Vector256.Load(at));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> Widened(ushort* at) => Avx512F.ConvertToVector512Int64(Vector128.Load(at));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> LookedUp(uint* table, ushort* indices) =>
        Vector512.Create(table[indices[0]], table[indices[1]], table[indices[2]], table[indices[3]], table[indices[4]], table[indices[5]], table[indices[6]], (long)table[indices[7]]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> DoublesOf(float* at) => Avx512F.ConvertToVector512Double(Vector256.Load(at)).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> DoublesOfUpper(ushort* at) => Avx512F.ConvertToVector512Double((Avx2.ConvertToVector256Int32(Vector128.Load(at)) << 16).AsSingle()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> DoublesOf(Vector512<long> floats) => Avx512F.ConvertToVector512Double(Avx512F.ConvertToVector256UInt32(floats).AsSingle()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> Add(Vector512<long> left, Vector512<long> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> Multiply(Vector512<long> left, Vector512<long> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> And(Vector512<long> left, Vector512<long> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> Xor(Vector512<long> left, Vector512<long> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> ShiftLeft(Vector512<long> value, int count) => value << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> ShiftRight(Vector512<long> value, int count) => value >> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> ShiftRightLogical(Vector512<long> value, int count) => value >>> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> ShiftHalvesRight(Vector512<long> value, int count) => (value.AsInt32() >> count).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> MultiplyHalves(Vector512<long> left, Vector512<long> right) => Avx512F.Multiply(left.AsInt32(), right.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> AreZero(Vector512<long> value) => Vector512.Equals(value, Vector512<long>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> Select(Vector512<long> mask, Vector512<long> one, Vector512<long> other) => Vector512.ConditionalSelect(mask, one, other);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> AddDoubles(Vector512<long> left, Vector512<long> right) => (left.AsDouble() + right.AsDouble()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> SubtractDoubles(Vector512<long> left, Vector512<long> right) => (left.AsDouble() - right.AsDouble()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> MultiplyDoubles(Vector512<long> left, Vector512<long> right) => (left.AsDouble() * right.AsDouble()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> RoundDoubles(Vector512<long> value) => Vector512.Round(value.AsDouble()).AsInt64();
}

/// <summary>Registers of 256 bits, of processors with AVX2.</summary>
readonly unsafe struct Lanes4 : ILanes<Vector256<long>>
{
    public static int Count => Vector256<long>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> Load(long* at) => Vector256.Load(at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<long> value, long* at) => value.Store(at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> All(long word) => Vector256.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> All(double number) => Vector256.Create(number).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> Widened(uint* at) => Avx2.ConvertToVector256Int64(Vector128.Load(at));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> Widened(ushort* at) => Avx2.ConvertToVector256Int64(Vector128.CreateScalarUnsafe(*(ulong*)at).AsUInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> LookedUp(uint* table, ushort* indices) => Vector256.Create(table[indices[0]], table[indices[1]], table[indices[2]], (long)table[indices[3]]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> DoublesOf(float* at) => Avx.ConvertToVector256Double(Vector128.Load(at)).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> DoublesOfUpper(ushort* at) => Avx.ConvertToVector256Double((Sse41.ConvertToVector128Int32(Vector128.CreateScalarUnsafe(*(ulong*)at).AsUInt16()) << 16).AsSingle()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> DoublesOf(Vector256<long> floats) =>
        Avx.ConvertToVector256Double(Avx2.PermuteVar8x32(floats.AsInt32(), Vector256.Create(0, 2, 4, 6, 0, 2, 4, 6)).GetLower().AsSingle()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> Add(Vector256<long> left, Vector256<long> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> Multiply(Vector256<long> left, Vector256<long> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> And(Vector256<long> left, Vector256<long> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> Xor(Vector256<long> left, Vector256<long> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> ShiftLeft(Vector256<long> value, int count) => value << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> ShiftRight(Vector256<long> value, int count) => value >> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> ShiftRightLogical(Vector256<long> value, int count) => value >>> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> ShiftHalvesRight(Vector256<long> value, int count) => (value.AsInt32() >> count).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> MultiplyHalves(Vector256<long> left, Vector256<long> right) => Avx2.Multiply(left.AsInt32(), right.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> AreZero(Vector256<long> value) => Vector256.Equals(value, Vector256<long>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> Select(Vector256<long> mask, Vector256<long> one, Vector256<long> other) => Vector256.ConditionalSelect(mask, one, other);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> AddDoubles(Vector256<long> left, Vector256<long> right) => (left.AsDouble() + right.AsDouble()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> SubtractDoubles(Vector256<long> left, Vector256<long> right) => (left.AsDouble() - right.AsDouble()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> MultiplyDoubles(Vector256<long> left, Vector256<long> right) => (left.AsDouble() * right.AsDouble()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<long> RoundDoubles(Vector256<long> value) => Vector256.Round(value.AsDouble()).AsInt64();
}

/// <summary>Registers of 128 bits, which all processors have.</summary>
readonly unsafe struct Lanes2 : ILanes<Vector128<long>>
{
    public static int Count => Vector128<long>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> Load(long* at) => Vector128.Load(at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<long> value, long* at) => value.Store(at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> All(long word) => Vector128.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> All(double number) => Vector128.Create(number).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> Widened(uint* at) => Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)at).AsUInt32()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> Widened(ushort* at) => Vector128.Create(at[0], (long)at[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> LookedUp(uint* table, ushort* indices) => Vector128.Create(table[indices[0]], (long)table[indices[1]]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> DoublesOf(float* at) => Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)at).AsSingle()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> DoublesOfUpper(ushort* at) => Vector128.WidenLower((Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(uint*)at).AsUInt16()) << 16).AsSingle()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> DoublesOf(Vector128<long> floats) => Vector128.WidenLower(Vector128.Shuffle(floats.AsInt32(), Vector128.Create(0, 2, 0, 2)).AsSingle()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> Add(Vector128<long> left, Vector128<long> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> Multiply(Vector128<long> left, Vector128<long> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> And(Vector128<long> left, Vector128<long> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> Xor(Vector128<long> left, Vector128<long> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> ShiftLeft(Vector128<long> value, int count) => value << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> ShiftRight(Vector128<long> value, int count) => value >> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> ShiftRightLogical(Vector128<long> value, int count) => value >>> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> ShiftHalvesRight(Vector128<long> value, int count) => (value.AsInt32() >> count).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> MultiplyHalves(Vector128<long> left, Vector128<long> right) => Sse41.IsSupported ? Sse41.Multiply(left.AsInt32(), right.AsInt32()) : (left << 32 >> 32) * (right << 32 >> 32);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> AreZero(Vector128<long> value) => Vector128.Equals(value, Vector128<long>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> Select(Vector128<long> mask, Vector128<long> one, Vector128<long> other) => Vector128.ConditionalSelect(mask, one, other);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> AddDoubles(Vector128<long> left, Vector128<long> right) => (left.AsDouble() + right.AsDouble()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> SubtractDoubles(Vector128<long> left, Vector128<long> right) => (left.AsDouble() - right.AsDouble()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> MultiplyDoubles(Vector128<long> left, Vector128<long> right) => (left.AsDouble() * right.AsDouble()).AsInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<long> RoundDoubles(Vector128<long> value) => Vector128.Round(value.AsDouble()).AsInt64();
}
