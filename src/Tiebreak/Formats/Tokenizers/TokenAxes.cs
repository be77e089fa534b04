namespace Tiebreak.Formats.Tokenizers;

/// <summary>Which axes of a model's tensors run over the tokens of a vocabulary.</summary>
static class TokenAxes
{
    /// <summary>
    /// The axes by the tensors' names. Families say which they are (<see cref="ParameterTensor.TokenAxis"/>); of a graph's tables it is those that data look up, and of several sizes the one nearest to the vocabulary's: the others
    /// are positions or kinds.
    /// </summary>
    public static IReadOnlyDictionary<string, int> Of(Model model, Vocabulary vocabulary)
    {
        var axes = new Dictionary<string, int>(StringComparer.Ordinal);
        var all = model.Parameters.Concat(model.Frozen).ToArray();
        foreach (var tensor in all)
            if (tensor.TokenAxis is { } axis) axes[tensor.Name] = axis;
        if (model.KnowsTokenAxes) return axes;

        var tables = all.Where(IsTable).ToArray();
        if (tables.Length == 0) return axes;
        var rows = tables.Select(Rows).MinBy(rows => Math.Abs(Math.Log((double)rows / vocabulary.End)));
        foreach (var table in tables.Where(table => Rows(table) == rows)) axes[table.Name] = RowAxis(table);
        return axes;
    }

    /// <summary>Refuses a model without such an axis.</summary>
    /// <exception cref="TiebreakException">It has none.</exception>
    public static void Require(Model model, Vocabulary vocabulary)
    {
        if (Of(model, vocabulary).Count == 0) throw TokenizerErrors.NoTable(vocabulary.Path);
    }

    /// <summary>A sentence where tokens have no row: padded tables are usual, too short ones are not. Null otherwise.</summary>
    public static string? Note(Model model, Vocabulary vocabulary)
    {
        var axes = Of(model, vocabulary);
        if (model.Parameters.Concat(model.Frozen).Where(tensor => axes.ContainsKey(tensor.Name)).MaxBy(tensor => tensor.Shape[axes[tensor.Name]]) is not { } longest) return null;
        var rows = longest.Shape[axes[longest.Name]];
        return vocabulary.CountFrom(rows) is > 0 and var over
            ? $"{Path.GetFileName(vocabulary.Path)} has {over:N0} {(over == 1 ? "token" : "tokens")} beyond the {rows:N0} places of `{longest.Name}`; is it this model's?"
            : null;
    }

    static bool IsTable(ParameterTensor tensor) => tensor.Role == ParameterRole.LookUp && tensor.AxisMeanings.Count(meaning => meaning == AxisMeaning.Row) == 1 && Rows(tensor) > 0;

    static int Rows(ParameterTensor tensor) => tensor.Shape[RowAxis(tensor)];

    static int RowAxis(ParameterTensor tensor)
    {
        var axis = 0;
        while (tensor.AxisMeanings[axis] != AxisMeaning.Row) axis++;
        return axis;
    }
}
