using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx;

/// <summary>
/// Which branch is taken where data decide. A mixture of branches would need both to fit the same sizes, so each way through the graph is lowered for itself,
/// and the ways are put together later, each with samples of its own.
/// </summary>
sealed class BranchChoices(IReadOnlyList<bool> choices)
{
    readonly Dictionary<Node, bool> _known = new(ReferenceEqualityComparer.Instance);
    readonly List<BranchTaken> _taken = [];

    /// <summary>The decisions made, in the order met.</summary>
    public IReadOnlyList<BranchTaken> Taken => _taken;

    /// <summary>Whether the first branch is taken; one condition always has one answer.</summary>
    public bool Decide(Node condition, string node)
    {
        if (_known.TryGetValue(condition, out var known)) return known;
        var first = _taken.Count >= choices.Count || choices[_taken.Count];
        _taken.Add(new BranchTaken(node, first));
        return _known[condition] = first;
    }
}
