using System.Diagnostics;

namespace Tiebreak.Programs;

/// <summary>One value of a program: a primitive applied to earlier nodes. Made only by <see cref="ProgramBuilder"/>.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class Node
{
    internal Node(int id, Primitive primitive, Node[] operands, Shape shape, string? origin)
    {
        Id = id;
        Primitive = primitive;
        Operands = operands;
        Shape = shape;
        Origin = origin;
    }

    /// <summary>The position in its program; operands have smaller ones.</summary>
    public int Id { get; }

    /// <summary>What is done.</summary>
    public Primitive Primitive { get; }

    /// <summary>To what it is done.</summary>
    public IReadOnlyList<Node> Operands { get; }

    /// <summary>The result's shape.</summary>
    public Shape Shape { get; }

    /// <summary>Where in the user's model it comes from, for messages: an ONNX node, a line of a formula.</summary>
    public string? Origin { get; }

    /// <summary>One line, as <see cref="ProgramPrinter"/> prints it.</summary>
    public override string ToString() => ProgramPrinter.Line(this);
}
