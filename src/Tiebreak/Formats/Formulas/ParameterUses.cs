using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas;

/// <summary>What each parameter does, told from the first operation that takes it directly (or its transpose).</summary>
internal sealed class ParameterUses
{
    readonly Dictionary<string, (ParameterRole Role, AxisMeaning[] Axes)> _uses = new(StringComparer.Ordinal);

    /// <summary>The role and the meaning of each axis; nothing is known of a parameter that is only indexed or reshaped.</summary>
    public (ParameterRole Role, IReadOnlyList<AxisMeaning> Axes) Of(string name) => _uses.TryGetValue(name, out var use) ? use : (ParameterRole.Other, []);

    /// <summary>It is an operand of <c>@</c>. In W @ x the rows are the layer's own units, in x @ W the columns are.</summary>
    public void Multiplied(Node left, Node right)
    {
        Note(left, ParameterRole.Dense, Matrix(left.Shape.Rank, AxisMeaning.Output, AxisMeaning.Input));
        Note(right, ParameterRole.Dense, Matrix(right.Shape.Rank, AxisMeaning.Input, AxisMeaning.Output));
    }

    /// <summary>Whether an operand is a parameter as it stands, or its transpose or negative.</summary>
    public static bool IsParameter(Node operand) =>
        operand.Primitive is Primitive.Parameter || (operand.Primitive is Primitive.Transpose or Primitive.Negate or Primitive.Reshape or Primitive.Broadcast && IsParameter(operand.Operands[0]));

    /// <summary>It is added to, or multiplied with, something element by element.</summary>
    public void Elementwise(Node operand, ParameterRole role)
    {
        var axes = new AxisMeaning[operand.Shape.Rank];
        if (axes.Length > 0) axes[^1] = AxisMeaning.Output;
        Note(operand, role, axes);
    }

    static AxisMeaning[] Matrix(int rank, AxisMeaning first, AxisMeaning second)
    {
        if (rank == 1) return [AxisMeaning.Input]; // a vector makes one number of what it reads
        var axes = new AxisMeaning[rank];
        if (rank < 2) return axes;
        axes[^2] = first;
        axes[^1] = second;
        return axes;
    }

    void Note(Node operand, ParameterRole role, AxisMeaning[] axes)
    {
        if (operand.Primitive is Primitive.Transpose transpose)
        {
            var original = new AxisMeaning[axes.Length];
            for (var axis = 0; axis < axes.Length; axis++) original[transpose.Order[axis]] = axes[axis];
            axes = original;
            operand = operand.Operands[0];
        }

        if (operand.Primitive is Primitive.Parameter parameter) _uses.TryAdd(parameter.Name, (role, axes));
    }
}
