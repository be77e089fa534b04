using Tiebreak.Evaluation;
using Tiebreak.Programs;

namespace Tiebreak.Refinement.Streaming;

/// <summary>
/// The gradient of a matrix that is only ever multiplied with vectors: Σₜ L[t,i]·R[t,j], where t runs over all positions of all its uses. The two factors are as large as activations, and are all that is needed of it (theory §6).
/// </summary>
sealed class GradientFactors
{
    readonly IReadOnlyList<Use> _uses;

    GradientFactors(IReadOnlyList<Use> uses) => _uses = uses;

    /// <summary>The nodes that have to be known.</summary>
    public IEnumerable<Node> Nodes => _uses.SelectMany(use => new[] { use.Left.Node, use.Right.Node });

    /// <summary>Those for rows, or for columns.</summary>
    public IEnumerable<Node> NodesOf(bool isRows) => _uses.Select(use => (isRows ? use.Left : use.Right).Node);

    /// <summary>Takes a gradient apart; null if it is no sum of products of two matrices.</summary>
    public static GradientFactors? Of(Node gradient)
    {
        var uses = new List<Use>();
        var open = new Stack<Node>([gradient]);
        while (open.TryPop(out var node))
        {
            switch (node.Primitive)
            {
                case Primitive.Add:
                    open.Push(node.Operands[1]);
                    open.Push(node.Operands[0]);
                    break;
                case Primitive.Contract contract when Use.Of(node, contract) is { } use:
                    uses.Add(use);
                    break;
                default:
                    return null;
            }
        }

        return new GradientFactors(uses);
    }

    /// <summary>The parameters that something else reads than contractions that make them a matrix times vectors.</summary>
    public static HashSet<string> UsedOtherwise(TensorProgram program)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var node in program.Nodes)
        {
            foreach (var operand in node.Operands)
                if (operand.Primitive is Primitive.Parameter parameter && MatrixProduct.Of(node)?.Name != parameter.Name) names.Add(parameter.Name);
        }

        foreach (var (_, node) in program.Outputs)
            if (node.Primitive is Primitive.Parameter parameter) names.Add(parameter.Name);
        return names;
    }

    /// <summary>The vectors of all rows, or of all columns, one a position, from the values of the nodes in one field.</summary>
    public PlaceVector[] Vectors(bool isRows, Func<Node, ulong[]> values) => [.. _uses.SelectMany(use => (isRows ? use.Left : use.Right).Vectors(use.Summed, values))];

    /// <summary>One product: rows in the left factor, columns in the right, and the letters that are summed over in both.</summary>
    sealed record Use(Factor Left, Factor Right, string Summed)
    {
        public static Use? Of(Node node, Primitive.Contract contract)
        {
            if (contract.Output.Length != 2) return null;
            var summed = string.Concat(contract.Left.Where(letter => !contract.Output.Contains(letter)));
            var (left, right) = (new Factor(node.Operands[0], contract.Left), new Factor(node.Operands[1], contract.Right));
            if (contract.Left.Length != summed.Length + 1 || contract.Right.Length != summed.Length + 1) return null;
            if (contract.Left.Contains(contract.Output[0])) return new Use(left, right, summed);
            return new Use(right, left, summed);
        }
    }

    /// <summary>A node and the names of its axes.</summary>
    sealed record Factor(Node Node, string Letters)
    {
        /// <summary>The vector of each position, positions in the order of the letters.</summary>
        public IEnumerable<PlaceVector> Vectors(string letters, Func<Node, ulong[]> values)
        {
            var axes = letters.Select(letter => Letters.IndexOf(letter, StringComparison.Ordinal)).ToArray();
            var strides = Node.Shape.Strides();
            var step = strides[Letters.IndexOf(Letters.Single(letter => !letters.Contains(letter)), StringComparison.Ordinal)];
            var known = values(Node);
            var count = axes.Aggregate(1, (product, axis) => product * Node.Shape[axis]);
            for (var position = 0; position < count; position++)
            {
                var (start, rest) = (0, position);
                foreach (var axis in axes.Reverse())
                {
                    start += rest % Node.Shape[axis] * strides[axis];
                    rest /= Node.Shape[axis];
                }

                yield return new PlaceVector(known, start, step);
            }
        }
    }
}
