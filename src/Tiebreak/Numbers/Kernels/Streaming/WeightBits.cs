using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tiebreak.Numbers.Kernels.Streaming;

/// <summary>How weights lie in a file, read as the bits of a float32: every number of the smaller formats is one of those, so equal bits mean equal values across formats.</summary>
unsafe interface IWeightBits
{
    /// <summary>Bytes a weight.</summary>
    static abstract int Size { get; }

    /// <summary>One weight.</summary>
    static abstract uint One(byte* at);

    /// <summary>Neighbouring weights, one in each lane.</summary>
    static abstract T Bits<L, T>(byte* at) where L : ILanes<T> where T : struct;

    /// <summary>Neighbouring weights as the doubles they are.</summary>
    static abstract T Doubles<L, T>(byte* at) where L : ILanes<T> where T : struct;

    /// <summary>Eight neighbouring weights, one in each 64-bit lane.</summary>
    static abstract Vector512<ulong> Eight(byte* at);
}

/// <summary>IEEE 754 binary32.</summary>
readonly unsafe struct Float32Bits : IWeightBits
{
    public static int Size => sizeof(uint);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint One(byte* at) => *(uint*)at;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Bits<L, T>(byte* at) where L : ILanes<T> where T : struct => L.Widened((uint*)at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Doubles<L, T>(byte* at) where L : ILanes<T> where T : struct => L.DoublesOf((float*)at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Eight(byte* at) =>
        Avx512F.IsSupported ? Avx512F.ConvertToVector512UInt64(Vector256.Load((uint*)at))
        : Vector512.Create(Vector256.WidenLower(Vector256.Load((uint*)at)), Vector256.WidenUpper(Vector256.Load((uint*)at)));
}

/// <summary>The upper half of a float32.</summary>
readonly unsafe struct BFloat16Bits : IWeightBits
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint One(byte* at) => (uint)*(ushort*)at << 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Bits<L, T>(byte* at) where L : ILanes<T> where T : struct => L.ShiftLeft(L.Widened((ushort*)at), 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Doubles<L, T>(byte* at) where L : ILanes<T> where T : struct => L.DoublesOfUpper((ushort*)at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Eight(byte* at)
    {
        if (Avx512F.IsSupported) return Avx512F.ConvertToVector512UInt64(Vector128.Load((ushort*)at)) << 16;
        var words = Vector128.Load((ushort*)at);
        var wide = Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words));
        return Vector512.Create(Vector256.WidenLower(wide), Vector256.WidenUpper(wide)) << 16;
    }
}

/// <summary>IEEE 754 binary16, through a table of all its numbers.</summary>
readonly unsafe struct Float16Bits : IWeightBits
{
    static readonly uint* All = Table();

    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint One(byte* at) => All[*(ushort*)at];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Bits<L, T>(byte* at) where L : ILanes<T> where T : struct => L.LookedUp(All, (ushort*)at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Doubles<L, T>(byte* at) where L : ILanes<T> where T : struct => L.DoublesOf(Bits<L, T>(at));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Eight(byte* at)
    {
        var words = (ushort*)at;
        return Vector512.Create((ulong)All[words[0]], All[words[1]], All[words[2]], All[words[3]], All[words[4]], All[words[5]], All[words[6]], All[words[7]]);
    }

    static uint* Table()
    {
        var table = (uint*)NativeMemory.Alloc(1 << 16, sizeof(uint));
        for (var k = 0; k < 1 << 16; k++) table[k] = BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf((ushort)k));
        return table;
    }
}
