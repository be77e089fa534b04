namespace Tiebreak.Formats.Formulas;

/// <summary>The kinds of words a formula is made of.</summary>
internal enum FormulaToken
{
    None,
    Number,
    Name,
    Text,
    Plus,
    Minus,
    Times,
    Divide,
    Power,
    MatrixProduct,
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
    Comma,
    Colon,
    Equals,

    /// <summary><c>.T</c> after a bracket; after a name it is part of the name and told apart later.</summary>
    Transposed,
}
