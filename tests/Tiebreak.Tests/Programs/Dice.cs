using Tiebreak.Programs;

namespace Tiebreak.Tests.Programs;

/// <summary>A seeded source of small shapes, axes and numbers.</summary>
sealed class Dice(int seed)
{
    readonly Random _random = new(seed);

    /// <summary>A whole number from a range, both ends included.</summary>
    public int Next(int low, int high) => _random.Next(low, high + 1);

    public bool OneIn(int count) => _random.Next(count) == 0;

    public T Of<T>(params ReadOnlySpan<T> options) => options[_random.Next(options.Length)];

    public double Double(double low, double high) => low + (high - low) * _random.NextDouble();

    /// <summary>A shape of some rank, each size at least 1.</summary>
    public Shape Shape(int lowestRank, int highestRank, int largestSize = 3)
    {
        var sizes = new int[Next(lowestRank, highestRank)];
        for (var axis = 0; axis < sizes.Length; axis++) sizes[axis] = Next(1, largestSize);
        return new Shape(sizes);
    }

    /// <summary>Some of the axes of a rank, ascending.</summary>
    public int[] Axes(int rank) => [.. Enumerable.Range(0, rank).Where(_ => OneIn(2))];

    /// <summary>All axes of a rank in any order.</summary>
    public int[] Order(int rank)
    {
        int[] order = [.. Enumerable.Range(0, rank)];
        _random.Shuffle(order);
        return order;
    }
}
