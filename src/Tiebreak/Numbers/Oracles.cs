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
        var draws = new LaneDraws(seed, purpose, fields.Length);
        Span<ulong> atZero = stackalloc ulong[fields.Length];
        Span<ulong> tuple = stackalloc ulong[fields.Length];
        for (var lane = 0; lane < fields.Length; lane++)
            atZero[lane] = isKinked && kinks == KinkConvention.Random ? draws.Constant(fields[lane], lane)
                : isStep ? ExactImages.Image(fields[lane], Rational.FromDouble(function.AtZero))
                : known.AtZero == 1 ? 1UL : 0;

        int zeros = 0, singular = 0;
        for (var i = start; i < start + count; i++)
        {
            bool isZero = true, isOne = true;
            for (var lane = 0; lane < tuple.Length; lane++)
            {
                var value = tuple[lane] = lanes[lane][i];
                isZero &= value == 0;
                isOne &= value == 1;
            }

            if (isZero && (known.AtZero >= 0 || known.SingularAtZero))
            {
                for (var lane = 0; lane < tuple.Length; lane++) lanes[lane][i] = atZero[lane];
                zeros++;
                if (known.SingularAtZero) singular++;
                continue;
            }

            if (isOne && known.AtOne >= 0)
            {
                for (var lane = 0; lane < tuple.Length; lane++) lanes[lane][i] = (ulong)known.AtOne;
                continue;
            }

            var negative = known.Parity != Parity.None && IsNegative(fields, tuple);
            if (negative)
                for (var lane = 0; lane < tuple.Length; lane++) tuple[lane] = fields[lane].Negate(tuple[lane]);
            for (var lane = 0; lane < tuple.Length; lane++)
            {
                var field = fields[lane];
                var y = draws.Draw(field, lane, tuple);
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
    /// The weights of a choice among the elements of one window, of <paramref name="width"/> elements from <paramref name="start"/> on: for each distinct element a
    /// random share that depends on it and on the set of them all (so it is equivariant); of equal ones the first gets it, or all in equal
    /// parts. Writes raw shares to <paramref name="shares"/> (lane after lane), and to <paramref name="sums"/> what they must be divided by. Elements not allowed get 0.
    /// Returns whether equal elements competed.
    /// </summary>
    public unsafe bool RawShares<TField>(TField[] fields, ulong*[] lanes, long start, int width, ReadOnlySpan<bool> allowed, TieBreak ties, Span<ulong> shares, Span<ulong> sums)
        where TField : struct, IField
    {
        var members = new LaneDraws(seed, 0xC0015E, fields.Length);
        Span<int> first = width <= 256 ? stackalloc int[width] : new int[width];
        FirstOccurrences(lanes, start, allowed, first);
        var tied = false;
        shares.Clear();
        Span<ulong> tuple = stackalloc ulong[fields.Length];
        for (var lane = 0; lane < fields.Length; lane++)
        {
            var field = fields[lane];
            ulong set = 0, sum = 0;
            for (var i = 0; i < width; i++)
                if (first[i] == i) set = field.Add(set, members.Draw(field, lane, Tuple(tuple, start + i)));
            var shareOf = new LaneDraws(seed ^ set, 0x5A4E, fields.Length);
            for (var i = 0; i < width; i++)
            {
                if (first[i] < 0) continue;
                if (first[i] != i)
                {
                    tied = true;
                    continue;
                }

                var share = shareOf.Draw(field, lane, Tuple(tuple, start + i));
                if (share == 0) share = 1;
                shares[lane * width + i] = share;
                sum = field.Add(sum, share);
            }

            sums[lane] = sum;
            if (tied && (ties == TieBreak.Split || kinks == KinkConvention.Random)) Divide(field, lane, first, shares.Slice(lane * width, width));
        }

        return tied;

        ReadOnlySpan<ulong> Tuple(Span<ulong> tuple, long position)
        {
            for (var lane = 0; lane < tuple.Length; lane++) tuple[lane] = lanes[lane][position];
            return tuple;
        }
    }

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
    static unsafe void FirstOccurrences(ulong*[] lanes, long start, ReadOnlySpan<bool> allowed, Span<int> first)
    {
        const int Quadratic = 24; // up to here comparing all pairs beats hashing
        var seen = first.Length > Quadratic ? new Dictionary<(ulong, ulong), int>(first.Length) : null;
        for (var i = 0; i < first.Length; i++)
        {
            first[i] = -1;
            if (!allowed.IsEmpty && !allowed[i]) continue;
            var a = lanes[0][start + i];
            var b = lanes[^1][start + i];
            if (seen is not null)
            {
                if (seen.TryGetValue((a, b), out first[i])) continue;
                seen.Add((a, b), i);
                first[i] = i;
                continue;
            }

            var j = 0;
            while (j < i && (first[j] < 0 || lanes[0][start + j] != a || lanes[^1][start + j] != b)) j++;
            first[i] = j;
        }
    }

    /// <summary>One random function of a tuple for each lane, such that two tuples agree in all lanes' results only with the product of the lanes' chances.</summary>
    readonly struct LaneDraws
    {
        readonly RandomFunction _outer0;
        readonly RandomFunction _inner0;
        readonly RandomFunction _outer1;
        readonly RandomFunction _inner1;

        public LaneDraws(ulong seed, ulong purpose, int lanes)
        {
            if (lanes > 2) throw new ArgumentException("one or two lanes");
            _outer0 = new RandomFunction(seed, purpose);
            _inner0 = new RandomFunction(seed, ~purpose);
            if (lanes == 1) return;
            _outer1 = new RandomFunction(seed ^ 0xA5A5A5A5, purpose);
            _inner1 = new RandomFunction(seed ^ 0xA5A5A5A5, ~purpose);
        }

        public ulong Draw<TField>(TField field, int lane, ReadOnlySpan<ulong> tuple) where TField : struct, IField
        {
            var outer = lane == 0 ? _outer0 : _outer1;
            if (tuple.Length == 1) return outer.Below(field.Modulus, tuple[0]);
            var inner = lane == 0 ? _inner0 : _inner1;
            return outer.Below(field.Modulus, tuple[0] ^ inner.Word(tuple[1]));
        }

        public ulong Constant<TField>(TField field, int lane) where TField : struct, IField =>
            (lane == 0 ? _inner0 : _inner1).Below(field.Modulus, ulong.MaxValue);
    }
}
