namespace Tiebreak.Findings.Rules;

/// <summary>TB001: units, or single parameters, that training can never separate.</summary>
static class LockstepUnits
{
    public static Rule Rule { get; } = new("TB001", "lockstep-units", Level.Error, "units (rows, channels, heads, experts, ...) that training can never separate");

    public static IEnumerable<Draft> Find(Evidence evidence)
    {
        foreach (var draft in UnitFindings.Find(evidence, Rule, mirrored: false)) yield return draft;
        foreach (var component in evidence.Loose.Equal)
        {
            yield return LooseFinding.Make(
                evidence, Rule, component, negative: false,
                "they start equal, and their gradients are equal at every point that training can reach",
                $"give them different start values: initialise {Phrases.List([.. component.Tensors.Select(evidence.Quoted)])} randomly, or make them one shared parameter if that is what is meant");
        }
    }
}
