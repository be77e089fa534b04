using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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
/// <param name="field">The field to reduce the sums to.</param>
readonly unsafe struct Sums<TField>(TField field) where TField : struct, IField
{
    readonly ulong _middle = field.Scale(1, 62);
    readonly ulong _top = field.Scale(1, 94);
    readonly ulong _offset = field.Negate(field.Scale((ulong)Sums.Offset, 94));

    /// <summary>Reduces sums to elements of the field.</summary>
    /// <param name="low">The low words; the middle words follow <paramref name="stride"/> words later, the top words as far again.</param>
    /// <param name="stride">How many sums the kernel has left.</param>
    /// <param name="count">How many to reduce.</param>
    /// <param name="results">The elements.</param>
    public void Reduce(long* low, int stride, int count, ulong* results)
    {
        var middle = low + stride;
        var top = middle + stride;
        var k = 0;
        if (typeof(TField) == typeof(Mersenne61))
        {
            if (Vector512.IsHardwareAccelerated)
            {
                for (; k <= count - 8; k += 8) Reduce(Vector512.Load((ulong*)low + k), Vector512.Load((ulong*)middle + k), Vector512.Load((ulong*)top + k)).Store(results + k);
            }
            if (Vector256.IsHardwareAccelerated)
            {
                for (; k <= count - 4; k += 4) Reduce(Vector256.Load((ulong*)low + k), Vector256.Load((ulong*)middle + k), Vector256.Load((ulong*)top + k)).Store(results + k);
            }
        }
        for (; k < count; k++)
        {
            // Below 2⁶² + 2⁶¹ + 2³²·2⁶¹ + 2³⁸·2⁶¹: far from 2¹²⁸.
            var high = Math.BigMul((ulong)top[k], _top, out var lower);
            high += Math.BigMul((ulong)middle[k], _middle, out var product);
            lower += product;
            high += lower < product ? 1UL : 0;
            product = (ulong)low[k] + _offset;
            lower += product;
            high += lower < product ? 1UL : 0;
            results[k] = field.Reduce(new UInt128(high, lower));
        }
    }

    // Modulo 2⁶¹ − 1: middle·2⁶² = 2·middle and top·2⁹⁴ = top·2³³, whose upper bits (from 2⁶¹ on) come back at the bottom. The terms are below
    // 2⁶², 2³³, 2⁶¹, 2¹⁰ and 2⁶¹: no carry is lost, and one folding leaves less than p + 8.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector512<ulong> Reduce(Vector512<ulong> low, Vector512<ulong> middle, Vector512<ulong> top)
    {
        var prime = Vector512.Create(Mersenne61.Prime);
        var sum = low + (middle << 1) + (top << 33 & prime) + (top >>> 28) + Vector512.Create(_offset);
        sum = (sum & prime) + (sum >>> 61);
        return Vector512.Min(sum, sum - prime); // unsigned: below p the difference wraps and is the greater
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector256<ulong> Reduce(Vector256<ulong> low, Vector256<ulong> middle, Vector256<ulong> top)
    {
        var prime = Vector256.Create(Mersenne61.Prime);
        var sum = low + (middle << 1) + (top << 33 & prime) + (top >>> 28) + Vector256.Create(_offset);
        sum = (sum & prime) + (sum >>> 61);
        var below = Vector256.GreaterThan(prime.AsInt64(), sum.AsInt64()).AsUInt64();
        return sum - Vector256.AndNot(prime, below);
    }
}
