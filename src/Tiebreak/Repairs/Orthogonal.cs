using Tiebreak.Formats;
using Tiebreak.Programs;

namespace Tiebreak.Repairs;

/// <summary>Orthonormal rows or columns, whichever are fewer: a random normal matrix, made orthogonal.</summary>
static class Orthogonal
{
    /// <summary>All values of a tensor; one matrix of units and what they read for each index of its other axes.</summary>
    public static double[] Draw(ParameterTensor tensor, RandomNumbers random, CancellationToken cancellation)
    {
        var shape = tensor.Shape;
        var isKnown = tensor.AxisMeanings.Count == shape.Rank && tensor.AxisMeanings.Contains(AxisMeaning.Output);
        AxisMeaning Meaning(int axis) => isKnown ? tensor.AxisMeanings[axis] : axis == 0 ? AxisMeaning.Output : AxisMeaning.Input;
        int[] rows = Offsets(shape, axis => Meaning(axis) == AxisMeaning.Output);
        int[] columns = Offsets(shape, axis => Meaning(axis) is AxisMeaning.Input or AxisMeaning.Window);
        int[] others = Offsets(shape, axis => Meaning(axis) is AxisMeaning.Other or AxisMeaning.Row);
        var (shorter, longer) = rows.Length <= columns.Length ? (rows, columns) : (columns, rows);
        var values = new double[shape.Count];
        ulong place = 0;
        foreach (var other in others)
        {
            var vectors = new double[shorter.Length][];
            for (var k = 0; k < vectors.Length; k++)
            {
                cancellation.ThrowIfCancellationRequested();
                vectors[k] = new double[longer.Length];
                for (var j = 0; j < longer.Length; j++) vectors[k][j] = random.Normal(place++);
                Orthonormalise(vectors, k);
                for (var j = 0; j < longer.Length; j++) values[other + shorter[k] + longer[j]] = vectors[k][j];
            }
        }

        return values;
    }

    // Twice is enough: what rounding leaves of the earlier vectors the first time, the second takes away.
    static void Orthonormalise(double[][] vectors, int last)
    {
        var vector = vectors[last];
        for (var pass = 0; pass < 2; pass++)
        {
            for (var k = 0; k < last; k++)
            {
                var product = 0.0;
                for (var j = 0; j < vector.Length; j++) product += vectors[k][j] * vector[j];
                for (var j = 0; j < vector.Length; j++) vector[j] -= product * vectors[k][j];
            }
        }

        var length = Math.Sqrt(vector.Sum(value => value * value));
        for (var j = 0; j < vector.Length; j++) vector[j] /= length;
    }

    /// <summary>The offsets of all indices of some axes, the others at 0.</summary>
    static int[] Offsets(Shape shape, Func<int, bool> isMeant)
    {
        var strides = shape.Strides();
        int[] offsets = [0];
        for (var axis = 0; axis < shape.Rank; axis++)
            if (isMeant(axis)) offsets = [.. offsets.SelectMany(offset => Enumerable.Range(0, shape[axis]).Select(index => offset + index * strides[axis]))];
        return offsets;
    }
}
