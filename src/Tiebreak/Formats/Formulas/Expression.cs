using Tiebreak.Numbers;

namespace Tiebreak.Formats.Formulas;

/// <summary>A formula's expression as written. <paramref name="Place"/> is the offset in the text that a message about it points at.</summary>
internal abstract record Expression(int Place)
{
    /// <summary>An exact decimal.</summary>
    public sealed record Number(int Place, Rational Value) : Expression(Place);

    /// <summary>A quoted text, for file names.</summary>
    public sealed record Text(int Place, string Value) : Expression(Place);

    /// <summary>A declared name, possibly with <c>.T</c> behind it.</summary>
    public sealed record Name(int Place, string Value) : Expression(Place);

    /// <summary><c>[a, b]</c>, or <c>(a, b)</c> with at least one comma.</summary>
    public sealed record List(int Place, Expression[] Items) : Expression(Place);

    /// <summary>Operands joined from left to right by operators of one precedence; flat, so that a long sum is not a deep tree.</summary>
    public sealed record Chain(int Place, Expression First, Link[] Links) : Expression(Place);

    /// <summary>−operand.</summary>
    public sealed record Negated(int Place, Expression Operand) : Expression(Place);

    /// <summary>operand ** exponent.</summary>
    public sealed record Power(int Place, Expression Operand, Expression Exponent) : Expression(Place);

    /// <summary>function(arguments).</summary>
    public sealed record Call(int Place, string Function, Argument[] Arguments) : Expression(Place);

    /// <summary>operand[subscripts].</summary>
    public sealed record Indexed(int Place, Expression Operand, Subscript[] Subscripts) : Expression(Place);

    /// <summary>operand.T.</summary>
    public sealed record Transposed(int Place, Expression Operand) : Expression(Place);
}

/// <summary>One operator of a chain and what stands to its right.</summary>
internal readonly record struct Link(FormulaToken Operator, int Place, Expression Operand);

/// <summary>One argument of a call; with a name where it was given as <c>name=value</c>.</summary>
internal readonly record struct Argument(string? Name, int Place, Expression Value);

/// <summary>One place between an index' commas: <c>start</c>, or <c>start:stop:step</c> with any part left out.</summary>
internal sealed record Subscript(int Place, bool IsSlice, Expression? Start, Expression? Stop, Expression? Step);

/// <summary>A name with the bracket behind it, in a declaration: a shape, or the index of an element.</summary>
internal sealed record Target(int Place, string Name, Subscript[] Bracket)
{
    /// <summary>Whether there is a bracket.</summary>
    public bool HasBracket => Bracket.Length > 0;
}

/// <summary>One line of a formula.</summary>
internal abstract record Statement(int Place)
{
    /// <summary><c>param</c> or <c>const</c>: tensors with their start.</summary>
    public sealed record Tensors(int Place, bool Trained, Target[] Targets, Expression Start) : Statement(Place);

    /// <summary><c>data</c>: leaves, each entry a list of targets that are always equal.</summary>
    public sealed record Data(int Place, Target[][] Leaves) : Statement(Place);

    /// <summary><c>let name = value</c>.</summary>
    public sealed record Let(int Place, string Name, Expression Value) : Statement(Place);

    /// <summary><c>loss value</c>.</summary>
    public sealed record Loss(int Place, Expression Value) : Statement(Place);
}
