using System.Text;
using Superpower.Model;
using Tiebreak.Programs;
using Symbol = Superpower.Model.Token<Tiebreak.Formats.Formulas.FormulaToken>;

namespace Tiebreak.Formats.Formulas.Rewriting;

/// <summary>
/// A formula with other start values for some of its tensors. Only what stands behind the <c>=</c> of their lines changes (and the sizes, where they do); comments, layout and all other lines
/// stay. Where one line declares several tensors, those become lines of their own.
/// </summary>
sealed class FormulaRewriting
{
    readonly string _text;
    readonly string _folder;
    readonly StagedFiles _files;
    readonly IReadOnlyDictionary<string, ChangedTensor> _changes;
    readonly IReadOnlyDictionary<string, ParameterTensor> _tensors;
    readonly List<(int Start, int End, string Text)> _edits = [];
    readonly Dictionary<string, string> _carried = new(StringComparer.Ordinal);

    FormulaRewriting(string text, string folder, StagedFiles files, IReadOnlyDictionary<string, ChangedTensor> changes, IReadOnlyDictionary<string, ParameterTensor> tensors) =>
        (_text, _folder, _files, _changes, _tensors) = (text, folder, files, changes, tensors);

    /// <summary>Writes the formula and the array files it names.</summary>
    /// <param name="head">Comments to put in front.</param>
    /// <param name="text">The formula.</param>
    /// <param name="errors">Its messages.</param>
    /// <param name="folder">Where its array files lie.</param>
    /// <param name="files">Where to.</param>
    /// <param name="changes">New start values by name.</param>
    /// <param name="tensors">All tensors by name.</param>
    /// <param name="same">Tensors that go, and which other is read in place of each.</param>
    /// <exception cref="TiebreakException">A file cannot be written.</exception>
    public static void Write(
        string head, string text, FormulaErrors errors, string folder, StagedFiles files, IReadOnlyDictionary<string, ChangedTensor> changes, IReadOnlyDictionary<string, ParameterTensor> tensors, IReadOnlyDictionary<string, string> same)
    {
        var rewriting = new FormulaRewriting(text, folder, files, changes, tensors);
        foreach (var tokens in new FormulaLexer(text, errors).Statements())
        {
            if (FormulaGrammar.Read(tokens, errors) is not Statement.Tensors statement) rewriting.Rename(tokens, same);
            else if (statement.Targets.Any(target => same.ContainsKey(target.Name))) rewriting.Remove(tokens, statement, same);
            else rewriting.Rewrite(tokens, statement);
        }

        var result = new StringBuilder(head);
        var position = 0;
        foreach (var (start, end, replacement) in rewriting._edits.OrderBy(edit => edit.Start))
        {
            result.Append(text, position, start - position).Append(replacement);
            position = end;
        }

        result.Append(text, position, text.Length - position);
        files.Write(files.Name, stream => stream.Write(Encoding.UTF8.GetBytes(result.ToString())));
    }

    // What reads a tensor that goes reads the other one; a transposed one is part of the name.
    void Rename(Symbol[] tokens, IReadOnlyDictionary<string, string> same)
    {
        const string Transposed = ".T";
        foreach (var token in tokens)
        {
            if (token.Kind != FormulaToken.Name) continue;
            var name = token.ToStringValue();
            if (same.TryGetValue(name, out var other)) _edits.Add((Start(token), End(token), other));
            else if (!_tensors.ContainsKey(name) && name.EndsWith(Transposed, StringComparison.Ordinal) && same.TryGetValue(name[..^Transposed.Length], out var turned)) _edits.Add((Start(token), End(token), turned + Transposed));
        }
    }

    // The line without those of its tensors that go, or nothing.
    void Remove(Symbol[] tokens, Statement.Tensors statement, IReadOnlyDictionary<string, string> same)
    {
        var stay = statement.Targets.Where(target => !same.ContainsKey(target.Name)).Select(target => _text[target.Place..Bracket(tokens, target).To]).ToArray();
        if (stay.Length == 0)
        {
            var (from, to) = (Start(tokens[0]), _text.IndexOf('\n', End(tokens[^1])));
            _edits.Add((from, to < 0 ? _text.Length : to + 1, ""));
            return;
        }

        CarryFile(tokens, statement.Start);
        _edits.Add((statement.Targets[0].Place, Bracket(tokens, statement.Targets[^1]).To, string.Join(", ", stay)));
    }

    void Rewrite(Symbol[] tokens, Statement.Tensors statement)
    {
        var equals = Array.FindIndex(tokens, token => token.Kind == FormulaToken.Equals);
        var (start, end) = (Start(tokens[equals + 1]), End(tokens[^1]));
        if (!statement.Targets.Any(target => _changes.ContainsKey(target.Name)))
        {
            CarryFile(tokens, statement.Start);
            return;
        }

        if (statement.Targets is [var only])
        {
            var change = _changes[only.Name];
            var (from, to) = Bracket(tokens, only);
            var (bracket, value) = Declaration(only, change, _text[from..to]);
            if (bracket != _text[from..to]) _edits.Add((from, to, bracket));
            if (value is null || statement.Start is not Expression.List || change.Shape is { } shape && shape != _tensors[only.Name].Shape || !EditElements(tokens.AsSpan(equals + 1), only.Name, change))
                _edits.Add((start, end, value ?? File(only.Name, change)));
            return;
        }

        // One start value for all is now one for each.
        var lines = new List<string>();
        var old = _text[start..end];
        CarryFile(tokens, statement.Start);
        foreach (var edit in _edits.Where(edit => edit.Start >= start && edit.End <= end).ToArray())
        {
            old = old[..(edit.Start - start)] + edit.Text + old[(edit.End - start)..];
            _edits.Remove(edit);
        }

        foreach (var target in statement.Targets)
        {
            var (from, to) = Bracket(tokens, target);
            var bracket = _text[from..to];
            var value = old;
            if (_changes.TryGetValue(target.Name, out var change))
            {
                (bracket, var text) = Declaration(target, change, bracket);
                value = text ?? File(target.Name, change);
            }

            lines.Add($"{tokens[0].ToStringValue()} {target.Name}{bracket} = {value}");
        }

        _edits.Add((Start(tokens[0]), end, string.Join(_text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n", lines)));
    }

    /// <summary>The bracket behind a name and the text behind the <c>=</c>; null where the numbers are too many and go into a file.</summary>
    (string Bracket, string? Value) Declaration(Target target, ChangedTensor change, string bracket)
    {
        var old = _tensors[target.Name].Shape;
        var shape = change.Shape ?? old;
        if (change.Values.Count != shape.Count) throw new ArgumentException($"{change.Values.Count} numbers for `{target.Name}`");
        if (ValueText.IsOne(change.Values))
        {
            var sizes = target.HasBracket && shape == old ? bracket : shape.Rank == 0 ? "" : $"[{string.Join(',', shape.Sizes)}]";
            return (sizes, ValueText.One(change.Values));
        }

        if (target.HasBracket && shape != old) bracket = $"[{string.Join(',', shape.Sizes)}]";
        return (bracket, ValueText.List(change.Values, shape));
    }

    string File(string tensor, ChangedTensor change)
    {
        var name = _files.OwnName($"{Path.GetFileNameWithoutExtension(_files.Name)}.{tensor}.npy");
        _files.Write(name, stream => Tables.NpyFile.Write(stream, change.Shape ?? _tensors[tensor].Shape, change.Values));
        return $"file(\"{name}\")";
    }

    // A list of as many numbers as before: only those that differ are written, so that what stands between them stays.
    bool EditElements(ReadOnlySpan<Symbol> tokens, string name, ChangedTensor change)
    {
        var old = _tensors[name].Start;
        var places = new List<(int Start, int End)>();
        Symbol? first = null, last = null;
        foreach (var token in tokens)
        {
            if (token.Kind is FormulaToken.OpenParenthesis or FormulaToken.CloseParenthesis) return false;
            if (token.Kind is FormulaToken.OpenBracket or FormulaToken.CloseBracket or FormulaToken.Comma)
            {
                if (first is { } begin && last is { } finish) places.Add((Start(begin), End(finish)));
                (first, last) = (null, null);
            }
            else
            {
                (first, last) = (first ?? token, token);
            }
        }

        if (places.Count != old.Count) return false;
        for (var k = 0; k < places.Count; k++)
            if (old[k] != change.Values[k]) _edits.Add((places[k].Start, places[k].End, Numbers.ExactText.Of(change.Values[k])));
        return true;
    }

    // An array file that the new formula still names must be beside it, too.
    void CarryFile(Symbol[] tokens, Expression start)
    {
        if (start is not Expression.Call { Function: "file", Arguments: [{ Value: Expression.Text { Value: var name } }] }) return;
        if (!_carried.TryGetValue(name, out var there))
            _carried[name] = there = _files.Carry(Path.Combine(_folder, name), name, $"{Path.GetFileNameWithoutExtension(_files.Name)}.{Path.GetFileName(name)}");
        if (there == name) return;
        var token = tokens.Last(token => token.Kind == FormulaToken.Text);
        _edits.Add((Start(token), End(token), $"\"{there}\""));
    }

    /// <summary>Where the bracket of a declared name stands; an empty stretch behind the name if it has none.</summary>
    static (int From, int To) Bracket(Symbol[] tokens, Target target)
    {
        var at = Array.FindIndex(tokens, token => Start(token) == target.Place);
        if (!target.HasBracket) return (End(tokens[at]), End(tokens[at]));
        var close = Array.FindIndex(tokens, at, token => token.Kind == FormulaToken.CloseBracket);
        return (Start(tokens[at + 1]), End(tokens[close]));
    }

    static int Start(Symbol token) => token.Position.Absolute;

    static int End(Symbol token) => token.Position.Absolute + token.Span.Length;
}
