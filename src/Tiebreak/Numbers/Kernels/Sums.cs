using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tiebreak.Numbers.Kernels;

/// <summary>What kernels and <see cref="Sums{TField}"/> agree on.</summary>
static class Sums
{
    /// <summary>What a top word starts from, so that it stays positive.</summary>
    public const long Offset = 1L << 37;
}

/// <summary>
/// What a kernel leaves of a sum: three words with sum = low + middle·2⁶² + (top − 2³⁷)·2⁹⁴, where low is below 2⁶², middle below 2³² and top below 2³⁸,
/// none negative (that is what the 2³⁷ is for). With at most 1008 products of |·| ≤ 2¹²⁰ the top word is at most 2³⁶ away from 2³⁷.
/// </summary>
/// <remarks>
/// Reducing 132 bits is three of Montgomery's steps, of 32 bits each, which vectors do as well as scalars; but they divide by 2⁹⁶. So one operand of
/// every product is multiplied by 2⁹⁶ beforehand (<see cref="Scale"/>), while it is packed. Modulo 2⁶¹ − 1 shifts do it all, and nothing is scaled.
/// </remarks>
/// <param name="field">The field to reduce the sums to.</param>
readonly unsafe struct Sums<TField>(TField field) where TField : struct, IField
{
    readonly ulong _prime = field.Modulus;
    readonly ulong _scale = field.Scale(1, 96);
    readonly uint _inverse = NegativeInverse((uint)field.Modulus);
    readonly ulong _offset = field.Negate(field.Scale((ulong)Sums.Offset, typeof(TField) == typeof(Mersenne61) ? 94 : 94 - 96));

    /// <summary>What one operand has to be multiplied by before it is packed.</summary>
    public ulong Scale(ulong value) => typeof(TField) == typeof(Mersenne61) ? value : field.Multiply(value, _scale);

    /// <summary>Reduces sums to elements of the field.</summary>
    /// <param name="low">The low words; the middle words follow <paramref name="count"/> words later, the top words as far again.</param>
    /// <param name="count">How many sums there are: 4, or a multiple of 8.</param>
    /// <param name="results">The elements.</param>
    public void Reduce(long* low, int count, ulong* results)
    {
        var words = (ulong*)low;
        var k = 0;
        if (Avx512F.IsSupported)
        {
            for (; k <= count - 8; k += 8) Reduce(Vector512.Load(words + k), Vector512.Load(words + count + k), Vector512.Load(words + 2 * count + k)).Store(results + k);
        }
        if (Avx2.IsSupported)
        {
            for (; k <= count - 4; k += 4) Reduce(Vector256.Load(words + k), Vector256.Load(words + count + k), Vector256.Load(words + 2 * count + k)).Store(results + k);
        }
        for (; k < count; k++) results[k] = Reduce(words[k], words[count + k], words[2 * count + k]);
    }

    // Modulo 2⁶¹ − 1: middle·2⁶² = 2·middle and top·2⁹⁴ = top·2³³, whose upper bits (from 2⁶¹ on) come back at the bottom. The terms are below
    // 2⁶², 2³³, 2⁶¹, 2¹⁰ and 2⁶¹: no carry is lost, and one folding leaves less than p + 8.
    // Otherwise each step adds the multiple of p that clears the lowest 32 bits, then drops them; words further up join when they are in reach. All terms
    // of a step are below 2⁶², 2⁶¹, 2³² and 2³¹. The last leaves less than p + 2³⁷, the offset adds less than p: two subtractions.
    ulong Reduce(ulong low, ulong middle, ulong top)
    {
        if (typeof(TField) == typeof(Mersenne61)) return field.Reduce(low + (middle << 1) + (top << 33 & _prime) + (top >> 28) + _offset);
        var value = Step(low) + (middle << 30);
        value = Step(value) + ((ulong)(uint)top << 30);
        value = Step(value) + (top >> 32 << 30) + _offset;
        return Once(Once(value));
    }

    ulong Step(ulong value)
    {
        ulong multiplier = (uint)value * _inverse;
        return (value >> 32) + multiplier * (_prime >> 32) + (multiplier * (uint)_prime + (uint)value >> 32);
    }

    ulong Once(ulong value) => Math.Min(value, value - _prime); // below p the difference wraps and is the greater

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector512<ulong> Reduce(Vector512<ulong> low, Vector512<ulong> middle, Vector512<ulong> top)
    {
        var prime = Vector512.Create(_prime);
        var offset = Vector512.Create(_offset);
        if (typeof(TField) == typeof(Mersenne61))
        {
            var sum = low + (middle << 1) + (top << 33 & prime) + (top >>> 28) + offset;
            sum = (sum & prime) + (sum >>> 61);
            return Vector512.Min(sum, sum - prime);
        }
        var value = Step(low) + (middle << 30);
        value = Step(value) + (top << 32 >>> 2);
        value = Step(value) + (top >>> 32 << 30) + offset;
        value = Vector512.Min(value, value - prime);
        return Vector512.Min(value, value - prime);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector512<ulong> Step(Vector512<ulong> value)
    {
        var multiplier = Avx512F.Multiply(value.AsUInt32(), Vector512.Create(_inverse)).AsUInt32();
        var cleared = Avx512F.Multiply(multiplier, Vector512.Create(_prime).AsUInt32()) + (value & Vector512.Create((ulong)uint.MaxValue));
        return (value >>> 32) + Avx512F.Multiply(multiplier, Vector512.Create(_prime >> 32).AsUInt32()) + (cleared >>> 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector256<ulong> Reduce(Vector256<ulong> low, Vector256<ulong> middle, Vector256<ulong> top)
    {
        var prime = Vector256.Create(_prime);
        var offset = Vector256.Create(_offset);
        if (typeof(TField) == typeof(Mersenne61))
        {
            var sum = low + (middle << 1) + (top << 33 & prime) + (top >>> 28) + offset;
            return Once((sum & prime) + (sum >>> 61), prime);
        }
        var value = Step(low) + (middle << 30);
        value = Step(value) + (top << 32 >>> 2);
        value = Step(value) + (top >>> 32 << 30) + offset;
        return Once(Once(value, prime), prime);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector256<ulong> Step(Vector256<ulong> value)
    {
        var multiplier = Avx2.Multiply(value.AsUInt32(), Vector256.Create(_inverse)).AsUInt32();
        var cleared = Avx2.Multiply(multiplier, Vector256.Create(_prime).AsUInt32()) + (value & Vector256.Create((ulong)uint.MaxValue));
        return (value >>> 32) + Avx2.Multiply(multiplier, Vector256.Create(_prime >> 32).AsUInt32()) + (cleared >>> 32);
    }

    // AVX2 has no minimum of 64-bit words, but it compares signed ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<ulong> Once(Vector256<ulong> value, Vector256<ulong> prime) =>
        value - Vector256.AndNot(prime, Vector256.GreaterThan(prime.AsInt64(), value.AsInt64()).AsUInt64());

    // −1 / p modulo 2³²: right to 3 bits at first, and each step of Newton's doubles them.
    static uint NegativeInverse(uint prime)
    {
        var inverse = prime;
        for (var bits = 3; bits < 32; bits *= 2) inverse *= 2 - prime * inverse;
        return 0 - inverse;
    }
}
