namespace Tiebreak.Findings.Rules;

/// <summary>Says which single parameters stay together when no unit explains it; shared by TB001 and TB003.</summary>
static class LooseFinding
{
    public static Draft Make(Evidence evidence, Rule rule, LooseComponent component, bool negative, string because, string fix)
    {
        var pairs = component.Examples.Select(pair =>
            $"{Phrases.Element(evidence.Parameters[pair.TensorA], pair.IndexA)} and {Phrases.Element(evidence.Parameters[pair.TensorB], pair.IndexB)}").ToArray();
        var more = component.Count - pairs.Length;
        var first = component.Examples[0];
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
            other => component.Examples.All(pair =>
                other.Codes[pair.TensorA][pair.IndexA] == other.Codes[pair.TensorB][pair.IndexB] * (negative ? -1 : 1) && other.Codes[first.TensorA][first.IndexA] != 0));
    }
}
