using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// Degrees of a program's values as polynomials in what is drawn at random, once all reciprocals are multiplied out, level by level of their
/// nesting. Oracle results count as drawn; so does a reciprocal of an oracle result that is used in no other way, and, in what oracles are asked, x·f(x) where f(x) is used in no other way: for x that is not zero it is
/// as random as f(x) itself. (Silu, gelu and relu are such products, and degrees would double with each layer otherwise.)
/// </summary>
sealed class Degrees
{
    public Degrees(TensorProgram program)
    {
        // Of all that is computed, and as far as oracles are asked; each with the number of reciprocals that one product may hold.
        var (degree, inverses) = (new double[program.Nodes.Count], new double[program.Nodes.Count]);
        var (asked, askedInverses) = (new double[program.Nodes.Count], new double[program.Nodes.Count]);
        var level = new int[program.Nodes.Count];
        var drawn = DrawnReciprocals(program);
        var selfGated = SelfGated(program);
        var clearing = new List<double> { 0 }; // for each level Σ over its reciprocals so far of the degree of what they divide by
        foreach (var node in program.Nodes)
        {
            var operands = node.Operands;
            level[node.Id] = operands.Count == 0 ? 0 : operands.Max(operand => level[operand.Id]);
            switch (node.Primitive)
            {
                case Primitive.Apply or Primitive.Choose:
                    OfArguments = Math.Max(OfArguments, Cleared(asked, askedInverses, level, clearing, operands[0]));
                    OracleCalls += node.Shape.Count;
                    (degree[node.Id], asked[node.Id], level[node.Id]) = (1, 1, 0);
                    break;
                case Primitive.Reciprocal when drawn[node.Id]:
                    (degree[node.Id], asked[node.Id], level[node.Id]) = (1, 1, 0);
                    break;
                case Primitive.Reciprocal:
                    (degree[node.Id], asked[node.Id], inverses[node.Id], askedInverses[node.Id]) = (1, 1, 1, 1);
                    if (++level[node.Id] >= clearing.Count) clearing.Add(0);
                    clearing[level[node.Id]] += node.Shape.Count * degree[operands[0].Id];
                    break;
                case Primitive.Multiply or Primitive.Contract:
                    degree[node.Id] = degree[operands[0].Id] + degree[operands[1].Id];
                    inverses[node.Id] = inverses[operands[0].Id] + inverses[operands[1].Id];
                    (asked[node.Id], askedInverses[node.Id]) = selfGated[node.Id] ? (1, 0) : (asked[operands[0].Id] + asked[operands[1].Id], askedInverses[operands[0].Id] + askedInverses[operands[1].Id]);
                    break;
                default:
                    // A constant counts as degree 1 too: its bits enter the coefficients as a drawn number's would.
                    degree[node.Id] = operands.Count == 0 ? 1 : operands.Max(operand => degree[operand.Id]);
                    asked[node.Id] = operands.Count == 0 ? 1 : operands.Max(operand => asked[operand.Id]);
                    inverses[node.Id] = operands.Count == 0 ? 0 : operands.Max(operand => inverses[operand.Id]);
                    askedInverses[node.Id] = operands.Count == 0 ? 0 : operands.Max(operand => askedInverses[operand.Id]);
                    break;
            }
        }

        OfGradients = program.Outputs.Select(output => Cleared(degree, inverses, level, clearing, output.Node)).Append(1).Max();

        // What stands above the reciprocals of the deepest level is multiplied by all of them, as often as one product may hold them; what is then there, by those of the level below, and so on.
        static double Cleared(double[] degrees, double[] inverses, int[] level, List<double> clearing, Node node)
        {
            var (cleared, factors) = (degrees[node.Id], inverses[node.Id]);
            for (var k = level[node.Id]; k >= 1; k--) factors = cleared += factors * clearing[k];
            return cleared;
        }
    }

    /// <summary>The largest degree of a gradient.</summary>
    public double OfGradients { get; }

    /// <summary>The largest degree of an oracle's argument.</summary>
    public double OfArguments { get; } = 1;

    /// <summary>Elements to which an oracle is applied.</summary>
    public double OracleCalls { get; }

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

    // Products x·(a·f(b·x) + c) of constants a, b, c, where oracles that are asked later see f(x) in no other way.
    static bool[] SelfGated(TensorProgram program)
    {
        var leadsToOracle = new bool[program.Nodes.Count];
        var readers = new int[program.Nodes.Count];
        for (var id = program.Nodes.Count - 1; id >= 0; id--)
        {
            var node = program.Nodes[id];
            if (!leadsToOracle[id] && node.Primitive is not (Primitive.Apply or Primitive.Choose)) continue;
            foreach (var operand in node.Operands)
            {
                leadsToOracle[operand.Id] = true;
                readers[operand.Id]++;
            }
        }

        var found = new bool[program.Nodes.Count];
        foreach (var node in program.Nodes)
        {
            if (node.Primitive is not Primitive.Multiply) continue;
            for (var side = 0; side < 2 && !found[node.Id]; side++)
            {
                var gate = node.Operands[side];
                while (readers[gate.Id] == 1 && Inner(gate) is { } inner) gate = inner;
                if (gate.Primitive is not Primitive.Apply || readers[gate.Id] != 1) continue;
                var argument = gate.Operands[0];
                while (argument != node.Operands[1 - side] && IsScaling(argument) is { } scaled) argument = scaled;
                found[node.Id] = argument == node.Operands[1 - side];
            }
        }

        return found;
    }

    // What an affine map with constants is of.
    static Node? Inner(Node node) => node.Primitive switch
    {
        Primitive.Negate => node.Operands[0],
        Primitive.Add when IsConstant(node.Operands[1]) => node.Operands[0],
        Primitive.Add when IsConstant(node.Operands[0]) => node.Operands[1],
        _ => IsScaling(node),
    };

    static Node? IsScaling(Node node) => node.Primitive switch
    {
        Primitive.Negate => node.Operands[0],
        Primitive.Multiply when IsNonZero(node.Operands[1]) => node.Operands[0],
        Primitive.Multiply when IsNonZero(node.Operands[0]) => node.Operands[1],
        _ => null,
    };

    static bool IsConstant(Node node) => node.Primitive is Primitive.Constant || (IsLook(node.Primitive) && IsConstant(node.Operands[0]));

    static bool IsNonZero(Node node) => node.Primitive is Primitive.Constant { Values: Numbers.UniformTensor { Value.IsZero: false } } || (IsLook(node.Primitive) && IsNonZero(node.Operands[0]));

    static bool IsLook(Primitive primitive) => primitive is Primitive.Reshape or Primitive.Transpose or Primitive.Broadcast;
}
