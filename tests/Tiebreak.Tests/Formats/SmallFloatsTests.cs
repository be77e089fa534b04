using CsCheck;
using Tiebreak.Formats;
using Xunit;

namespace Tiebreak.Tests.Formats;

/// <summary>The small formats by their definitions: sign, exponent, mantissa.</summary>
public sealed class SmallFloatsTests
{
    static readonly (FloatFormat Format, int Exponent, int Mantissa)[] Formats =
        [(FloatFormat.Float8E4M3, 4, 3), (FloatFormat.Float8E5M2, 5, 2), (FloatFormat.BFloat16, 8, 7), (FloatFormat.Float16, 5, 10)];

    /// <summary>What bits stand for, by definition.</summary>
    static double Meaning(int bits, int exponentBits, int mantissaBits, bool hasInfinity)
    {
        var top = (1 << exponentBits) - 1;
        var (exponent, mantissa) = (bits >> mantissaBits & top, bits & (1 << mantissaBits) - 1);
        var sign = bits >> exponentBits + mantissaBits == 1 ? -1.0 : 1.0;
        if (hasInfinity && exponent == top) return mantissa == 0 ? sign * double.PositiveInfinity : double.NaN;
        if (!hasInfinity && exponent == top && mantissa == (1 << mantissaBits) - 1) return double.NaN;
        var bias = (1 << exponentBits - 1) - 1;
        var fraction = mantissa / Math.Pow(2, mantissaBits);
        return sign * (exponent == 0 ? fraction * Math.Pow(2, 1 - bias) : (1 + fraction) * Math.Pow(2, exponent - bias));
    }

    [Fact]
    public void Every_byte_means_what_its_format_says()
    {
        foreach (var (format, exponent, mantissa) in Formats.Take(2))
            for (var bits = 0; bits < 256; bits++)
                Assert.Equal(Meaning(bits, exponent, mantissa, hasInfinity: format == FloatFormat.Float8E5M2), SmallFloats.Decode(format, (byte)bits));
    }

    [Fact]
    public void Every_number_of_a_format_keeps_its_bits()
    {
        var bytes = new byte[2];
        foreach (var (format, exponent, mantissa) in Formats)
        {
            for (var bits = 0; bits < 1 << 1 + exponent + mantissa; bits++)
            {
                var value = Meaning(bits, exponent, mantissa, hasInfinity: format != FloatFormat.Float8E4M3);
                if (double.IsNaN(value)) continue;
                bytes.AsSpan().Clear();
                SmallFloats.Encode(format, value, bytes);
                Assert.Equal(bits, BitConverter.ToUInt16(bytes));
            }
        }
    }

    [Fact]
    public void Any_number_becomes_the_nearest_and_a_tie_the_even_one()
    {
        foreach (var (format, exponent, mantissa) in Formats)
        {
            var all = Enumerable.Range(0, 1 << exponent + mantissa).Select(bits => Meaning(bits, exponent, mantissa, format != FloatFormat.Float8E4M3)).TakeWhile(double.IsFinite).ToArray();
            var bytes = new byte[2];
            Gen.Select(Gen.Int[0, all.Length - 2], Gen.OneOf(Gen.Double[0, 1], Gen.Const(0.5), Gen.Const(0.5 + 1e-9), Gen.Const(0.5 - 1e-9))).Sample((place, share) =>
            {
                var value = all[place] + share * (all[place + 1] - all[place]);
                var nearest = value - all[place] < all[place + 1] - value || (value - all[place] == all[place + 1] - value && place % 2 == 0) ? place : place + 1;
                bytes.AsSpan().Clear();
                SmallFloats.Encode(format, value, bytes);
                Assert.Equal(nearest, BitConverter.ToUInt16(bytes));
            }, iter: 2000, threads: 1);
        }
    }

    [Fact]
    public void What_is_too_great_is_an_infinity_or_no_number()
    {
        var one = new byte[1];
        foreach (var value in new[] { double.NaN, double.PositiveInfinity, 1e300, 480 })
        {
            SmallFloats.Encode(FloatFormat.Float8E4M3, value, one);
            Assert.True(double.IsNaN(SmallFloats.Decode(FloatFormat.Float8E4M3, one[0])));
        }

        SmallFloats.Encode(FloatFormat.Float8E5M2, -1e300, one);
        Assert.Equal(double.NegativeInfinity, SmallFloats.Decode(FloatFormat.Float8E5M2, one[0]));
        SmallFloats.Encode(FloatFormat.Float8E5M2, double.NaN, one);
        Assert.True(double.IsNaN(SmallFloats.Decode(FloatFormat.Float8E5M2, one[0])));
    }
}
