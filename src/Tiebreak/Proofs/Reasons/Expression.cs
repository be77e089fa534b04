using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Proofs.Reasons;

/// <summary>Writes what a node computes as a formula would, for nodes that have no name of their own.</summary>
static class Expression
{
    const int Longest = 44;

    /// <summary>For instance <c>tanh(W @ x)</c>; null if that is too long to read.</summary>
    public static string? Of(Node node)
    {
        var text = Of(node, 0);
        return text is null || text.Length > Longest ? null : text;
    }

    /// <summary>The same in parentheses where it is not one word, so that indices may follow.</summary>
    public static string? Atom(Node node) => Of(node) is { } text ? node.Primitive is Primitive.Apply or Primitive.ReduceSum || text.All(char.IsLetterOrDigit) ? text : $"({text})" : null;

    static string? Of(Node node, int depth)
    {
        if (depth > 12) return null;
        string? Operand(int k) => Of(node.Operands[k], depth + 1);
        string? Factor(int k) => node.Operands[k].Primitive is Primitive.Add or Primitive.Negate && Operand(k) is { } inner ? $"({inner})" : Operand(k);
        return node.Primitive switch
        {
            Primitive.Parameter parameter => parameter.Name,
            Primitive.Data { Kind: DataKind.LossAdjoint } => null,
            Primitive.Data data => data.Name,
            Primitive.Constant { Values: UniformTensor uniform } => uniform.Value.ToString(),
            Primitive.Reshape or Primitive.Transpose or Primitive.Broadcast => Operand(0),
            Primitive.Add when node.Operands[1].Primitive is Primitive.Negate => Join(Operand(0), " - ", Of(node.Operands[1].Operands[0], depth + 1)),
            Primitive.Add => Join(Operand(0), " + ", Operand(1)),
            Primitive.Negate => Join("-", "", Factor(0)),
            Primitive.Multiply => Join(Factor(0), "*", Factor(1)),
            Primitive.Reciprocal => Join("1/", "", Factor(0)),
            Primitive.Apply apply => Operand(0) is { } inner ? $"{apply.Function}({inner})" : null,
            Primitive.Contract => Join(Factor(0), " @ ", Factor(1)),
            Primitive.ReduceSum => Operand(0) is { } inner ? $"sum({inner})" : null,
            _ => null,
        };
    }

    static string? Join(string? left, string between, string? right) => left is null || right is null ? null : left + between + right;
}
