namespace Tiebreak;

/// <summary>
/// An error a user can do something about: what went wrong, where (file, line or node, tensor) and the remedy, in one line.
/// Programming errors stay ordinary exceptions.
/// </summary>
public sealed class TiebreakException : Exception
{
    /// <summary>Creates the error from its one-line message.</summary>
    public TiebreakException(string message) : base(message) { }

    /// <summary>Creates the error from its one-line message and what caused it.</summary>
    public TiebreakException(string message, Exception inner) : base(message, inner) { }

    /// <summary>Creates an error without a message; for serialisers only.</summary>
    public TiebreakException() : base("unknown error") { }

    /// <summary>Optional further lines, for instance a source line with a caret under the place.</summary>
    public string? Details { get; init; }
}
