using Tiebreak.Refinement;

namespace Tiebreak.Findings.Rules;

/// <summary>TB011: NaN or infinity, in a parameter or made from them at the start.</summary>
static class NonFinite
{
    public static Rule Rule { get; } = new("TB011", "non-finite", Level.Error, "NaN or infinity among the parameters; no further verdict is given");

    public static IEnumerable<Finding> Find(Analysis analysis) =>
        analysis.NonFinite.Select(place => new Finding
        {
            Rule = Rule.Code,
            Name = Rule.Name,
            Level = Rule.Level,
            Tensor = place.Tensor,
            Tensors = place.Tensor is null ? [] : [place.Tensor],
            Message = place.Message,
            Because = place.Because,
            Fix = place.Fix,
        });
}
