namespace Tiebreak.Verification;

/// <summary>
/// What one number can be, as far as order tells: a lower and an upper bound, which may be infinite but stand for finite numbers. Every bound is exact or rounded outwards, also where doubles underflow or
/// overflow: a lower bound is never above what exact arithmetic makes, an upper one never below.
/// </summary>
readonly record struct PlainRange(double Low, double High)
{
    const double SafelyNormal = 1e-280; // the error of a product above it is a double itself

    public static PlainRange Any { get; } = new(double.NegativeInfinity, double.PositiveInfinity);

    public static PlainRange operator +(PlainRange a, PlainRange b) => new(SumBelow(a.Low, b.Low), -SumBelow(-a.High, -b.High));

    public static PlainRange operator -(PlainRange a) => new(-a.High, -a.Low);

    public static PlainRange operator *(PlainRange a, PlainRange b) => new(ProductBelow(a, b), -ProductBelow(-a, b));

    /// <summary>The smallest range that holds both.</summary>
    public PlainRange Or(PlainRange other) => new(Math.Min(Low, other.Low), Math.Max(High, other.High));

    /// <summary>What lies in both; this one, where rounding leaves nothing.</summary>
    public PlainRange And(PlainRange other) => Math.Max(Low, other.Low) is var low && Math.Min(High, other.High) is var high && low <= high ? new(low, high) : this;

    /// <summary>a·a.</summary>
    public PlainRange Square() => this * this is var product && Low <= 0 && High >= 0 ? product with { Low = 0 } : product with { Low = Math.Max(0, product.Low) };

    /// <summary>|a|.</summary>
    public PlainRange Magnitude() => Low >= 0 ? this : High <= 0 ? -this : new(0, Math.Max(-Low, High));

    /// <summary>1/a; anything, if a may have either sign. At 0 itself there is no value.</summary>
    public PlainRange Reciprocal()
    {
        if (Low >= 0) return new(Math.Max(0, Math.BitDecrement(1 / High)), Low == 0 ? double.PositiveInfinity : Math.BitIncrement(1 / Low));
        return High <= 0 ? -(-this).Reciprocal() : Any;
    }

    /// <summary>The image under a function that never decreases, which a library computes to many more places than are relied on here, within its true bounds.</summary>
    public PlainRange Increasing(Func<double, double> function, double least, double most)
    {
        const double Unsure = 1e-12;
        var (low, high) = (function(Low), function(High));
        return new(
            double.IsNaN(low) ? least : Math.Max(least, Math.Min(low, double.MaxValue) is var below && double.IsInfinity(below) ? below : below - Math.Abs(below) * Unsure - SafelyNormal),
            double.IsNaN(high) ? most : Math.Min(most, Math.Max(high, -double.MaxValue) is var above && double.IsInfinity(above) ? above : above + Math.Abs(above) * Unsure + SafelyNormal));
    }

    /// <summary>Bounds of a number that a double is nearest to. One that is not exact is not zero, however small: its sign would be lost with it.</summary>
    public static PlainRange Around(double value, bool isExact) => isExact ? new(value, value) : new(Math.BitDecrement(value), Math.BitIncrement(value));

    // Not above the exact sum, and equal to it where that is a double: what rounding took from a sum is known exactly (Knuth).
    static double SumBelow(double a, double b)
    {
        if (double.IsNegativeInfinity(a) || double.IsNegativeInfinity(b)) return double.NegativeInfinity;
        var sum = a + b;
        if (double.IsInfinity(sum)) return sum < 0 ? sum : double.MaxValue;
        var part = sum - a;
        return a - (sum - part) + (b - part) >= 0 ? sum : Math.BitDecrement(sum);
    }

    static double ProductBelow(PlainRange a, PlainRange b) => Math.Min(Math.Min(ProductBelow(a.Low, b.Low), ProductBelow(a.Low, b.High)), Math.Min(ProductBelow(a.High, b.Low), ProductBelow(a.High, b.High)));

    static double ProductBelow(double a, double b)
    {
        if (a == 0 || b == 0) return 0; // an infinity bounds numbers that are finite
        var product = a * b;
        var isPositive = a < 0 == b < 0;
        if (double.IsInfinity(product)) return !isPositive ? product : double.IsInfinity(a) || double.IsInfinity(b) ? product : double.MaxValue;
        if (Math.Abs(product) < SafelyNormal) return isPositive ? 0 : -SafelyNormal;
        return Math.FusedMultiplyAdd(a, b, -product) >= 0 ? product : Math.BitDecrement(product);
    }
}
