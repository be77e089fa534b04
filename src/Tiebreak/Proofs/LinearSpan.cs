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
        foreach (var (pivot, row) in _rows)
        {
            var factor = vector[pivot];
            if (factor == 0) continue;
            factor = field.Negate(factor);
            for (var k = pivot; k < width; k++) vector[k] = field.Add(vector[k], field.Multiply(factor, row[k]));
        }

        var first = Array.FindIndex(vector, value => value != 0);
        if (first < 0) return false;
        var inverse = field.Inverse(vector[first]);
        for (var k = first; k < width; k++) vector[k] = field.Multiply(inverse, vector[k]);
        _rows.Insert(PlaceOf(first), (first, vector));
        return true;
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
