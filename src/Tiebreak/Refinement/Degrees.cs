using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// Degrees of a program's values as polynomials in what is drawn at random, once all reciprocals are multiplied out, level by level of their
/// nesting. Oracle results count as drawn; so does a reciprocal of an oracle result that is used in no other way.
/// </summary>
sealed class Degrees
{
    public Degrees(TensorProgram program)
    {
        var degree = new double[program.Nodes.Count];
        var inverses = new double[program.Nodes.Count]; // reciprocals in one product, at most
        var level = new int[program.Nodes.Count];
        var drawn = DrawnReciprocals(program);
        var clearing = new List<double> { 0 }; // for each level Σ over its reciprocals so far of the degree of what they divide by
        foreach (var node in program.Nodes)
        {
            var operands = node.Operands;
            level[node.Id] = operands.Count == 0 ? 0 : operands.Max(operand => level[operand.Id]);
            switch (node.Primitive)
            {
                case Primitive.Apply or Primitive.Choose:
                    OfArguments = Math.Max(OfArguments, Cleared(operands[0]));
                    OracleCalls += node.Shape.Count;
                    (degree[node.Id], level[node.Id]) = (1, 0);
                    break;
                case Primitive.Reciprocal when drawn[node.Id]:
                    (degree[node.Id], level[node.Id]) = (1, 0);
                    break;
                case Primitive.Reciprocal:
                    (degree[node.Id], inverses[node.Id]) = (1, 1);
                    if (++level[node.Id] >= clearing.Count) clearing.Add(0);
                    clearing[level[node.Id]] += node.Shape.Count * degree[operands[0].Id];
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

        OfGradients = program.Outputs.Select(output => Cleared(output.Node)).Append(1).Max();

        // What stands above the reciprocals of the deepest level is multiplied by all of them, as often as one product may hold them; what is then there, by those of the level below, and so on.
        double Cleared(Node node)
        {
            var (cleared, factors) = (degree[node.Id], inverses[node.Id]);
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

    static bool IsLook(Primitive primitive) => primitive is Primitive.Reshape or Primitive.Transpose or Primitive.Broadcast;
}
