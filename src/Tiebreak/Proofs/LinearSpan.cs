using Tiebreak.Numbers;

namespace Tiebreak.Proofs;

/// <summary>A space of vectors over a field, grown one vector at a time; its basis is in echelon form: each row begins with a 1 where all later rows have 0.</summary>
sealed class LinearSpan(PrimeField field, int width)
{
    readonly List<(int Pivot, ulong[] Row)> _rows = [];

    /// <summary>The number of independent vectors.</summary>
    public int Dimension => _rows.Count;

    /// <summary>Adds a vector, which is used up; false if it is in the space already.</summary>
    public bool Add(ulong[] vector)
    {
        foreach (var (pivot, row) in _rows) Clear(vector, pivot, row);
        var first = Array.FindIndex(vector, value => value != 0);
        if (first < 0) return false;
        var inverse = field.Inverse(vector[first]);
        for (var k = first; k < width; k++) vector[k] = field.Multiply(inverse, vector[k]);
        _rows.Insert(PlaceOf(first), (first, vector));
        return true;
    }

    /// <summary>Adds several vectors, which are used up; most of the work is shared among threads. Returns how many were new.</summary>
    public int AddAll(IReadOnlyList<ulong[]> vectors)
    {
        var known = _rows.ToArray();
        Parallel.ForEach(vectors, vector =>
        {
            foreach (var (pivot, row) in known) Clear(vector, pivot, row);
        });
        return vectors.Count(Add);
    }

    /// <summary>The space restricted to some places, up to the first few of its vectors that span all there can be.</summary>
    public LinearSpan At(int[] places)
    {
        var part = new LinearSpan(field, places.Length);
        foreach (var (_, row) in _rows)
        {
            if (part.Dimension == places.Length) break;
            part.Add([.. places.Select(place => row[place])]);
        }

        return part;
    }

    /// <summary>A basis of all vectors that are orthogonal to the space: for each place that is no pivot the one with a 1 there and 0 at all others that are none.</summary>
    public IEnumerable<ulong[]> Orthogonal()
    {
        var pivots = _rows.Select(row => row.Pivot).ToHashSet();
        for (var free = 0; free < width; free++)
        {
            if (pivots.Contains(free)) continue;
            var vector = new ulong[width];
            vector[free] = 1;
            for (var number = _rows.Count - 1; number >= 0; number--)
            {
                var (pivot, row) = _rows[number];
                ulong sum = 0;
                for (var k = pivot + 1; k < width; k++)
                    if (vector[k] != 0) sum = field.Add(sum, field.Multiply(row[k], vector[k]));
                vector[pivot] = field.Negate(sum);
            }

            yield return vector;
        }
    }

    /// <summary>A random element of the space.</summary>
    public ulong[] Draw(ulong seed)
    {
        var random = new RandomFunction(seed, RandomFunction.Purpose("span"));
        var sum = new ulong[width];
        for (var number = 0; number < _rows.Count; number++)
        {
            var (pivot, row) = _rows[number];
            var factor = random.Below(field.Modulus, (ulong)number);
            for (var k = pivot; k < width; k++) sum[k] = field.Add(sum[k], field.Multiply(factor, row[k]));
        }

        return sum;
    }

    void Clear(ulong[] vector, int pivot, ulong[] row)
    {
        var factor = vector[pivot];
        if (factor == 0) return;
        factor = field.Negate(factor);
        for (var k = pivot; k < width; k++) vector[k] = field.Add(vector[k], field.Multiply(factor, row[k]));
    }

    // By ascending pivots a row only touches places from its pivot on, so one pass over all rows clears all pivots.
    int PlaceOf(int pivot)
    {
        int low = 0, high = _rows.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_rows[middle].Pivot < pivot) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
