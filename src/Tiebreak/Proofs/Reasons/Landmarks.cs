using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>A node of which a reason speaks.</summary>
/// <param name="Name">As the user knows it: the node of the graph, the tensor, or an expression.</param>
/// <param name="View">The node whose indices the user knows; what was compared is a copy of it.</param>
/// <param name="IsBackward">Whether what comes back to it is meant, and not its value.</param>
readonly record struct Landmark(string Name, Node View, bool IsBackward);

/// <summary>The nodes worth naming: of each node of the user's graph (or each operation of a formula) its result, and what comes back to it.</summary>
sealed class Landmarks
{
    const int LargestView = 1 << 20;

    readonly Dictionary<int, Landmark> _marks = [];
    readonly Dictionary<int, Dictionary<int, int>> _views = [];

    /// <param name="forward">The program before differentiation.</param>
    /// <param name="adjoints">For each of its nodes the adjoint.</param>
    public Landmarks(TensorProgram forward, IReadOnlyList<Node?> adjoints)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var node in forward.Nodes.Reverse())
        {
            if (node.Origin is not { } origin || node.Primitive is Primitive.Parameter or Primitive.Data or Primitive.Constant) continue;
            var isGraph = origin.StartsWith("node ", StringComparison.Ordinal);
            if (isGraph ? !seen.Add(origin) : !IsOperation(node)) continue;
            var name = isGraph ? origin["node ".Length..].Split(" (", 2)[0] : Expression.Atom(node) ?? $"({origin})";
            Mark(node, name, node, isBackward: false);
            if (adjoints[node.Id] is { } adjoint) Mark(adjoint, name, adjoint, isBackward: true);
        }
    }

    /// <summary>The name of a node; null if it is none of the landmarks.</summary>
    public Landmark? Of(Node node) => _marks.TryGetValue(node.Id, out var mark) ? mark : null;

    /// <summary>The places of elements of a node in the view of its landmark; null where it has no such place.</summary>
    public int? Place(Landmark mark, Element element)
    {
        if (mark.View == element.Node) return element.Index;
        if (!_views.TryGetValue(mark.View.Id, out var places))
        {
            _views.Add(mark.View.Id, places = []);
            for (var k = 0; k < Math.Min(LargestView, mark.View.Shape.Count); k++)
                if (Recipe.Source(new Element(mark.View, k)) is { } source && source.Node == element.Node) places.TryAdd(source.Index, k);
        }

        return places.TryGetValue(element.Index, out var place) ? place : null;
    }

    // Copies are looked through, so the mark stands where the elements come from.
    void Mark(Node node, string name, Node view, bool isBackward)
    {
        if (node.Shape.Count == 0 || Recipe.Source(new Element(node, 0)) is not { } source) return;
        _marks.TryAdd(source.Node.Id, new Landmark(name, view, isBackward));
    }

    static bool IsOperation(Node node) => node.Primitive is Primitive.Apply or Primitive.Choose or Primitive.Contract or Primitive.ReduceSum or Primitive.Reciprocal;
}
