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
    const int Grain = 1 << 13; // elements below which a second core costs more than it brings

    readonly Dictionary<(ulong First, ulong Second), int> _vectors = []; // numbered as they come
    readonly (ulong First, ulong Second) _keys = (new RandomFunction(seed, RandomFunction.Purpose("first hash of vectors")).Word(0), new RandomFunction(seed, RandomFunction.Purpose("second hash of vectors")).Word(0));

    /// <summary>Whether all vectors so far were alike where the state says so. If one was not, the state is not invariant.</summary>
    public bool AreAlike { get; private set; } = true;

    /// <summary>Whether a matrix' products can be drawn.</summary>
    public bool Has(int matrix) => names.Has(matrix);

    /// <summary>Draws products; see <see cref="Evaluation.IMatrixPoint.TryMultiply"/>. A vector is the tuple of its lanes, as the arguments of oracles are.</summary>
    public void Multiply<TField>(TField[] fields, int matrix, bool overRows, ulong*[] vectors, int count, ulong*[] results) where TField : struct, IField
    {
        var (summed, made) = (names.Of(matrix, isRows: overRows), names.Of(matrix, isRows: !overRows));
        var (height, width) = (summed.Ids.Length, made.Ids.Length);
        var hashes = new VectorHash[count];
        Share(count, height, t =>
        {
            var x = new ulong*[fields.Length];
            for (var lane = 0; lane < fields.Length; lane++) x[lane] = vectors[lane] + (long)t * height;
            hashes[t] = HashOf(fields, summed, x);
        });

        // Numbers are given in the order of the vectors, whoever hashed them.
        var numbers = new int[count];
        for (var t = 0; t < count; t++)
        {
            AreAlike &= hashes[t].IsAlike;
            if (AreAlike && !hashes[t].IsZero && !_vectors.TryGetValue(hashes[t].Hash, out numbers[t])) _vectors.Add(hashes[t].Hash, numbers[t] = _vectors.Count + 1);
        }

        Share(count * fields.Length, width, k =>
        {
            var (t, lane) = (k / fields.Length, k % fields.Length);
            Draw(fields[lane], lane, made, numbers[t], hashes[t].IsNegative, results[lane] + (long)t * width);
        });
    }

    void Share(int items, int size, Action<int> one)
    {
        if (options.Threads == 1 || (long)items * size < Grain)
            for (var item = 0; item < items; item++) one(item);
        else
            Parallel.For(0, items, new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = options.Cancellation }, one);
    }

    void Draw<TField>(TField field, int lane, AxisNames made, int number, bool isNegative, ulong* results) where TField : struct, IField
    {
        if (number == 0)
        {
            new Span<ulong>(results, made.Ids.Length).Clear();
            return;
        }

        var random = new RandomFunction(seed + (ulong)lane, RandomFunction.Purpose("product"));
        for (var n = 0; n < made.Ids.Length; n++)
        {
            var drawn = made.Ids[n] == 0 ? 0 : random.Below(field.Modulus, (ulong)made.Ids[n] << 32 | (uint)number);
            results[n] = (made.Axis.Keys[n] & AxisKeys.SignBit) != 0 != isNegative ? field.Negate(drawn) : drawn;
        }
    }

    /// <summary>A vector: whether it is alike where the state says so, whether it is zero, a hash up to sign, and whether the sign is changed.</summary>
    readonly record struct VectorHash(bool IsAlike, bool IsZero, (ulong First, ulong Second) Hash, bool IsNegative);

    static bool IsAlike<TField>(TField field, AxisNames axis, ulong* vector) where TField : struct, IField
    {
        foreach (var (place, first, isOpposed) in axis.Repeated)
            if (vector[place] != (isOpposed ? field.Negate(vector[first]) : vector[first])) return false;
        foreach (var place in axis.Idle)
            if (vector[place] != 0) return false;
        return true;
    }

    // The same hash for a vector and its negative, and for one with the same values in the same classes.
    VectorHash HashOf<TField>(TField[] fields, AxisNames axis, ulong*[] vector) where TField : struct, IField
    {
        for (var lane = 0; lane < fields.Length; lane++)
            if (!IsAlike(fields[lane], axis, vector[lane])) return new VectorHash(false, false, default, false);
        var keys = axis.Axis.Keys;
        var isZero = true;
        for (var lane = 0; lane < fields.Length; lane++) isZero &= !new Span<ulong>(vector[lane], keys.Length).ContainsAnyExcept(0UL);
        if (isZero) return new VectorHash(true, true, default, false);
        ulong[] moduli = [.. fields.Select(field => field.Modulus)];
        var (plus, minus) = (Hash(keys, vector, moduli, isNegated: false), Hash(keys, vector, moduli, isNegated: true));
        var isNegative = minus.CompareTo(plus) < 0;
        return new VectorHash(true, false, isNegative ? minus : plus, isNegative);
    }

    // Two sums over all places of a keyed random function of class and values, under the place's sign.
    (ulong First, ulong Second) Hash(ulong[] keys, ulong*[] vector, ulong[] moduli, bool isNegated)
    {
        Vector512<ulong> first = default, second = default;
        var (sign, flipped) = (Vector512.Create(AxisKeys.SignBit), Vector512.Create(isNegated ? AxisKeys.SignBit : 0));
        var place = 0;
        fixed (ulong* at = keys)
        {
            for (; place + Vector512<ulong>.Count <= keys.Length; place += Vector512<ulong>.Count)
            {
                var key = Vector512.Load(at + place);
                var isKept = Vector512.IsZero((key ^ flipped) & sign);
                key = Vector512.AndNot(key, sign);
                var (one, other) = (Mixing.Mixed(key ^ Vector512.Create(_keys.First)), Mixing.Mixed(key ^ Vector512.Create(_keys.Second)));
                for (var lane = 0; lane < moduli.Length; lane++)
                {
                    var value = Vector512.Load(vector[lane] + place);
                    value = Vector512.ConditionalSelect(isKept | Vector512.IsZero(value), value, Vector512.Create(moduli[lane]) - value);
                    (one, other) = (Mixing.Mixed(one ^ value), Mixing.Mixed(other ^ value));
                }

                first += Mixing.Mixed(one + Vector512.Create(_keys.Second));
                second += Mixing.Mixed(other + Vector512.Create(_keys.First));
            }
        }

        var (firstSum, secondSum) = (Vector512.Sum(first), Vector512.Sum(second));
        for (; place < keys.Length; place++)
        {
            var key = keys[place] & ~AxisKeys.SignBit;
            var (one, other) = (Mixing.Mixed(key ^ _keys.First), Mixing.Mixed(key ^ _keys.Second));
            for (var lane = 0; lane < moduli.Length; lane++)
            {
                var value = vector[lane][place];
                if ((keys[place] & AxisKeys.SignBit) != 0 != isNegated && value != 0) value = moduli[lane] - value;
                (one, other) = (Mixing.Mixed(one ^ value), Mixing.Mixed(other ^ value));
            }

            firstSum += Mixing.Mixed(one + _keys.Second);
            secondSum += Mixing.Mixed(other + _keys.First);
        }

        return (firstSum, secondSum);
    }
}
