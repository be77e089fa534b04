using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs.NearTies;

/// <summary>The numbers of units, as the nearest doubles.</summary>
/// <param name="model">The model, its weights named.</param>
/// <param name="plans">What becomes of weights where units are merged already: their columns are added up, so that units are compared by what they make of what is left.</param>
sealed class SliceValues(Model model, IReadOnlyDictionary<string, TensorPlan> plans)
{
    readonly Dictionary<string, double[]> _values = new(StringComparer.Ordinal);
    readonly Dictionary<string, ParameterTensor> _tensors = model.Parameters.Concat(model.Frozen).ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);

    /// <summary>A unit's incoming numbers, row by row.</summary>
    public double[][] Rows(UnitKind kind, Unit unit) => [.. kind.Rows.Select(row => row.SelectMany(k => Slices(kind.Incoming[k], unit.Incoming[k])).ToArray())];

    /// <summary>The norm of what reads a unit.</summary>
    public double Reach(UnitKind kind, Unit unit) => NearGroups.Norm([.. Enumerable.Range(0, kind.Outgoing.Count).SelectMany(k => Slices(kind.Outgoing[k], unit.Outgoing[k]))]);

    IEnumerable<double> Slices(WeightAxis at, int[] slices)
    {
        if (!_values.TryGetValue(at.Name, out var values)) _values.Add(at.Name, values = Read(at.Name));
        var layout = new SlicedAxis(at);
        return slices.SelectMany(slice => layout.Positions(slice)).Select(position => values[position]);
    }

    double[] Read(string name)
    {
        var values = new double[_tensors[name].Shape.Count];
        _tensors[name].Start.ReadNearest(0, values);
        return plans.TryGetValue(name, out var plan) ? Spread(plan.Apply(values, (a, b) => a + b, a => -a), plan) : values;
    }

    // Sums stand at the first of the places that they are of, and zeros at the others, so that no number of a slice changes.
    static double[] Spread(double[] sums, TensorPlan plan)
    {
        var places = Enumerable.Range(0, plan.OldShape.Rank).Select(axis => plan.Axes[axis] is { } of ? of.Terms.Select(terms => terms[0].Place).ToArray() : [.. Enumerable.Range(0, plan.OldShape[axis])]).ToArray();
        var (result, strides, at) = (new double[plan.OldShape.Count], plan.OldShape.Strides(), new int[places.Length]);
        foreach (var sum in sums)
        {
            var position = 0;
            for (var axis = 0; axis < at.Length; axis++) position += places[axis][at[axis]] * strides[axis];
            result[position] = sum;
            for (var axis = at.Length - 1; axis >= 0 && ++at[axis] == places[axis].Length; axis--) at[axis] = 0;
        }

        return result;
    }
}

/// <summary>The positions of slices in a weight, row-major.</summary>
readonly struct SlicedAxis(WeightAxis at)
{
    readonly Shape _shape = at.Tensor.Shape;
    readonly int _inner = at.Tensor.Shape.Strides()[at.Axis];
    readonly int _size = at.Tensor.Shape[at.Axis];

    /// <summary>The positions of one slice, ascending.</summary>
    public IEnumerable<int> Positions(int slice)
    {
        for (long start = (long)slice * _inner; start < _shape.Count; start += (long)_inner * _size)
            for (var k = 0; k < _inner; k++) yield return (int)(start + k);
    }
}
