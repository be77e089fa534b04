using Tiebreak.Programs;

namespace Tiebreak.Refinement.Streaming;

/// <summary>
/// Hands on the vectors of matrices' rows and columns while a gradient is being evaluated: each as soon as it is known in all fields, so that values of a node are kept no longer than something waits for them.
/// </summary>
/// <param name="factors">The gradients of the matrices, taken apart.</param>
/// <param name="matrices">The matrices.</param>
/// <param name="moduli">The fields' primes.</param>
sealed class FactorVectors(IReadOnlyList<GradientFactors> factors, IReadOnlyList<StreamedMatrix> matrices, ulong[] moduli)
{
    readonly Dictionary<Node, ulong[][]> _values = []; // of each lane
    readonly Dictionary<Node, List<Side>> _waiting = WaitingOf(factors);
    readonly Dictionary<Side, int> _missing = [];
    readonly Dictionary<Node, int> _uses = [];
    readonly Dictionary<int, Stack<ulong[]>> _spare = [];

    /// <summary>Receives the vectors of a matrix' rows or columns, which are theirs only as long as the call lasts.</summary>
    public delegate void Reader(int matrix, bool isRows, AxisVectors vectors);

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
    public void Read(Node node, int lane, long start, ReadOnlySpan<ulong> chunk, Reader accept)
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

    void Finish(Side side, Reader accept)
    {
        PlaceVector[][] lanes = [.. Enumerable.Range(0, moduli.Length).Select(lane => factors[side.Matrix].Vectors(side.IsRows, node => _values[node][lane]))];
        accept(side.Matrix, side.IsRows, new AxisVectors(lanes, moduli, side.IsRows ? matrices[side.Matrix].Rows : matrices[side.Matrix].Columns));
    }

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
