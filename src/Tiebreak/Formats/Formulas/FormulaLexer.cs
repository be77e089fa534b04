using Superpower.Model;

namespace Tiebreak.Formats.Formulas;

/// <summary>
/// Cuts a formula into statements of tokens: a line each, save that a line goes on while a bracket is open. Bounds what a hostile
/// text could blow up later: the depth of brackets and the length of numbers.
/// </summary>
internal sealed class FormulaLexer(string text, FormulaErrors errors)
{
    /// <summary>
    /// The deepest nesting of brackets; the parser's recursion is bounded by it. A level takes some 10 kB of stack in code that is not yet
    /// optimised, and threads may have as little as 1 MB.
    /// </summary>
    public const int DeepestNesting = 50;

    /// <summary>The most digits of a number, and the largest exponent.</summary>
    public const int LongestNumber = 1000;

    readonly List<Token<FormulaToken>> _statement = [];
    readonly Stack<(char Bracket, int Place)> _open = [];
    int _at;

    /// <summary>The statements in order, none empty.</summary>
    public IEnumerable<Token<FormulaToken>[]> Statements()
    {
        while (_at < text.Length)
        {
            var symbol = text[_at];
            if (symbol == '\n' && _open.Count == 0)
            {
                _at++;
                if (_statement.Count == 0) continue;
                yield return _statement.ToArray();
                _statement.Clear();
            }
            else if (char.IsWhiteSpace(symbol) || symbol == '\uFEFF')
            {
                _at++;
            }
            else if (symbol == '#')
            {
                while (_at < text.Length && text[_at] != '\n') _at++;
            }
            else
            {
                ReadToken(symbol);
            }
        }

        if (_open.TryPeek(out var open)) throw errors.At(open.Place, $"`{open.Bracket}` is never closed; add `{Closing(open.Bracket)}`");
        if (_statement.Count > 0) yield return _statement.ToArray();
    }

    void ReadToken(char symbol)
    {
        var next = _at + 1 < text.Length ? text[_at + 1] : '\0';
        if (char.IsAsciiDigit(symbol) || (symbol == '.' && char.IsAsciiDigit(next))) ReadNumber();
        else if (char.IsLetter(symbol) || symbol == '_') ReadWhile(FormulaToken.Name, c => char.IsLetterOrDigit(c) || c is '_' or '.');
        else if (symbol is '"' or '\'') ReadText(symbol);
        else if (symbol == '.' && next == 'T') Take(FormulaToken.Transposed, 2);
        else if (symbol == '*' && next == '*') Take(FormulaToken.Power, 2);
        else Take(Symbol(symbol), 1);
    }

    FormulaToken Symbol(char symbol)
    {
        switch (symbol)
        {
            case '+': return FormulaToken.Plus;
            case '-' or '−': return FormulaToken.Minus;
            case '*' or '·': return FormulaToken.Times;
            case '/': return FormulaToken.Divide;
            case '@': return FormulaToken.MatrixProduct;
            case ',': return FormulaToken.Comma;
            case ':': return FormulaToken.Colon;
            case '=': return FormulaToken.Equals;
            case '(' or '[':
                if (_open.Count == DeepestNesting) throw errors.At(_at, $"brackets are nested more than {DeepestNesting} deep; name parts with let");
                _open.Push((symbol, _at));
                return symbol == '(' ? FormulaToken.OpenParenthesis : FormulaToken.OpenBracket;
            case ')' or ']':
                if (!_open.TryPop(out var open)) throw errors.At(_at, $"`{symbol}` closes nothing; remove it");
                if (Closing(open.Bracket) != symbol) throw errors.At(_at, $"`{symbol}` does not close the `{open.Bracket}` of line {errors.LineOf(open.Place)}; write `{Closing(open.Bracket)}`");
                return symbol == ')' ? FormulaToken.CloseParenthesis : FormulaToken.CloseBracket;
            case '^': throw errors.At(_at, "`^` is not an operator here; a power is `**`");
            default: throw errors.At(_at, $"the character {(char.IsControl(symbol) || char.IsSurrogate(symbol) ? $"U+{(int)symbol:X4}" : $"`{symbol}`")} has no meaning here; remove it");
        }
    }

    void ReadNumber()
    {
        var start = _at;
        var end = _at;
        SkipDigits(ref end);
        if (end < text.Length && text[end] == '.')
        {
            end++;
            SkipDigits(ref end);
        }

        if (end - start > LongestNumber) throw errors.At(start, $"a number of more than {LongestNumber} digits; round it");
        if (end < text.Length && text[end] is 'e' or 'E')
        {
            end++;
            if (end < text.Length && text[end] is '+' or '-') end++;
            var digits = end;
            SkipDigits(ref end);
            if (end == digits) throw errors.At(start, "an exponent without digits; write for instance 1e-3");
            if (end - digits > 4 || int.Parse(text.AsSpan(digits, end - digits)) > LongestNumber) throw errors.At(start, $"an exponent beyond {LongestNumber}; scale the formula");
        }

        Take(FormulaToken.Number, end - start);
    }

    void SkipDigits(ref int end)
    {
        while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
    }

    void ReadText(char quote)
    {
        var end = _at + 1;
        while (end < text.Length && text[end] != quote && text[end] != '\n') end++;
        if (end == text.Length || text[end] == '\n') throw errors.At(_at, $"the text is never closed; add {quote}");
        Take(FormulaToken.Text, end + 1 - _at);
    }

    void ReadWhile(FormulaToken kind, Func<char, bool> belongs)
    {
        var end = _at + 1;
        while (end < text.Length && belongs(text[end])) end++;
        Take(kind, end - _at);
    }

    void Take(FormulaToken kind, int length)
    {
        // Line and column are found from the offset when a message needs them.
        _statement.Add(new Token<FormulaToken>(kind, new TextSpan(text, new Position(_at, 1, 1), length)));
        _at += length;
    }

    static char Closing(char bracket) => bracket == '(' ? ')' : ']';
}
