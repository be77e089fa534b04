using System.Numerics;
using CsCheck;
using Tiebreak.Numbers;
using Xunit;

namespace Tiebreak.Tests.Numbers;

public sealed class FloatImageTests
{
    static readonly PrimeField Drawn = PrimeField.Draw(3);

    [Fact]
    public void Every_float16_has_the_image_of_its_fraction()
    {
        for (var bits = 0; bits <= ushort.MaxValue; bits += 7) Check((double)BitConverter.UInt16BitsToHalf((ushort)bits));
    }

    [Fact]
    public void Every_bfloat16_has_the_image_of_its_fraction()
    {
        for (var bits = 0; bits <= ushort.MaxValue; bits += 7) Check(BitConverter.UInt32BitsToSingle((uint)bits << 16));
    }

    [Fact]
    public void Float32_has_the_image_of_its_fraction() => Gen.UInt.Sample(bits => Check(BitConverter.UInt32BitsToSingle(bits)), iter: 3_000);

    [Fact]
    public void Float64_has_the_image_of_its_fraction() => Gen.ULong.Sample(bits => Check(BitConverter.UInt64BitsToDouble(bits)), iter: 3_000);

    [Theory]
    [InlineData(double.Epsilon), InlineData(-double.Epsilon), InlineData(double.MaxValue), InlineData(double.MinValue)]
    [InlineData(2.2250738585072014e-308), InlineData(2.225073858507201e-308), InlineData(1.0), InlineData(-1.0), InlineData(0.1)]
    public void Edges_of_float64_have_the_image_of_their_fraction(double value) => Check(value);

    [Fact]
    public void Both_zeros_have_the_image_zero()
    {
        Check(0.0);
        Check(-0.0);
    }

    static void Check(double value)
    {
        if (!double.IsFinite(value)) return;
        Check(new Mersenne61(), value);
        Check(Drawn, value);
    }

    static void Check<TField>(TField field, double value) where TField : struct, IField
    {
        var fraction = Rational.FromDouble(value);
        var image = field.Image(value);
        Assert.InRange(image, 0UL, field.Modulus - 1);
        Assert.Equal(BigInteger.Zero, (image * fraction.Denominator - fraction.Numerator) % field.Modulus);
        Assert.Equal(image, field.Image(fraction));
    }

    [Theory, InlineData(double.NaN), InlineData(double.PositiveInfinity), InlineData(double.NegativeInfinity)]
    public void What_is_not_finite_has_no_image(double value)
    {
        Assert.Throws<ArgumentException>(() => new Mersenne61().Image(value));
        Assert.Throws<ArgumentException>(() => Drawn.Images([1, value], new ulong[2]));
    }

    [Fact]
    public void Images_of_many_are_the_images_of_each()
    {
        var images = new ulong[4];
        Drawn.Images([1, -2, 0.5], images);
        Assert.Equal([1, Drawn.Modulus - 2, (Drawn.Modulus + 1) / 2, 0], images);
        Assert.Throws<ArgumentException>(() => Drawn.Images([1, 2], new ulong[1]));
    }

    [Fact]
    public void A_fraction_over_the_prime_has_no_image()
    {
        Assert.Throws<DivideByZeroException>(() => Drawn.Image(new Rational(1, 2 * new BigInteger(Drawn.Modulus))));
        Assert.Equal(0UL, Drawn.Image(new Rational(Drawn.Modulus, 3)));
    }
}
