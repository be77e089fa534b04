using System.Text;

namespace Tiebreak.Programs;

/// <summary>Prints a program, one line a node: for errors, goldens and <c>tiebreak show</c>.</summary>
public static class ProgramPrinter
{
    /// <summary>All nodes, then the outputs.</summary>
    public static string Print(TensorProgram program)
    {
        var text = new StringBuilder();
        foreach (var node in program.Nodes) text.Append(Line(node)).Append('\n');
        foreach (var (name, node) in program.Outputs) text.Append($"output {name} = %{node.Id}\n");
        return text.ToString();
    }

    /// <summary>For instance <c>%7 [4] = add %5, %6</c>.</summary>
    public static string Line(Node node)
    {
        var operands = string.Join(", ", node.Operands.Select(operand => $"%{operand.Id}"));
        var line = $"%{node.Id} {node.Shape} = {Describe(node.Primitive)}{(operands.Length > 0 ? " " : "")}{operands}";
        return node.Origin is null ? line : $"{line}    # {node.Origin}";
    }

    static string Describe(Primitive primitive) => primitive switch
    {
        Primitive.Parameter p => $"parameter {p.Name}",
        Primitive.Data d => $"data {d.Name} ({d.Kind.ToString().ToLowerInvariant()})",
        Primitive.Constant c => $"constant {c.Values.Describe()}",
        Primitive.Apply a => a.Function.ToString(),
        Primitive.Choose c => $"choose({c.Count}, {c.Ties.ToString().ToLowerInvariant()})",
        Primitive.Contract c => $"contract {c.Left},{c.Right}->{c.Output}",
        Primitive.ReduceSum r => $"reduce-sum({r.Axes})",
        Primitive.Broadcast b => $"broadcast({b.Axes})",
        Primitive.Reshape => "reshape",
        Primitive.Transpose t => $"transpose({t.Order})",
        Primitive.Gather g => $"gather {Describe(g.Map)}",
        Primitive.ScatterAdd s => $"scatter-add {Describe(s.Map)}",
        Primitive.Concat c => $"concat({c.Axis})",
        _ => primitive.GetType().Name.ToLowerInvariant(),
    };

    static string Describe(IndexMap map) => map switch
    {
        IndexMap.Affine a => $"{a.Offset}+({a.Strides})",
        _ => "by table",
    };
}
