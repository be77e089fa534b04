using System.Numerics;
using CsCheck;
using Tiebreak.Numbers;
using Xunit;

namespace Tiebreak.Tests.Numbers;

public sealed class FieldTests
{
    [Fact]
    public void Mersenne61_agrees_with_big_integers() => Agrees(new Mersenne61());

    [Theory, InlineData(0), InlineData(1), InlineData(0xFFFFFFFFFFFFFFFF)]
    public void A_drawn_field_agrees_with_big_integers(ulong seed) => Agrees(PrimeField.Draw(seed));

    [Theory, InlineData((1UL << 60) + 33), InlineData((1UL << 61) - 1)]
    public void The_least_and_the_greatest_prime_agree_with_big_integers(ulong prime) => Agrees(new PrimeField(prime));

    static void Agrees<TField>(TField field) where TField : struct, IField
    {
        var p = new BigInteger(field.Modulus);
        ulong[] edges = [0, 1, 2, (field.Modulus - 1) / 2, (field.Modulus + 1) / 2, field.Modulus - 2, field.Modulus - 1];
        foreach (var a in edges)
        {
            foreach (var b in edges) Pair(a, b);
        }
        var element = Elements(field);
        Gen.Select(element, element).Sample((a, b) => Pair(a, b), iter: 10_000);
        Gen.Select(element, Gen.Int).Sample((a, e) => Assert.Equal(Modulo(a * (e < 0 ? BigInteger.ModPow(2, p - 1 - (-(long)e) % (p - 1), p) : BigInteger.ModPow(2, e, p)), p), field.Scale(a, e)), iter: 300);
        Gen.Select(element, Gen.ULong, Gen.ULong).Sample((a, high, low) => Assert.Equal(Modulo(BigInteger.ModPow(a, ((BigInteger)high << 64) + low, p), p), field.Power(a, new UInt128(high, low))), iter: 200);
        var words = Gen.OneOf(Gen.ULong, OneOf(0UL, 1, ulong.MaxValue, 1UL << 63, (1UL << 63) - 1, 1UL << 61, field.Modulus));
        Gen.Select(words, words).Sample((high, low) =>
        {
            var unsigned = new UInt128(high, low);
            var signed = (Int128)unsigned;
            Assert.Equal(Modulo((BigInteger)unsigned, p), field.Reduce(unsigned));
            Assert.Equal(Modulo((BigInteger)signed, p), field.Reduce(signed));
            Assert.Equal(Modulo(low, p), field.Reduce(low));
        }, iter: 10_000);

        void Pair(ulong a, ulong b)
        {
            Assert.Equal(Modulo((BigInteger)a + b, p), field.Add(a, b));
            Assert.Equal(Modulo((BigInteger)a - b, p), field.Subtract(a, b));
            Assert.Equal(Modulo(-(BigInteger)a, p), field.Negate(a));
            Assert.Equal(Modulo((BigInteger)a * b, p), field.Multiply(a, b));
        }
    }

    [Fact]
    public void Inverses_of_zero_are_counted_and_zero()
    {
        Check(new Mersenne61());
        Check(PrimeField.Draw(7));

        static void Check<TField>(TField field) where TField : struct, IField
        {
            Gen.Select(Elements(field), Gen.Int[0, 3]).Select((value, zero) => zero == 0 ? 0 : value).Array[0, 600].Sample(values =>
            {
                var inverses = new ulong[values.Length];
                Assert.Equal(values.Count(value => value == 0), field.Inverses(values, inverses));
                for (var k = 0; k < values.Length; k++) Assert.Equal(values[k] == 0 ? 0UL : 1UL, field.Multiply(values[k], inverses[k]));
                var inPlace = values.ToArray();
                field.Inverses(inPlace, inPlace);
                Assert.Equal(inverses, inPlace);
            }, iter: 50);
            Assert.Throws<DivideByZeroException>(() => field.Inverse(0));
            Assert.Equal(field.Modulus - 1, field.Inverse(field.Modulus - 1));
        }
    }

    [Fact]
    public void Small_primes_are_those_of_the_sieve()
    {
        var composite = new bool[20_000];
        for (var k = 2; k < composite.Length; k++)
        {
            Assert.Equal(!composite[k], Primes.IsPrime((ulong)k));
            for (var multiple = 2 * k; multiple < composite.Length; multiple += k) composite[multiple] = true;
        }
        Assert.False(Primes.IsPrime(0));
        Assert.False(Primes.IsPrime(1));
    }

    [Theory]
    [InlineData(2305843009213693951, true)]      // 2^61 - 1
    [InlineData(18446744073709551557, true)]     // the greatest below 2^64
    [InlineData(1152921504606847009, true)]      // the least above 2^60
    [InlineData(3215031751, false)]              // a strong pseudoprime to 2, 3, 5, 7
    [InlineData(3825123056546413051, false)]     // a strong pseudoprime to the first nine primes
    [InlineData(18446744030759878681, false)]    // 4294967291 squared
    [InlineData(ulong.MaxValue, false)]
    public void Hard_numbers_are_told_apart(ulong number, bool prime) => Assert.Equal(prime, Primes.IsPrime(number));

    [Fact]
    public void Draws_depend_on_the_seed_alone()
    {
        Assert.Equal(PrimeField.Draw(5), PrimeField.Draw(5));
        var primes = Enumerable.Range(0, 100).Select(seed => PrimeField.Draw((ulong)seed).Modulus).ToHashSet();
        Assert.Equal(100, primes.Count);
        Assert.All(primes, prime => Assert.InRange(prime, (1UL << 60) + 1, (1UL << 61) - 1));
    }

    [Theory, InlineData(0), InlineData(7), InlineData((1UL << 60) + 1), InlineData((1UL << 61) + 15), InlineData(ulong.MaxValue)]
    public void A_field_needs_a_prime_of_the_right_size(ulong number) => Assert.Throws<ArgumentOutOfRangeException>(() => new PrimeField(number));

    internal static Gen<ulong> Elements<TField>(TField field) where TField : struct, IField =>
        Gen.Frequency((4, Gen.ULong[0, field.Modulus - 1]), (1, OneOf(0UL, 1, 2, field.Modulus / 2, field.Modulus / 2 + 1, field.Modulus - 1)));

    static Gen<ulong> OneOf(params ulong[] values) => Gen.Int[0, values.Length - 1].Select(k => values[k]);

    static ulong Modulo(BigInteger value, BigInteger modulus)
    {
        var remainder = BigInteger.Remainder(value, modulus);
        return (ulong)(remainder.Sign < 0 ? remainder + modulus : remainder);
    }
}
