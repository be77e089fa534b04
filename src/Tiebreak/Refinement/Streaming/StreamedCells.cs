using Tiebreak.Formats;
using Tiebreak.Numbers;

namespace Tiebreak.Refinement.Streaming;

/// <summary>The classes of single weights of streamed matrices, made from their bits and the keys of their rows and columns.</summary>
static class StreamedCells
{
    /// <summary>Names the class of a weight that moves: the same for two weights if and only if they always have the same random value, up to sign.</summary>
    public static CellKey KeyOf(uint bits, ulong row, ulong column)
    {
        var key = row ^ column;
        var size = bits & int.MaxValue;
        var isOpposed = size != 0 && ((bits ^ (uint)key) & AxisKeys.SignBit) != 0;
        var (one, other) = (row & ~AxisKeys.SignBit, column & ~AxisKeys.SignBit);
        return new CellKey(Math.Min(one, other), Math.Max(one, other), isOpposed ? size | (uint)AxisKeys.SignBit : size);
    }

    /// <summary>Whether a weight is the negative of its class.</summary>
    public static bool IsNegative(uint bits, ulong row, ulong column) => ((bits & int.MaxValue) == 0 ? (row ^ column) & AxisKeys.SignBit : bits & AxisKeys.SignBit) != 0;

    /// <summary>The step at which a weight first moves; 0 if never.</summary>
    public static int FirstStep(IReadOnlyList<(int Round, MatrixClasses?[] Classes)> moved, int matrix, int row, int column)
    {
        foreach (var (round, classes) in moved)
            if (classes[matrix]!.Moves(row, column)) return round;
        return 0;
    }

    /// <summary>The answer with one code a parameter, for models that are small enough for that.</summary>
    /// <param name="model">The whole model.</param>
    /// <param name="matrices">What streamed.</param>
    /// <param name="result">What was found.</param>
    public static Partition ToPartition(Model model, IReadOnlyList<StreamedMatrix> matrices, StreamedResult result)
    {
        var state = result.State!;
        var steps = new List<int>(state.Kept.FirstSteps);
        var numbers = new Dictionary<CellKey, int>();
        var streamed = Enumerable.Range(0, matrices.Count).ToDictionary(k => matrices[k].Tensor.Name, StringComparer.Ordinal);
        var codes = new int[model.Parameters.Count][];
        for (var tensor = 0; tensor < codes.Length; tensor++)
        {
            var name = model.Parameters[tensor].Name;
            codes[tensor] = streamed.TryGetValue(name, out var k) ? Codes(k) : [.. state.Kept.Codes[state.Kept.IndexOf(name)]];
        }

        return new State(model, codes, steps).ToPartition();

        int[] Codes(int k)
        {
            var (matrix, classes) = (matrices[k], state.Classes[k]);
            var own = new int[matrix.Tensor.Shape.Count];
            if (classes is null) return own;
            for (var row = 0; row < matrix.Rows; row++)
            {
                for (var column = 0; column < matrix.Columns; column++)
                {
                    if (!classes.Moves(row, column)) continue;
                    var (bits, rowKey, columnKey) = (matrix.Bits(row, column), classes.Rows.Keys[row], classes.Columns.Keys[column]);
                    ref var number = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(numbers, KeyOf(bits, rowKey, columnKey), out var exists);
                    if (!exists)
                    {
                        number = steps.Count;
                        steps.Add(FirstStep(result.Moved, k, row, column));
                    }

                    own[(long)row * matrix.Columns + column] = IsNegative(bits, rowKey, columnKey) ? -number : number;
                }
            }

            return own;
        }
    }
}

/// <summary>Names the class of a streamed weight.</summary>
/// <param name="One">The lesser of the classes of its row and its column; a gradient is the same whichever is which.</param>
/// <param name="Other">The greater.</param>
/// <param name="Value">The size of the weight, and bit 31 if weight and gradient have opposite signs.</param>
readonly record struct CellKey(ulong One, ulong Other, uint Value)
{
    /// <summary>A name of 64 bits.</summary>
    public ulong Name => Mixing.Mixed(One ^ Mixing.Mixed(Other ^ Mixing.Mixed(Value)));
}
