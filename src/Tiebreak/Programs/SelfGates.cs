using Tiebreak.Numbers;

namespace Tiebreak.Programs;

/// <summary>
/// Takes functions that gate their own argument, v·(1 + odd(v)) as in silu and gelu, for functions by themselves, as theory §4 allows: a random oracle that maps 0 to 0. Written as products they double the degree of what
/// is multiplied by them, layer after layer, until degrees of deep gated networks are beyond any field (theory §4, the bound); a result of an oracle is a fresh random number. What is forgotten is f(v) − f(−v) = 2v,
/// which costs no soundness. Gates with a parity are left (v·tanh v is even), and those that are used elsewhere.
/// </summary>
static class SelfGates
{
    const int MostNodes = 24;

    enum Parity
    {
        Odd,
        Even,
        None,
    }

    /// <summary>An equal program in which such products are functions; the same one if it has none.</summary>
    public static TensorProgram Of(TensorProgram program)
    {
        ILookup<int, Node>? uses = null;
        var fused = new Dictionary<int, (Node Argument, string Gate)>();
        foreach (var node in program.Nodes)
        {
            if (node.Primitive is not Primitive.Multiply || node.Shape.Count == 0) continue;
            for (var side = 0; side < 2; side++)
            {
                var (argument, gate) = (node.Operands[side], node.Operands[1 - side]);
                if (argument.Primitive is Primitive.Constant || gate.Id <= argument.Id) continue;
                var inside = new HashSet<Node>();
                if (Read(gate, argument, inside) is not (var text, Parity.None)) continue;
                uses ??= program.Nodes.SelectMany(user => user.Operands.Select(operand => (operand.Id, User: user))).ToLookup(use => use.Id, use => use.User);
                bool IsUsedElsewhere(Node part) => program.Outputs.Any(output => output.Node == part) || uses[part.Id].Any(user => user != node && !inside.Contains(user));
                if (inside.Any(part => part.Primitive is Primitive.Apply && IsUsedElsewhere(part)) || IsUsedElsewhere(gate)) continue;
                fused[node.Id] = (argument, text);
                break;
            }
        }

        return fused.Count == 0 ? program : Rewrite(program, fused);
    }

    // The gate as a function of v alone, and its parity; null if it is none.
    static (string Text, Parity Parity)? Read(Node node, Node argument, HashSet<Node> inside)
    {
        if (node == argument) return ("v", Parity.Odd);
        if (node.Primitive is Primitive.Constant { Values: UniformTensor uniform }) return (uniform.Value.ToString(), Parity.Even);
        if (node.Id < argument.Id || inside.Count >= MostNodes) return null;
        inside.Add(node);
        if (node.Primitive is Primitive.Broadcast && Read(node.Operands[0], argument, inside) is (var repeated, Parity.Even) && !repeated.Contains('v')) return (repeated, Parity.Even);
        if (node.Primitive is not (Primitive.Add or Primitive.Multiply or Primitive.Negate or Primitive.Apply)) return null;
        if (Read(node.Operands[0], argument, inside) is not var (text, parity)) return null;
        switch (node.Primitive)
        {
            case Primitive.Negate:
                return ($"-{text}", parity);
            case Primitive.Apply { Function: var function }:
                return function.Kind is FunctionKind.Tanh or FunctionKind.Erf or FunctionKind.Atan or FunctionKind.Asinh or FunctionKind.Sin ? ($"{function}({text})", parity)
                    : function.Kind is FunctionKind.Exp ? ($"{function}({text})", parity == Parity.Even ? Parity.Even : Parity.None)
                    : null;
        }

        if (Read(node.Operands[1], argument, inside) is not var (other, second)) return null;
        if (node.Primitive is Primitive.Add && (text == "0" || other == "0")) return text == "0" ? (other, second) : (text, parity);

        // Operands stand in the order of their nodes, which differs from copy to copy; the same function must be written the same way.
        var (one, two) = string.CompareOrdinal(text, other) <= 0 ? (text, other) : (other, text);
        return node.Primitive is Primitive.Add
            ? ($"({one}+{two})", parity == second ? parity : Parity.None)
            : ($"[{one}*{two}]", parity == Parity.None || second == Parity.None ? Parity.None : parity == second ? Parity.Even : Parity.Odd);
    }

    static TensorProgram Rewrite(TensorProgram program, Dictionary<int, (Node Argument, string Gate)> fused)
    {
        var isNeeded = new bool[program.Nodes.Count];
        foreach (var (_, node) in program.Outputs) isNeeded[node.Id] = true;
        for (var id = isNeeded.Length - 1; id >= 0; id--)
        {
            if (!isNeeded[id]) continue;
            foreach (var operand in fused.TryGetValue(id, out var found) ? [found.Argument] : program.Nodes[id].Operands) isNeeded[operand.Id] = true;
        }

        var builder = new ProgramBuilder();
        var made = new Node[program.Nodes.Count];
        foreach (var node in program.Nodes)
        {
            if (!isNeeded[node.Id]) continue;
            builder.Origin = node.Origin;
            made[node.Id] = fused.TryGetValue(node.Id, out var found)
                ? builder.Apply(new ScalarFunction(FunctionKind.SelfGated, Gate: found.Gate), made[found.Argument.Id])
                : builder.Again(node, [.. node.Operands.Select(operand => made[operand.Id])]);
        }

        foreach (var (name, node) in program.Outputs) builder.Output(name, made[node.Id]);
        return builder.Build();
    }
}
