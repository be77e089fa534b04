namespace Tiebreak.Findings.Rules;

/// <summary>TB003: units, or single parameters, that stay each other's negative.</summary>
static class MirroredUnits
{
    public static Rule Rule { get; } = new("TB003", "mirrored-units", Level.Error, "units that stay each other's negative");

    public static IEnumerable<Draft> Find(Evidence evidence)
    {
        foreach (var draft in UnitFindings.Find(evidence, Rule, mirrored: true)) yield return draft;
        foreach (var component in evidence.Loose.Negative)
        {
            yield return LooseFinding.Make(
                evidence, Rule, component, negative: true,
                "they start as each other's negative, and so are their gradients at every point that training can reach",
                $"give them unrelated start values: initialise {Phrases.List([.. component.Tensors.Select(evidence.Quoted)])} randomly");
        }
    }
}
