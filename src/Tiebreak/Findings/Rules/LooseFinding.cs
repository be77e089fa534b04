namespace Tiebreak.Findings.Rules;

/// <summary>Says which single parameters stay together when no unit explains it; shared by TB001 and TB003.</summary>
static class LooseFinding
{
    const int Examples = 3;

    public static Draft Make(Evidence evidence, Rule rule, LooseComponent component, bool negative, string because, string fix)
    {
        var pairs = component.Pairs.Take(Examples).Select(pair =>
            $"{evidence.Tokens.Element(pair.TensorA, pair.IndexA)} and {evidence.Tokens.Element(pair.TensorB, pair.IndexB)}").ToArray();
        var more = component.Count - pairs.Length;
        return new Draft(
            new Finding
            {
                Rule = rule.Code,
                Name = rule.Name,
                Level = rule.Level,
                Tensor = evidence.Parameters[component.Tensors[0]].Name,
                Tensors = [.. component.Tensors.Select(tensor => evidence.Parameters[tensor].Name)],
                Message = $"{string.Join("; ", pairs)} stay {(negative ? "each other's negative" : "equal")} for ever{(more > 0 ? $", and {more:N0} more such {(more == 1 ? "pair" : "pairs")}" : "")}",
                Because = because,
                Fix = fix,
            },
            component.Tensors,
            component.Count + 1,
            other => component.Pairs.All(pair =>
                other.Codes[pair.TensorA][pair.IndexA] is not 0 and var code && code == other.Codes[pair.TensorB][pair.IndexB] * (negative ? -1 : 1)));
    }
}
