using System.Runtime.CompilerServices;

namespace Tiebreak.Numbers;

/// <summary>
/// A keyed pseudo-random function from 64-bit words to numbers below a modulus: the source of every random choice. For one key it is a
/// bijection of words (three multiply-xorshift rounds with a second key between) followed by a scaling to the modulus, so distinct words
/// collide only through the scaling, with probability at most 8/2⁶⁴ a value for the 61-bit moduli used here.
/// </summary>
public readonly struct RandomFunction
{
    readonly ulong _first;
    readonly ulong _second;

    /// <summary>The function of a seed and a purpose; different purposes give unrelated functions.</summary>
    public RandomFunction(ulong seed, ulong purpose)
    {
        _first = Mix(seed ^ Mix(purpose + 0x9E3779B97F4A7C15));
        _second = Mix(_first + 0xD1B54A32D192ED03 + purpose);
    }

    /// <summary>A uniformly distributed word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Word(ulong input)
    {
        var x = input ^ _first;
        x = (x ^ x >> 32) * 0xD6E8FEB86659FD93;
        x = (x ^ x >> 29) * 0x9FB21C651E98DF25;
        x ^= _second;
        x = (x ^ x >> 32) * 0xD6E8FEB86659FD93;
        return x ^ x >> 32;
    }

    /// <summary>A uniformly distributed number in [0, modulus).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Below(ulong modulus, ulong input) => Math.BigMul(Word(input), modulus, out _);

    /// <summary>A word that depends on all letters of a name, the same on every machine (FNV-1a, then mixed).</summary>
    public static ulong Purpose(string name)
    {
        var hash = 0xCBF29CE484222325;
        foreach (var letter in name) hash = (hash ^ letter) * 0x100000001B3;
        return Mix(hash);
    }

    static ulong Mix(ulong x)
    {
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
        x = (x ^ x >> 27) * 0x94D049BB133111EB;
        return x ^ x >> 31;
    }
}
