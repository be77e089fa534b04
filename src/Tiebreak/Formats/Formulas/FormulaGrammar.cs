using Superpower;
using Superpower.Model;
using Tiebreak.Numbers;
using ExpressionParser = Superpower.TokenListParser<Tiebreak.Formats.Formulas.FormulaToken, Tiebreak.Formats.Formulas.Expression>;

namespace Tiebreak.Formats.Formulas;

/// <summary>
/// What a formula's statements look like. Precedence and associativity are Python's: <c>**</c> binds tightest and to the right, then unary
/// minus, then <c>* / @</c>, then <c>+ -</c>. Recursion happens at brackets only, whose depth the lexer bounds.
/// </summary>
/// <remarks>Superpower's own token matcher reads attributes by reflection; <see cref="Is"/> replaces it.</remarks>
internal static class FormulaGrammar
{
    /// <summary>The most <c>**</c> or indexings in a row; they nest.</summary>
    const int LongestTower = 32;

    static readonly ExpressionParser Inner = Parse.Ref(() => Sum!);

    static readonly TokenListParser<FormulaToken, Token<FormulaToken>> Comma = Is(FormulaToken.Comma, "`,`");
    static readonly TokenListParser<FormulaToken, Token<FormulaToken>> Equal = Is(FormulaToken.Equals, "`=`");
    static readonly TokenListParser<FormulaToken, Token<FormulaToken>> Colon = Is(FormulaToken.Colon, "`:`");
    static readonly TokenListParser<FormulaToken, Token<FormulaToken>> Word = Is(FormulaToken.Name, "a name");

    static readonly TokenListParser<FormulaToken, Argument> OneArgument =
        from left in Inner
        from value in Equal.IgnoreThen(Inner).Optional()
        select value is null ? new Argument(null, left.Place, left) : new Argument(left is Expression.Name name ? name.Value : "", left.Place, value);

    static readonly TokenListParser<FormulaToken, Argument[]> Arguments =
        OneArgument.ManyDelimitedBy(Comma).Between(Is(FormulaToken.OpenParenthesis, "`(`"), Is(FormulaToken.CloseParenthesis, "`)`"));

    static readonly TokenListParser<FormulaToken, (Expression? Stop, Expression? Step)> AfterColon =
        from colon in Colon
        from stop in Inner.Optional()
        from step in Colon.IgnoreThen(Inner.Optional()).Optional()
        select (stop, step);

    static readonly TokenListParser<FormulaToken, Subscript> OneSubscript =
        Inner.Then(start => AfterColon.Select(rest => new Subscript(start.Place, true, start, rest.Stop, rest.Step)).OptionalOrDefault(new Subscript(start.Place, false, start, null, null)))
            .Or(from place in Peek(FormulaToken.Colon) from rest in AfterColon select new Subscript(place, true, null, rest.Stop, rest.Step))
            .Named("an index");

    static readonly TokenListParser<FormulaToken, Subscript[]> Subscripts =
        OneSubscript.AtLeastOnceDelimitedBy(Comma).Between(Is(FormulaToken.OpenBracket, "`[`"), Is(FormulaToken.CloseBracket, "`]`"));

    static readonly ExpressionParser Primary =
        Is(FormulaToken.Number, "a number").Select(token => (Expression)new Expression.Number(token.Position.Absolute, Rational.Parse(token.Span.ToStringValue())))
            .Or(Is(FormulaToken.Text, "a text").Select(token => (Expression)new Expression.Text(token.Position.Absolute, token.ToStringValue()[1..^1])))
            .Or(Word.Then(name => Arguments
                .Select(arguments => (Expression)new Expression.Call(name.Position.Absolute, name.ToStringValue(), arguments))
                .OptionalOrDefault(new Expression.Name(name.Position.Absolute, name.ToStringValue()))))
            .Or(Items(FormulaToken.OpenParenthesis, FormulaToken.CloseParenthesis, "`)`", (place, items) => items.Length == 1 ? items[0] : new Expression.List(place, items)))
            .Or(Items(FormulaToken.OpenBracket, FormulaToken.CloseBracket, "`]`", (place, items) => new Expression.List(place, items)))
            .Named("an expression");

    static readonly TokenListParser<FormulaToken, Func<Expression, Expression>> OneSuffix =
        Subscripts.Select(subscripts => (Func<Expression, Expression>)(operand => new Expression.Indexed(subscripts[0].Place, operand, subscripts)))
            .Or(Is(FormulaToken.Transposed, "`.T`").Select(token => (Func<Expression, Expression>)(operand => new Expression.Transposed(token.Position.Absolute, operand))));

    static readonly ExpressionParser Postfix =
        from operand in Primary
        from suffixes in Bounded(OneSuffix.Many())
        select suffixes.Aggregate(operand, (inner, suffix) => suffix(inner));

    /// <summary>Signs in front of an operand: the place of the first, and whether they make a minus.</summary>
    static readonly TokenListParser<FormulaToken, (int Place, bool Minus)> Signs =
        Is(FormulaToken.Minus, "`-`").Or(Is(FormulaToken.Plus, "`+`")).Many()
            .Select(tokens => (tokens.Length == 0 ? 0 : tokens[0].Position.Absolute, tokens.Count(token => token.Kind == FormulaToken.Minus) % 2 == 1));

    static readonly ExpressionParser Signed =
        from signs in Signs
        from operand in Postfix
        from exponents in Bounded((from power in Is(FormulaToken.Power, "`**`") from inner in Signs from exponent in Postfix select (Place: power.Position.Absolute, Signs: inner, Operand: exponent)).Many())
        select Sign(signs, Tower(operand, exponents));

    static readonly ExpressionParser Product = Chained(Signed, FormulaToken.Times, FormulaToken.Divide, FormulaToken.MatrixProduct);

    static readonly ExpressionParser Sum = Chained(Product, FormulaToken.Plus, FormulaToken.Minus);

    static readonly TokenListParser<FormulaToken, Target> OneTarget =
        from name in Word
        from bracket in Subscripts.OptionalOrDefault([])
        select new Target(name.Position.Absolute, name.ToStringValue(), bracket);

    static readonly TokenListParser<FormulaToken, (Target[] Targets, Expression Start)> Tensors =
        from targets in OneTarget.AtLeastOnceDelimitedBy(Comma)
        from equal in Is(FormulaToken.Equals, "`=` and a start value")
        from start in Sum
        select (targets, start);

    static readonly TokenListParser<FormulaToken, Target[][]> Leaves = OneTarget.AtLeastOnceDelimitedBy(Equal).AtLeastOnceDelimitedBy(Comma);

    static readonly TokenListParser<FormulaToken, (string Name, Expression Value)> Let =
        from name in Word
        from equal in Equal
        from value in Sum
        select (name.ToStringValue(), value);

    /// <summary>The words a line may begin with.</summary>
    public static IReadOnlyList<string> Keywords { get; } = ["param", "const", "data", "let", "loss"];

    /// <summary>Reads one statement.</summary>
    /// <exception cref="TiebreakException">It is none.</exception>
    public static Statement Read(Token<FormulaToken>[] tokens, FormulaErrors errors)
    {
        var place = tokens[0].Position.Absolute;
        var keyword = tokens[0].ToStringValue();
        return keyword switch
        {
            "param" or "const" when All(Tensors, tokens, errors) is var (targets, start) => new Statement.Tensors(place, string.Equals(keyword, "param", StringComparison.Ordinal), targets, start),
            "data" => new Statement.Data(place, All(Leaves, tokens, errors)),
            "let" when All(Let, tokens, errors) is var (name, value) => new Statement.Let(tokens[1].Position.Absolute, name, value),
            "loss" => new Statement.Loss(tokens.Length > 1 ? tokens[1].Position.Absolute : place, All(Sum, tokens, errors)),
            _ => throw errors.UnknownKeyword(place, keyword, Keywords),
        };
    }

    static T All<T>(TokenListParser<FormulaToken, T> parser, Token<FormulaToken>[] tokens, FormulaErrors errors)
    {
        var result = parser(new TokenList<FormulaToken>(tokens[1..]));
        if (result.HasValue && result.Remainder.IsAtEnd) return result.Value;
        var expected = result is { HasValue: false, Expectations.Length: > 0 } ? $"expected {string.Join(" or ", result.Expectations.Distinct(StringComparer.Ordinal))}" : null;
        if (result.Remainder.IsAtEnd)
        {
            var last = tokens[^1];
            throw errors.At(last.Position.Absolute + last.Span.Length, $"the line ends too early: {expected ?? "something is missing"}");
        }

        var found = result.Remainder.ConsumeToken().Value;
        var remedy = expected ?? (found.Kind is FormulaToken.Name or FormulaToken.Number or FormulaToken.OpenParenthesis
            ? "an operator or a line break is missing before it"
            : "the line should end before it");
        throw errors.At(found.Position.Absolute, $"`{FormulaErrors.Shorten(found.ToStringValue())}` does not belong here; {remedy}");
    }

    static TokenListParser<FormulaToken, Token<FormulaToken>> Is(FormulaToken kind, string expectation) => input =>
    {
        var next = input.ConsumeToken();
        return next.HasValue && next.Value.Kind == kind ? next : TokenListParserResult.Empty<FormulaToken, Token<FormulaToken>>(input, [expectation]);
    };

    static TokenListParser<FormulaToken, int> Peek(FormulaToken kind) => input =>
    {
        var next = input.ConsumeToken();
        return next.HasValue && next.Value.Kind == kind
            ? TokenListParserResult.Value(next.Value.Position.Absolute, input, input)
            : TokenListParserResult.Empty<FormulaToken, int>(input, [kind == FormulaToken.Colon ? "`:`" : "an index"]);
    };

    static TokenListParser<FormulaToken, T?> Optional<T>(this TokenListParser<FormulaToken, T> parser) where T : class? =>
        parser.Select(value => (T?)value).OptionalOrDefault();

    static TokenListParser<FormulaToken, T[]> Bounded<T>(TokenListParser<FormulaToken, T[]> parser) => input =>
    {
        var result = parser(input);
        return result.HasValue && result.Value.Length > LongestTower
            ? TokenListParserResult.Empty<FormulaToken, T[]>(input, [$"at most {LongestTower} of them in a row"])
            : result;
    };

    static ExpressionParser Items(FormulaToken open, FormulaToken close, string closing, Func<int, Expression[], Expression> make) =>
        from first in Is(open, "an expression")
        from items in Inner.AtLeastOnceDelimitedBy(Comma)
        from last in Is(close, closing)
        select make(first.Position.Absolute, items);

    static ExpressionParser Chained(ExpressionParser operand, params FormulaToken[] operators)
    {
        var symbols = operators.Select(kind => Is(kind, "an operator")).Aggregate((left, right) => left.Or(right));
        var link = from symbol in symbols from right in operand select new Link(symbol.Kind, symbol.Position.Absolute, right);
        return from first in operand from links in link.Many() select links.Length == 0 ? first : new Expression.Chain(first.Place, first, links);
    }

    static Expression Tower(Expression operand, (int Place, (int Place, bool Minus) Signs, Expression Operand)[] exponents)
    {
        if (exponents.Length == 0) return operand;
        var top = exponents[^1].Operand;
        for (var k = exponents.Length - 1; k >= 0; k--)
            top = new Expression.Power(exponents[k].Place, k == 0 ? operand : exponents[k - 1].Operand, Sign(exponents[k].Signs, top));
        return top;
    }

    static Expression Sign((int Place, bool Minus) signs, Expression operand) => signs.Minus ? new Expression.Negated(signs.Place, operand) : operand;
}
