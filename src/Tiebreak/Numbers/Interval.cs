namespace Tiebreak.Numbers;

/// <summary>All real numbers from <see cref="Low"/> to <see cref="High"/>; bounds may be infinite. Results are rounded outwards, so they hold what exact arithmetic makes.</summary>
/// <param name="Low">The least value, or −∞.</param>
/// <param name="High">The largest value, or ∞.</param>
public readonly record struct Interval(double Low, double High)
{
    /// <summary>Any number.</summary>
    public static Interval Any => new(double.NegativeInfinity, double.PositiveInfinity);

    /// <summary>Exactly zero.</summary>
    public static Interval Zero => default;

    /// <summary>0 or more.</summary>
    public static Interval NotNegative => new(0, double.PositiveInfinity);

    /// <summary>Whether it is a single number.</summary>
    public bool IsPoint => Low == High;

    /// <summary>Around a double that may be rounded: 0 then stands for any number too small for a double, of either sign.</summary>
    public static Interval Around(double value, bool isExact) => isExact ? new(value, value) : new(Math.BitDecrement(value), Math.BitIncrement(value));

    /// <summary>a + b.</summary>
    public static Interval operator +(Interval left, Interval right) =>
        new(SumBelow(left.Low, right.Low), -SumBelow(-left.High, -right.High));

    /// <summary>−a.</summary>
    public static Interval operator -(Interval value) => new(0 - value.High, 0 - value.Low);

    /// <summary>a · b for independent a and b.</summary>
    public static Interval operator *(Interval left, Interval right)
    {
        if (left == Zero || right == Zero) return Zero;
        var low = Math.Min(Math.Min(ProductBelow(left.Low, right.Low), ProductBelow(left.Low, right.High)), Math.Min(ProductBelow(left.High, right.Low), ProductBelow(left.High, right.High)));
        var high = Math.Min(Math.Min(ProductBelow(-left.Low, right.Low), ProductBelow(-left.Low, right.High)), Math.Min(ProductBelow(-left.High, right.Low), ProductBelow(-left.High, right.High)));
        return new(low, 0 - high);
    }

    /// <summary>What is in either, and between.</summary>
    public Interval Or(Interval other) => new(Math.Min(Low, other.Low), Math.Max(High, other.High));

    /// <summary>What is in both; a point of this one if nothing is.</summary>
    public Interval And(Interval other)
    {
        var (low, high) = (Math.Max(Low, other.Low), Math.Min(High, other.High));
        return low <= high ? new(low, high) : low > High ? new(High, High) : new(Low, Low);
    }

    /// <summary>1 / a; any number if a may be zero.</summary>
    public Interval Reciprocal()
    {
        if (Low > 0) return Outwards(1 / High, 1 / Low) is var positive ? positive with { Low = Math.Max(0, positive.Low) } : default;
        if (High < 0) return Outwards(1 / High, 1 / Low) is var negative ? negative with { High = Math.Min(0, negative.High) } : default;
        return Low == 0 ? NotNegative : High == 0 ? new(double.NegativeInfinity, 0) : Any; // 1/0 is refused elsewhere
    }

    /// <summary>a · a.</summary>
    public Interval Square()
    {
        var product = this * this;
        return product with { Low = Low <= 0 && High >= 0 ? 0 : Math.Max(0, Math.BitDecrement(Math.Min(Low * Low, High * High))) };
    }

    /// <summary>|a|.</summary>
    public Interval Magnitude() => Low >= 0 ? this : High <= 0 ? -this : new(0, Math.Max(-Low, High));

    /// <summary>An increasing function that a library rounds to within a few last places.</summary>
    public Interval Increasing(Func<double, double> function, double least, double most)
    {
        const double Slack = 1e-14;
        var (low, high) = (function(Low), function(High));
        return new(
            double.IsNaN(low) ? least : double.IsInfinity(low) ? Math.Max(least, Math.Min(low, double.MaxValue)) : Math.Max(least, low - Math.Abs(low) * Slack - double.Epsilon),
            double.IsNaN(high) ? most : double.IsInfinity(high) ? Math.Min(most, Math.Max(high, -double.MaxValue)) : Math.Min(most, high + Math.Abs(high) * Slack + double.Epsilon));
    }

    /// <summary>Bounds moved apart by one rounding; what is no number bounds nothing.</summary>
    public static Interval Outwards(double low, double high) =>
        new(double.IsNaN(low) ? double.NegativeInfinity : Math.BitDecrement(low), double.IsNaN(high) ? double.PositiveInfinity : Math.BitIncrement(high));

    // Not above the exact sum, and equal to it where that is a double: the rounding error of a sum is known exactly (Knuth's two-sum).
    static double SumBelow(double left, double right)
    {
        var sum = left + right;
        if (!double.IsFinite(sum)) return double.IsNaN(sum) || double.IsFinite(left) == double.IsFinite(right) ? double.NegativeInfinity : sum;
        var shadow = sum - left;
        var error = left - (sum - shadow) + (right - shadow);
        return error >= 0 ? sum : Math.BitDecrement(sum);
    }

    // Not above the exact product. Infinite bounds stand for numbers as large as one likes, so that 0 times one is 0.
    static double ProductBelow(double left, double right)
    {
        const double SafelyNormal = 1e-280; // below, the error itself may underflow
        if (left == 0 || right == 0) return 0;
        var product = left * right;
        if (double.IsInfinity(product)) return double.IsInfinity(left) || double.IsInfinity(right) || product < 0 ? product : double.MaxValue;
        if (Math.Abs(product) < SafelyNormal) return product > 0 ? 0 : Math.BitDecrement(product) - SafelyNormal;
        return Math.FusedMultiplyAdd(left, right, -product) >= 0 ? product : Math.BitDecrement(product);
    }
}
