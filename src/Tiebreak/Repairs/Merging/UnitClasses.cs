namespace Tiebreak.Repairs.Merging;

/// <summary>
/// Which places may be merged: the coarsest partition in which the places of a class stand on the same axes, are equal (up to sign) wherever equality is needed, and respect products, so that an axis of channels shrinks
/// by whole heads and places within heads. Dead places, which add nothing to any sum, belong to no class.
/// </summary>
sealed class UnitClasses
{
    readonly Coordinates _coordinates;
    readonly int[] _class; // of each root
    readonly bool[] _isDead;
    readonly int[] _kept; // of each root the one that stands for its class

    UnitClasses(Coordinates coordinates)
    {
        _coordinates = coordinates;
        _class = new int[coordinates.Count];
        _isDead = new bool[coordinates.Count];
        _kept = new int[coordinates.Count];
    }

    /// <summary>Finds the classes.</summary>
    /// <param name="coordinates">The places.</param>
    /// <param name="prints">The values at the random point; all that is asked for must be known.</param>
    /// <param name="equal">The axes along which merged places must be equal, up to sign.</param>
    /// <param name="alike">Sums whose classes must all be of one size.</param>
    /// <param name="labels">For axes by their places, numbers that must be the same, too.</param>
    /// <param name="banned">Places that must stay as they are, by root.</param>
    /// <param name="isDead">Places that add nothing to any sum, by root.</param>
    /// <param name="keepsPinned">Whether places that must stay are alone.</param>
    public static UnitClasses Of(Coordinates coordinates, Fingerprints prints, IReadOnlyCollection<NodeAxis> equal, IReadOnlyCollection<Sum> alike, IReadOnlyList<(int[] Places, ulong[] Labels)> labels, IReadOnlySet<int> banned, bool[] isDead, bool keepsPinned = true)
    {
        var classes = new UnitClasses(coordinates);
        isDead.CopyTo(classes._isDead, 0);
        classes.BuryWholes();
        classes.BeginWith(banned, keepsPinned);
        foreach (var at in equal) classes.Refine(classes.Keys(coordinates.Of(at.Node, at.Axis)!, [.. prints[at].Select(prints.Magnitude)]));
        foreach (var (places, numbers) in labels) classes.Refine(classes.Keys(places, numbers));
        classes.Settle();
        for (var hasChanged = true; hasChanged;)
        {
            hasChanged = false;
            foreach (var sum in alike) hasChanged |= classes.MakeAlike(sum);
            if (hasChanged) classes.Settle();
        }

        classes.Choose();
        return classes;
    }

    /// <summary>Whether a place adds nothing and goes.</summary>
    public bool IsDead(int place) => _isDead[_coordinates.Find(place)];

    /// <summary>The place that stays for a place's class, by root; −1 for dead ones.</summary>
    public int KeptOf(int place)
    {
        var root = _coordinates.Find(place);
        return _isDead[root] ? -1 : _kept[root];
    }

    /// <summary>Whether a place stays.</summary>
    public bool IsKept(int place)
    {
        var root = _coordinates.Find(place);
        return !_isDead[root] && _kept[root] == root;
    }

    /// <summary>The places of an axis that stay.</summary>
    public int[] Kept(int[] places) => [.. Enumerable.Range(0, places.Length).Where(k => IsKept(places[k]))];

    /// <summary>For each place of an axis which one its class leaves there; −1 for dead ones.</summary>
    public int[] Targets(int[] places)
    {
        var targets = new int[places.Length];
        var at = new Dictionary<int, List<int>>();
        for (var k = 0; k < places.Length; k++)
        {
            var root = _coordinates.Find(places[k]);
            if (!at.TryGetValue(root, out var list)) at.Add(root, list = []);
            list.Add(k);
        }

        foreach (var (root, list) in at)
        {
            if (_isDead[root])
            {
                foreach (var k in list) targets[k] = -1;
                continue;
            }

            // A place may stand several times on an axis (the halves of a rotary embedding): the first goes with the first, and so on.
            var kept = at[_kept[root]];
            for (var k = 0; k < list.Count; k++) targets[list[k]] = kept[k];
        }

        return targets;
    }

    /// <summary>The classes of two places or more, by root.</summary>
    public IEnumerable<int[]> Merged() =>
        Enumerable.Range(0, _class.Length).Where(root => _coordinates.Find(root) == root && !_isDead[root]).GroupBy(root => _kept[root]).Where(members => members.Skip(1).Any()).Select(members => members.ToArray());

    // Places that stand on the same axes begin in one class; those that must stay are alone.
    void BeginWith(IReadOnlySet<int> banned, bool keepsPinned)
    {
        var signature = new ulong[_class.Length];
        var number = 0UL;
        var seen = new HashSet<int[]>(ReferenceEqualityComparer.Instance);
        foreach (var (_, _, places) in _coordinates.Axes())
        {
            if (!seen.Add(places)) continue;
            number++;
            foreach (var place in places) signature[_coordinates.Find(place)] += Mix(number);
        }

        Refine(signature);
        var alone = new ulong[_class.Length];
        for (var root = 0; root < alone.Length; root++)
            if ((keepsPinned && _coordinates.IsPinned(root)) || banned.Contains(root)) alone[root] = (ulong)root + 1;
        Refine(alone);
    }

    ulong[] Keys(int[] places, ulong[] labels)
    {
        var keys = new ulong[_class.Length];
        for (var k = 0; k < places.Length; k++)
        {
            ref var key = ref keys[_coordinates.Find(places[k])];
            key = Mix(key + labels[k] + 1);
        }

        return keys;
    }

    // Splits classes whose members have different keys; the number of classes tells whether any did.
    bool Refine(ulong[] keys)
    {
        var numbers = new Dictionary<(int, ulong), int>();
        var before = 0;
        var olds = new HashSet<int>();
        for (var root = 0; root < _class.Length; root++)
        {
            if (_coordinates.Find(root) != root) continue;
            olds.Add(_class[root]);
            var key = (_class[root], keys[root]);
            if (!numbers.TryGetValue(key, out var number)) numbers.Add(key, number = numbers.Count);
            _class[root] = number;
        }

        before = olds.Count;
        return numbers.Count > before;
    }

    // Products and their factors until nothing changes.
    void Settle()
    {
        for (var hasChanged = true; hasChanged;)
        {
            hasChanged = false;
            foreach (var product in _coordinates.Products)
            {
                var keys = new ulong[_class.Length];
                for (var k = 0; k < product.Flat.Length; k++)
                {
                    ref var key = ref keys[_coordinates.Find(product.Flat[k])];
                    for (var factor = 0; factor < product.Factors.Length; factor++) key = Mix(key + Label(product.Factors[factor][product.PlaceOf(factor, k)]));
                }

                hasChanged |= Refine(keys);
                for (var factor = 0; factor < product.Factors.Length; factor++)
                {
                    keys = new ulong[_class.Length];
                    for (var k = 0; k < product.Flat.Length; k++)
                    {
                        ref var key = ref keys[_coordinates.Find(product.Factors[factor][product.PlaceOf(factor, k)])];
                        key = Mix(key + Label(product.Flat[k]));
                    }

                    hasChanged |= Refine(keys);
                }
            }
        }
    }

    ulong Label(int place)
    {
        var root = _coordinates.Find(place);
        return _isDead[root] ? 1 : (ulong)_class[root] + 2;
    }

    // A part of an axis dies only with a whole factor, a factor only if all its products are dead; and no axis dies as a whole.
    void BuryWholes()
    {
        for (var hasChanged = true; hasChanged;)
        {
            hasChanged = false;
            foreach (var product in _coordinates.Products)
            {
                for (var k = 0; k < product.Flat.Length; k++)
                {
                    var flat = _coordinates.Find(product.Flat[k]);
                    var factors = product.Factors.Select((places, factor) => _coordinates.Find(places[product.PlaceOf(factor, k)])).ToArray();
                    if (!_isDead[flat])
                    {
                        foreach (var factor in factors)
                            if (_isDead[factor]) (_isDead[factor], hasChanged) = (false, true);
                    }
                    else if (!Array.Exists(factors, factor => _isDead[factor]))
                    {
                        (_isDead[flat], hasChanged) = (false, true);
                    }
                }
            }

            var seen = new HashSet<int[]>(ReferenceEqualityComparer.Instance);
            foreach (var (_, _, places) in _coordinates.Axes())
            {
                if (!seen.Add(places) || places.Length == 0 || !Array.TrueForAll(places, place => _isDead[_coordinates.Find(place)])) continue;
                (_isDead[_coordinates.Find(places[0])], hasChanged) = (false, true);
            }
        }
    }

    // All classes of the axis are cut to pieces of one size, the greatest that divides all of theirs.
    bool MakeAlike(Sum sum)
    {
        var members = sum.Places.Select(_coordinates.Find).Where(root => !_isDead[root]).Distinct().GroupBy(root => _class[root]).Select(group => group.Order().ToArray()).ToArray();
        if (members.Length == 0) return false;
        var size = members.Aggregate(0, (divisor, group) => (int)System.Numerics.BigInteger.GreatestCommonDivisor(divisor, group.Length));
        if (members.All(group => group.Length == size)) return false;
        var keys = new ulong[_class.Length];
        foreach (var group in members)
            for (var k = 0; k < group.Length; k++) keys[group[k]] = (ulong)(k / size);
        return Refine(keys);
    }

    // The oldest place of a class stays.
    void Choose()
    {
        var first = new Dictionary<int, int>();
        for (var root = 0; root < _class.Length; root++)
        {
            if (_coordinates.Find(root) != root || _isDead[root]) continue;
            first.TryAdd(_class[root], root);
            _kept[root] = first[_class[root]];
        }
    }

    static ulong Mix(ulong x)
    {
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
        x = (x ^ x >> 27) * 0x94D049BB133111EB;
        return x ^ x >> 31;
    }
}
