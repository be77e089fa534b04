namespace Tiebreak.Repairs.Merging;

/// <summary>
/// What becomes of the slices along one axis: slice k is added, times a sign, to slice <c>To[k]</c>; those left out (−1) are dropped, and where nobody asks (−2) anything will do. <c>Causes</c> are the sums that want it.
/// </summary>
sealed class AxisFold
{
    /// <summary>The slice is dropped.</summary>
    public const int Dropped = -1;

    /// <summary>Nobody reads the slice.</summary>
    public const int Free = -2;

    public AxisFold(int[] to, bool[] isNegative, IReadOnlySet<Sum> causes) => (To, IsNegative, Causes) = (to, isNegative, causes);

    /// <summary>Where each slice goes.</summary>
    public int[] To { get; }

    /// <summary>Whether its negative goes there.</summary>
    public bool[] IsNegative { get; }

    /// <summary>The sums that want it.</summary>
    public IReadOnlySet<Sum> Causes { get; }

    /// <summary>Whether some slice is added to another.</summary>
    public bool IsNeeded => To.Where((to, k) => to >= 0 && (to != k || IsNegative[k])).Any();

    /// <summary>Slices as they are.</summary>
    public static AxisFold Identity(int size) => new([.. Enumerable.Range(0, size)], new bool[size], new HashSet<Sum>());

    /// <summary>What two readers ask of one axis; null if they contradict each other.</summary>
    public static AxisFold? Both(AxisFold left, AxisFold right)
    {
        var (to, isNegative) = (left.To.ToArray(), left.IsNegative.ToArray());
        for (var k = 0; k < to.Length; k++)
        {
            if (right.To[k] == Free) continue;
            if (to[k] == Free) (to[k], isNegative[k]) = (right.To[k], right.IsNegative[k]);
            else if (to[k] != right.To[k] || isNegative[k] != right.IsNegative[k]) return null;
        }

        return new AxisFold(to, isNegative, Union(left.Causes, right.Causes));
    }

    /// <summary>The fold of an axis that counts through several others like digits.</summary>
    public static AxisFold Product(IReadOnlyList<AxisFold> factors)
    {
        int[] to = [0];
        bool[] isNegative = [false];
        IReadOnlySet<Sum> causes = new HashSet<Sum>();
        foreach (var factor in factors)
        {
            var (size, before) = (factor.To.Length, to);
            var signs = isNegative;
            to = [.. before.SelectMany(high => factor.To.Select(low => high < 0 || low < 0 ? Math.Min(high < 0 ? high : 0, low < 0 ? low : 0) : high * size + low))];
            isNegative = [.. signs.SelectMany(high => factor.IsNegative.Select(low => high ^ low))];
            causes = Union(causes, factor.Causes);
        }

        return new AxisFold(to, isNegative, causes);
    }

    /// <summary>The folds of several axes that together are this one of a product; null if it is not made of any.</summary>
    public AxisFold[]? Factors(int[] sizes)
    {
        var factors = new AxisFold[sizes.Length];
        var at = Array.FindIndex(To, to => to >= 0);
        if (at < 0) return null;
        for (int k = sizes.Length - 1, stride = 1; k >= 0; stride *= sizes[k--])
        {
            var (start, size, s) = (at - at / stride % sizes[k] * stride, sizes[k], stride);
            var line = Enumerable.Range(0, size).Select(i => start + i * s).ToArray();
            factors[k] = new AxisFold([.. line.Select(place => To[place] < 0 ? To[place] : To[place] / s % size)], [.. line.Select(place => IsNegative[place] ^ IsNegative[at])], Causes);
        }

        if (IsNegative[at]) factors[0] = new AxisFold(factors[0].To, [.. factors[0].IsNegative.Select(sign => !sign)], Causes);
        var product = Product(factors);
        for (var k = 0; k < To.Length; k++)
            if (To[k] >= 0 ? product.To[k] != To[k] || product.IsNegative[k] != IsNegative[k] : To[k] == Dropped && product.To[k] >= 0) return null;
        return factors;
    }

    /// <summary>The same fold along an axis of which this one reads the places in <paramref name="map"/>; null if it adds what lies outside.</summary>
    public AxisFold? Behind(int[] map, int size)
    {
        var (to, isNegative) = (new int[size], new bool[size]);
        Array.Fill(to, Free);
        for (var k = 0; k < map.Length; k++)
        {
            if (map[k] < 0) continue;
            var target = To[k] < 0 ? To[k] : map[To[k]];
            if (target == Free) continue;
            if (to[map[k]] != Free && (to[map[k]] != target || isNegative[map[k]] != IsNegative[k])) return null;
            (to[map[k]], isNegative[map[k]]) = (target, IsNegative[k]);
        }

        return new AxisFold(to, isNegative, Causes);
    }

    /// <summary>The same with signs of its own for each slice that is added: those that make slice k out of slice To[k].</summary>
    public AxisFold Signed(Func<int, int, bool> isOpposite) => new(To, [.. IsNegative.Select((sign, k) => sign ^ (To[k] >= 0 && To[k] != k && isOpposite(k, To[k])))], Causes);

    static IReadOnlySet<Sum> Union(IReadOnlySet<Sum> left, IReadOnlySet<Sum> right) => left.Count == 0 ? right : right.Count == 0 ? left : left.Concat(right).ToHashSet();
}
