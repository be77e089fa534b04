using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Repairs.Merging;

/// <summary>How one axis of a tensor changes: for each place of the new axis the old slices that are added, with their signs.</summary>
sealed record AxisPlan(int OldSize, (int Place, bool IsNegative)[][] Terms)
{
    /// <summary>The new size.</summary>
    public int Size => Terms.Length;

    /// <summary>Whether slices are added, and not only left out.</summary>
    public bool Adds => Array.Exists(Terms, terms => terms.Length > 1 || terms[0].IsNegative);

    /// <summary>The plan of an axis; null if nothing changes.</summary>
    public static AxisPlan? Of(int size, int[]? kept, AxisFold? fold)
    {
        if (kept is null && fold is not { IsNeeded: true }) return null;
        kept ??= [.. Enumerable.Range(0, size)];
        if (fold is not { IsNeeded: true }) return new AxisPlan(size, [.. kept.Select(place => new[] { (place, false) })]);
        var terms = kept.ToDictionary(place => place, _ => new List<(int, bool)>());
        for (var k = 0; k < size; k++)
        {
            var to = fold.To[k] == AxisFold.Free ? k : fold.To[k];
            if (to >= 0 && terms.TryGetValue(to, out var list)) list.Add((k, fold.IsNegative[k]));
        }

        return new AxisPlan(size, [.. kept.Select(place => terms[place].ToArray())]);
    }
}

/// <summary>How a tensor changes, axis by axis; null for axes that stay.</summary>
sealed class TensorPlan(Shape shape, AxisPlan?[] axes)
{
    /// <summary>The old shape.</summary>
    public Shape OldShape => shape;

    /// <summary>The new shape.</summary>
    public Shape Shape { get; } = new([.. axes.Select((axis, k) => axis?.Size ?? shape[k])]);

    /// <summary>What happens along each axis; null where nothing does.</summary>
    public IReadOnlyList<AxisPlan?> Axes => axes;

    /// <summary>Whether anything is added up; otherwise all numbers of the new tensor are numbers of the old one.</summary>
    public bool Adds => Array.Exists(axes, axis => axis is { Adds: true });

    /// <summary>The new values, made with any addition.</summary>
    public T[] Apply<T>(T[] values, Func<T, T, T> add, Func<T, T> negate)
    {
        var sizes = shape.Sizes.Span.ToArray();
        for (var axis = 0; axis < axes.Length; axis++)
        {
            if (axes[axis] is not { } plan) continue;
            long outer = 1, inner = 1;
            for (var k = 0; k < axis; k++) outer *= sizes[k];
            for (var k = axis + 1; k < sizes.Length; k++) inner *= sizes[k];
            var made = new T[outer * plan.Size * inner];
            for (long o = 0; o < outer; o++)
            {
                for (var place = 0; place < plan.Size; place++)
                {
                    var target = made.AsSpan((int)((o * plan.Size + place) * inner), (int)inner);
                    for (var term = 0; term < plan.Terms[place].Length; term++)
                    {
                        var (from, isNegative) = plan.Terms[place][term];
                        var source = values.AsSpan((int)((o * plan.OldSize + from) * inner), (int)inner);
                        if (term == 0 && !isNegative) source.CopyTo(target);
                        else if (term == 0) for (var k = 0; k < target.Length; k++) target[k] = negate(source[k]);
                        else for (var k = 0; k < target.Length; k++) target[k] = add(target[k], isNegative ? negate(source[k]) : source[k]);
                    }
                }
            }

            (values, sizes[axis]) = (made, plan.Size);
        }

        return values;
    }

    /// <summary>The new exact values: sums of doubles as doubles where that is exact, else as fractions.</summary>
    public ExactTensor Apply(ExactTensor values)
    {
        if (values is UniformTensor uniform && !Adds) return new UniformTensor(Shape.Count, uniform.Value);
        if (values.HasDoubles)
        {
            var doubles = new double[values.Count];
            values.ReadDoubles(0, doubles);
            var isExact = true;
            var sums = Apply(
                doubles,
                (a, b) =>
                {
                    // Knuth's two-sum: what rounding lost is known exactly.
                    var sum = a + b;
                    var part = sum - a;
                    if (a - (sum - part) + (b - part) != 0) isExact = false;
                    return sum;
                },
                a => -a);
            if (isExact) return new DoubleTensor(sums);
        }

        return new RationalTensor(Apply([.. Enumerable.Range(0, checked((int)values.Count)).Select(k => values[k])], (a, b) => a + b, a => -a));
    }
}
