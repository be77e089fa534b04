using Tiebreak.Formats;
using Tiebreak.Numbers;

namespace Tiebreak.Findings;

/// <summary>Which start values are equal. Tensors that are not uniform are read up to a budget, in the order of the model; the rest is passed over.</summary>
sealed class EqualStarts
{
    /// <summary>Values that may be read in all; beyond it reading would take longer than the finding is worth.</summary>
    const long Budget = 20_000_000;

    readonly IReadOnlyList<ParameterTensor> _parameters;
    readonly bool[] _isRead;
    readonly Dictionary<Rational, int> _fractions = [];

    /// <summary>Decides which tensors to read.</summary>
    /// <param name="parameters">All tensors.</param>
    /// <param name="isKnown">Whether somebody else compared the values of a tensor.</param>
    public EqualStarts(IReadOnlyList<ParameterTensor> parameters, Predicate<int> isKnown)
    {
        _parameters = parameters;
        _isRead = new bool[parameters.Count];
        var left = Budget;
        for (var tensor = 0; tensor < _isRead.Length; tensor++)
        {
            if (parameters[tensor].Start is UniformTensor || parameters[tensor].Shape.Count > left || isKnown(tensor)) continue;
            _isRead[tensor] = true;
            left -= parameters[tensor].Shape.Count;
        }
    }

    /// <summary>Groups of two or more slices with equal start values.</summary>
    public IEnumerable<int[]> EqualSlices(int tensor, int axis)
    {
        var parameter = _parameters[tensor];
        if (parameter.Start is UniformTensor) return parameter.Shape[axis] > 1 ? [[.. Enumerable.Range(0, parameter.Shape[axis])]] : [];
        if (!_isRead[tensor]) return [];
        // Two integers hold a double: a last axis of two keeps them together.
        return SliceGrouping.OfNumbers(Numbers(tensor), [.. parameter.Shape.Sizes, 2], axis).Groups.Select(group => group.Members);
    }

    /// <summary>Sets of two or more tensors with equal shapes and values; uniform ones are no news and left out.</summary>
    public IReadOnlyList<int[]> EqualTensors()
    {
        var sets = new List<List<int>>();
        var candidates = new Dictionary<(Programs.Shape, int), List<List<int>>>();
        for (var tensor = 0; tensor < _parameters.Count; tensor++)
        {
            if (!_isRead[tensor] || _parameters[tensor].Shape.Count < 2) continue;
            var numbers = Numbers(tensor);
            if (IsUniform(numbers)) continue;
            var hash = new HashCode();
            foreach (var number in numbers.AsSpan(0, Math.Min(numbers.Length, 1024))) hash.Add(number);
            var key = (_parameters[tensor].Shape, hash.ToHashCode());
            if (!candidates.TryGetValue(key, out var known)) candidates.Add(key, known = []);
            var set = known.Find(set => Numbers(set[0]).AsSpan().SequenceEqual(numbers));
            if (set is null)
            {
                known.Add(set = []);
                sets.Add(set);
            }

            set.Add(tensor);
        }

        return [.. sets.Where(set => set.Count > 1).Select(set => set.ToArray())];
    }

    /// <summary>Two integers for each value, equal if and only if the values are.</summary>
    int[] Numbers(int tensor)
    {
        var start = _parameters[tensor].Start;
        var numbers = new int[checked((int)start.Count * 2)];
        if (!start.HasDoubles)
        {
            for (var index = 0; index < start.Count; index++) (numbers[2 * index], numbers[2 * index + 1]) = Numbers(start[index]);
            return numbers;
        }

        Span<double> part = stackalloc double[512];
        for (long at = 0; at < start.Count; at += part.Length)
        {
            var some = part[..(int)Math.Min(part.Length, start.Count - at)];
            start.ReadDoubles(at, some);
            for (var k = 0; k < some.Length; k++) (numbers[2 * (at + k)], numbers[2 * (at + k) + 1]) = Numbers(some[k]);
        }

        return numbers;
    }

    (int Low, int High) Numbers(Rational value)
    {
        if (value.TryGetDouble(out var exact)) return Numbers(exact);
        if (!_fractions.TryGetValue(value, out var number)) _fractions.Add(value, number = _fractions.Count);
        return (number, -1); // no finite double has this upper half
    }

    static (int Low, int High) Numbers(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value == 0 ? 0 : value); // +0 = −0
        return ((int)bits, (int)(bits >> 32));
    }

    static bool IsUniform(int[] numbers)
    {
        for (var index = 2; index < numbers.Length; index++)
            if (numbers[index] != numbers[index - 2]) return false;
        return true;
    }
}
