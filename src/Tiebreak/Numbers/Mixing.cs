using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tiebreak.Numbers;

/// <summary>A bijection of words that looks random: two rounds of multiply and xor-shift, fit for names in tables. <see cref="RandomFunction"/> is for random choices.</summary>
static class Mixing
{
    const ulong FirstFactor = 0xD6E8FEB86659FD93;
    const ulong SecondFactor = 0x9FB21C651E98DF25;

    /// <summary>Of one word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mixed(ulong x)
    {
        x = (x ^ x >> 32) * FirstFactor;
        x = (x ^ x >> 29) * SecondFactor;
        return x ^ x >> 32;
    }

    /// <summary>Of eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Mixed(Vector512<ulong> x)
    {
        x = (x ^ x >> 32) * Vector512.Create(FirstFactor);
        x = (x ^ x >> 29) * Vector512.Create(SecondFactor);
        return x ^ x >> 32;
    }
}
