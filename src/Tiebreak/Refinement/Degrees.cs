using System.Runtime.InteropServices;
using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// Degrees of a program's values as polynomials in what is drawn at random, once all reciprocals are multiplied out, level by level of their
/// nesting. Oracle results count as drawn; so does a reciprocal of an oracle result that is used in no other way, and products of matrices whose products are drawn.
/// </summary>
sealed class Degrees
{
    /// <summary>Follows a program from its leaves to its outputs.</summary>
    /// <param name="program">The program.</param>
    /// <param name="leaf">The size of the numbers that a parameter or data leaf may stand for; those that are drawn have the size of one.</param>
    /// <param name="commonDenominator">The bits of a common denominator of all numbers that are no doubles, but for the program's constants.</param>
    /// <param name="hasDrawnProducts">Whether the products of a matrix are drawn.</param>
    Degrees(TensorProgram program, Func<Node, CoefficientSize> leaf, double commonDenominator, Predicate<string> hasDrawnProducts)
    {
        commonDenominator += program.Nodes.Select(node => node.Primitive).OfType<Primitive.Constant>().Select(constant => constant.Values).Distinct().Sum(CoefficientSize.DenominatorBits);
        var size = new CoefficientSize[program.Nodes.Count];
        var clearingSize = new List<CoefficientSize> { default }; // for each level the product over its reciprocals so far
        var calls = new Dictionary<string, Arguments>(StringComparer.Ordinal);
        var degree = new double[program.Nodes.Count];
        var inverses = new double[program.Nodes.Count]; // reciprocals in one product, at most
        var level = new int[program.Nodes.Count];
        var drawn = DrawnReciprocals(program);
        var clearing = new List<double> { 0 }; // for each level Σ over its reciprocals so far of the degree of what they divide by
        var vectors = new Dictionary<(string Matrix, bool OverRows), double>();
        foreach (var node in program.Nodes)
        {
            var operands = node.Operands;
            level[node.Id] = operands.Count == 0 ? 0 : operands.Max(operand => level[operand.Id]);
            size[node.Id] = SizeOf(node, size, leaf);
            if (MatrixProduct.Of(node) is { } product && hasDrawnProducts(product.Name))
            {
                var (vector, vectorBits) = Cleared(operands[1 - product.Side]);
                (OfVectors, BitsOfVectors) = (Math.Max(OfVectors, vector), Math.Max(BitsOfVectors, vectorBits));
                CollectionsMarshal.GetValueRefOrAddDefault(vectors, (product.Name, product.OverRows), out _) += (double)node.Shape.Count / node.Shape[product.Made];
                (degree[node.Id], level[node.Id], size[node.Id]) = (1, 0, CoefficientSize.One);
                continue;
            }

            switch (node.Primitive)
            {
                case Primitive.Apply or Primitive.Choose:
                    var (argument, argumentBits) = Cleared(operands[0]);
                    (OfArguments, BitsOfArguments) = (Math.Max(OfArguments, argument), Math.Max(BitsOfArguments, argumentBits));
                    Count(calls, node);
                    (degree[node.Id], level[node.Id]) = (1, 0);
                    break;
                case Primitive.Reciprocal when drawn[node.Id]:
                    (degree[node.Id], level[node.Id]) = (1, 0);
                    break;
                case Primitive.Reciprocal:
                    (degree[node.Id], inverses[node.Id]) = (1, 1);
                    if (++level[node.Id] >= clearing.Count)
                    {
                        clearing.Add(0);
                        clearingSize.Add(default);
                    }

                    clearing[level[node.Id]] += node.Shape.Count * degree[operands[0].Id];
                    clearingSize[level[node.Id]] = clearingSize[level[node.Id]].Times(size[operands[0].Id].Power(node.Shape.Count));
                    break;
                case Primitive.Multiply or Primitive.Contract:
                    degree[node.Id] = degree[operands[0].Id] + degree[operands[1].Id];
                    inverses[node.Id] = inverses[operands[0].Id] + inverses[operands[1].Id];
                    break;
                default:
                    // A constant counts as degree 1 too: its bits enter the coefficients as a drawn number's would.
                    degree[node.Id] = operands.Count == 0 ? 1 : operands.Max(operand => degree[operand.Id]);
                    inverses[node.Id] = operands.Count == 0 ? 0 : operands.Max(operand => inverses[operand.Id]);
                    break;
            }
        }

        foreach (var (_, node) in program.Outputs)
        {
            var (gradient, bits) = Cleared(node);
            (OfGradients, BitsOfGradients) = (Math.Max(OfGradients, gradient), Math.Max(BitsOfGradients, bits));
        }

        // Two of n arguments, with both signs where a function has a parity, or one of them and a point where the function is known.
        Pairs = calls.Values.Sum(function => (function.HasParity ? function.Count : function.Count / 2) * function.Count + 2 * function.Count);

        VectorPairs = vectors.Values.Sum(count => count * count);

        // What stands above the reciprocals of the deepest level is multiplied by all of them, as often as one product may hold them; what is then there, by those of the level below, and so on.
        (double Degree, double Bits) Cleared(Node node)
        {
            var (cleared, factors, coefficients) = (degree[node.Id], inverses[node.Id], size[node.Id]);
            for (var k = level[node.Id]; k >= 1; k--)
            {
                coefficients = coefficients.Times(clearingSize[k].Power(factors));
                factors = cleared += factors * clearing[k];
            }

            return (cleared, coefficients.Bits(commonDenominator));
        }
    }

    // A step and a sign are one oracle; a function and its slope tell the same arguments apart.
    static void Count(Dictionary<string, Arguments> calls, Node node)
    {
        var function = (node.Primitive as Primitive.Apply)?.Function;
        var name = function?.Kind switch { null => "choice", FunctionKind.Step => "sign", FunctionKind.SelfGatedSlope => (function.Value with { Kind = FunctionKind.SelfGated }).ToString(), _ => function.Value.ToString() };
        if (!calls.TryGetValue(name, out var arguments))
            calls.Add(name, arguments = new Arguments { HasParity = function?.Kind is not (FunctionKind.Exp or FunctionKind.Log or FunctionKind.Sqrt or FunctionKind.Power or FunctionKind.SelfGated or FunctionKind.SelfGatedSlope) });
        if (arguments.Nodes.Add(node.Operands[0].Id)) arguments.Count += node.Shape.Count;
    }

    /// <summary>What one oracle is applied to.</summary>
    sealed class Arguments
    {
        public HashSet<int> Nodes { get; } = [];

        public double Count { get; set; }

        public bool HasParity { get; init; }
    }

    /// <summary>Those of a gradient by a model's parameters.</summary>
    /// <param name="gradient">The program whose outputs are gradients.</param>
    /// <param name="tensors">The parameters, trained and frozen.</param>
    /// <param name="sizeOf">The size of the numbers that a tensor holds at the points of interest: of one where all are drawn.</param>
    /// <param name="sampleBits">The bits of numbers in a table that stand for data; 0 where data is drawn.</param>
    /// <param name="hasDrawnProducts">Whether the products of a matrix are drawn; null if of none.</param>
    public static Degrees Of(TensorProgram gradient, IReadOnlyCollection<ParameterTensor> tensors, Func<ParameterTensor, CoefficientSize> sizeOf, int sampleBits = 0, Predicate<string>? hasDrawnProducts = null)
    {
        var sizes = tensors.ToDictionary(tensor => tensor.Name, sizeOf, StringComparer.Ordinal);
        var sample = sampleBits == 0 ? CoefficientSize.One : new CoefficientSize(sampleBits, 0, 1);
        return new Degrees(gradient, node => node.Primitive is Primitive.Parameter parameter ? sizes[parameter.Name] : sample, sampleBits + tensors.Sum(tensor => CoefficientSize.DenominatorBits(tensor.Start)), hasDrawnProducts ?? (_ => false));
    }

    static CoefficientSize SizeOf(Node node, CoefficientSize[] size, Func<Node, CoefficientSize> leaf)
    {
        CoefficientSize First() => size[node.Operands[0].Id];
        switch (node.Primitive)
        {
            case Primitive.Parameter or Primitive.Data:
                return leaf(node);
            case Primitive.Constant constant:
                return CoefficientSize.Of(constant.Values);
            case Primitive.Apply or Primitive.Choose:
                return new CoefficientSize(1, -1, 0); // a step is half of 1 and a draw
            case Primitive.Reciprocal:
                return CoefficientSize.One;
            case Primitive.Multiply:
                return First().Times(size[node.Operands[1].Id]);
            case Primitive.Contract contract:
                var terms = 1.0;
                for (var axis = 0; axis < contract.Left.Length; axis++)
                    if (!contract.Output.Contains(contract.Left[axis])) terms *= node.Operands[0].Shape[axis];
                return First().Times(size[node.Operands[1].Id]).Sum(terms);
            case Primitive.Add:
                return First().Or(size[node.Operands[1].Id]).Sum(2);
            case Primitive.ReduceSum or Primitive.ScatterAdd:
                return First().Sum(node.Operands[0].Shape.Count);
            default:
                var all = CoefficientSize.One;
                foreach (var operand in node.Operands) all = all.Or(size[operand.Id]);
                return all;
        }
    }

    /// <summary>The largest degree of a gradient.</summary>
    public double OfGradients { get; } = 1;

    /// <summary>The bits of its largest coefficient.</summary>
    public double BitsOfGradients { get; } = 1;

    /// <summary>The largest degree of an oracle's argument.</summary>
    public double OfArguments { get; } = 1;

    /// <summary>The bits of its largest coefficient.</summary>
    public double BitsOfArguments { get; } = 1;

    /// <summary>Pairs of arguments that an oracle must tell apart, at most.</summary>
    public double Pairs { get; }

    /// <summary>The largest degree of a vector whose product is drawn.</summary>
    public double OfVectors { get; } = 1;

    /// <summary>The bits of its largest coefficient.</summary>
    public double BitsOfVectors { get; } = 1;

    /// <summary>Pairs of such vectors that must be told apart, with both signs: those of one axis of one matrix. Vectors of others have other classes, or else are among what is compared in the end.</summary>
    public double VectorPairs { get; }

    static bool[] DrawnReciprocals(TensorProgram program)
    {
        var onlyInverted = new bool[program.Nodes.Count];
        Array.Fill(onlyInverted, true);
        foreach (var (_, node) in program.Outputs) onlyInverted[node.Id] = false;
        for (var id = program.Nodes.Count - 1; id >= 0; id--)
        {
            var node = program.Nodes[id];
            foreach (var operand in node.Operands)
                onlyInverted[operand.Id] &= node.Primitive is Primitive.Reciprocal || (IsLook(node.Primitive) && onlyInverted[id]);
        }

        var drawn = new bool[program.Nodes.Count];
        foreach (var node in program.Nodes)
            if (node.Primitive is Primitive.Reciprocal)
            {
                var source = node.Operands[0];
                while (IsLook(source.Primitive)) source = source.Operands[0];
                drawn[node.Id] = source.Primitive is Primitive.Apply && onlyInverted[source.Id];
            }

        return drawn;
    }

    static bool IsLook(Primitive primitive) => primitive is Primitive.Reshape or Primitive.Transpose or Primitive.Broadcast;
}
