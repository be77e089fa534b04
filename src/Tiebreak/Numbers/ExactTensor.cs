using System.Numerics;

namespace Tiebreak.Numbers;

/// <summary>The exact values of a tensor, row-major: what a file holds, before any rounding. Two instances are equal as objects only, except uniform ones.</summary>
public abstract class ExactTensor
{
    /// <summary>The number of values.</summary>
    public abstract long Count { get; }

    /// <summary>One value.</summary>
    /// <exception cref="ArgumentException">The value is NaN or infinite.</exception>
    public abstract Rational this[long index] { get; }

    /// <summary>Whether every value is exactly a double (then <see cref="ReadDoubles"/> works); so it is for every floating-point format.</summary>
    public abstract bool HasDoubles { get; }

    /// <summary>Copies the values from <paramref name="start"/> on, exactly; NaN and infinities as they are.</summary>
    /// <exception cref="InvalidOperationException"><see cref="HasDoubles"/> is false.</exception>
    public abstract void ReadDoubles(long start, Span<double> values);

    /// <summary>Copies the nearest doubles of the values from <paramref name="start"/> on, ties to even; beyond the greatest double it is an infinity.</summary>
    public virtual void ReadNearest(long start, Span<double> values)
    {
        if (HasDoubles) ReadDoubles(start, values);
        else for (var k = 0; k < values.Length; k++) values[k] = this[start + k].ToDouble();
    }

    /// <summary>
    /// A bound on the bits of any value's numerator and denominator together. What holds for every double unless a tensor knows better: 1,074 bits below
    /// the point and 1,024 above.
    /// </summary>
    public virtual int MostBits => 2100;

    /// <summary>A few words for a printed program.</summary>
    public virtual string Describe() => $"of {Count} numbers";
}

/// <summary>One value everywhere; takes no memory.</summary>
public sealed class UniformTensor(long count, Rational value) : ExactTensor, IEquatable<UniformTensor>
{
    readonly bool _isDouble = value.TryGetDouble(out _);
    readonly double _double = value.ToDouble();

    /// <summary>The value.</summary>
    public Rational Value { get; } = value;

    /// <inheritdoc/>
    public override long Count => count;

    /// <inheritdoc/>
    public override Rational this[long index] => Value;

    /// <inheritdoc/>
    public override bool HasDoubles => _isDouble;

    /// <inheritdoc/>
    public override void ReadDoubles(long start, Span<double> values)
    {
        if (!_isDouble) throw new InvalidOperationException("not a double");
        values.Fill(_double);
    }

    /// <inheritdoc/>
    public override void ReadNearest(long start, Span<double> values) => values.Fill(_double);

    /// <inheritdoc/>
    public override int MostBits => Bits(Value);

    /// <inheritdoc/>
    public override string Describe() => Value.ToString();

    internal static int Bits(Rational value) => (int)(value.Numerator.GetBitLength() + value.Denominator.GetBitLength());

    /// <inheritdoc/>
    public bool Equals(UniformTensor? other) => other is not null && Count == other.Count && Value == other.Value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as UniformTensor);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(count, Value);
}

/// <summary>Fractions, as a formula gives them.</summary>
public sealed class RationalTensor(Rational[] fractions) : ExactTensor
{
    readonly bool _areDoubles = fractions.All(value => value.TryGetDouble(out _));
    readonly int _mostBits = fractions.Select(UniformTensor.Bits).Append(1).Max();

    /// <inheritdoc/>
    public override int MostBits => _mostBits;

    /// <inheritdoc/>
    public override long Count => fractions.Length;

    /// <inheritdoc/>
    public override Rational this[long index] => fractions[index];

    /// <inheritdoc/>
    public override bool HasDoubles => _areDoubles;

    /// <inheritdoc/>
    public override void ReadDoubles(long start, Span<double> values)
    {
        if (!_areDoubles) throw new InvalidOperationException("not all values are doubles");
        for (var k = 0; k < values.Length; k++) values[k] = fractions[start + k].ToDouble();
    }
}

/// <summary>Doubles held in memory; also what small float16, bfloat16 and float32 tensors become, exactly.</summary>
public sealed class DoubleTensor(double[] doubles) : ExactTensor
{
    int _mostBits;

    /// <inheritdoc/>
    public override int MostBits => _mostBits > 0 ? _mostBits : _mostBits = BitsOf(doubles);

    /// <summary>The bits of numerators and denominators of doubles: from the lowest bit that is set in any to the highest, or to the point.</summary>
    internal static int BitsOf(ReadOnlySpan<double> doubles)
    {
        const int MantissaBits = 52;
        int greatest = 0, least = 0; // powers of two
        foreach (var value in doubles)
        {
            if (value == 0 || !double.IsFinite(value)) continue;
            var exponent = Math.ILogB(value);
            var mantissa = BitConverter.DoubleToUInt64Bits(value) & (1UL << MantissaBits) - 1;
            var unused = mantissa == 0 ? MantissaBits : BitOperations.TrailingZeroCount(mantissa);
            (greatest, least) = (Math.Max(greatest, exponent + 1), Math.Min(least, exponent - MantissaBits + unused));
        }

        return greatest - least + 1;
    }

    /// <inheritdoc/>
    public override long Count => doubles.Length;

    /// <inheritdoc/>
    public override Rational this[long index] => Rational.FromDouble(doubles[index]);

    /// <inheritdoc/>
    public override bool HasDoubles => true;

    /// <inheritdoc/>
    public override void ReadDoubles(long start, Span<double> values) => doubles.AsSpan((int)start, values.Length).CopyTo(values);
}
