using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// Einsum: operands are contracted from left to right; a letter twice in a term is a diagonal, an ellipsis stands for the axes a term does not name.
/// </summary>
static class Einsum
{
    const string Ellipsis = "...";

    public static void Lower(OperatorCall call)
    {
        var equation = call.Text("equation", "").Replace(" ", "", StringComparison.Ordinal);
        var sides = equation.Split("->");
        var terms = sides[0].Split(',');
        if (sides.Length > 2 || terms.Length != call.InputCount || terms.Length == 0) throw call.Fail($"its equation `{equation}` does not fit {call.InputCount} operands");
        var operands = new Node[terms.Length];
        for (var k = 0; k < operands.Length; k++) operands[k] = call.Node(k);
        var output = sides.Length > 1 ? sides[1]
            : (equation.Contains(Ellipsis, StringComparison.Ordinal) ? Ellipsis : "") + string.Concat(sides[0].Where(char.IsAsciiLetter).GroupBy(letter => letter).Where(uses => uses.Count() == 1).Select(uses => uses.Key).Order());
        output = WriteOut(call, equation, terms, operands, output);
        for (var k = 0; k < operands.Length; k++) NoteRole(call, k, terms, output);
        var (letters, node) = Diagonal(call, terms[0], operands[0]);
        for (var k = 1; k < terms.Length; k++)
        {
            var later = string.Concat(terms.Skip(k + 1)) + output;
            var (right, operand) = Diagonal(call, terms[k], operands[k]);
            (letters, node) = Summed(call.Builder, letters, node, letter => right.Contains(letter) || later.Contains(letter));
            (right, operand) = Summed(call.Builder, right, operand, letter => letters.Contains(letter) || later.Contains(letter));
            var kept = string.Concat(letters.Union(right).Where(letter => later.Contains(letter)));
            node = call.Builder.Contract(letters, right, kept, node, operand);
            letters = kept;
        }

        (letters, node) = Summed(call.Builder, letters, node, letter => output.Contains(letter));
        if (!letters.Order().SequenceEqual(output.Order())) throw call.Fail($"its equation `{equation}` asks for axes that no operand has");
        call.Set(call.Builder.Transpose(node, [.. output.Select(letter => letters.IndexOf(letter, StringComparison.Ordinal))]));
    }

    /// <summary>
    /// Gives the axes behind each ellipsis letters of their own, aligned to the right; an axis of size 1 that others have larger is left out, since
    /// it repeats. Returns the output's letters.
    /// </summary>
    static string WriteOut(OperatorCall call, string equation, string[] terms, Node[] operands, string output)
    {
        if (!equation.Contains('.', StringComparison.Ordinal)) return output;
        var free = string.Concat("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".Where(letter => !equation.Contains(letter)));
        var hidden = Array.ConvertAll(terms, term => term.Contains(Ellipsis, StringComparison.Ordinal) ? term.Length - Ellipsis.Length : -1);
        var count = terms.Select((_, k) => hidden[k] < 0 ? 0 : operands[k].Shape.Rank - hidden[k]).Max();
        if (count > free.Length || count < 0) throw call.Fail($"its equation `{equation}` does not fit its operands");
        var sizes = new int[count];
        for (var k = 0; k < terms.Length; k++)
            for (var axis = 0; hidden[k] >= 0 && axis < operands[k].Shape.Rank - hidden[k]; axis++)
                sizes[^(axis + 1)] = Math.Max(sizes[^(axis + 1)], operands[k].Shape[terms[k].IndexOf('.', StringComparison.Ordinal) + operands[k].Shape.Rank - hidden[k] - 1 - axis]);
        for (var k = 0; k < terms.Length; k++)
        {
            if (hidden[k] < 0) continue;
            var begin = terms[k].IndexOf('.', StringComparison.Ordinal);
            var own = operands[k].Shape.Rank - hidden[k];
            if (own < 0) throw call.Fail($"the term `{terms[k]}` of its equation does not fit {operands[k].Shape}");
            var repeated = Enumerable.Range(0, own).Where(axis => operands[k].Shape[begin + axis] == 1 && sizes[count - own + axis] != 1).ToArray();
            operands[k] = call.Builder.Reshape(operands[k], operands[k].Shape.Without([.. repeated.Select(axis => begin + axis)]));
            terms[k] = terms[k].Replace(Ellipsis, string.Concat(Enumerable.Range(0, own).Except(repeated).Select(axis => free[count - own + axis])), StringComparison.Ordinal);
        }

        return output.Replace(Ellipsis, free[..count], StringComparison.Ordinal);
    }

    /// <summary>A weight's axes that are in the output are its units; those summed are what it reads.</summary>
    static void NoteRole(OperatorCall call, int input, string[] terms, string output)
    {
        if (terms[input].Length != call.Shape(input).Rank) return;
        var others = string.Concat(terms.Where((_, k) => k != input));
        call.UsedAs(input, ParameterRole.Dense, Array.ConvertAll(terms[input].ToCharArray(),
            letter => !output.Contains(letter) ? AxisMeaning.Input : others.Contains(letter) ? AxisMeaning.Other : AxisMeaning.Output));
    }

    static (string Letters, Node Node) Summed(ProgramBuilder builder, string letters, Node node, Func<char, bool> keep)
    {
        var axes = Enumerable.Range(0, letters.Length).Where(axis => !keep(letters[axis])).ToArray();
        return (string.Concat(letters.Where(keep)), builder.ReduceSum(node, axes));
    }

    /// <summary>A letter twice in a term is a diagonal.</summary>
    static (string Letters, Node Node) Diagonal(OperatorCall call, string term, Node node)
    {
        if (term.Length != node.Shape.Rank || term.Any(letter => !char.IsAsciiLetter(letter))) throw call.Fail($"the term `{term}` of its equation does not fit {node.Shape}");
        var letters = string.Concat(term.Distinct());
        if (letters.Length == term.Length) return (letters, node);
        var own = node.Shape.Strides();
        var sizes = new int[letters.Length];
        var strides = new int[letters.Length];
        for (var axis = 0; axis < term.Length; axis++)
        {
            var place = letters.IndexOf(term[axis], StringComparison.Ordinal);
            if (sizes[place] != 0 && sizes[place] != node.Shape[axis]) throw call.Fail($"the letter `{term[axis]}` of its equation has two sizes");
            sizes[place] = node.Shape[axis];
            strides[place] += own[axis];
        }

        return (letters, call.Builder.Gather(node, new IndexMap.Affine(node.Shape, new Shape(sizes), 0, new Axes(strides))));
    }
}
