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

    /// <summary>The vectors of all rows, or of all columns: position by position, in each all places; from the values of the nodes in one field, and only to be read: they may be those values themselves.</summary>
    public ulong[] Vectors(bool isRows, Func<Node, ulong[]> values, int places) => Gathered(values, places, use => isRows ? use.Left : use.Right, use => use.Summed);

    ulong[] Gathered(Func<Node, ulong[]> values, int places, Func<Use, Factor> side, Func<Use, string> summed)
    {
        var positions = _uses.Sum(use => side(use).Positions(summed(use)));
        if (_uses is [var only] && positions * places == side(only).Node.Shape.Count && side(only).IsInOrder(summed(only))) return values(side(only).Node);
        var all = GC.AllocateUninitializedArray<ulong>((int)(positions * places));
        long at = 0;
        foreach (var use in _uses)
        {
            var (factor, source) = (side(use), values(side(use).Node));
            var count = factor.Positions(summed(use));
            var offsets = factor.Offsets(summed(use));
            var step = factor.Step(factor.Letters.Single(letter => !summed(use).Contains(letter)));
            for (var t = 0; t < count; t++, at += places)
                for (var place = 0; place < places; place++) all[at + place] = source[offsets[t] + (long)place * step];
        }

        return all;
    }

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
        public long Positions(string letters) => letters.Aggregate(1L, (count, letter) => count * Node.Shape[Letters.IndexOf(letter, StringComparison.Ordinal)]);

        public long Step(char letter) => Node.Shape.Strides()[Letters.IndexOf(letter, StringComparison.Ordinal)];

        /// <summary>Whether positions come one after the other, each with all its places.</summary>
        public bool IsInOrder(string letters) => Letters[..^1] == letters;

        /// <summary>Where each position begins, positions in the order of the letters.</summary>
        public long[] Offsets(string letters)
        {
            var offsets = new long[Positions(letters)];
            for (var k = 0; k < offsets.Length; k++)
            {
                long rest = k;
                for (var axis = letters.Length - 1; axis >= 0; axis--)
                {
                    var size = Node.Shape[Letters.IndexOf(letters[axis], StringComparison.Ordinal)];
                    offsets[k] += rest % size * Step(letters[axis]);
                    rest /= size;
                }
            }

            return offsets;
        }
    }
}
