namespace Tiebreak.Numbers;

/// <summary>
/// The field of any prime between 2⁶⁰ and 2⁶¹. What holds modulo 2⁶¹ − 1 by accident (2 and 2⁻⁶⁰ are the same there) does not survive a randomly drawn
/// prime, see <see cref="Draw"/> and theory §4.
/// </summary>
public readonly struct PrimeField : IField, IEquatable<PrimeField>
{
    const ulong Lowest = 1UL << 60;
    const ulong Highest = 1UL << 61;

    // Every exponent that a finite double needs: 2⁻¹⁰⁷⁴ is the least subnormal, 2⁹⁷¹ the last place of the greatest double.
    const int LeastExponent = -1074;
    const int GreatestExponent = 1023;

    readonly ulong _prime;
    readonly ulong _barrett;    // ⌊2¹²⁴ / p⌋, below 2⁶⁴ because p > 2⁶⁰
    readonly ulong _inverse;    // p⁻¹ modulo 2⁶⁴
    readonly ulong _square;     // 2¹²⁸ modulo p
    readonly ulong[] _powers;   // 2^(k + LeastExponent) modulo p

    /// <summary>The field of one prime.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is no prime between 2⁶⁰ and 2⁶¹.</exception>
    public PrimeField(ulong prime)
    {
        if (prime is <= Lowest or >= Highest || !Primes.IsPrime(prime)) throw new ArgumentOutOfRangeException(nameof(prime), prime, "not a prime between 2^60 and 2^61");
        _prime = prime;
        _barrett = (ulong)((UInt128.One << 124) / prime);
        _inverse = prime; // right to 3 bits, as for every odd number; each step of Newton's doubles them
        for (var bits = 3; bits < 64; bits *= 2) _inverse *= 2 - prime * _inverse;
        _square = (ulong)((UInt128.MaxValue % prime + 1) % prime);
        _powers = new ulong[GreatestExponent - LeastExponent + 1];
        _powers[-LeastExponent] = 1;
        for (var k = 1 - LeastExponent; k < _powers.Length; k++) _powers[k] = Add(_powers[k - 1], _powers[k - 1]);
        for (var k = -LeastExponent - 1; k >= 0; k--) _powers[k] = (_powers[k + 1] & 1) == 0 ? _powers[k + 1] >> 1 : (_powers[k + 1] + prime) >> 1;
    }

    /// <summary>The field of a prime between 2⁶⁰ and 2⁶¹ that depends on nothing but the seed; over the seeds all such primes are as good as equally likely.</summary>
    public static PrimeField Draw(ulong seed)
    {
        // SplitMix64: a bijection of a counter, so no two draws of one seed are the same.
        for (var state = seed; ;)
        {
            state += 0x9E3779B97F4A7C15;
            var mixed = (state ^ state >> 30) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
            mixed ^= mixed >> 31;
            var candidate = Lowest | mixed >> 4 | 1;
            if (Primes.IsPrime(candidate)) return new PrimeField(candidate);
        }
    }

    /// <inheritdoc/>
    public ulong Modulus => _prime;

    /// <inheritdoc/>
    public ulong Add(ulong left, ulong right) => Once(left + right);

    /// <inheritdoc/>
    public ulong Subtract(ulong left, ulong right) => Once(left - right + _prime);

    /// <inheritdoc/>
    public ulong Negate(ulong value) => value == 0 ? 0 : _prime - value;

    /// <inheritdoc/>
    public ulong Multiply(ulong left, ulong right)
    {
        // Barrett. With t = ⌊ab / 2⁶⁰⌋ and μ = ⌊2¹²⁴ / p⌋ the quotient ⌊tμ / 2⁶⁴⌋ exceeds ab/p − ab/2¹²⁴ − 2⁶⁰/p − 1 > ab/p − 2¼, so at most two p are left over.
        var high = Math.BigMul(left, right, out var low);
        var quotient = Math.BigMul(high << 4 | low >> 60, _barrett, out _);
        return Once(Once(low - quotient * _prime));
    }

    /// <inheritdoc/>
    public ulong Scale(ulong value, int exponent) => exponent is >= LeastExponent and <= GreatestExponent
        ? Multiply(value, _powers[exponent - LeastExponent])
        : Multiply(value, this.Power(2, (ulong)(((long)exponent % (long)(_prime - 1) + (long)(_prime - 1)) % (long)(_prime - 1)))); // Fermat: exponents count modulo p − 1

    /// <inheritdoc/>
    public ulong Reduce(ulong value) => value % _prime;

    /// <inheritdoc/>
    public ulong Reduce(UInt128 value) => Reduce((ulong)(value >> 64), (ulong)value);

    /// <inheritdoc/>
    public ulong Reduce(Int128 value)
    {
        var high = (long)(value >> 64);
        // A negative number gets p·2⁶⁷ ≥ 2¹²⁷ on top: non-negative then, and still below 2¹²⁸.
        return Reduce((ulong)high + ((ulong)(high >> 63) & _prime << 3), (ulong)value);
    }

    // Two steps of Montgomery's: the first divides by 2⁶⁴, the second multiplies by 2¹²⁸ and divides by 2⁶⁴ again. The first leaves any 64-bit number, not
    // only one below p; times 2¹²⁸ mod p that is below 2⁶⁴·p, which is what the second needs to end below p.
    ulong Reduce(ulong high, ulong low)
    {
        high = Math.BigMul(Divide(high, low), _square, out low);
        return Divide(high, low);
    }

    ulong Divide(ulong high, ulong low)
    {
        var multiple = Math.BigMul(low * _inverse, _prime, out _);
        return high - multiple + (_prime & 0 - (high < multiple ? 1UL : 0));
    }

    // For values below 2⁶³. Without a branch, because it would be taken at random; the JIT makes no conditional moves in loops.
    ulong Once(ulong value)
    {
        var difference = value - _prime;
        return difference + (_prime & (ulong)((long)difference >> 63));
    }

    /// <summary>Whether the primes are the same.</summary>
    public bool Equals(PrimeField other) => _prime == other._prime;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is PrimeField other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _prime.GetHashCode();

    /// <summary>Whether the primes are the same.</summary>
    public static bool operator ==(PrimeField left, PrimeField right) => left.Equals(right);

    /// <summary>Whether the primes differ.</summary>
    public static bool operator !=(PrimeField left, PrimeField right) => !left.Equals(right);
}
