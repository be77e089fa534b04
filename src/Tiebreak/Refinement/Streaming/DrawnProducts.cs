using System.Runtime.Intrinsics;
using Tiebreak.Numbers;

namespace Tiebreak.Refinement.Streaming;

/// <summary>
/// Products of streamed matrices with vectors, drawn at random instead of computed: for each name of a slice (<see cref="SliceNames"/>) and each vector one number. What is equal for all such numbers is equal for the products too, as
/// those are some of them; it needs no look at the weights, and nothing that a product leads to has a degree of more than the steps behind it. Of a product's properties these are kept: zero for a zero vector, odd in the
/// vector, equal for equal vectors. A tie that rests on others (sums through a matrix that cancel) is not seen so, and needs the products themselves.
/// </summary>
/// <param name="names">The names of slices.</param>
/// <param name="seed">Of the numbers.</param>
/// <param name="options">Threads.</param>
sealed unsafe class DrawnProducts(SliceNames names, ulong seed, RefinementOptions options)
{
    const int Grain = 1 << 13;

    readonly Dictionary<(int Lane, ulong First, ulong Second), int> _vectors = []; // numbered as they come

    /// <summary>Whether all vectors so far were alike where the state says so. If one was not, the state is not invariant.</summary>
    public bool AreAlike { get; private set; } = true;

    /// <summary>Whether a matrix' products can be drawn.</summary>
    public bool Has(int matrix) => names.Has(matrix);

    /// <summary>Draws products; see <see cref="Evaluation.IMatrixPoint.TryMultiply"/>.</summary>
    public void Multiply<TField>(TField field, int lane, int matrix, bool overRows, ulong* vectors, int count, ulong* results) where TField : struct, IField
    {
        var (summed, made) = (names.Of(matrix, isRows: overRows), names.Of(matrix, isRows: !overRows));
        var (length, width) = (summed.Ids.Length, made.Ids.Length);
        var random = new RandomFunction(seed + (ulong)lane, RandomFunction.Purpose("product"));
        for (var t = 0; t < count; t++)
        {
            var x = vectors + (long)t * length;
            var y = results + (long)t * width;
            AreAlike &= IsAlike(field, summed, x);
            var (number, isNegative) = AreAlike ? NumberOf(field, lane, summed.Axis, x) : default;
            if (number == 0)
            {
                new Span<ulong>(y, width).Clear();
                continue;
            }

            var parts = Math.Clamp(width / Grain, 1, options.Threads);
            void Part(int part)
            {
                for (var n = (int)((long)width * part / parts); n < (int)((long)width * (part + 1) / parts); n++)
                {
                    if (made.Ids[n] == 0)
                    {
                        y[n] = 0;
                        continue;
                    }

                    var drawn = random.Below(field.Modulus, (ulong)made.Ids[n] << 32 | (uint)number);
                    y[n] = (made.Axis.Keys[n] & AxisKeys.SignBit) != 0 != isNegative ? field.Negate(drawn) : drawn;
                }
            }

            if (parts == 1) Part(0);
            else Parallel.For(0, parts, Part);
        }
    }

    static bool IsAlike<TField>(TField field, AxisNames axis, ulong* vector) where TField : struct, IField
    {
        foreach (var (place, first, isOpposed) in axis.Repeated)
            if (vector[place] != (isOpposed ? field.Negate(vector[first]) : vector[first])) return false;
        foreach (var place in axis.Idle)
            if (vector[place] != 0) return false;
        return true;
    }

    // The same for a vector and its negative, and for one with the same values in the same classes; 0 for one of zeros.
    (int Number, bool IsNegative) NumberOf<TField>(TField field, int lane, AxisKeys axis, ulong* vector) where TField : struct, IField
    {
        if (!new Span<ulong>(vector, axis.Keys.Length).ContainsAnyExcept(0UL)) return default;
        var (plus, minus) = (Hash(axis.Keys, vector, field.Modulus, isNegated: false), Hash(axis.Keys, vector, field.Modulus, isNegated: true));
        var isNegative = minus.CompareTo(plus) < 0;
        var hash = isNegative ? minus : plus;
        if (!_vectors.TryGetValue((lane, hash.First, hash.Second), out var number)) _vectors.Add((lane, hash.First, hash.Second), number = _vectors.Count + 1);
        return (number, isNegative);
    }

    // Two sums over all places of a keyed random function of class and value, under the place's sign.
    (ulong First, ulong Second) Hash(ulong[] keys, ulong* vector, ulong modulus, bool isNegated)
    {
        var (firstKey, secondKey) = (Mixing.Mixed(seed), Mixing.Mixed(~seed));
        Vector512<ulong> first = default, second = default;
        var (p, sign, flipped) = (Vector512.Create(modulus), Vector512.Create(AxisKeys.SignBit), Vector512.Create(isNegated ? AxisKeys.SignBit : 0));
        var place = 0;
        fixed (ulong* at = keys)
        {
            for (; place + Vector512<ulong>.Count <= keys.Length; place += Vector512<ulong>.Count)
            {
                var (key, value) = (Vector512.Load(at + place), Vector512.Load(vector + place));
                var stays = Vector512.IsZero((key ^ flipped) & sign) | Vector512.IsZero(value);
                value = Vector512.ConditionalSelect(stays, value, p - value);
                key = Vector512.AndNot(key, sign);
                first += Mixing.Mixed(Mixing.Mixed(key ^ Vector512.Create(firstKey)) ^ value);
                second += Mixing.Mixed(Mixing.Mixed(key ^ Vector512.Create(secondKey)) ^ value);
            }
        }

        var (one, other) = (Vector512.Sum(first), Vector512.Sum(second));
        for (; place < keys.Length; place++)
        {
            var (key, value) = (keys[place] & ~AxisKeys.SignBit, vector[place]);
            if ((keys[place] & AxisKeys.SignBit) != 0 != isNegated && value != 0) value = modulus - value;
            one += Mixing.Mixed(Mixing.Mixed(key ^ firstKey) ^ value);
            other += Mixing.Mixed(Mixing.Mixed(key ^ secondKey) ^ value);
        }

        return (one, other);
    }
}
