using System.Runtime.CompilerServices;

namespace Tiebreak.Numbers.Kernels.Streaming;

/// <summary>
/// Up to four vectors of field elements, each element as two signed limbs, x = x₀ + 2³⁰·x₁, the halves of a word. What is read together lies together: for one place or for as many as a register has lanes the words of the first
/// vector, then those of the next. So the vectors of a wide matrix stay in the fast caches. Where one place is read at a time there is a word for each limb.
/// </summary>
/// <param name="start">Room for <see cref="Size"/> words.</param>
/// <param name="count">How many vectors.</param>
/// <param name="lanes">Neighbouring places that are read at once: as many as a register has lanes where a kernel sums over columns, 1 where over rows.</param>
readonly unsafe struct LimbVectors(long* start, int count, int lanes)
{
    public long* Start { get; } = start;

    /// <summary>The power of two of the high limb, here and in weights.</summary>
    public const int HighScale = 30;

    /// <summary>Words of an element that is read alone.</summary>
    public const int Parts = 2;

    /// <summary>The words that vectors need.</summary>
    public static long Size(int count, int places, int lanes) => ((long)places + lanes - 1) / lanes * lanes * count * (lanes == 1 ? Parts : 1);

    /// <summary>Writes an element, taken between −p/2 and p/2.</summary>
    public void Set(int vector, int place, ulong value, ulong modulus)
    {
        var signed = value > modulus / 2 ? (long)(value - modulus) : (long)value;
        var low = signed << 64 - HighScale >> 64 - HighScale;
        var high = signed - low >> HighScale;
        var at = Start + At(vector, place);
        if (lanes == 1) (at[0], at[1]) = (low, high);
        else *at = (uint)low | high << 32;
    }

    /// <summary>The limbs of an element.</summary>
    public (long Low, long High) Get(int vector, int place)
    {
        var at = Start + At(vector, place);
        return lanes == 1 ? (at[0], at[1]) : ((int)*at, *at >> 32);
    }

    long At(int vector, int place) => lanes == 1 ? ((long)place * count + vector) * Parts : ((long)place / lanes * count + vector) * lanes + place % lanes;
}

/// <summary>The sums of products of limbs for each vector and place, low, high and mixed; each place is added to by one thread only.</summary>
readonly unsafe struct LimbSums(Int128* sums, int stride)
{
    /// <summary>How many numbers there are for each vector and place.</summary>
    public const int Each = 3;

    /// <summary>Adds to the k-th sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int vector, int place, int k, Int128 value) => sums[Each * ((long)vector * stride + place) + k] += value;

    /// <summary>The field element that the sums make.</summary>
    public ulong Of<TField>(TField field, int vector, int place) where TField : struct, IField
    {
        var at = sums + Each * ((long)vector * stride + place);
        var sum = field.Add(field.Reduce(at[0]), field.Scale(field.Reduce(at[1]), 2 * LimbVectors.HighScale));
        return field.Add(sum, field.Scale(field.Reduce(at[2]), LimbVectors.HighScale));
    }
}
