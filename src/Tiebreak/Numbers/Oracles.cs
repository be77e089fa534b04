using Tiebreak.Programs;

namespace Tiebreak.Numbers;

/// <summary>What is taken at a boundary where frameworks differ: relu′(0), sign(0), the winner among equal maxima (theory §4, Kinks).</summary>
public enum KinkConvention
{
    /// <summary>The frameworks' choice, as the program says it.</summary>
    Frameworks,

    /// <summary>Any other choice: one random number a function, random shares among equals.</summary>
    Random,
}

/// <summary>
/// Random oracles: every non-linear function is replaced by a keyed random function of the field value that keeps exactly the true
/// properties of theory §4's table: parity and exact points. One instance is one draw of all functions.
/// </summary>
/// <param name="seed">Two instances with one seed and modulus are the same functions.</param>
/// <param name="kinks">What to take at boundaries.</param>
public readonly struct Oracles(ulong seed, KinkConvention kinks)
{
    enum Parity
    {
        None,
        Odd,
        Even,
    }

    /// <summary>What is known of a function: its parity, and its values at 0 and 1 (−1: nothing known).</summary>
    readonly record struct Properties(Parity Parity, int AtZero, int AtOne = -1, bool SingularAtZero = false);

    static Properties Known(ScalarFunction function) => function.Kind switch
    {
        FunctionKind.Exp => new(Parity.None, AtZero: 1),
        FunctionKind.Log => new(Parity.None, AtZero: -1, AtOne: 0, SingularAtZero: true),
        FunctionKind.Sqrt => new(Parity.None, AtZero: 0, AtOne: 1),
        FunctionKind.Power => new(Parity.None, AtZero: function.Exponent > 0 ? 0 : -1, AtOne: 1, SingularAtZero: function.Exponent < 0),
        FunctionKind.Cos => new(Parity.Even, AtZero: 1),
        FunctionKind.Acosh => new(Parity.None, AtZero: -1, AtOne: 0),
        FunctionKind.Floor => new(Parity.None, AtZero: 0, AtOne: 1),
        FunctionKind.Round => new(Parity.Odd, AtZero: 0, AtOne: 1),
        FunctionKind.Tanh or FunctionKind.Erf or FunctionKind.Sin or FunctionKind.Atan or FunctionKind.Asin
            or FunctionKind.Asinh or FunctionKind.Atanh or FunctionKind.Sign => new(Parity.Odd, AtZero: 0),
        FunctionKind.SelfGated => new(Parity.None, AtZero: 0),
        FunctionKind.SelfGatedSlope => new(Parity.None, AtZero: -1),
        FunctionKind.Step => new(Parity.Odd, AtZero: 0), // of 2·step − 1, which is the sign oracle
        _ => throw new InvalidOperationException($"no oracle for {function}"),
    };

    /// <summary>
    /// Applies the function to elements [start, start + count) of all lanes, in place. An element is the tuple of its lanes: it is zero or one only if all
    /// of them are, and two elements meet one oracle value only if all lanes agree. Returns how many elements sat on a kink (exact zeros of step and sign)
    /// and how many at a singularity (log 0, 0 to a negative power; the result there means nothing).
    /// </summary>
    public unsafe (int Kinks, int Singular) Apply<TField>(TField[] fields, ScalarFunction function, ulong*[] lanes, long start, int count)
        where TField : struct, IField
    {
        if (typeof(TField) == typeof(ZeroPattern)) return (0, ZeroPattern.Apply(function, new Span<ulong>(lanes[0] + start, count)));
        var known = Known(function);
        var isStep = function.Kind == FunctionKind.Step;
        var isKinked = isStep || function.Kind == FunctionKind.Sign;
        // Step is ½(1 + sign), so both draw from one oracle.
        var purpose = isStep ? RandomFunction.Purpose("sign") : RandomFunction.Purpose(function.ToString());
        Span<LaneDraw> draws = stackalloc LaneDraw[fields.Length];
        for (var lane = 0; lane < draws.Length; lane++) draws[lane] = new LaneDraw(seed, purpose, lane, fields.Length);
        Span<ulong> atZero = stackalloc ulong[fields.Length];
        Span<ulong> tuple = stackalloc ulong[fields.Length];
        for (var lane = 0; lane < fields.Length; lane++)
            atZero[lane] = isKinked && kinks == KinkConvention.Random ? draws[lane].Constant(fields[lane])
                : isStep ? ExactImages.Image(fields[lane], Rational.FromDouble(function.AtZero))
                : known.AtZero == 1 ? 1UL : 0;

        int zeros = 0, singular = 0;
        for (var i = start; i < start + count; i++)
        {
            var isZero = true;
            for (var lane = 0; lane < tuple.Length; lane++)
            {
                var value = tuple[lane] = lanes[lane][i];
                isZero &= value == 0;
            }

            if (isZero && (known.AtZero >= 0 || known.SingularAtZero))
            {
                for (var lane = 0; lane < tuple.Length; lane++) lanes[lane][i] = atZero[lane];
                zeros++;
                if (known.SingularAtZero) singular++;
                continue;
            }

            var negative = known.Parity != Parity.None && IsNegative(fields, tuple);
            if (negative)
                for (var lane = 0; lane < tuple.Length; lane++) tuple[lane] = fields[lane].Negate(tuple[lane]);
            var isKnown = known.AtOne >= 0 && !tuple.ContainsAnyExcept(1UL);
            var key = ElementKey.Of(tuple);
            for (var lane = 0; lane < tuple.Length; lane++)
            {
                var field = fields[lane];
                var y = isKnown ? (ulong)known.AtOne : draws[lane].Draw(field, key);
                if (negative && known.Parity == Parity.Odd) y = field.Negate(y);
                if (isStep) y = field.Multiply(field.Add(y, 1), field.Modulus / 2 + 1);
                lanes[lane][i] = y;
            }
        }

        return (isKinked ? zeros : 0, singular);
    }

    // One of v and −v is negative, by the first lane that is not zero.
    static bool IsNegative<TField>(TField[] fields, ReadOnlySpan<ulong> tuple) where TField : struct, IField
    {
        for (var lane = 0; lane < tuple.Length; lane++)
            if (tuple[lane] != 0) return tuple[lane] > fields[lane].Modulus / 2;
        return false;
    }

    /// <summary>
    /// The weights of a choice of <paramref name="count"/> elements of one window, of <paramref name="width"/> elements from <paramref name="start"/> on: for each distinct
    /// element a random share that depends on it, on the set of them all (so it is equivariant) and on how many are chosen. Of equal elements as many as are chosen may get
    /// shares, the first ones first; or all get equal parts of one share. Where all are equal or all are chosen nothing is left to chance. Writes raw shares to
    /// <paramref name="shares"/> (lane after lane), and to <paramref name="sums"/> what they must be divided by. Elements not allowed get 0. Returns whether equal elements competed.
    /// </summary>
    public unsafe bool RawShares<TField>(
        TField[] fields, ulong*[] lanes, long start, int width, ReadOnlySpan<bool> allowed, int count, TieBreak ties, Span<ulong> shares, Span<ulong> sums)
        where TField : struct, IField
    {
        Span<int> first = width <= 256 ? stackalloc int[width] : new int[width];
        Span<ElementKey> keys = width <= 256 ? stackalloc ElementKey[width] : new ElementKey[width];
        Span<ulong> tuple = stackalloc ulong[fields.Length];
        for (var i = 0; i < width; i++)
        {
            for (var lane = 0; lane < tuple.Length; lane++) tuple[lane] = lanes[lane][start + i];
            keys[i] = ElementKey.Of(tuple);
        }

        FirstOccurrences(keys, allowed, first);
        int distinct = 0, members = 0;
        for (var i = 0; i < width; i++)
        {
            if (first[i] == i) distinct++;
            if (first[i] >= 0) members++;
        }

        var tied = distinct < members && members > count;
        var isDivided = tied && (ties == TieBreak.Split || kinks == KinkConvention.Random);
        var isCertain = distinct == 1 || members <= count;
        shares.Clear();
        for (var lane = 0; lane < fields.Length; lane++)
        {
            var field = fields[lane];
            ulong set = 0, sum = 0;
            var member = new LaneDraw(seed, 0xC0015E, lane, fields.Length);
            for (var i = 0; i < width; i++)
                if (first[i] == i) set = field.Add(set, member.Draw(field, keys[i]));
            var shareOf = new LaneDraw(seed ^ set, ShareOf(count, earlier: 0), lane, fields.Length);
            for (var i = 0; i < width; i++)
            {
                if (first[i] < 0) continue;
                var earlier = 0;
                for (var j = first[i]; j < i && earlier < count; j++)
                    if (first[j] == first[i]) earlier++;
                if (earlier == (isDivided ? 1 : count)) continue;
                var share = isCertain ? 1 : (earlier == 0 ? shareOf : new LaneDraw(seed ^ set, ShareOf(count, earlier), lane, fields.Length)).Draw(field, keys[i]);
                if (share == 0) share = 1;
                shares[lane * width + i] = share;
                sum = field.Add(sum, share);
            }

            sums[lane] = sum;
            if (isDivided) Divide(field, lane, first, shares.Slice(lane * width, width));
        }

        return tied;
    }

    // Choices of different numbers from one window are unrelated: two of four is not one of four twice.
    static ulong ShareOf(int count, int earlier) => 0x5A4E + ((ulong)(count - 1) << 16) + ((ulong)earlier << 40);

    // Hands the share of a value on to all positions that hold it: in equal parts, or in random ones that depend on the position only.
    void Divide<TField>(TField field, int lane, ReadOnlySpan<int> first, Span<ulong> shares) where TField : struct, IField
    {
        var random = new RandomFunction(seed, 0x7135 + (ulong)lane);
        var weights = new ulong[first.Length];
        var totals = new ulong[first.Length];
        for (var i = 0; i < first.Length; i++)
        {
            if (first[i] < 0) continue;
            weights[i] = kinks == KinkConvention.Random ? 1 + random.Below(field.Modulus - 1, (ulong)i) : 1;
            totals[first[i]] = field.Add(totals[first[i]], weights[i]);
        }

        var whole = shares.ToArray();
        for (var i = 0; i < first.Length; i++)
            if (first[i] >= 0)
                shares[i] = field.Multiply(field.Multiply(whole[first[i]], weights[i]), field.Inverse(totals[first[i]]));
    }

    // first[i]: the first allowed position that holds the same element as position i, or −1 where i is not allowed.
    static void FirstOccurrences(ReadOnlySpan<ElementKey> keys, ReadOnlySpan<bool> allowed, Span<int> first)
    {
        const int Quadratic = 24; // up to here comparing all pairs beats hashing
        var seen = first.Length > Quadratic ? new Dictionary<ElementKey, int>(first.Length) : null;
        for (var i = 0; i < first.Length; i++)
        {
            first[i] = -1;
            if (!allowed.IsEmpty && !allowed[i]) continue;
            if (seen is not null)
            {
                if (seen.TryGetValue(keys[i], out first[i])) continue;
                seen.Add(keys[i], i);
                first[i] = i;
                continue;
            }

            var j = 0;
            while (j < i && (first[j] < 0 || keys[j] != keys[i])) j++;
            first[i] = j;
        }
    }

    /// <summary>What stands for an element, the tuple of its lanes: up to two lanes are the key, of more it is a hash of 128 bits.</summary>
    readonly record struct ElementKey(ulong First, ulong Second)
    {
        static readonly RandomFunction FirstHash = new(0x51C64E6D, 1);
        static readonly RandomFunction SecondHash = new(0x2545F491, 2);

        public static ElementKey Of(ReadOnlySpan<ulong> tuple)
        {
            if (tuple.Length == 1) return new(tuple[0], 0);
            if (tuple.Length == 2) return new(tuple[0], tuple[1]);
            ulong first = 0, second = 0;
            foreach (var value in tuple) (first, second) = (FirstHash.Word(first ^ value), SecondHash.Word(second ^ value));
            return new(first, second);
        }
    }

    /// <summary>A random function of elements for one lane; two elements agree in all lanes' results only with the product of the lanes' chances.</summary>
    readonly struct LaneDraw(ulong seed, ulong purpose, int lane, int lanes)
    {
        readonly RandomFunction _outer = new(seed ^ (ulong)lane * 0xA5A5A5A5, purpose);
        readonly RandomFunction _inner = new(seed ^ (ulong)lane * 0xA5A5A5A5, ~purpose);

        public ulong Draw<TField>(TField field, ElementKey key) where TField : struct, IField =>
            _outer.Below(field.Modulus, lanes == 1 ? key.First : key.First ^ _inner.Word(key.Second));

        public ulong Constant<TField>(TField field) where TField : struct, IField => _inner.Below(field.Modulus, ulong.MaxValue);
    }
}
