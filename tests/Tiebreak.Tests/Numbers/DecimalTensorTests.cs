using System.Globalization;
using System.Numerics;
using CsCheck;
using Tiebreak.Numbers;
using Xunit;

namespace Tiebreak.Tests.Numbers;

public sealed class DecimalTensorTests
{
    static readonly long[] Edges = [0, long.MinValue, long.MaxValue, 1L << 53, (1L << 53) + 1, (1L << 61) - 1];
    static readonly Gen<long> Mantissas = Gen.OneOf(Gen.Long, Gen.Long[-1000, 1000], Gen.Long[-(1L << 54), 1L << 54], Gen.Int[0, 5].Select(which => Edges[which]));
    static readonly Gen<short> Exponents = Gen.OneOf(Gen.Short[-5, 2], Gen.Short[-30, 30], Gen.Short[-70, 70], Gen.Short[-345, 310], Gen.Const(DecimalTensor.Listed));

    static readonly Gen<(DecimalTensor Tensor, Rational[] Values)> Tensors = Gen.Select(Mantissas, Exponents, Gen.Long, Gen.Int[-40, 40]).Array[0, 50].Select(numbers =>
    {
        var mantissas = new long[numbers.Length];
        var exponents = new short[numbers.Length];
        var listed = new List<Rational>();
        var values = new Rational[numbers.Length];
        for (var k = 0; k < numbers.Length; k++)
        {
            (mantissas[k], exponents[k], var more, var power) = numbers[k];
            values[k] = exponents[k] == DecimalTensor.Listed ? Decimal((BigInteger)mantissas[k] * more, power) : Decimal(mantissas[k], exponents[k]);
            if (exponents[k] != DecimalTensor.Listed) continue;
            mantissas[k] = listed.Count;
            listed.Add(values[k]);
        }

        return (new DecimalTensor(mantissas, exponents, listed), values);
    });

    static Rational Decimal(BigInteger mantissa, int exponent) =>
        exponent < 0 ? new Rational(mantissa, BigInteger.Pow(10, -exponent)) : new Rational(mantissa * BigInteger.Pow(10, exponent), 1);

    [Fact]
    public void Values_are_mantissas_times_powers_of_ten() => Tensors.Sample(drawn => drawn.Values.Select((value, at) => drawn.Tensor[at] == value).All(same => same));

    [Fact]
    public void Images_are_those_of_the_fractions() => Tensors.Sample(drawn =>
    {
        Same(new Mersenne61(), drawn.Tensor, drawn.Values);
        Same(PrimeField.Draw(7), drawn.Tensor, drawn.Values);
        Same(new ZeroPattern(), drawn.Tensor, drawn.Values);
    });

    [Fact]
    public void Whole_numbers_need_no_exponents() => Mantissas.Array[1, 50].Sample(numbers =>
    {
        Same(new Mersenne61(), new DecimalTensor(numbers), [.. numbers.Select(number => (Rational)number)]);
        Same(new ZeroPattern(), new DecimalTensor(numbers), [.. numbers.Select(number => (Rational)number)]);
        var nearest = new double[numbers.Length];
        new DecimalTensor(numbers).ReadNearest(0, nearest);
        Assert.Equal(numbers.Select(number => (double)number), nearest);
    });

    static void Same<TField>(TField field, DecimalTensor tensor, Rational[] values) where TField : struct, IField
    {
        var start = values.Length / 3; // not only from the beginning
        var images = new ulong[values.Length - start];
        ExactImages.Fill(field, tensor, start, images);
        Assert.Equal(values.Skip(start).Select(value => ExactImages.Image(field, value)), images);
    }

    [Fact]
    public void A_tensor_has_doubles_just_if_every_value_is_one() => Tensors.Sample(drawn =>
    {
        Assert.Equal(drawn.Values.All(value => value.TryGetDouble(out _)), drawn.Tensor.HasDoubles);
        for (var k = 0; k < drawn.Values.Length; k++)
        {
            var single = new RationalTensor([drawn.Values[k]]);
            if (Exact(drawn.Values[k]) is { } one) Assert.Equal(single.HasDoubles, one.HasDoubles);
        }
    });

    // The tensor of one short decimal, if the value is one.
    static DecimalTensor? Exact(Rational value)
    {
        for (short places = 0; places < 20; places++)
            if (value * new Rational(BigInteger.Pow(10, places), 1) is { IsInteger: true } scaled && scaled.Numerator.GetBitLength() < 63)
                return new DecimalTensor([(long)scaled.Numerator], [(short)-places]);
        return null;
    }

    [Fact]
    public void No_value_has_more_bits_than_the_tensor_says() => Tensors.Sample(drawn =>
        drawn.Values.All(value => value.Numerator.GetBitLength() + value.Denominator.GetBitLength() <= drawn.Tensor.MostBits));

    [Fact]
    public void Nearest_doubles_are_those_of_the_decimal_text() => Gen.Select(Mantissas, Gen.Short[-345, 310]).Array[1, 50].Sample(numbers =>
    {
        var nearest = new double[numbers.Length];
        new DecimalTensor([.. numbers.Select(number => number.Item1)], [.. numbers.Select(number => number.Item2)]).ReadNearest(0, nearest);
        Assert.Equal(numbers.Select(number => double.Parse($"{number.Item1}e{number.Item2}", CultureInfo.InvariantCulture)), nearest);
    });

    [Fact]
    public void A_fraction_rounds_to_the_nearest_double_as_decimal_text_does() => Gen.Select(Mantissas, Gen.ULong, Gen.Int[-380, 320]).Sample((high, low, power) =>
    {
        var mantissa = ((BigInteger)high << 64) + low;
        var text = $"{mantissa}e{power}";
        Assert.Equal(double.Parse(text, CultureInfo.InvariantCulture), Decimal(mantissa, power).ToDouble());
    });

    [Fact]
    public void Halves_between_doubles_round_to_even() => Gen.Select(Gen.Long[0, (1L << 53) - 1], Gen.Int[-1130, 900], Gen.Bool).Sample((mantissa, power, above) =>
    {
        // 2m + 1 halves of the last place, and a little more or not.
        var half = new Rational(2 * (BigInteger)mantissa + 1, 1) * (power < 0 ? new Rational(1, BigInteger.One << -power) : new Rational(BigInteger.One << power, 1));
        var value = above ? half + half * new Rational(1, BigInteger.One << 300) : half;
        var (below, next) = (value.ToDouble(), Math.BitIncrement(value.ToDouble()));
        if (!double.IsFinite(next)) return;
        var error = (Rational.FromDouble(below) - value).Magnitude;
        foreach (var other in new[] { next, Math.BitDecrement(below) })
        {
            var farther = (Rational.FromDouble(other) - value).Magnitude;
            Assert.True(error < farther || (error == farther && (BitConverter.DoubleToInt64Bits(below) & 1) == 0));
        }
    });

    [Fact]
    public void Every_tensor_reads_the_nearest_doubles()
    {
        var third = new double[2];
        new RationalTensor([0, new Rational(1, 3), new Rational(-2, 3)]).ReadNearest(1, third);
        Assert.Equal([1 / 3.0, -2 / 3.0], third);
        new UniformTensor(9, new Rational(1, 10)).ReadNearest(4, third);
        Assert.Equal([0.1, 0.1], third);
        new DoubleTensor([1, 2, 0.1]).ReadNearest(1, third);
        Assert.Equal([2, 0.1], third);
    }
}
