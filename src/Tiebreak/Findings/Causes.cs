using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Findings;

/// <summary>Facts about a model from which findings say why.</summary>
static class Causes
{
    /// <summary>Tensors longer than this are not read to say that they are all zero.</summary>
    const int MostRead = 1 << 22;

    /// <summary>How a tensor starts, when that is one number everywhere: <c>every number of `W` starts at 0.1</c>; else null.</summary>
    public static string? UniformStart(ParameterTensor parameter) =>
        parameter.Shape.Count > 1 && parameter.Start is UniformTensor uniform ? $"every number of `{parameter.Name}` starts at {uniform.Value.ToShortString()}" : null;

    /// <summary>Whether a tensor is known to start at zero everywhere.</summary>
    public static bool StartsAtZero(ParameterTensor parameter)
    {
        if (parameter.Start is UniformTensor uniform) return uniform.Value.IsZero;
        if (!parameter.Start.HasDoubles || parameter.Start.Count > MostRead) return false;
        Span<double> values = stackalloc double[256];
        for (long at = 0; at < parameter.Start.Count; at += values.Length)
        {
            var part = values[..(int)Math.Min(values.Length, parameter.Start.Count - at)];
            parameter.Start.ReadDoubles(at, part);
            if (part.ContainsAnyExcept(0.0)) return false;
        }

        return true;
    }

    /// <summary>The names of the parameters that some output of the program depends on.</summary>
    public static HashSet<string> Used(TensorProgram program)
    {
        var isNeeded = new bool[program.Nodes.Count];
        foreach (var (_, node) in program.Outputs) isNeeded[node.Id] = true;
        var used = new HashSet<string>(StringComparer.Ordinal);
        for (var id = program.Nodes.Count - 1; id >= 0; id--)
        {
            if (!isNeeded[id]) continue;
            var node = program.Nodes[id];
            if (node.Primitive is Primitive.Parameter parameter) used.Add(parameter.Name);
            foreach (var operand in node.Operands) isNeeded[operand.Id] = true;
        }

        return used;
    }
}
