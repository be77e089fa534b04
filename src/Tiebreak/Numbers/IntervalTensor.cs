using Tiebreak.Programs;

namespace Tiebreak.Numbers;

/// <summary>An interval for each element of a tensor, row-major; or a single one for all, which costs nothing.</summary>
public sealed class IntervalTensor
{
    readonly Interval[] _intervals;

    IntervalTensor(Shape shape, Interval[] intervals) => (Shape, _intervals) = (shape, intervals);

    /// <summary>The shape.</summary>
    public Shape Shape { get; }

    /// <summary>Whether all elements have one interval.</summary>
    public bool IsUniform => _intervals.Length == 1;

    /// <summary>One element's interval.</summary>
    public Interval this[long index] => _intervals.Length == 1 ? _intervals[0] : _intervals[index];

    /// <summary>The same for all elements.</summary>
    public static IntervalTensor Uniform(Shape shape, Interval interval) => new(shape, [interval]);

    /// <summary>One for each; a single one if all are equal.</summary>
    public static IntervalTensor Of(Shape shape, Interval[] intervals)
    {
        if (intervals.Length == 0) return Uniform(shape, Interval.Zero);
        return intervals.AsSpan().ContainsAnyExcept(intervals[0]) ? new(shape, intervals) : new(shape, [intervals[0]]);
    }

    /// <summary>Applies a function to each element.</summary>
    public IntervalTensor Map(Func<Interval, Interval> function) => IsUniform ? Uniform(Shape, function(_intervals[0])) : Of(Shape, Array.ConvertAll(_intervals, value => function(value)));

    /// <summary>Applies a function to each pair of elements of two tensors of one shape.</summary>
    public IntervalTensor With(IntervalTensor other, Func<Interval, Interval, Interval> function)
    {
        if (IsUniform && other.IsUniform) return Uniform(Shape, function(_intervals[0], other._intervals[0]));
        var result = new Interval[Shape.Count];
        for (var i = 0; i < result.Length; i++) result[i] = function(this[i], other[i]);
        return Of(Shape, result);
    }

    /// <summary>Where a gate is open the one, where it is closed the other, where that is not known either.</summary>
    public static IntervalTensor Choose(IntervalTensor gate, IntervalTensor one, IntervalTensor other)
    {
        if (gate.IsUniform && one.IsUniform && other.IsUniform) return Uniform(gate.Shape, Chosen(gate[0], one[0], other[0]));
        var result = new Interval[gate.Shape.Count];
        for (var i = 0; i < result.Length; i++) result[i] = Chosen(gate[i], one[i], other[i]);
        return Of(gate.Shape, result);

        static Interval Chosen(Interval gate, Interval one, Interval other) => gate.Low >= 1 ? one : gate.High <= 0 ? other : one.Or(other);
    }

    /// <summary>The elements at the given positions, or exact zero at −1.</summary>
    public IntervalTensor Pick(Shape target, Func<long, long> position)
    {
        var result = new Interval[target.Count];
        for (var i = 0; i < result.Length; i++) result[i] = position(i) is >= 0 and var at ? this[at] : Interval.Zero;
        return Of(target, result);
    }

    /// <summary>The same elements under another shape of as many.</summary>
    public IntervalTensor Reshape(Shape target) => new(target, _intervals);

    /// <summary>One interval that holds all.</summary>
    public Interval Hull()
    {
        var hull = _intervals[0];
        foreach (var interval in _intervals) hull = hull.Or(interval);
        return hull;
    }
}

/// <summary>A sum of intervals with a bound for what rounding did to it.</summary>
public struct IntervalSum
{
    double _low;
    double _high;
    double _size;
    long _terms;

    /// <summary>Adds a term as often as said.</summary>
    public void Add(Interval term, long times = 1)
    {
        if (term == Interval.Zero || times == 0) return;
        _low += term.Low * times;
        _high += term.High * times;
        _size += (double.IsFinite(term.Low) ? Math.Abs(term.Low) : 0) * times + (double.IsFinite(term.High) ? Math.Abs(term.High) : 0) * times;
        _terms++;
    }

    /// <summary>What the exact sum lies in.</summary>
    public readonly Interval Total
    {
        get
        {
            if (_terms == 0) return Interval.Zero;
            const double Unit = 2.220446049250313e-16;
            var slack = _terms < 2 ? _size * Unit : _size * Unit * (_terms + 2);
            return Interval.Outwards(_low - slack, _high + slack);
        }
    }

    /// <summary>The sum of terms that are all not negative (or all not positive) keeps that sign.</summary>
    public static Interval Signed(Interval total, bool notNegative, bool notPositive) =>
        new(notNegative ? Math.Max(0, total.Low) : total.Low, notPositive ? Math.Min(0, total.High) : total.High);
}
