using Tiebreak.Programs;

namespace Tiebreak.Refinement.Streaming;

/// <summary>
/// Makes the classes of matrices' rows and columns while a gradient is being evaluated: each as soon as its vectors are known in all fields, so that values of a node are kept no longer than something waits for them.
/// </summary>
/// <param name="factors">The gradients of the matrices, taken apart.</param>
/// <param name="matrices">The matrices.</param>
/// <param name="moduli">The fields' primes.</param>
/// <param name="kept">Of which of so many rows or columns vectors are kept, for <see cref="Kept"/>; null if of none.</param>
/// <param name="options">Threads.</param>
sealed class FactorKeys(IReadOnlyList<GradientFactors> factors, IReadOnlyList<StreamedMatrix> matrices, ulong[] moduli, Func<int, int[]>? kept, RefinementOptions options)
{
    readonly Dictionary<Node, ulong[][]> _values = []; // of each lane
    readonly Dictionary<Node, List<Side>> _waiting = WaitingOf(factors);
    readonly Dictionary<Side, int> _missing = [];
    readonly Dictionary<Side, ulong[]> _kept = [];
    readonly Dictionary<Node, int> _uses = [];
    readonly Dictionary<int, Stack<ulong[]>> _spare = [];

    /// <summary>Receives the rows or the columns of a matrix.</summary>
    public delegate void AxisReader(int matrix, bool isRows, AxisKeys keys);

    /// <summary>A matrix and whether its rows are meant, not its columns.</summary>
    readonly record struct Side(int Matrix, bool IsRows);

    static Dictionary<Node, List<Side>> WaitingOf(IReadOnlyList<GradientFactors> factors)
    {
        var waiting = new Dictionary<Node, List<Side>>();
        for (var k = 0; k < factors.Count; k++)
        {
            foreach (var isRows in new[] { true, false })
            {
                foreach (var node in factors[k].NodesOf(isRows).Distinct())
                {
                    if (!waiting.TryGetValue(node, out var sides)) waiting.Add(node, sides = []);
                    sides.Add(new Side(k, isRows));
                }
            }
        }

        return waiting;
    }

    /// <summary>Receives values of a node; lanes come one after the other, each from its start to its end.</summary>
    /// <param name="node">One of the factors' nodes.</param>
    /// <param name="lane">Which field.</param>
    /// <param name="start">The position of the first value.</param>
    /// <param name="chunk">The values from there on.</param>
    /// <param name="accept">Receives what is known then.</param>
    public void Read(Node node, int lane, long start, ReadOnlySpan<ulong> chunk, AxisReader accept)
    {
        if (!_values.TryGetValue(node, out var values)) _values.Add(node, values = [.. moduli.Select(_ => Rent((int)node.Shape.Count))]);
        chunk.CopyTo(values[lane].AsSpan((int)start));
        if (lane < moduli.Length - 1 || start + chunk.Length < node.Shape.Count) return;
        _uses[node] = _waiting[node].Count;
        foreach (var side in _waiting[node])
        {
            var nodes = factors[side.Matrix].NodesOf(side.IsRows).Distinct().ToArray();
            var missing = (_missing.TryGetValue(side, out var known) ? known : nodes.Length) - 1;
            _missing[side] = missing;
            if (missing > 0) continue;
            Finish(side, accept);
            foreach (var used in nodes)
                if (--_uses[used] == 0) GiveBack(used);
        }
    }

    void Finish(Side side, AxisReader accept)
    {
        PlaceVector[][] vectors = [.. Enumerable.Range(0, moduli.Length).Select(lane => factors[side.Matrix].Vectors(side.IsRows, node => _values[node][lane]))];
        var places = side.IsRows ? matrices[side.Matrix].Rows : matrices[side.Matrix].Columns;
        var keys = AxisKeys.Of(vectors, moduli, places, options.Threads);
        if (kept?.Invoke(places) is { } sample) _kept.Add(side, [.. vectors[0].SelectMany(vector => sample.Select(place => vector[place]))]);
        accept(side.Matrix, side.IsRows, keys);
    }

    /// <summary>The vectors of some of a matrix' rows or columns in the first field: position by position, in each the kept places.</summary>
    public ulong[] Kept(int matrix, bool isRows) => _kept[new Side(matrix, isRows)];

    ulong[] Rent(int length) => _spare.TryGetValue(length, out var arrays) && arrays.TryPop(out var array) ? array : GC.AllocateUninitializedArray<ulong>(length);

    void GiveBack(Node node)
    {
        _values.Remove(node, out var values);
        foreach (var array in values!)
        {
            if (!_spare.TryGetValue(array.Length, out var arrays)) _spare.Add(array.Length, arrays = []);
            arrays.Push(array);
        }
    }
}
