using System.Numerics;
using CsCheck;
using Tiebreak.Numbers;
using Xunit;

namespace Tiebreak.Tests.Numbers;

/// <summary>Both fields against whole numbers of any size.</summary>
public sealed class FieldTests
{
    static readonly PrimeField Drawn = PrimeField.Draw(17);

    static Gen<ulong> Element(ulong modulus) => Gen.Frequency(
        (1, Chosen.From(0UL, 1UL, 2UL, modulus - 1, modulus / 2, modulus / 2 + 1)),
        (3, Gen.ULong.Select(word => word % modulus)));

    [Fact]
    public void Mersenne61_agrees_with_whole_numbers() => AgreesWithWholeNumbers(default(Mersenne61));

    [Fact]
    public void A_drawn_prime_agrees_with_whole_numbers() => AgreesWithWholeNumbers(Drawn);

    static void AgreesWithWholeNumbers<TField>(TField field) where TField : struct, IField
    {
        BigInteger p = field.Modulus;
        Gen.Select(Element(field.Modulus), Element(field.Modulus)).Sample((a, b) =>
        {
            Assert.Equal((a + (BigInteger)b) % p, field.Add(a, b));
            Assert.Equal((a - (BigInteger)b + p) % p, field.Subtract(a, b));
            Assert.Equal((p - a) % p, field.Negate(a));
            Assert.Equal(a * (BigInteger)b % p, field.Multiply(a, b));
            Assert.Equal(BigInteger.ModPow(a, b, p), field.Power(a, b));
            if (a != 0) Assert.Equal(1UL, field.Multiply(a, field.Inverse(a)));
        });
        Gen.Select(Gen.ULong, Gen.ULong).Sample((high, low) =>
        {
            var value = new UInt128(high, low);
            Assert.Equal((BigInteger)value % p, field.Reduce(value));
            var signed = (Int128)value;
            if (signed != Int128.MinValue) Assert.Equal(((BigInteger)signed % p + p) % p, field.Reduce(signed));
        });
        Element(field.Modulus).Array[0, 40].Sample(values =>
        {
            var inverses = new ulong[values.Length];
            Assert.Equal(values.Count(value => value == 0), field.Inverses(values, inverses));
            for (var i = 0; i < values.Length; i++) Assert.Equal(values[i] == 0 ? 0 : field.Inverse(values[i]), inverses[i]);
        });
    }

    [Fact]
    public void Zero_has_no_inverse()
    {
        Assert.Throws<DivideByZeroException>(() => default(Mersenne61).Inverse(0));
        Assert.Throws<DivideByZeroException>(() => Drawn.Inverse(0));
    }

    [Fact]
    public void Drawn_primes_are_primes_of_61_bits_and_differ()
    {
        var primes = Enumerable.Range(0, 50).Select(seed => PrimeField.Draw((ulong)seed).Modulus).ToArray();
        Assert.Equal(50, primes.Distinct().Count());
        Assert.All(primes, prime => Assert.Equal(1UL, prime >> 60));
        Assert.All(primes, prime => Assert.All(new[] { 3, 5, 7, 1_000_003 }, witness => Assert.Equal(1, BigInteger.ModPow(witness, prime - 1, prime))));
    }

    [Fact]
    public void Only_primes_of_the_right_size_make_a_field()
    {
        Assert.Throws<ArgumentException>(() => new PrimeField(1_000_003));
        Assert.Throws<ArgumentException>(() => new PrimeField((1UL << 60) + 2));
        Assert.False(PrimeField.IsPrime(3215031751)); // a strong pseudoprime to the bases 2, 3, 5 and 7
        Assert.True(PrimeField.IsPrime(Mersenne61.Prime));
    }

    [Fact]
    public void Images_of_floats_are_exact()
    {
        ImagesAreExact(default(Mersenne61));
        ImagesAreExact(Drawn);
    }

    static void ImagesAreExact<TField>(TField field) where TField : struct, IField
    {
        BigInteger p = field.Modulus;
        var table = new FloatImageTable<TField>(field);
        var formats = Gen.OneOf(
            Gen.ULong.Select(BitConverter.UInt64BitsToDouble),
            Gen.UInt.Select(bits => (double)BitConverter.UInt32BitsToSingle(bits)),
            Gen.UInt.Select(bits => (double)BitConverter.UInt32BitsToSingle(bits & 0xFFFF0000)), // bfloat16
            Gen.UShort.Select(bits => (double)BitConverter.UInt16BitsToHalf(bits)),
            Chosen.From(0.0, -0.0, 1, -1, double.Epsilon, double.MaxValue, 0.1, Math.ScaleB(1, -61), Math.ScaleB(1, 61)));
        formats.Where(double.IsFinite).Sample(value =>
        {
            var exact = Rational.FromDouble(value);
            var image = FloatImages.Image(field, value);
            // image · denominator = numerator
            Assert.Equal((exact.Numerator % p + p) % p, image * (exact.Denominator % p) % p);
            Assert.Equal(image, FloatImages.Image(field, exact));
            Assert.Equal(image, table.Image(value));
            Assert.Equal(value, exact.ToDouble());
        });
    }

    [Fact]
    public void Two_to_the_61_collides_in_the_first_field_and_not_in_a_drawn_one()
    {
        Assert.Equal(1UL, FloatImages.Image(default(Mersenne61), Math.ScaleB(1, -61)));
        Assert.NotEqual(1UL, FloatImages.Image(Drawn, Math.ScaleB(1, -61)));
    }

    [Fact]
    public void Fractions_obey_their_own_arithmetic() =>
        Gen.Select(Gen.Long[-1000, 1000], Gen.Long[1, 50], Gen.Long[-1000, 1000], Gen.Long[1, 50]).Sample((a, b, c, d) =>
        {
            Rational x = new(a, b), y = new(c, d);
            Assert.Equal(x, x + y - y);
            if (!y.IsZero) Assert.Equal(x, x / y * y);
            Assert.Equal(x.CompareTo(y) < 0, x < y);
            Assert.Equal(x, Rational.Parse($"{a}") / b);
        });
}
